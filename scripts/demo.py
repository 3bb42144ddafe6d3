"""The demo's story: find recordings, watch, summarise, replay, explain."""
import json, os, pathlib, shutil, subprocess, sys, tempfile

vedette = sys.argv[1]
sys.stdout.reconfigure(line_buffering=True)  # in order with what the commands print, in a file too
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
process = subprocess.Popen([vedette, "run", "config/coastal-watch.toml", "--env", environment, "--recordings", str(folder),
                            "--data", str(work / "data"), "--alerts", "--json"], stdout=subprocess.PIPE,
                           stderr=open(work / "log", "w"), text=True)
document = None
for line in process.stdout:
    message = json.loads(line)
    if "schema" in message:
        document = message
        continue
    who = message.get("name") or message.get("source") or f"{message.get('kind')} {message.get('identity')}"
    print(f"  {message['time']}  {message['level']:5}  {message['assessment']} {message['transition']}: {who}")
if process.wait() != 0 or not document or not document["ok"]:
    print(document or (work / "log").read_text()[-2000:] or "the node did not stop in order", file=sys.stderr)
    sys.exit(1)
data = document["data"]
print("\n== summary")
print("  source     received  accepted  refused by cause")
for source in data["sources"]:
    refused = ", ".join(f"{k} {v}" for k, v in source["refused"].items()) or "-"
    print(f"  {source['name']:10} {source['received']:8}  {source['accepted']:8}  {refused}")
events = data["events"]
print(f"  events: {events['accepted']} accepted = {events['success']} success + {events['retraction']} retraction + "
      f"{events['abandonment']} abandonment + {events['transient']} under way + {events['waiting']} waiting")
print(f"  tracks {data['tracks']}, assessments {data['assessments']}, decisions {data['decisions']} "
      f"({data['fallbacks']} by fallback), actions {data['actions']}")
for name in ("behind", "before"):
    latency = data["latency"][name]
    if latency["count"]:
        print(f"  byte-in to action-out, durable {name}: p50 {latency['p50_us']} us, p99 {latency['p99_us']} us, "
              f"max {latency['max_us']} us over {latency['count']} actions")
for item in data["without"]:
    print(f"  runs without: {item}")
print(f"  digest {data['digest']}")
print("\n== replay")
subprocess.run([vedette, "replay", str(work / "data"), "--verify"], check=True)
print("\n== why: one alert, back to the bytes it came from")
actions = [json.loads(line) for line in subprocess.run([vedette, "journal", str(work / "data")], capture_output=True,
                                                       text=True, check=True).stdout.splitlines() if '"kind":"action"' in line]
chosen = next((a for a in actions if a["assessment"] == "close_approach"), actions[0] if actions else None)
if chosen:
    subprocess.run([vedette, "explain", str(work / "data"), chosen["event"]], check=True)
shutil.rmtree(work)
