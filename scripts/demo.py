"""Demo: find recordings, watch, summarise, replay, explain."""
import pathlib, shutil, subprocess, sys, tempfile

from demo_steps import refused, replay_and_explain, watch

vedette = sys.argv[1]
sys.stdout.reconfigure(line_buffering=True)  # in order with the commands' output, in a file too
work = pathlib.Path(tempfile.mkdtemp(prefix="vedette-demo-"))
bus = "n2k/aava-n2k.data"


def recorded_bus(target):
    """Puts the bus there; returns where it is from."""
    shared = pathlib.Path("../shared/recordings")
    if (shared / bus).exists():
        shutil.copy(shared / bus, target)
        return "a ship's bus recorded off Helsinki (../shared/recordings)"
    if shutil.which("npm"):
        subprocess.run(["npm", "pack", "signalk-server@2.23.0", "--silent"], cwd=work, capture_output=True)
        for archive in work.glob("*.tgz"):
            subprocess.run(["tar", "xzf", str(archive)], cwd=work, capture_output=True)
        found = list(work.glob("package/**/" + target.name))
        if found:
            shutil.copy(found[0], target)
            return "a ship's bus recorded off Helsinki (npm package signalk-server)"
    subprocess.run([sys.executable, "scripts/generate_recordings.py", str(target)], check=True)
    return "a generated bus (no recordings here and no npm)"


def recordings():
    target = work / "recordings"
    (target / "n2k").mkdir(parents=True)
    said = recorded_bus(target / bus)
    subprocess.run([sys.executable, "scripts/demo_company.py", vedette, str(target)], check=True)
    return target, said + ",\n   with a second receiver that is led away after five minutes, an aircraft and a drone made to fit it"


folder, said = recordings()
print(f"== coastal watch at 60x on {said}\n")
data = watch(vedette, "config/coastal-watch.toml", "desk", folder, work,
             lambda alert, who: f"  {alert['time']}  {alert['level']:5}  {alert['assessment']} {alert['transition']}: {who}" +
             (" (own position in doubt)" if alert.get("own_in_doubt") else ""))
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
