"""Explanations: the story of an alarm, and its numbers against a recomputation from the raw bytes by other formulas."""
import math, re

from harness import *

KNOT = 1852 / 3600


def n2k(raw):
    """Of a PLAIN line's bytes: PGN, and position, course and speed where it has them. (NMEA 2000: 129038 and 129039 are AIS
    position reports, 129025 and 129026 own position and own course.)"""
    fields = raw.strip().split(",")
    pgn, data = int(fields[2]), bytes.fromhex("".join(fields[6:]))
    number = lambda at, size, signed: int.from_bytes(data[at:at + size], "little", signed=signed)
    if pgn in (129038, 129039):
        return pgn, {"identity": number(1, 4, False), "lon": number(5, 4, True) * 1e-7, "lat": number(9, 4, True) * 1e-7,
                     "course": number(14, 2, False) * 1e-4, "speed": number(16, 2, False) * 0.01}
    if pgn == 129025:
        return pgn, {"lat": number(0, 4, True) * 1e-7, "lon": number(4, 4, True) * 1e-7}
    if pgn == 129026:
        return pgn, {"course": number(2, 2, False) * 1e-4, "speed": number(4, 2, False) * 0.01}
    return pgn, {}


def plane(origin, place):
    """Metres east and north on the tangent plane of the WGS 84 ellipsoid: radii of curvature, not vectors."""
    a, e2 = 6378137.0, 0.00669437999014
    lat = math.radians((origin["lat"] + place["lat"]) / 2)
    w = math.sqrt(1 - e2 * math.sin(lat) ** 2)
    return (math.radians(place["lon"] - origin["lon"]) * a / w * math.cos(lat), math.radians(place["lat"] - origin["lat"]) * a * (1 - e2) / w ** 3)


def approach(own, track):
    """Closest approach of two motions with lat, lon, speed (m/s) and course (degrees), by minimising the distance."""
    east, north = plane(own, track)
    ve, vn = (track["speed"] * f(math.radians(track["course"])) - own["speed"] * f(math.radians(own["course"])) for f in (math.sin, math.cos))
    t = max(0.0, -(east * ve + north * vn) / (ve * ve + vn * vn))
    return math.hypot(east + ve * t, north + vn * t), t, math.hypot(ve, vn)


def seconds(iso):
    from datetime import datetime
    return datetime.fromisoformat(iso.replace("Z", "+00:00")).timestamp()


@test
def the_numbers_of_every_story_are_those_that_the_raw_bytes_give():
    need_recordings()
    data = work / "explained"
    run_to_the_end(data, (), root / "config/coastal-watch.toml", "--env", "replay", "--recordings", recordings)
    events = [json.loads(line) for line in call("journal", data).stdout.splitlines()]
    raised = [e for e in events if e["kind"] == "assessment" and e["transition"] == "raised"]
    assert len({e["assessment"] for e in raised}) >= 5, raised
    chosen = [e for i, e in enumerate(raised) if e["assessment"] in ("close_approach", "fast_mover") or i % amount(6, 1, 1) == 0]
    places = sum(check_story(data, e, events) for e in chosen)
    assert places >= len(chosen), places


def check_story(data, e, events):
    story = json.loads(call("explain", data, e["event"], "--json").stdout)["data"]["story"]
    assert "unknown" not in story and story["assessment"] == e["assessment"] and story["level"] == e["level"], story
    assert story["values"] and all(v.get("holds") for v in story["values"]), story["values"]
    found = {}
    for v in story["values"]:
        found.setdefault(v["what"], v["value"])
        got = re.match(r"(.*?) (-?[\d.]+|true|false)", v["text"])
        assert got, v
    numbers(story, found)
    return reports(story, [o for o in events if o["event"] in e["causes"] and o["kind"] == "observation"])


def numbers(story, found):
    """The story's own motions give its approach and its values, by the other formula: to 1 m, and to the time in which they close 1 m."""
    if "CPA" in found:
        cpa, tcpa, closing = approach(story["own"], story["track"])
        assert abs(cpa - found["CPA"]) < 1 and abs(tcpa - found["TCPA"]) < 1 + 1 / closing, (cpa, tcpa, closing, story)
        assert abs(story["cpa"] - found["CPA"]) < 0.01, story
    if "speed" in found:
        assert abs(found["speed"] - story["track"]["speed"]) < 0.01, story


