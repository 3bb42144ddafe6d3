"""Demo: find recordings, watch, summarise, replay, explain."""
import pathlib, shutil, subprocess, sys, tempfile

from demo_steps import refused, replay_and_explain, watch

vedette = sys.argv[1]
sys.stdout.reconfigure(line_buffering=True)  # in order with the commands' output, in a file too
work = pathlib.Path(tempfile.mkdtemp(prefix="vedette-demo-"))
wanted = ["n2k/aava-n2k.data", "ais/nais400-merrimac.log", "adsb/sample_data_adsb.csv", "mavlink/vtol.tlog"]


def recordings():
    shared = pathlib.Path("../shared/recordings")
    if all((shared / name).exists() for name in wanted):
        return shared, "the recordings in ../shared/recordings", "desk"
    if shutil.which("npm"):
        target = work / "recordings"
        for package, inside, name in [("signalk-server@2.23.0", "samples/aava-n2k.data", wanted[0]),
                                      ("node-mavlink@2.3.0", "examples/vtol.tlog", wanted[3])]:
            subprocess.run(["npm", "pack", package, "--silent"], cwd=work, capture_output=True)
            for archive in work.glob("*.tgz"):
                subprocess.run(["tar", "xzf", str(archive)], cwd=work, capture_output=True)
                archive.unlink()
            found = list((work / "package").rglob(pathlib.Path(inside).name)) if (work / "package").exists() else []
            if found:
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(found[0], target / name)
        if all((target / name).exists() for name in (wanted[0], wanted[3])):
            for name in (wanted[1], wanted[2]):
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                (target / name).write_text("")
            return target, "recordings of the npm packages signalk-server and node-mavlink (bus and drone; AIS line and ADS-B stay silent)", "desk"
    target = work / "recordings"
    subprocess.run([sys.executable, "scripts/generate_recordings.py", str(target)], check=True)
    return target, "the built-in generated scenario (no recordings here and no npm)", "desk"


folder, said, environment = recordings()
print(f"== coastal watch at 60x on {said}\n")
data = watch(vedette, "config/coastal-watch.toml", environment, folder, work,
             lambda alert, who: f"  {alert['time']}  {alert['level']:5}  {alert['assessment']} {alert['transition']}: {who}")
print("\n== summary")
print("  source     received  accepted  refused by cause")
for source in data["sources"]:
    print(f"  {source['name']:10} {source['received']:8}  {source['accepted']:8}  {refused(source)}")
events = data["events"]
print(f"  events: {events['accepted']} accepted = {events['success']} success + {events['retraction']} retraction + "
      f"{events['abandonment']} abandonment + {events['transient']} under way + {events['waiting']} waiting")
print(f"  tracks {data['tracks']}, assessments {data['assessments']}, decisions {data['decisions']} "
      f"({data['fallbacks']} by fallback), actions {data['actions']}")
for name in ("behind", "before"):
    latency = data["latency"][name]
    if latency["count"]:
        print(f"  latency from byte in to action out, {'sent at once' if name == 'behind' else 'recorded first'}: p50 {latency['p50_us']} us, p99 {latency['p99_us']} us, "
              f"max {latency['max_us']} us over {latency['count']} actions")
for item in data["without"]:
    print(f"  runs without: {item}")
print(f"  digest {data['digest']}")
replay_and_explain(vedette, work, "bytes")
shutil.rmtree(work)
