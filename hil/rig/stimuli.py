"""The data of each stimulus: (seconds, channel, bytes, label, identity), ordered by time; the same for the same seed."""
import math, pathlib, random, struct

from .sentences import class_b, gnss, mavlink_position
from .wire import udp_frame

SHIPS, DRONES, RECEIVERS = 10110, 14550, {"bow": 10120, "mast": 10121}
FIRST_MMSI = {"ships": 200_000_000, "spoofed": 300_000_000}


def times(s):
    return [s["at"] + n / s["rate"] for n in range(int(s["seconds"] * s["rate"]))]


def near(chance):
    return 59.0 + chance.random(), 24.0 + chance.random()


def ships(s, offset):
    chance = random.Random(s["seed"])
    for n, at in enumerate(times(s)):
        mmsi = FIRST_MMSI["ships"] + offset + n
        sentence = class_b(mmsi, *near(chance))
        if s["over"] == "serial":
            yield at, "serial", sentence, "ships", mmsi
        else:
            yield at, "ethernet", udp_frame(sentence, SHIPS), "ships", mmsi


def drones(s, offset):
    chance = random.Random(s["seed"])
    for n, at in enumerate(times(s)):
        yield at, "ethernet", udp_frame(mavlink_position(1 + n % 250, *near(chance)), DRONES), "drones", 1 + n % 250


def malformed(s, offset):
    """Frames that must be refused: truncated, wrong checksums, fragments, malformed sentences, noise."""
    chance = random.Random(s["seed"])
    for at in times(s):
        good = bytearray(udp_frame(class_b(400_000_000 + chance.randrange(10**6), *near(chance)), SHIPS))
        kind = chance.randrange(5)
        if kind == 0:
            good = good[:chance.randrange(15, len(good) - 3)]
        elif kind == 1:
            good[24] ^= 0x55  # the header's checksum
        elif kind == 2:
            good = bytearray(udp_frame(class_b(400_000_001, *near(chance))[:-5] + b"00\r\n", SHIPS))
        elif kind == 3:
            good = bytearray(udp_frame(chance.randbytes(chance.randrange(1, 200)), DRONES))
        else:
            good = bytearray(chance.randbytes(chance.randrange(60, 1500)))
        yield at, "ethernet", bytes(good), "malformed", None


def spoofed(s, offset):
    """Each name appears at its position, then far away: an impossible jump; a third of the first sentences repeat."""
    chance = random.Random(s["seed"])
    for n, at in enumerate(times(s)):
        mmsi = FIRST_MMSI["spoofed"] + offset + n
        lat, lon = near(chance)
        true = class_b(mmsi, lat, lon)
        yield at, "ethernet", udp_frame(true, SHIPS), "spoofed", mmsi
        yield at + 0.3, "ethernet", udp_frame(class_b(mmsi, lat, lon), SHIPS), "echo", mmsi
        yield at + 0.6, "ethernet", udp_frame(class_b(mmsi, lat + 0.8, lon), SHIPS), "jump", mmsi
        if n % 3 == 0:
            yield at + 0.7, "ethernet", udp_frame(true, SHIPS), "replayed", mmsi


def on_the_way(s, at):
    way = (at - s["at"]) * s["knots"] * 1852 / 3600
    north, east = way * math.cos(math.radians(s["course"])), way * math.sin(math.radians(s["course"]))
    return s["lat"] + north / 111_200, s["lon"] + east / (111_200 * math.cos(math.radians(s["lat"])))


def fixes(s, offset):
    """A receiver of own position reports it, in three sentences each time; `pull`: led east by so many m/s; `stuck`: at its first place."""
    for at in times(s):
        lat, lon = (s["lat"], s["lon"]) if s["stuck"] else on_the_way(s, at)
        lon += s["pull"] * (at - s["at"]) / (111_200 * math.cos(math.radians(lat)))
        yield at, "ethernet", udp_frame(gnss(lat, lon, s["knots"], s["course"], 43200 + at), RECEIVERS[s["to"]]), s["label"], None


def vessel(s, offset):
    """One vessel's reports, true or forged: they look the same."""
    for at in times(s):
        yield at, "ethernet", udp_frame(class_b(s["mmsi"], *on_the_way(s, at), s["knots"], s["course"]), SHIPS), s["label"], s["mmsi"]


def capture(s, offset):
    """A recording: a pcap sent as captured, or a text at ten lines a second."""
    path = pathlib.Path(s["file"])
    data = path.read_bytes()
    if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1"):
        scale, at, first = (1e6 if data[:4] == b"\xd4\xc3\xb2\xa1" else 1e9), 24, None
        while at + 16 <= len(data):
            seconds, part, length, _ = struct.unpack_from("<IIII", data, at)
            t = seconds + part / scale
            first = t if first is None else first
            yield s["at"] + (t - first) / s["speed"], "ethernet", data[at + 16:at + 16 + length], "capture", None
            at += 16 + length
        return
    for n, line in enumerate(data.splitlines(keepends=True)):
        when = s["at"] + n / (10.0 * s["speed"])
        yield when, s["over"], line if s["over"] == "serial" else udp_frame(line, SHIPS), "capture", None


SENDERS = {"ships": ships, "drones": drones, "malformed": malformed, "spoofed": spoofed, "fixes": fixes, "vessel": vessel, "capture": capture}


def timeline(stimuli):
    """All data ordered by time, and the other stimuli unchanged."""
    sent, others = [], []
    for number, s in enumerate(stimuli):
        if s["kind"] in SENDERS:
            sent.extend(SENDERS[s["kind"]](s, number * 100_000))
        else:
            others.append(s)
    return sorted(sent, key=lambda entry: entry[0]), others
