"""Explanations of alarms on recordings of AIS, ADS-B and MAVLink: the numbers of each story against the raw bytes, decoded here."""
import math, struct

from explaining import plane, seconds
from harness import *

KNOT, FOOT = 1852 / 3600, 0.3048
SITE = '''site = "explained"
[cores]
priority = 0
idle = "rest"
[source.ais]
driver = "recording"
file = "ais/nais400-merrimac.log"
codec = "ais"
interval = "800 ms"
speed = "max"
[source.adsb]
driver = "recording"
file = "adsb/sample_data_adsb.csv"
codec = "adsb"
speed = "max"
[source.drone]
driver = "recording"
file = "mavlink/vtol.tlog"
codec = "mavlink"
speed = "max"
[assess.moves]
of = "track"
when = "track.speed > 8 kn and age(track) < 10 s"
[assess.climbs]
of = "track"
when = "track.vertical_speed > 1 m/s or track.vertical_speed < -1 m/s"
[assess.high]
of = "track"
when = "track.altitude > 620 m"
[decide.moves]
on = "moves"
run = "tell"
[decide.climbs]
on = "climbs"
run = "tell"
[decide.high]
on = "high"
run = "tell"
[action.tell]
sink = "log"
[sink.log]
driver = "log"
'''


def bits(data, start, count, signed=False):
    value = int("".join(data[start:start + count]), 2)
    return value - (1 << count) if signed and data[start] == "1" else value


def ais(raw):
    """ITU-R M.1371: position reports of class A (1 to 3) and class B (18)."""
    payload = "".join(line.split(",")[5] for line in raw.split("\n") if line.startswith("!AIVDM"))
    data = list("".join(f"{(ord(c) - 48 if ord(c) < 88 else ord(c) - 56):06b}" for c in payload))
    kind = bits(data, 0, 6) if data else 0
    if kind not in (1, 2, 3, 18):
        return {}
    at = 50 if kind < 18 else 46
    shift = at + 11  # behind the speed and the accuracy
    speed, course = bits(data, at, 10), bits(data, shift + 55, 12)
    return {"identity": bits(data, 8, 30), "lon": bits(data, shift, 28, True) / 600_000, "lat": bits(data, shift + 28, 27, True) / 600_000,
            **({"speed": speed * 0.1 * KNOT} if speed < 1023 else {}), **({"course": course * 0.1} if course < 3600 else {})}


def zones(latitude):
    """Longitude zones of CPR (DO-260B, A.1.7.2), by its definition."""
    if abs(latitude) >= 87:
        return 1
    return math.floor(2 * math.pi / math.acos(1 - (1 - math.cos(math.pi / 30)) / math.cos(math.radians(latitude)) ** 2))


def cpr(even, odd, newest_is_odd):
    """The place of two airborne frames, each (latitude, longitude) of 17 bits."""
    y, x = [v / 131072 for v in (even[0], odd[0])], [v / 131072 for v in (even[1], odd[1])]
    j = math.floor(59 * y[0] - 60 * y[1] + 0.5)
    both = [6 * (j % 60 + y[0]), 360 / 59 * (j % 59 + y[1])]
    both = [lat - 360 if lat >= 270 else lat for lat in both]
    lat = both[newest_is_odd]
    if zones(both[0]) != zones(both[1]):
        return None
    n = max(zones(lat) - newest_is_odd, 1)
    m = math.floor(x[0] * (zones(lat) - 1) - x[1] * zones(lat) + 0.5)
    lon = 360 / n * (m % n + x[newest_is_odd])
    return lat, lon - 360 if lon > 180 else lon


class Aircraft:
    """DO-260B: airborne positions (type codes 9 to 18) and ground speeds (19)."""

    def __init__(self):
        self.frames = {}

    def read(self, raw, at):
        data = list(f"{int(raw, 16):0112b}")
        said, code, me = {"identity": bits(data, 8, 24)}, bits(data, 32, 5), data[32:88]
        if 9 <= code <= 18:
            height = me[8:15] + me[16:20]
            assert me[15] == "1", "steps of 25 ft"
            said["altitude"] = (bits(height, 0, 11) * 25 - 1000) * FOOT
            odd = bits(me, 21, 1)
            self.frames[odd] = (bits(me, 22, 17), bits(me, 39, 17), at)
            both = self.frames.get(0), self.frames.get(1)
            if all(both) and abs(both[0][2] - both[1][2]) <= 10 and (place := cpr(both[0], both[1], odd)):
                said["lat"], said["lon"] = place
        elif code == 19 and bits(me, 5, 3) == 1:
            east, north = bits(me, 14, 10) - 1, bits(me, 25, 10) - 1
            east, north = -east if me[13] == "1" else east, -north if me[24] == "1" else north
            said["speed"], said["course"] = math.hypot(east, north) * KNOT, math.degrees(math.atan2(east, north)) % 360
            if (rate := bits(me, 37, 9)) != 0:
                said["vertical speed"] = (rate - 1) * 64 * FOOT / 60 * (-1 if me[36] == "1" else 1)
        return said


