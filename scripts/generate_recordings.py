"""A bus for machines without recordings: own ship and two vessels, one on collision course."""
import datetime, math, pathlib, struct, sys


def line(t, pgn, payload):
    stamp = (datetime.datetime(2026, 1, 1) + datetime.timedelta(seconds=t)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    return f"{stamp},3,{pgn},1,255,{len(payload)}," + ",".join(f"{b:02x}" for b in payload) + "\n"


def place(lat, lon):
    return struct.pack("<ii", round(lat * 1e7), round(lon * 1e7))


lines = []
for t in range(600):
    lat = 59.70 + t * 5.0 / 111200
    lines.append(line(t, 129025, place(lat, 24.70)))
    lines.append(line(t, 129026, struct.pack("<BBHHH", 0, 0xFC, 0, 500, 0xFFFF)))
    if t % 5 == 0:  # head on
        other = 59.75 - t * 5.0 / 111200
        body = struct.pack("<BIii", 1, 230999001, round(24.7001 * 1e7), round(other * 1e7)) + bytes([1])
        body += struct.pack("<HH", round(math.pi * 1e4), 500) + bytes(3) + struct.pack("<Hh", round(math.pi * 1e4), 0x7FFF) + bytes([0, 0])
        lines.append(line(t, 129038, body))
    if t % 7 == 0:  # passing far off
        body = struct.pack("<BIii", 1, 230999002, round((24.9 + t * 1e-5) * 1e7), round(59.72 * 1e7)) + bytes([1])
        body += struct.pack("<HH", 15708, 800) + bytes(3) + struct.pack("<Hh", 15708, 0x7FFF) + bytes([0, 0])
        lines.append(line(t, 129038, body))
pathlib.Path(sys.argv[1]).write_text("".join(lines))