def reports(story, reported):
    """The belief lies where the raw reports say, moved to that moment, as exactly as it claims. Returns how many said a place."""
    places = 0
    for o in reported:
        if not re.match(r"\d{4}-", o.get("raw", "")):
            continue
        pgn, report = n2k(o["raw"])
        who = "own" if pgn == 129025 else "track"
        if "lat" not in report:
            continue
        places += 1
        believed = story[who]
        assert abs(report["lat"] - o["lat"]) < 2e-7 and abs(report["lon"] - o["lon"]) < 2e-7, (report, o)
        age = seconds(story["time"]) - seconds(o["time"])
        assert abs(age - believed["age_s"]) < 0.01, (age, story)
        speed, course = report.get("speed", believed["speed"]), report.get("course", math.radians(believed["course"]))
        assert abs(speed - believed["speed"]) < 0.5 and report.get("identity", 0) == int(believed["identity"]), (report, believed)
        east, north = plane(report, believed)
        off = math.hypot(east - speed * math.sin(course) * age, north - speed * math.cos(course) * age)
        assert off < 3 * believed["sigma"], (off, report, believed)
    return places


@test
def an_alarm_is_explained_in_words_with_who_was_told_and_who_has_it():
    sink, port, data = Receiver(), free_port(), work / "story"
    path = write_site("story", ais_source(port), sink.port)
    node = start(path, data)
    status(data, lambda s: s["sources"][0]["status"] == "up")
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.sendto(class_b(230000007, 59.9, 24.9), ("127.0.0.1", port))
    recorded(data, lambda s: s["actions"] == 1 and s["sinks"][0]["sent"] == 1)
    alarm = json.loads(call("alarms", "--data", data, "--json").stdout)["data"]["alarms"][0]["alarm"]
    text = call("explain", alarm, "--data", data).stdout
    for part in (f"Alarm {alarm}: seen raised", "vessel 230000007", "updates  1", "at least 1", "rule: track.updates >= 1", "59.90000 N 24.90000 E",
                 "by source in: 59.9", "decided by tell", f"tell to out (UDP 127.0.0.1:{sink.port})", "the network took it", "nobody has acknowledged it"):
        assert part in text, (part, text)
    call("acknowledge", alarm, "--by", "mate", "--note", "seen", "--data", data)
    recorded(data, lambda s: True)
    story = call("explain", data, alarm, "--bytes").stdout
    assert "acknowledged by mate: seen" in story and "nobody has" not in story and "!AIVDM" in story, story
    outcome = next(json.loads(line) for line in call("journal", data, "--kind", "outcome").stdout.splitlines())
    assert call("explain", data, outcome["event"]).stdout.startswith(f"Alarm {alarm}: seen"), outcome
    drawn = work / "story.svg"
    call("explain", data, alarm, "--picture", drawn)
    svg = drawn.read_text()
    assert svg.startswith("<svg") and "vessel 230000007" in svg and svg.count("<text") >= 4, svg
    head = re.findall(r'<text x="20" y="\d+"[^>]*>([^<]*)</text>', svg)
    assert len(head) == 3 and all(len(line) < 100 for line in head) and "arrows: the next 5 min" in head[2], "none is cut at the edge"
    assert call("explain", f"#{alarm}", "--data", data).stdout == call("explain", alarm, "--data", data).stdout
    assert "no assessment" in call("explain", data, "1", "--picture", drawn, ok=(66,)).stderr
    screen = call("status", "--data", data).stdout
    assert "1 alarm, 0 not acknowledged" in screen and " \n" not in screen and len(screen.splitlines()) <= 30, screen
    again = subprocess.Popen([vedette, "status", "--data", data, "--watch"], stdout=subprocess.PIPE, text=True)
    time.sleep(1.6)
    again.send_signal(signal.SIGTERM)
    shown = again.communicate(timeout=5)[0]
    assert again.returncode == 0 and shown.count("1 alarm, 0 not acknowledged") == 2 and "\x1b" not in shown, shown
    stop(node)
    sink.close()
