"""What surrounds the demo's own ship, at its recorded places and times: a second receiver that is led away, an aircraft, a drone.

demo_company.py VEDETTE FOLDER: reads FOLDER/n2k/aava-n2k.data, writes ais/, adsb/ and mavlink/beside.*.
"""
import datetime, json, math, pathlib, struct, subprocess, sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "hil"))
from rig.sentences import airborne, gnss, mavlink_position, sealed

HONEST_S = 300  # then the mast's receiver is led east
PULL = 3.0  # m/s
vedette, folder = sys.argv[1], pathlib.Path(sys.argv[2])


def own_way():
    """Unix time, latitude, longitude, knots and course, each second of the bus."""
    lines = subprocess.run([vedette, "decode", "n2k", str(folder / "n2k/aava-n2k.data")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    knots = course = 0.0
    for line in lines.splitlines():
        if '"pgn":129026' in line and '"course"' in line:
            said = json.loads(line)
            knots, course = said["speed"] * 3600 / 1852, said["course"]
        elif '"pgn":129025' in line:
            said = json.loads(line)
            yield datetime.datetime.fromisoformat(said["time"].replace("Z", "+00:00")).timestamp(), said["lat"], said["lon"], knots, course


def off(lat, lon, east, north):
    return lat + north / 111_200, lon + east / (111_200 * math.cos(math.radians(lat)))


def mast(t, lat, lon, knots, course, age):
    """The receiver on the mast: 20 m ahead of the bus's, until it is led away; it reports speed and course as they are."""
    place = off(lat, lon, max(0.0, PULL * (age - HONEST_S)), 20.0)
    rmc = gnss(*place, knots, course, t % 86400).splitlines(keepends=True)[0]
    return b"\\" + sealed(f"c:{int(t)}").encode() + b"\\" + rmc


def aircraft(t, lat, lon, age):
    """It passes 3 km off at 2,400 ft, at 120 knots."""
    place = off(lat, lon, -15_000 + 61.7 * age, 3_000)
    return f'{t:.3f},"{airborne(0x461F2A, *place, 2400, int(age) % 2).hex().upper()}","461F2A",11\n'


def drone(t, lat, lon, age):
    """It circles own ship at 400 m and 10 m/s."""
    angle = age * 10.0 / 400.0
    place = off(lat, lon, 400 * math.cos(angle), 400 * math.sin(angle))
    return struct.pack(">Q", round(t * 1e6)) + mavlink_position(1, *place, -10 * math.sin(angle), 10 * math.cos(angle), round(age * 1000))


way = list(own_way())
for name in ("ais", "adsb", "mavlink"):
    (folder / name).mkdir(exist_ok=True)
begin, centre = way[0][0], way[len(way) // 2]
(folder / "ais/beside.nmea").write_bytes(b"".join(mast(*fix, fix[0] - begin) for fix in way))
(folder / "adsb/beside.csv").write_text("".join(aircraft(fix[0], *centre[1:3], fix[0] - begin) for fix in way))
(folder / "mavlink/beside.tlog").write_bytes(b"".join(drone(*fix[:3], fix[0] - begin) for fix in way))
