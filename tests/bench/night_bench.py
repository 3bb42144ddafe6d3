"""How much disk a night takes: the real node over generated coastal traffic. usage: night_bench.py VEDETTE [HOURS]

One JSON line a figure. `recorded`: at speed "max", as a share of the recording. `live`: as written at 1x with commit = "1 s",
at 240 times the speed with a commit as much shorter. `silent`: 2,000 tracks from which nothing more is heard, an hour, times 24.
States are figures of their own. `live` and `silent` include the segment that is being written and the zeros of the next, 16 MiB
each; `live` runs with smaller ones, so that most of it is archived. `inspect`: the slowest look at twenty random minutes of each
journal. With 24 HOURS the silent one, too, lasts a day."""
import datetime, json, math, os, pathlib, random, shutil, struct, subprocess, sys, tempfile, time

root = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(root / "hil"))
from rig.sentences import class_b, gnss

vedette = sys.argv[1]
hours = float(sys.argv[2] if len(sys.argv) > 2 else os.environ.get("VEDETTE_NIGHT_HOURS", 4))
work = pathlib.Path(tempfile.mkdtemp(prefix="vedette-night-"))
chance = random.Random(7)
SPEED = 240
OPEN = 2 * (16 << 20)


def figure(metric, value, unit, bar):
    print(json.dumps({"bench": "night", "metric": metric, "value": round(value, 3), "unit": unit, "floor": 0, "ratio": 0, "bar": bar, "holds": value <= bar}), flush=True)


def place(east, north):
    return 59.0 + north / 111_200, 24.0 + east / (111_200 * math.cos(math.radians(59.0)))


def traffic(seconds):
    """Own position each second, and forty ships that report every ten seconds, each on a course of its own."""
    ships = [[230100000 + n, chance.uniform(-20_000, 20_000), chance.uniform(-20_000, 20_000), chance.uniform(0, 20), chance.uniform(0, 360)] for n in range(40)]
    with open(work / "own.nmea", "wb") as own, open(work / "ships.nmea", "wb") as heard:
        for t in range(seconds):
            own.writelines(gnss(*place(t * 0.01 + chance.gauss(0, 3), chance.gauss(0, 3)), 0.1, 90.0, t).splitlines(keepends=True)[:2])
            for ship in ships[t % 10::10]:
                mmsi, east, north, knots, course = ship
                ship[1] = (east + 20_000 + knots * 5.14 * math.sin(math.radians(course))) % 40_000 - 20_000
                ship[2] = (north + 20_000 + knots * 5.14 * math.cos(math.radians(course))) % 40_000 - 20_000
                ship[4] += chance.gauss(0, 1)
                heard.write(class_b(mmsi, *place(ship[1] + chance.gauss(0, 8), ship[2] + chance.gauss(0, 8)), knots, ship[4] % 360))
    return sum((work / name).stat().st_size for name in ("own.nmea", "ships.nmea"))


def source(name, interval, speed, codec):
    return f'[source.{name}]\ndriver = "recording"\nfile = "{work}/{name}.nmea"\ncodec = "{codec}"\nspeed = {speed}\ninterval = "{interval}"\n'


def look_back(label, data, seconds, now):
    """The past as of random minutes: each is replayed from the state before it."""
    slowest = 0.0
    for _ in range(20):
        at = datetime.datetime.fromisoformat(now) - datetime.timedelta(seconds=chance.uniform(0, seconds))
        begin = time.time()
        shown = subprocess.run([vedette, "inspect", data, "--at", at.isoformat(), "--json"], check=True, capture_output=True, text=True)
        slowest = max(slowest, time.time() - begin)
        assert json.loads(shown.stdout)["ok"], shown.stdout[:300]
    figure(f"{label}-inspect", slowest, "s", 5)


def run(label, limits, sources, seconds):
    site = work / f"{label}.toml"
    site.write_text(f'site = "{label}"\n[limits]\njournal = "1 GiB"\ntracks = 2048\n{limits}\n[tracker.vessel]\ncoast = "1 d"\nlost = "2 d"\nretire = "3 d"\n'
                    '[assess.fast]\nof = "track"\nwhen = "track.speed > 19 kn"\n[decide.fast]\non = "fast"\nrun = "note"\n[action.note]\nsink = "log"\n[sink.log]\ndriver = "log"\n' + sources)
    data = work / label
    ended = subprocess.run([vedette, "run", site, "--data", data, "--json"], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    subprocess.run([vedette, "replay", data], check=True, stdout=subprocess.DEVNULL)
    archived, rest, states = 0, 0, 0
    for file in (data / "shard-0/journal").glob("*.seg"):
        content, at = file.read_bytes(), 0
        while at + 64 <= len(content):
            magic, _, kind, _, _, _, length = struct.unpack_from("<IHHQQQI", content, at)
            if magic != 0x4B424456:
                break
            size = (64 + length + 4095) // 4096 * 4096
            states, archived, rest = states + size * (kind == 1), archived + size * (kind == 5), rest + size * (kind not in (1, 5))
            at += size
        rest += len(content) - at
    look_back(label, data, seconds, json.loads(ended.stdout.splitlines()[-1])["data"]["now"])
    shutil.rmtree(data)
    return archived, rest, states


size = traffic(int(hours * 3600))
day = 24 / hours
archived, rest, states = run("recorded", "", source("own", "500 ms", '"max"', "nmea0183") + source("ships", "250 ms", '"max"', "ais"), hours * 3600)
figure("recorded", (archived * day + rest) / (size * day), "x", 1.2)
figure("recorded-states", states * day / 1e6, "MB a day", 100)
archived, rest, states = run("live", f'segment = "1 MiB"\ncommit = "{1000 / SPEED:.1f} ms"', source("own", "500 ms", f'"{SPEED}"', "nmea0183") + source("ships", "250 ms", f'"{SPEED}"', "ais"), hours * 3600)
figure("live", (archived * day + OPEN) / (size * day), "x", 3)
figure("live-states", states * day / 1e6, "MB a day", 100)
(work / "ships.nmea").write_bytes(b"".join(class_b(230100000 + n, *place(n * 20.0, 0.0), 0.0) for n in range(2000)))
silent = 24 if hours == 24 else 1
(work / "own.nmea").write_bytes(gnss(*place(0, 0)) * (1 + silent * 5 // 3))  # three lines each, every twelve minutes
archived, rest, states = run("silent", "", source("own", "720 s", '"max"', "nmea0183") + source("ships", "1 ms", '"max"', "ais"), silent * 3600)
figure("silent", ((archived + rest) * 24 / silent + OPEN) / 1e6, "MB a day", 50)
figure("silent-states", states * 24 / silent / 1e6, "MB a day", 100)
shutil.rmtree(work)
