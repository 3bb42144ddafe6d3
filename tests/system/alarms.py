"""Alarms as people meet them: the list, acknowledging, shelving, what follows from what, escalation, the log; over kill -9,
another site file and replay."""
import datetime, math, re

from harness import *

SITE = '''site = "alarms"
[cores]
priority = 0
idle = "rest"
[limits]
tracks = 256
journal = "64 MiB"
segment = "1 MiB"
checkpoint = "100 ms"
tick = "50 ms"
[source.in]
driver = "udp"
listen = "127.0.0.1:{port}"
codec = "ais"
[assess.silent]
of = "source.in"
when = "source.age > {silence} s"
priority = "critical"
[assess.heard]
of = "track"
kinds = ["vessel"]
when = "track.updates >= 1"
priority = "high"
escalate_after = "2 s"
escalate_to = "call"
[assess.gone]
of = "track"
kinds = ["vessel"]
when = "age(track) > {gone} s"
follows = ["silent"]
[decide.heard]
on = "heard"
deadline = "10 s"
run = "tell"
[decide.gone]
on = "gone"
run = "tell"
[decide.silent]
on = "silent"
run = "tell"
[action.tell]
sink = "out"
[action.call]
sink = "out"
message = "NOBODY ANSWERS"
[sink.out]
driver = "udp"
to = "127.0.0.1:{sink}"
'''


class Watch:
    """A post that hears vessels, and a person who asks it."""

    def __init__(self, name, silence=600, gone=600):
        self.sink, self.port, self.data = Receiver(), free_port(), work / name
        self.path = work / f"{name}.toml"
        self.path.write_text(SITE.format(port=self.port, sink=self.sink.port, silence=silence, gone=gone))
        self.out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.start()

    def start(self):
        self.node = start(self.path, self.data)
        status(self.data, lambda s: s["sources"][0]["status"] == "up")

    def hear(self, *vessels):
        for mmsi in vessels:
            self.out.sendto(class_b(mmsi, 59.9, 24.9), ("127.0.0.1", self.port))

    def alarms(self, wanted=lambda found: True, limit=8):
        """By assessment and identity, once it is as wanted."""
        end = time.time() + limit
        while True:
            listed = json.loads(call("alarms", "--data", self.data, "--json").stdout)["data"]["alarms"]
            found = {(a["assessment"], a["subject"].split()[-1]): a for a in listed}
            if wanted(found):
                return found
            assert time.time() < end, found
            time.sleep(0.05)

    def say(self, *words, ok=(0,)):
        return call(*words, "--data", self.data, ok=ok)

    def actions(self):
        return [json.loads(m) for m in self.sink.got]

    def kill(self):
        self.node.kill()
        self.node.wait()


