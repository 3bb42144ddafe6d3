"""The harbour's story: what radar and lidar report becomes contacts; watch, score against truth, replay, explain."""
import json, pathlib, shutil, subprocess, sys, tempfile

vedette = sys.argv[1]
sys.stdout.reconfigure(line_buffering=True)  # in order with what the commands print, in a file too
work = pathlib.Path(tempfile.mkdtemp(prefix="vedette-harbour-"))
capture, truth, drawing = work / "harbour.pcap", work / "truth.csv", pathlib.Path("build/harbour-tracks.svg")
detections = pathlib.Path("../shared/recordings/autoferry/scenario2_detections.json")
framer = pathlib.Path("../shared/tools/autoferry_to_pcap.py")
if detections.exists() and framer.exists():
    said = "a ferry's recorded radar and lidar in ../shared/recordings/autoferry (scenario 2)"
    subprocess.run([sys.executable, framer, detections, capture], check=True)
    subprocess.run([sys.executable, framer, "--truth", str(detections).replace("detections", "groundTruth"), truth], check=True)
else:
    said = "a made-up harbour of three boats (no recording here)"
    subprocess.run([sys.executable, "scripts/generate_harbour.py", capture, truth], check=True)

print(f"== harbour watch at 20x on {said}\n")
process = subprocess.Popen([vedette, "run", "config/harbour-watch.toml", "--env", "recorded", "--recordings", str(work), "--data", str(work / "data"),
                            "--alerts", "--json"], stdout=subprocess.PIPE, stderr=open(work / "log", "w"), text=True)
document = None
for line in process.stdout:
    message = json.loads(line)
    if "schema" in message:
        document = message
        continue
    who = message.get("name") or message.get("source") or f"{message.get('kind')} {message.get('identity')}"
    print(f"  {message['time']}  {message['level']:5}  {message['action']:11} {message['assessment']} {message['transition']}: {who}")
if process.wait() != 0 or not document or not document["ok"]:
    print(document or (work / "log").read_text()[-2000:] or "the node did not stop in order", file=sys.stderr)
    sys.exit(1)
data = document["data"]
print("\n== summary")
for source in data["sources"]:
    refused = ", ".join(f"{k} {v}" for k, v in source["refused"].items()) or "-"
    print(f"  {source['name']:10} {source['received']:6} datagrams, {source['accepted']:6} reports accepted; refused: {refused}")
print(f"  contacts and tracks in belief {data['tracks']}, assessments {data['assessments']}, actions {data['actions']}, digest {data['digest']}")
print("\n== how well: every scan against the truth")
subprocess.run([vedette, "score", "config/harbour-watch.toml", "--recording", str(capture), "--truth", str(truth), "--svg", str(drawing)], check=True)
print(f"  tracks over truth are drawn in {drawing}")
print("\n== replay")
subprocess.run([vedette, "replay", str(work / "data"), "--verify"], check=True)
print("\n== why: one alert, back to the reports it came from")
actions = [json.loads(line) for line in subprocess.run([vedette, "journal", str(work / "data")], capture_output=True, text=True,
                                                       check=True).stdout.splitlines() if '"kind":"action"' in line]
chosen = next((a for a in actions if a["assessment"] == "close_approach"), actions[0] if actions else None)
if chosen:
    subprocess.run([vedette, "explain", str(work / "data"), chosen["event"]], check=True)
shutil.rmtree(work)
