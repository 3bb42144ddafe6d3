"""Shared by both demos: watch and print the alerts, then replay and explain one of them."""
import json, subprocess, sys


def watch(vedette, site, environment, recordings, work, line):
    """Runs the site on the recordings, prints line(alert, who) of each alert; returns the closing status."""
    process = subprocess.Popen([vedette, "run", site, "--env", environment, "--recordings", str(recordings), "--data",
                                str(work / "data"), "--alerts", "--json"], stdout=subprocess.PIPE,
                               stderr=open(work / "log", "w"), text=True)
    document = None
    for text in process.stdout:
        alert = json.loads(text)
        if "schema" in alert:
            document = alert
            continue
        named = "own ship" if alert.get("kind") == "own" else f"{alert.get('kind')} {alert.get('identity')}"
        print(line(alert, alert.get("name") or alert.get("source") or named))
    if process.wait() != 0 or not document or not document["ok"]:
        print(document or (work / "log").read_text()[-2000:] or "the node did not stop in order", file=sys.stderr)
        sys.exit(1)
    return document["data"]


def refused(source):
    return ", ".join(f"{cause} {times}" for cause, times in source["refused"].items()) or "-"


def replay_and_explain(vedette, work, what):
    print("\n== what is alarming at the end, most urgent first")
    subprocess.run([vedette, "alarms", "--data", str(work / "data")], check=True)
    print("\n== replay")
    subprocess.run([vedette, "replay", str(work / "data"), "--verify"], check=True)
    print(f"\n== why: one alert, back to the {what} it came from")
    events = subprocess.run([vedette, "journal", str(work / "data")], capture_output=True, text=True, check=True).stdout
    actions = [json.loads(text) for text in events.splitlines() if '"kind":"action"' in text]
    chosen = next((a for a in actions if a["assessment"] == "close_approach"), actions[0] if actions else None)
    if chosen:
        subprocess.run([vedette, "explain", str(work / "data"), chosen["event"], "--bytes"], check=True)
