"""Own position that is not to be believed: each way of being wrong raises its own judgement in time, and what relies on it says so."""
import json, math, random

from harness import call, class_b, run_to_the_end, site, test, work
from honest_traffic import place, rules, source
from rig.sentences import gnss

KNOTS, FROM, SECONDS = 10.0, 300, 600  # m/s * 1.944; the fault begins at FROM
OURS = ("own_jump", "own_disagree", "own_frozen", "own_drift", "own_stale", "own_weak", "own_off_place")


def signal(level):
    body = f"GPGSV,1,1,04,02,67,180,{level},05,33,090,{level},09,10,300,{level},12,05,010,{level}"
    check = 0
    for c in body:
        check ^= ord(c)
    return f"${body}*{check:02X}\r\n".encode()


def judged(name, bow, mast=None):
    """Seconds after the fault at which each judgement is raised first. `bow`, `mast`: sentences of each second; none: silent."""
    folder = work / f"own-{name}"
    folder.mkdir()
    text, chance = 'site = "own"\n[limits]\ntracks = 64\n', random.Random(3)
    for receiver, lines in (("bow", bow), ("mast", mast)):
        if lines:
            (folder / f"{receiver}.nmea").write_bytes(b"".join(lines(t, chance) for t in range(SECONDS)))
            text += source(receiver, folder / f"{receiver}.nmea", 'interval = "500 ms"\n')
    path = folder / "site.toml"
    path.write_text(text + rules())
    run_to_the_end(folder / "data", (), path)
    events = [json.loads(l) for l in call("journal", folder / "data").stdout.splitlines()]
    times = [e["time"] for e in events if e["kind"] == "observation"]
    seconds = lambda time: int(time[11:13]) * 3600 + int(time[14:16]) * 60 + float(time[17:-1])
    found = {}
    for e in events:
        if e["kind"] == "assessment" and e["transition"] == "raised" and e["assessment"] in OURS:
            found.setdefault(e["assessment"], (seconds(e["time"]) - seconds(times[0])) % 86400 - FROM)
    return found


def true_way(t):
    return 0.0, t * KNOTS * 1852 / 3600


def report(east, north, t, chance, level=42, knots=KNOTS):
    """Two lines a second: RMC with a metre of noise, and the satellites' signal."""
    fix = gnss(*place(east + chance.gauss(0, 1), north + chance.gauss(0, 1)), knots, 0.0, t).splitlines(keepends=True)[0]
    return fix + signal(level)


def honest(t, chance):
    return report(*true_way(t), t, chance)


@test
def each_way_of_own_position_being_wrong_raises_its_own_judgement_in_time():
    def wrong(error):
        return lambda t, chance: report(*[a + b for a, b in zip(true_way(t), error(t - FROM) if t >= FROM else (0, 0))], t, chance)

    stuck = lambda t, chance: honest(t, chance) if t < FROM else gnss(*place(*true_way(FROM)), KNOTS, 0.0, t).splitlines(keepends=True)[0] + signal(42)
    faults = {
        "jump": (wrong(lambda t: (60_000.0, 0.0)), None, "own_jump", 2),
        "drift": (wrong(lambda t: (0.5 * t, 0.0)), None, "own_drift", 180),
        "frozen": (stuck, None, "own_frozen", 20),
        "disagree": (wrong(lambda t: (0.0, -3.0 * t)), honest, "own_disagree", 120),
        "weak": (lambda t, chance: report(*true_way(t), t, chance, 42 if t < FROM else 30), None, "own_weak", 60)}
    for name, (bow, mast, expected, within) in faults.items():
        found = judged(name, bow, mast)
        assert found.get(expected, 1e9) <= within, (name, found)
        assert min(found.values()) >= 0, (name, found)  # nothing before the fault
        print(f"  {name}: " + ", ".join(f"{k} after {v:.0f} s" for k, v in sorted(found.items(), key=lambda x: x[1])))
    # The first receiver says nothing useful any more, the second goes on: own ship is handed over in silence.
    quiet = lambda t, chance: honest(t, chance) if t < FROM else signal(42) * 2
    assert judged("hand-over", quiet, honest) == {}
    found = judged("silent", quiet)
    assert list(found) == ["own_stale"] and found["own_stale"] <= 13, found


@test
def what_relies_on_own_position_says_so_while_that_is_in_doubt():
    folder = work / "own-relies"
    folder.mkdir()
    chance = random.Random(5)
    (folder / "bow.nmea").write_bytes(b"".join(honest(t, chance) if t < 60 else signal(42) * 2 for t in range(120)))
    # Two ships 500 m off: one heard before the receiver fails, one after.
    ships = [(230000001, range(20, 50)), (230000002, range(80, 110))]
    heard = []
    for t in range(120):
        for mmsi, when in ships:
            if t in when:
                east, north = true_way(t)
                heard.append(class_b(mmsi, *place(east + 500, north), KNOTS, 0.0))
                break
        else:
            heard.append(signal(42))
    (folder / "ships.nmea").write_bytes(b"".join(heard))
    path = folder / "site.toml"
    path.write_text('site = "own"\n[limits]\ntracks = 64\n' + source("bow", folder / "bow.nmea", 'interval = "500 ms"\n') +
                    source("ships", folder / "ships.nmea", 'interval = "1 s"\nown = false\n') +
                    '[assess.near]\nof = "track"\nwhen = "distance(track, own) < 1 nmi"\nconfidence = "1.0"\n'
                    '[decide.near]\non = "near"\nrun = "tell"\n[action.tell]\nsink = "l"\n[sink.l]\ndriver = "log"\n')
    run_to_the_end(folder / "data", (), path)
    events = [json.loads(l) for l in call("journal", folder / "data").stdout.splitlines()]
    near = {e["subject"].split()[-1]: e for e in events if e["kind"] == "assessment" and e["transition"] == "raised"}
    assert near["230000001"]["confidence"] == 1.0 and "own_in_doubt" not in near["230000001"], near
    assert near["230000002"]["confidence"] == 0.5 and near["230000002"]["own_in_doubt"] is True, near
    story = call("explain", folder / "data", near["230000002"]["event"]).stdout
    assert "own position was in doubt" in story, story
    listed = call("alarms", "--data", folder / "data", "--all").stdout
    assert listed.count("own position in doubt") == 1, listed
