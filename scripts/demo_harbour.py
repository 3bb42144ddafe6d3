"""Harbour demo: radar and lidar reports become contacts; watch, score against truth, replay, explain."""
import pathlib, shutil, subprocess, sys, tempfile

from demo_steps import refused, replay_and_explain, watch

vedette = sys.argv[1]
sys.stdout.reconfigure(line_buffering=True)  # in order with the commands' output, in a file too
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
data = watch(vedette, "config/harbour-watch.toml", "recorded", work, work,
             lambda alert, who: f"  {alert['time']}  {alert['level']:5}  {alert['action']:11} {alert['assessment']} {alert['transition']}: {who}")
print("\n== summary")
for source in data["sources"]:
    print(f"  {source['name']:10} {source['received']:6} datagrams, {source['accepted']:6} reports accepted; refused: {refused(source)}")
print(f"  contacts and tracks in belief {data['tracks']}, assessments {data['assessments']}, actions {data['actions']}, digest {data['digest']}")
print("\n== how well: every scan against the truth")
subprocess.run([vedette, "score", "config/harbour-watch.toml", "--recording", str(capture), "--truth", str(truth), "--svg", str(drawing)], check=True)
print(f"  tracks over truth are drawn in {drawing}")
replay_and_explain(vedette, work, "reports")
shutil.rmtree(work)
