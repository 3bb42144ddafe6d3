"""Causes of a degraded node in status, log and journal."""
from harness import *


def causes_of(s):
    return [c["name"] for c in s["causes"]]


# A hold survives a restart: the next start reports it, and the mode shows it until it ends.
@threads
@test
def a_hold_that_outlived_a_restart_is_said():
    path = write_site("held-over", ais_source(free_port()), 9)
    data = work / "held-over"
    node = start(path, data)
    whole = status(data, lambda s: s["batches"] != "0")
    assert (whole["mode"], whole["causes"]) == ("normal", []), whole
    accepted = call("hold", "--data", data, "--json")
    node.kill()  # accepted commands are durable
    node.wait()
    assert json.loads(accepted.stdout)["data"] == {"accepted": True, "durable": True}, accepted.stdout
    node = start(path, data)
    again = status(data, lambda s: s["held"] and s["sources"][0]["status"] == "up")
    assert again["mode"] == "degraded" and causes_of(again) == ["held"] and again["causes"][0]["since"].endswith("Z"), again
    time.sleep(0.5)
    call("resume", "--data", data)
    assert status(data, lambda s: not s["causes"])["mode"] == "normal"
    time.sleep(0.9)
    said = [l for l in stop(node)["log"] if l["kind"] == "cause"]
    assert [(l["cause"], l["there"]) for l in said] == [("held", True), ("held", False)], said
    assert "before this start" in said[0]["seen"] and "resume" in said[0]["do"], said
    told = [json.loads(l) for l in call("journal", data, "--json").stdout.splitlines()]
    changes = [(e["come"], e["gone"]) for e in told if e["kind"] == "cause"]
    assert changes == [(["held"], []), ([], ["held"])], changes


# Sources and sinks by name; the text for people says the same.
@threads
@test
def a_sink_that_fails_degrades_the_mode_by_its_name():
    path = write_site("named-causes", ais_source(free_port()) + f'\n[source.line]\ndriver = "serial"\ndevice = "{work}/no-such-line"\ncodec = "ais"\n', 9)
    data = work / "named-causes"
    node = start(path, data)
    down = status(data, lambda s: causes_of(s) == ["source.line"])
    assert down["mode"] == "degraded" and causes_of(down) == ["source.line"], down
    text = subprocess.run([vedette, "status", "--data", str(data)], capture_output=True, text=True).stdout
    assert "degraded" in text and "source.line" in text, text
    stop(node)
