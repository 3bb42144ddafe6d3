"""The rig: every scenario on this host, faults that it must find, and failures that can be seen again."""
import json, subprocess, sys, xml.etree.ElementTree as xml

from harness import root, work, release, test, vedette

RIG = root / "hil/vedette-rig"


def rig(*words, ok=0, limit=400):
    done = subprocess.run([sys.executable, RIG, *map(str, words)], capture_output=True, text=True, timeout=limit)
    assert done.returncode == ok, f"{words} ended {done.returncode}: {done.stdout[-1500:]}{done.stderr[-800:]}"
    return done


@release
def every_scenario_passes_on_this_host():
    report = work / "rig"
    print(rig("run", "all", "--vedette", vedette, "--report", report, "--junit", work / "rig.xml").stdout.replace("\n", "\n  "))
    cases = xml.parse(work / "rig.xml").getroot()
    assert int(cases.get("tests")) == 9 and int(cases.get("failures")) == 0
    load = json.loads((report / "deadline-under-load-host.json").read_text())["runs"][0]
    assert len(load["latency_ms"]["ships"]) == 10_000 and load["floor_before"]["probes"] > 150, load["floor_before"]
    page = (report / "deadline-under-load-host.html").read_text()
    assert page.count("<rect") == 60 and "http" not in page.split("<body")[0].replace("http-equiv", "")
    clock = json.loads((report / "clock-chaos-host.json").read_text())["runs"][0]
    assert len(clock["left_out"]) == 2, clock["left_out"]  # said, not passed over


@release
def the_rig_finds_planted_faults_and_keeps_what_failed():
    for fault, said in (("delay", "1.0 ms"), ("loss", "9999 of 10000"), ("duplicate", "1 twice")):
        report = work / f"rig-{fault}"
        done = rig("run", "deadline-under-load", "--vedette", vedette, "--plant", fault, "--report", report, ok=1)
        assert said in done.stdout, done.stdout
    kept = report / "kept/deadline-under-load-host-1"
    assert len((kept / "sent.jsonl").read_text().splitlines()) == 10_000
    rig("run", kept, "--vedette", vedette, "--report", report)  # the fault is no more, so it passes


@test
def a_wrong_scenario_is_refused_by_name():
    wrong = work / "wrong.toml"
    for text, said in (('name = "w"\nwhat = "w"\nseconds = 1\n[[stimulus]]\nkind = "shps"\n', "there is no kind 'shps'"),
                       ('name = "w"\nwhat = "w"\nseconds = 1\n[[stimulus]]\nkind = "ships"\nrat = 1\n', "has no 'rat'"),
                       ('name = "w"\nwhat = "w"\nseconds = 1\n', "expects nothing"),
                       ('name = "w"\nwhat = "w"\nseconds = 1\n[[expect]]\nkind = "told"\n', "needs of")):
        wrong.write_text(text)
        assert said in rig("run", wrong, "--target", "qemu-x86_64", ok=64).stderr
