"""The rig: every scenario on this host, a remote node over its ports, planted faults that it must find, and repeated failures."""
import json, os, pty, shutil, subprocess, sys, tty, xml.etree.ElementTree as xml

from harness import amount, root, work, release, long, run_or_skip, test, vedette, Skip

RIG = root / "hil/vedette-rig"


def rig(*words, ok=0, limit=400, inside=()):
    done = subprocess.run([*inside, sys.executable, RIG, *map(str, words)], capture_output=True, text=True, timeout=limit)
    assert done.returncode == ok, f"{words} ended {done.returncode}: {done.stdout[-1500:]}{done.stderr[-800:]}"
    return done


@long
def every_scenario_passes_on_this_host():
    report, for_long = work / "rig", ("long-watch", "full-disk-for-long")
    scenarios = sorted(path.stem for path in (root / "hil/scenarios").glob("*.toml"))
    wanted = amount((), [name for name in scenarios if name not in for_long], ["all"])
    print(rig("run", *wanted, "--vedette", vedette, "--report", report, "--junit", work / "rig.xml").stdout.replace("\n", "\n  "))
    cases = xml.parse(work / "rig.xml").getroot()
    assert int(cases.get("tests")) == len(scenarios if wanted == ["all"] else wanted) and int(cases.get("failures")) == 0
    load = json.loads((report / "deadline-under-load-host.json").read_text())["runs"][0]
    assert len(load["latency_ms"]["ships"]) == 10_000 and load["floor_before"]["probes"] > 150, load["floor_before"]
    page = (report / "deadline-under-load-host.html").read_text()
    assert page.count("<rect") == 60 and "http" not in page.split("<body")[0].replace("http-equiv", "")
    clock = json.loads((report / "clock-chaos-host.json").read_text())["runs"][0]
    assert len(clock["left_out"]) == 2, clock["left_out"]  # reported, not skipped silently


@release
def the_rig_finds_planted_faults_and_keeps_what_failed():
    for fault, said in (("delay", "1.0 ms"), ("loss", "9999 of 10000"), ("duplicate", "1 keys twice")):
        report = work / f"rig-{fault}"
        done = rig("run", "deadline-under-load", "--vedette", vedette, "--plant", fault, "--report", report, ok=1)
        assert said in done.stdout, done.stdout
    kept = report / "kept/deadline-under-load-host-1"
    assert len((kept / "sent.jsonl").read_text().splitlines()) == 10_000
    rig("run", kept, "--vedette", vedette, "--report", report)  # without the fault it passes


NODE = """#!/bin/sh
# A node that the rig did not start: `on`, `off`, or `new` for one that knows nothing yet.
cd "$(dirname "$0")"
if [ "$1" != on ] && [ -f pid ]; then
  kill -9 "$(cat pid)"
  while kill -0 "$(cat pid)" 2>/dev/null; do sleep 0.05; done
  rm pid
fi
[ "$1" != new ] || rm -rf data
if [ "$1" != off ]; then
  ip netns exec SPACE VEDETTE run site.toml --data data --json > log 2>&1 &
  echo $! > pid
fi
"""


@release
def a_node_elsewhere_is_proven_over_its_ports():
    if os.geteuid() != 0 or not shutil.which("ip"):
        raise Skip("needs root and iproute2")
    space, rigs = f"vedetter{os.getpid()}", f"vedetterig{os.getpid()}"  # each machine has its own network namespace
    for name in (space, rigs):
        run_or_skip("ip", "netns", "add", name)
    inside = ["ip", "netns", "exec", rigs]
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    folder = work / "elsewhere"
    folder.mkdir()
    node = folder / "node"
    try:
        subprocess.run([*inside, "ip", "link", "add", "port", "type", "veth", "peer", "name", "port", "netns", space], check=True)
        for name, address in ((rigs, "198.51.100.1/24"), (space, "198.51.100.2/24")):
            for words in (["link", "set", "lo", "up"], ["address", "add", address, "dev", "port"], ["link", "set", "port", "up"]):
                subprocess.run(["ip", "-n", name, *words], check=True)
        (folder / "site.toml").write_text((root / "hil/sites/post.toml").read_text().format(
            line=os.ttyname(theirs), port="net_af_packet0,iface=port", receiver="198.51.100.1:10111"))
        node.write_text(NODE.replace("SPACE", space).replace("VEDETTE", vedette))
        node.chmod(0o755)
        near, far = pty.openpty()  # the rig's end of the serial cable is a device too
        wires = folder / "wires.toml"
        wires.write_text(f'''alerts = 10111
ethernet = "port"
serial = "{os.ttyname(far)}"
status = ["{vedette}", "status", "--data", "{folder}/data", "--json"]
before = ["{node}", "new"]
after = ["{node}", "off"]
power_off = ["{node}", "off"]
power_on = ["{node}", "on"]
fetch = ["cp", "-r", "{folder}/data", "{{folder}}/data"]
''')
        cable = subprocess.Popen([sys.executable, "-c", "import os, sys\nwhile True: os.write(int(sys.argv[2]), os.read(int(sys.argv[1]), 4096))", str(near), str(ours)],
                                 pass_fds=(near, ours))
        report = work / "rig-wired"
        print(rig("run", "first-light", "brown-out", "packet-storm", "--target", wires, "--vedette", vedette, "--report", report, inside=inside).stdout)
        light = json.loads((report / "first-light-wires.json").read_text())
        assert not light["emulated"] and all(e["verdict"] == "pass" for e in light["runs"][0]["expectations"]), light["runs"][0]["expectations"]
        cable.kill()
        wires.write_text(wires.read_text().replace("ethernet", "ehternet"))
        wrong = rig("run", "first-light", "--target", wires, "--report", report, ok=64).stderr
        assert "ehternet" in wrong and "ethernet (str)" in wrong, wrong
    finally:
        subprocess.run([node, "off"], capture_output=True)
        for name in (space, rigs):
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


@test
def a_wrong_scenario_is_refused_by_name():
    wrong = work / "wrong.toml"
    for text, said in (('name = "w"\nwhat = "w"\nseconds = 1\n[[stimulus]]\nkind = "shps"\n', "there is no kind 'shps'"),
                       ('name = "w"\nwhat = "w"\nseconds = 1\n[[stimulus]]\nkind = "ships"\nrat = 1\n', "has no 'rat'"),
                       ('name = "w"\nwhat = "w"\nseconds = 1\n', "has no [[expect]]"),
                       ('name = "w"\nwhat = "w"\nseconds = 1\n[[expect]]\nkind = "told"\n', "needs of")):
        wrong.write_text(text)
        assert said in rig("run", wrong, "--target", "qemu-x86_64", ok=64).stderr