def mavlink(raw):
    """MAVLink 1: GLOBAL_POSITION_INT (33) and GPS_RAW_INT (24)."""
    frame = bytes.fromhex(raw)
    said = {"identity": frame[3]}
    if frame[5] == 33:
        _, lat, lon, alt, _, vx, vy, vz = struct.unpack("<Iiiiihhh", frame[6:32])
        said |= {"lat": lat * 1e-7, "lon": lon * 1e-7, "altitude": alt * 1e-3, "speed": math.hypot(vx, vy) * 0.01,
                 "course": math.degrees(math.atan2(vy, vx)) % 360, "vertical speed": -vz * 0.01}
    elif frame[5] == 24:
        lat, lon, alt, _, _, vel, cog = struct.unpack("<iiiHHHH", frame[14:34])
        said |= {"lat": lat * 1e-7, "lon": lon * 1e-7, "altitude": alt * 1e-3, "speed": vel * 0.01, "course": cog * 0.01}
    return said


def said_by(events):
    """What each observation says, by its event's number."""
    aircraft, said = Aircraft(), {}
    for o in events:
        if o["kind"] == "observation":
            said[o["event"]] = (mavlink(o["raw_hex"]) if o["source"] == "drone" else aircraft.read(o["raw"], seconds(o["time"])) if o["source"] == "adsb"
                                else ais(o["raw"]) if o["raw"].startswith("!") else {})
    return said


@test
def the_numbers_of_stories_of_ships_aircraft_and_a_drone_are_those_that_the_raw_bytes_give():
    need_recordings()
    path, data = work / "explained-all.toml", work / "explained-all"
    path.write_text(SITE)
    run_to_the_end(data, (), path, "--recordings", recordings)
    events = [json.loads(line) for line in call("journal", data).stdout.splitlines()]
    said, by_event = said_by(events), {e["event"]: e for e in events}
    raised = [e for e in events if e["kind"] == "assessment" and e["transition"] == "raised"]
    checked = {}
    for i, e in enumerate(raised):
        if not e["subject"].startswith("vessel") or i % amount(8, 1, 1) == 0:
            story = json.loads(call("explain", data, e["event"], "--json").stdout)["data"]["story"]
            for name in check_story(story, e, said, by_event):
                what = e["subject"].split()[0], name
                checked[what] = checked.get(what, 0) + 1
    wanted = [("vessel", "place"), ("vessel", "speed"), ("aircraft", "place"), ("aircraft", "speed"), ("aircraft", "altitude"),
              ("vehicle", "place"), ("vehicle", "speed"), ("vehicle", "altitude"), ("vehicle", "vertical speed")]
    assert all(checked.get(what) for what in wanted), checked
    assert ": aircraft 4221840 (406b90) EZY85MH, " in call("alarms", "--data", data).stdout, "people and receivers name it by its address"
    assert call("log", data, "--of", "406B90").stdout == call("log", data, "--of", "4221840").stdout != ""


@test
def a_damaged_journal_still_tells_its_alarms_and_the_exit_code_of_the_log_tells_the_damage():
    need_recordings()
    path, data = work / "explained-damaged.toml", work / "explained-damaged"
    path.write_text(SITE)
    run_to_the_end(data, (), path, "--recordings", recordings)
    whole = call("alarms", "--data", data).stdout
    segment = sorted((data / "shard-0/journal").glob("*.seg"))[-1]  # behind the newest state
    content = bytearray(segment.read_bytes())
    content[len(content) * 3 // 4] ^= 1
    segment.write_bytes(content)
    listed = call("alarms", "--data", data)
    assert listed.stdout != whole and "not acknowledged, as of 2016" in listed.stdout and listed.stderr, listed
    for more in ((), ("--rates",)):
        assert call("log", data, *more, ok=(1,)).stderr == call("journal", data, ok=(1,)).stderr, more
    assert "What people did" in call("log", data, "--handover", ok=(1,)).stdout


def check_story(story, e, said, by_event):
    """Yields what the raw bytes confirm: "place", and the names of values."""
    identity = int(e["subject"].split()[1])
    assert story["observations"] and any(v.get("holds") for v in story["values"]), story
    newest = max(map(int, story["observations"]))
    of_track = [(int(number), s) for number, s in said.items() if s.get("identity") == identity and int(number) < int(e["event"])]
    for v in story["values"]:
        reported = [s[v["what"]] for number, s in of_track if v["what"] in s]
        if reported and v["value"] is not None:
            # A filter follows speeds with delay, and where lines have no times, positions deny them a little; heights and rates are
            # believed as they are said.
            near = max(1.5, 0.1 * reported[-1]) if v["what"] == "speed" else 0.006
            assert abs(reported[-1] - v["value"]) <= near, (v, reported[-3:], e)
            yield v["what"]
    for number in story["observations"]:
        o, s = by_event[number], said[number]
        if "lat" in s and int(number) == newest and "track" in story:
            believed = story["track"]
            age = seconds(story["time"]) - seconds(o["time"])
            assert abs(s["lat"] - o["lat"]) < 2e-7 and abs(s["lon"] - o["lon"]) < 2e-7, (s, o)
            assert abs(age - believed["age_s"]) < 0.01, (age, story)
            course = math.radians(believed["course"])
            east, north = plane(s, believed)
            off = math.hypot(east - believed["speed"] * math.sin(course) * age, north - believed["speed"] * math.cos(course) * age)
            assert off < max((8 if identity > 1 << 24 else 3) * believed["sigma"], 10.0), (off, s, believed)  # ships' lines have no times
            yield "place"