@test
def an_alarm_is_listed_acknowledged_shelved_and_logged_and_outlives_a_kill():
    watch = Watch("alarm-life")
    watch.hear(230000001, 230000002)
    found = watch.alarms(lambda f: len(f) == 2)
    one, two = found["heard", "230000001"], found["heard", "230000002"]
    assert one["state"] == "unacknowledged" and one["priority"] == "high" and one["active"] and one["raises"] == 1, one
    following = subprocess.Popen([vedette, "alarms", "--follow", "--data", watch.data], stdout=subprocess.PIPE, text=True)
    while "230000002" not in following.stdout.readline():
        pass
    done = watch.say("acknowledge", one["alarm"], "--by", "mate", "--note", "seen, 2 nm off").stdout
    assert done == f'alarm {one["alarm"]} is acknowledged\n', done
    for wrong, why in (("20", "is not a duration"), ("25h", "at most 24 h"), ("-5min", "is not a duration")):
        assert why in watch.say("shelve", two["alarm"], f"--for={wrong}", ok=(64,)).stderr, wrong
    for option, words, why in (("--by", "b" * 25, "--by has 25 bytes"), ("--note", "\u00e4" * 33, "--note has 66 bytes")):
        assert why in watch.say("unshelve", two["alarm"], option, words, ok=(64,)).stderr, "no word is cut in silence"
    assert watch.say("shelve", two["alarm"], "--for", "20m", "--by", "mate").stdout == f'alarm {two["alarm"]} is shelved for 20m\n'
    changes = [following.stdout.readline() for _ in range(2)]
    assert {re.match(r"20\d\d-\d\d-\d\dT[\d:]{8}Z (\w+) +\d+ +high", line)[1] for line in changes} == {"acknowledged", "shelved"}, changes
    following.kill()
    following.communicate()
    found = watch.alarms(lambda f: f["heard", "230000001"]["state"] == "acknowledged")
    assert found["heard", "230000001"]["by"] == "mate" and found["heard", "230000001"]["note"] == "seen, 2 nm off", found
    assert found["heard", "230000002"]["state"] == "shelved", found
    refused = watch.say("acknowledge", one["alarm"], ok=(75,))
    assert "is acknowledged already" in refused.stderr, refused.stderr
    refused = watch.say("acknowledge", "99", ok=(75,))
    assert "there is no alarm 99 now" in refused.stderr, refused.stderr
    text = watch.say("alarms").stdout
    assert text.startswith("1 alarm, 0 not acknowledged") and "heard: vessel 230000001" in text and "by mate: seen, 2 nm off" in text, text
    assert "230000002" not in text and "1 shelved" in text and "230000002" in watch.say("alarms", "--all").stdout, text
    watch.say("note", "relieved", "by", "the second mate", "--by", "mate")
    recorded(watch.data, lambda s: True)
    watch.kill()
    offline = watch.alarms()
    assert {k: v["state"] for k, v in offline.items()} == {k: v["state"] for k, v in found.items()}, offline
    watch.start()
    again = watch.alarms(lambda f: len(f) == 2)
    assert [again[k][m] for k in found for m in ("alarm", "state", "raised")] == [found[k][m] for k in found for m in ("alarm", "state", "raised")], again
    watch.say("unshelve", two["alarm"])
    watch.alarms(lambda f: f["heard", "230000002"]["state"] == "unacknowledged")
    final = stop(watch.node)
    assert any(l.get("alarms_stand", "").startswith("2 from before") for l in final["log"]), final["log"]
    log = call("log", watch.data).stdout
    assert log == call("log", "--data", watch.data, "--since", "1h30m").stdout
    for line in ("raised heard: vessel 230000001", "acknowledged heard: vessel 230000001, level warn by mate: seen, 2 nm off",
                 "shelved heard: vessel 230000002, level warn, until ", "acknowledge alarm 99, refused: there was no such alarm",
                 f"acknowledge alarm {one['alarm']}, refused: it was acknowledged already", "note by mate: relieved by the second mate", "unshelved heard"):
        assert line in log, (line, log[-2000:])
    handed = call("log", watch.data, "--handover").stdout
    people, rest = handed.split("What people did and wrote")[1].split("The node itself")
    assert "note by mate: relieved by the second mate" in people and "acknowledged heard" in people and "is up" in rest, handed
    raised = [l for l in log.splitlines() if " raised heard" in l]
    rates = json.loads(call("log", watch.data, "--rates", "--json").stdout)["data"]["rates"]
    assert rates["announced"] == len(raised) + 1, "and the one that was unshelved"
    assert rates["frequent"][0] == {"name": "heard", "count": len(raised) + 1}, rates
    assert call("replay", watch.data, "--verify").returncode == 0
    last = json.loads(call("inspect", watch.data, "--json").stdout)["data"]
    day, clock = last["time"][:19].split("T")
    for at in ("now", f"{day} {clock}.999", "-0s", last["event"]):
        seen = json.loads(call("inspect", watch.data, "--at", at, "--json").stdout)["data"]
        assert seen["digest"] == last["digest"], (at, seen)
    assert "write 07:34" in call("inspect", watch.data, "--at", "noonish", ok=(64,)).stderr
    watch.sink.close()


@test
def one_that_nobody_acknowledges_escalates_once_and_one_that_is_acknowledged_does_not():
    watch = Watch("alarm-escalates")
    watch.hear(230000001, 230000002)
    found = watch.alarms(lambda f: len(f) == 2)
    watch.say("acknowledge", "vessel", "230000002")
    watch.alarms(lambda f: f["heard", "230000001"].get("escalated"))
    time.sleep(0.5)
    calls = [a for a in watch.actions() if a["action"] == "call"]
    assert [(a["identity"], a.get("message")) for a in calls] == [("230000001", "NOBODY ANSWERS")], calls
    assert not watch.alarms()["heard", "230000002"].get("escalated")
    stop(watch.node)
    watch.sink.close()


@test
def what_merely_follows_from_a_silent_source_is_suppressed_until_the_source_is_back():
    watch = Watch("alarm-follows", silence=1, gone=1.5)
    vessels = [230000001 + n for n in range(5)]
    watch.hear(*vessels)
    found = watch.alarms(lambda f: sum(k[0] == "gone" for k in f) == 5 and all(f[k]["state"] == "suppressed" for k in f if k[0] == "gone"))
    root = found["silent", "in"]
    assert root["state"] == "unacknowledged" and all(found["gone", str(v)]["follows"] == root["alarm"] for v in vessels), found
    text = watch.say("alarms").stdout
    assert "5 that follow from others" in text and "gone:" not in text, text
    time.sleep(0.3)
    assert [a["assessment"] for a in watch.actions() if a["assessment"] != "heard"] == ["silent"], watch.actions()
    watch.hear(vessels[0])  # the source is back, four vessels are not
    watch.alarms(lambda f: all(f[k]["state"] == "unacknowledged" for k in f if k[0] == "gone") and sum(k[0] == "gone" for k in f) == 4)
    time.sleep(0.3)
    told = sorted(a["identity"] for a in watch.actions() if a["assessment"] == "gone")
    assert told[:4] == [str(v) for v in vessels[1:]], told
    stop(watch.node)
    watch.sink.close()


