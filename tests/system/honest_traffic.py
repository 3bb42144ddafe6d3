"""Honest traffic: recordings and synthetic hours without liars raise no spoofing judgement."""
import gzip, json, math, random

from harness import amount, call, class_b, need_recordings, recordings, run_to_the_end, site, test, work
from rig.sentences import gnss

LIES = ("own_jump", "own_disagree", "own_frozen", "own_drift", "own_off_place", "own_stale", "own_weak", "own_elsewhere", "two_places", "ghost")


def rules():
    """The shipped coastal watch's spoofing judgements, each with a decision to the log."""
    text = open(site).read()
    out = ""
    for name in LIES:
        out += f"[assess.{name}]" + text.split(f"[assess.{name}]")[1].split("\n[")[0] + f'\n[decide.{name}]\non = "{name}"\nrun = "a"\n'
    return out + '[action.a]\nsink = "l"\n[sink.l]\ndriver = "log"\n'


def raised(folder, label, right=()):
    """Spoofing judgements in that folder's journal, but those that are right."""
    events = [json.loads(l) for l in call("journal", folder, limit=300).stdout.splitlines() if '"assessment"' in l]
    found = [(e["assessment"], e["subject"], e["time"]) for e in events if e["kind"] == "assessment" and e["transition"] == "raised"]
    assert not [f for f in found if f[0] in LIES and f[0] not in right], f"{label}: {found[:5]}"


def source(name, file, more="", codec="nmea0183"):
    return f'[source.{name}]\ndriver = "recording"\nfile = "{file}"\ncodec = "{codec}"\nspeed = "max"\n{more}'


class Ship:
    """A ship that keeps its speed and turns sometimes."""

    def __init__(self, chance, mmsi, east, north):
        self.chance, self.mmsi, self.east, self.north = chance, mmsi, east, north
        self.knots, self.course = chance.uniform(0.0, 22.0), chance.uniform(0, 360)

    def go(self, seconds):
        if self.chance.random() < seconds / 600:
            self.course = (self.course + self.chance.uniform(-40, 40)) % 360
        way = self.knots * 1852 / 3600 * seconds
        self.east += way * math.sin(math.radians(self.course))
        self.north += way * math.cos(math.radians(self.course))


def place(east, north):
    return 59.0 + north / 111_200, 24.0 + east / (111_200 * math.cos(math.radians(59.0)))


def generate(folder, seconds):
    """Own ship with two receivers, and forty ships that come from beyond the horizon and leave; our own reports return some seconds late."""
    chance = random.Random(7)
    own, ships, past, next_mmsi = Ship(chance, 230035780, 0, 0), [], [], 230100000
    own.knots = 12.0
    bow, mast, heard = (open(folder / name, "wb") for name in ("bow.nmea", "mast.nmea", "ships.nmea"))

    def noisy(east, north, sigma):
        return place(east + chance.gauss(0, sigma), north + chance.gauss(0, sigma))

    for t in range(seconds):
        own.go(1.0)
        while len(ships) < 40:
            bearing = chance.uniform(0, 2 * math.pi)
            far = chance.uniform(1_000, 40_000) if t == 0 else 38_000
            ships.append(Ship(chance, next_mmsi, own.east + far * math.sin(bearing), own.north + far * math.cos(bearing)))
            ships[-1].course = (math.degrees(bearing) + 180 + chance.uniform(-50, 50)) % 360
            next_mmsi += 1
        for s in ships:
            s.go(1.0)
        bow.writelines(gnss(*noisy(own.east, own.north, 3), own.knots, own.course, t).splitlines(keepends=True)[:2])
        mast.write(gnss(*noisy(own.east + 20, own.north, 3), own.knots, own.course, t).splitlines(keepends=True)[0])
        for s in ships[t % 10::10]:
            heard.write(class_b(s.mmsi, *noisy(s.east, s.north, 8), s.knots, s.course))
        ships = [s for s in ships if math.hypot(s.east - own.east, s.north - own.north) < 40_000]
        past.append((own.east, own.north))
        heard.write(class_b(own.mmsi, *noisy(*past[-1 - chance.randrange(min(len(past), 15))], 8), own.knots, own.course))
    for file in (bow, mast, heard):
        file.close()


@test
def recordings_of_honest_traffic_raise_no_judgement_about_liars():
    need_recordings()
    run_to_the_end(work / "honest-coast", (), site, "--env", "replay", "--recordings", recordings)
    raised(work / "honest-coast", "coast", ("own_stale",))  # the bus ends before the other recordings
    # A round of plaka's sixteen sentences takes two seconds.
    # Not ais/nmea_data_sample.txt: its lines have no time, and at ten a second its ships jump.
    others = [("nmea0183/n2kd-183-merrimac.log", "nmea0183"), ("nmea0183/plaka.log.gz", "nmea0183"),
              ("ais/nais400-merrimac.log", "ais"), ("n2k/aava-n2k.data", "n2k"), ("adsb/sample_data_adsb.csv", "adsb"), ("mavlink/vtol.tlog", "mavlink")]
    for name, codec in others[:amount(2, len(others), len(others))]:
        label = "honest-" + name.split("/")[1].split(".")[0]
        path = work / f"{label}.toml"
        path.write_text('site = "honest"\n' + source("in", recordings / name, 'interval = "125 ms"\n' if "plaka" in name else "", codec) + rules())
        run_to_the_end(work / label, (), path)
        raised(work / label, name)


@test
def generated_hours_of_honest_traffic_raise_no_judgement_about_liars():
    folder = work / "honest"
    folder.mkdir()
    seconds = amount(20 * 60, 20 * 60, 10 * 3600)
    generate(folder, seconds)
    path = folder / "site.toml"
    path.write_text('site = "honest"\n[own]\nmmsi = [230035780]\n[limits]\ntracks = 1024\njournal = "1 GiB"\n' +
                    source("bow", folder / "bow.nmea", 'interval = "500 ms"\n') +
                    source("mast", folder / "mast.nmea", 'interval = "1 s"\n') +
                    source("ships", folder / "ships.nmea", 'interval = "200 ms"\n', "ais") + rules())
    final = run_to_the_end(folder / "data", (), path)
    print(f"  {seconds} s of honest traffic: {final['events']['accepted']} events, {final['tracks']} tracks, {final['assessments_raised']} judgements")
    assert final["events"]["accepted"] > seconds * 7
    raised(folder / "data", "generated")