@test
def alarms_go_on_under_another_site_file_or_leave_by_name():
    watch = Watch("alarm-plans")
    watch.hear(230000001)
    before = watch.alarms(lambda f: len(f) == 1)["heard", "230000001"]
    stop(watch.node)
    watch.path.write_text(watch.path.read_text().replace('priority = "high"', 'priority = "low"'))
    watch.start()
    after = watch.alarms(lambda f: len(f) == 1)["heard", "230000001"]
    assert after["alarm"] == before["alarm"] and after["priority"] == "low", after
    stop(watch.node)
    watch.path.write_text(watch.path.read_text().replace('priority = "low"', 'notice = true').replace('escalate_after = "2 s"\nescalate_to = "call"\n', ""))
    watch.start()
    watch.alarms(lambda f: not f)
    stop(watch.node)
    assert "removed (no longer in the site file)" in call("log", watch.data).stdout
    watch.sink.close()


# Metres east and north of `origin`, and m/s, at that time, of a track as `inspect` shows it.
def motion(track, origin, time):
    seconds = (datetime.datetime.fromisoformat(time) - datetime.datetime.fromisoformat(track["observed"])).total_seconds()
    east, north = track["speed"] * math.sin(math.radians(track["course"])), track["speed"] * math.cos(math.radians(track["course"]))
    return ((track["lon"] - origin["lon"]) * 111_320 * math.cos(math.radians(origin["lat"])) + east * seconds,
            (track["lat"] - origin["lat"]) * 111_320 + north * seconds, east, north)


# Two ships of the flagship's recording meet: the figures of the alert are those of the two tracks, by another formula.
@test
def a_shore_station_tells_which_ships_meet():
    need_recordings()
    data = work / "traffic-watch"
    done = run_to_the_end(data, (), root / "config/traffic-watch.toml", "--env", "replay", "--recordings", recordings)
    verify(data, done)
    assert done["tables"]["pairs"]["refused"] == 0, done["tables"]
    rows = [json.loads(l) for l in call("journal", data).stdout.splitlines()]
    raised = [r for r in rows if r["kind"] == "assessment" and r["assessment"] == "meeting" and r["transition"] == "raised"]
    assert len(raised) > 5 and all(len(r["causes"]) == 2 for r in raised), len(raised)
    checked = 0
    for row in raised:
        tracks = {f'{t["kind"]} {t["identity"]}': t for t in json.loads(call("inspect", data, "--at", row["event"], "--json").stdout)["data"]["tracks"]}
        a, b = (tracks[name] for name in row["subject"].split(" and "))
        ax, ay, avx, avy = motion(a, a, row["time"])
        bx, by, bvx, bvy = motion(b, a, row["time"])
        x, y, vx, vy = bx - ax, by - ay, bvx - avx, bvy - avy
        until = max(0.0, -(x * vx + y * vy) / (vx * vx + vy * vy))
        assert math.hypot(x, y) < 3 * 1852 * 1.01 and until < 600 * 1.02, row
        assert math.hypot(x + vx * until, y + vy * until) < 0.3 * 1852 * 1.02 + 1, (row, a, b)
        assert min(a["speed"], b["speed"]) > 3 * 1852 / 3600 * 0.99, (a, b)
        checked += 1
    assert checked == len(raised)
    said = [r["message"] for r in rows if r["kind"] == "action"]
    listed, log = (call(word, "--data", data).stdout for word in ("alarms", "log"))
    both = "vessel 230008070 S/Y ELEKTRA and vessel 230035780 AAVA"
    assert both + "," in listed and both + ", level" in log, (listed, log[-3000:])
    meeting = re.search(r"(\d+) +high[^\n]*" + both, listed)[1]
    call("explain", meeting, "--data", data, "--picture", work / "meeting.svg")
    story, svg = call("explain", meeting, "--data", data).stdout, (work / "meeting.svg").read_text()
    assert "\n  a, S/Y ELEKTRA" in story and "\n  b, AAVA" in story and "a speed" in story and "b speed" in story, story
    assert ">S/Y ELEKTRA<" in svg and ">AAVA<" in svg and "the other" not in svg, svg
    assert any(re.fullmatch(r"S/Y ELEKTRA and (\d+|AAVA) pass at 0\.\d+ nmi in \d+\.\d min", text) for text in said), said
