"""System tests: the real binary, real recordings, real sockets, real kill -9. Ends with the plain count line."""
import argparse, ctypes, json, math, os, pathlib, pty, random, re, select, shlex, shutil, signal, socket, struct, subprocess, sys, tempfile, threading, time, traceback, tty

arguments = argparse.ArgumentParser(description="system tests")
arguments.add_argument("binary")
arguments.add_argument("only", nargs="?", default="", help="parts of the names of the tests to run, separated by commas")
arguments.add_argument("--sanitized", action="store_true", help="leave out what is about the release binary alone")
arguments.add_argument("--other", action="append", default=[], help="a command that runs another build, to replay with and against")
arguments.add_argument("--kills", type=int, default=50, help="instants at which the node is killed")
arguments = arguments.parse_args()
vedette = str(pathlib.Path(arguments.binary).resolve())
root = pathlib.Path(__file__).resolve().parents[2]
recordings = root.parent / "shared" / "recordings"
work = pathlib.Path(tempfile.mkdtemp(prefix="vedette-test-"))
site = str(root / "config" / "coastal-watch.toml")
tests = []


class Skip(Exception):
    pass


def test(f):
    tests.append(f)
    return f


# Needs a second build, named on the command line.
def other_build(f):
    return test(f) if arguments.other else f


# About the binary that is shipped, or of timing that a sanitizer changes.
def release(f):
    f.release = True
    return test(f)


def call(*args, ok=(0,), limit=60):
    done = subprocess.run([vedette, *map(str, args)], capture_output=True, text=True, timeout=limit)
    assert done.returncode in ok, f"{args} ended {done.returncode}: {done.stderr[-500:]}{done.stdout[-300:]}"
    return done


def need_recordings():
    if not recordings.exists():
        raise Skip("the recordings are not here")


def decode(codec, name):
    return [json.loads(l) for l in call("decode", codec, recordings / name).stdout.splitlines()]


def start(path, data, *more):
    return subprocess.Popen([vedette, "run", str(path), "--data", str(data), "--json", *map(str, more)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def stop(process, limit=15):
    process.send_signal(signal.SIGTERM)
    try:
        out, err = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError("the node did not stop")
    assert process.returncode == 0, err[-500:] + out[-500:]
    final = json.loads(out.splitlines()[-1])["data"]
    try:
        final["log"] = [json.loads(l) for l in err.splitlines()]
    except ValueError:
        raise AssertionError(f"the log is not JSON lines: {err[-800:]}")
    return final


def status(data, wanted, limit=10):
    end = time.time() + limit
    last = None
    while time.time() < end:
        done = subprocess.run([vedette, "status", "--data", str(data), "--json"], capture_output=True, text=True, timeout=5)
        if done.returncode == 0:
            last = json.loads(done.stdout)["data"]
            if wanted(last):
                return last
        time.sleep(0.05)
    raise AssertionError(f"status never came: {last}")


@test
def n2k_recording_reads_as_its_facts_say():
    need_recordings()
    rows = decode("n2k", "n2k/aava-n2k.data")
    assert len(rows) == 21595
    a = [r for r in rows if r.get("pgn") == 129038]
    b = [r for r in rows if r.get("pgn") == 129039]
    assert (len(a), len(b)) == (1981, 886), (len(a), len(b))
    assert len({r["mmsi"] for r in a + b}) == 95
    assert sum(r["mmsi"] == 230035780 for r in a + b) == 612
    assert sum(r.get("pgn") == 129025 for r in rows) == 597
    assert {r["cause"] for r in rows if not r["ok"]} == {"unsupported"}


# What gpsdecode reads of the kinds of message that this decoder has, in file order.
def gpsdecode(path):
    out = subprocess.run(["gpsdecode", "-j"], input=path.read_bytes().replace(b"\r", b"") + b"\n", capture_output=True, timeout=60).stdout
    for text in out.decode(errors="replace").splitlines():
        if text.startswith("{") and '"class":"AIS"' in text:
            r = json.loads(re.sub(r":nan\b", ":null", text))
            if r["type"] in (1, 2, 3, 4, 5, 18, 19, 21, 24):
                yield r


def same_ais(ours, theirs):
    near = {"lat": (1, 2e-6), "lon": (1, 2e-6), "speed": (3600 / 1852, 0.06), "course": (1, 0.06)}
    for key, (factor, tolerance) in near.items():
        if key in ours and isinstance(theirs.get(key), (int, float)) and abs(ours[key] * factor - theirs[key]) > tolerance:
            return False
    keys = ("heading", "second", "status", "name", "shipname", "callsign", "imo", "to_bow", "to_stern", "to_port", "to_starboard",
            "destination", "aid_type", "raim", "accuracy", "shiptype", "epfd")
    return all(ours[k] == theirs[k] for k in keys if k in ours and k in theirs)


# gpsdecode holds a type 24 A until its B comes and prints them as one record, so the two halves are
# compared with it field by field, and a half whose other half never comes is ours alone.
@test
def ais_equals_gpsdecode():
    need_recordings()
    if not shutil.which("gpsdecode"):
        raise Skip("gpsdecode is not installed")
    for name, least in (("ais/nais400-merrimac.log", 630), ("ais/nmea_data_sample.txt", 760), ("ais/typeexamples.nmea", 6)):
        ours = [r for r in decode("ais", name) if r.get("kind") == "ais"]
        theirs = list(gpsdecode(recordings / name))
        only_ours, different, equal = [], [], 0
        for o in ours:
            candidates = [t for t in theirs if (t["type"], t["mmsi"]) == (o["type"], o["mmsi"])]
            match = next((t for t in candidates if same_ais(o, t)), None)
            if match is not None:
                equal += 1
                if o["type"] != 24 or "callsign" in o:
                    theirs.remove(match)
            elif candidates:
                different.append((o, candidates[0]))
            else:
                only_ours.append(o)
        print(f"    {name}: {equal} equal")
        for o in only_ours:
            print(f"      only ours, line {o['n']}: type {o['type']} of {o['mmsi']}: its other half never comes, and gpsdecode waits for it")
        for t in [t for t in theirs if abs(t.get("lat", 0)) > 91 or abs(t.get("lon", 0)) > 181]:
            print(f"      only gpsdecode, type {t['type']} of {t['mmsi']}: {t['lat']}, {t['lon']} is no place on Earth")
            theirs.remove(t)
        left = [t for t in theirs if t["type"] != 24]
        assert not different, different[:3]
        assert not left, left[:3]
        assert all(o["type"] == 24 for o in only_ours) and len(only_ours) <= 4, only_ours
        assert equal >= least, equal


@test
def adsb_equals_the_recorder_and_dump1090():
    need_recordings()
    rows = decode("adsb", "adsb/sample_data_adsb.csv")
    frames = [[c.strip('"') for c in l.split(",")] for l in (recordings / "adsb/sample_data_adsb.csv").read_text().splitlines()]
    assert len(rows) == len(frames) == 2000
    for r, f in zip(rows, frames):
        assert r["ok"] and r["icao"] == f[2] and r["type"] == int(f[3]), (r, f)
    if not shutil.which("dump1090-mutability"):
        raise Skip("dump1090-mutability is not installed")
    theirs = dump1090([f[1] for f in frames])
    ours = [r for r in rows if 9 <= r["type"] <= 18]
    assert len(theirs) == len(ours) == 937, (len(theirs), len(ours))
    compared = 0
    for o, (altitude, latitude, longitude) in zip(ours, theirs):
        assert not altitude or abs(o["alt"] / 0.3048 - float(altitude)) < 12.5, (o, altitude)
        if latitude:
            zones = 2 * math.pi / math.acos(1 - (1 - math.cos(math.pi / 30)) / math.cos(math.radians(o["lat"])) ** 2)
            assert abs(o["lat"] - float(latitude)) <= 360 / 59 / 2**17, (o, latitude)
            assert abs(o["lon"] - float(longitude)) <= 360 / (int(zones) - 1) / 2**17, (o, longitude)
            compared += 1
    assert compared >= 915, compared


# Altitude in feet, latitude and longitude in degrees (text, empty when not known) of each airborne
# position that dump1090 reads, as a client of its raw input and its BaseStation output.
def dump1090(frames):
    raw, base = free_port(), free_port()
    process = subprocess.Popen(["dump1090-mutability", "--net-only", "--net-bind-address", "127.0.0.1", "--net-ri-port", str(raw),
                                "--net-ro-port", "0", "--net-sbs-port", str(base), "--net-bi-port", "0", "--net-bo-port", "0", "--quiet"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for attempt in range(100):
            try:
                out = socket.create_connection(("127.0.0.1", base))
                break
            except OSError:
                time.sleep(0.1)
        lines = socket.create_connection(("127.0.0.1", raw))
        for f in frames:
            lines.sendall(f"*{f};\n".encode())
            time.sleep(0.001)  # it drops what comes in a burst
        got = b""
        out.settimeout(1.5)
        try:
            while got.count(b"\n") < len(frames):
                got += out.recv(65536)
        except OSError:
            pass
    finally:
        process.terminate()
        process.wait()
    rows = [l.split(",") for l in got.decode().splitlines()]
    return [(r[11], r[14], r[15]) for r in rows if r[1] == "3"]


@test
def mavlink_recording_reads_as_its_facts_say():
    need_recordings()
    rows = decode("mavlink", "mavlink/vtol.tlog")
    assert len(rows) == 23894 and all(r["ok"] and r["version"] == 1 for r in rows)
    assert sum(r["msgid"] == 33 for r in rows) == 807


@test
def flagship_site_replays_and_a_flipped_byte_is_named():
    need_recordings()
    data = work / "flagship"
    done = run_to_the_end(data, (), site, "--env", "replay", "--recordings", recordings)
    verify(data, done)
    bus = done["sources"][0]
    assert bus["received"] == 21595 and bus["accepted"] + sum(bus["refused"].values()) == 21595
    rows = [json.loads(l) for l in call("journal", data).stdout.splitlines()]
    own = [r for r in rows if r["kind"] == "track" and r["of"] == "own" and r["change"] == "created"]
    assert len(own) == 1 and not any(r["kind"] == "track" and r["identity"] == "230035780" for r in rows)
    alert = next(r for r in rows if r["kind"] == "action" and r["assessment"] == "close_approach")
    chain = json.loads(call("explain", data, alert["event"], "--json").stdout)["data"]["chain"]
    assert any(c["kind"] == "observation" and "129039" in c["raw"] + "129038" for c in chain)
    segment = sorted((data / "journal").glob("*.seg"))[0]
    for at in (100, 70000, 2000001):
        content = bytearray(segment.read_bytes())
        content[at] ^= 1
        segment.write_bytes(content)
        found = call("replay", data, "--verify", ok=(1, 66))
        assert "damaged" in found.stderr or "torn" in found.stderr or "no journal" in found.stderr, found.stderr
        content[at] ^= 1
        segment.write_bytes(content)
    call("replay", data, "--verify")


# Every recording whose wire format there is a codec for: codec, file, fewest events.
every_recording = (("n2k", "n2k/aava-n2k.data", 7000), ("nmea0183", "nmea0183/plaka.log.gz", 7250), ("mavlink", "mavlink/vtol.tlog", 3000),
                   ("adsb", "adsb/sample_data_adsb.csv", 2000), ("ais", "ais/nais400-merrimac.log", 500),
                   ("ais", "ais/nmea_data_sample.txt", 500), ("nmea0183", "ais/typeexamples.nmea", 5))


def run_recording(codec, name, label, runner=()):
    path = write_site(label, f'[source.in]\ndriver = "recording"\nfile = "{recordings / name}"\ncodec = "{codec}"\nspeed = "max"\n', 9)
    return run_to_the_end(work / label, runner, path)


def run_to_the_end(data, runner, *args):
    done = subprocess.run([*(runner or [vedette]), "run", *map(str, args), "--data", str(data), "--json"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-500:]
    final = json.loads(done.stdout.splitlines()[-1])["data"]
    e = final["events"]
    assert e["accepted"] == e["success"] + e["retraction"] + e["abandonment"] and e["waiting"] == e["transient"] == 0, e
    return final


def verify(data, final, runner=()):
    done = subprocess.run([*(runner or [vedette]), "replay", str(data), "--verify", "--json"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout
    again = json.loads(done.stdout)["data"]
    assert again["matches"] and again["closed"] and again["digest"] == final["digest"], again
    return again


@test
def every_recording_replays():
    need_recordings()
    for codec, name, least in every_recording:
        label = "replays-" + pathlib.Path(name).name.split(".")[0]
        final = run_recording(codec, name, label)
        assert final["sources"][0]["accepted"] >= least, (name, final["sources"])
        verify(work / label, final)


# The same plan, the same bytes, another compiler, instruction set or processor; each a command that
# runs that build. The simulator's journals have cuts, holds and kills in them.
@other_build
def every_build_replays_every_journal():
    need_recordings()
    runners = [shlex.split(other) for other in arguments.other]
    for codec, name, _ in every_recording:
        label = "other-" + pathlib.Path(name).name.split(".")[0]
        final = run_recording(codec, name, label)
        for runner in runners:
            verify(work / label, final, runner)
    flagship = (site, "--env", "replay", "--recordings", recordings)
    final = run_to_the_end(work / "here", (), *flagship)
    for i, runner in enumerate(runners):
        verify(work / "here", final, runner)
        there = run_to_the_end(work / f"there-{i}", runner, *flagship)
        verify(work / f"there-{i}", there)
    simulator = pathlib.Path(vedette).parent / "tests/vedette_sim"
    for seed in range(1, 9):
        subprocess.run([simulator, work / "sim", str(seed), "1"], check=True, capture_output=True, timeout=60)
        answers = {json.dumps(json.loads(subprocess.run([*runner, "replay", work / "sim", "--verify", "--json"], capture_output=True, text=True, check=True).stdout)["data"], sort_keys=True)
                   for runner in [[vedette], *runners]}
        assert len(answers) == 1 and '"matches": true' in min(answers), answers


@test
def the_past_can_be_inspected_recovered_and_rehearsed():
    need_recordings()
    data, back = work / "past", work / "back"
    flagship = (site, "--env", "replay", "--recordings", recordings)
    run_to_the_end(data, (), *flagship)
    def answer(*args, ok=(0,)):
        return json.loads(call(*args, "--json", ok=ok).stdout)["data"]
    then = "2014-08-15T19:05:00Z"
    seen = answer("inspect", data, "--at", then)
    assert seen["time"] <= then < answer("inspect", data)["time"] and 100 < len(seen["tracks"]) < 249
    own = next(t for t in seen["tracks"] if t["kind"] == "own")
    assert abs(own["lat"] - 59.716) < 0.01 and own["state"] == "confirmed", own
    at_event = answer("inspect", data, "--at", seen["event"])
    assert at_event["digest"] == seen["digest"]
    call("inspect", data, "--at", "99999999", ok=(1,))
    call("inspect", data, "--at", "yesterday", ok=(64,))
    cut = answer("recover", data, "--to", then, "-o", back)
    assert cut["digest"] == seen["digest"] and answer("inspect", back)["tracks"] == seen["tracks"]
    call("recover", data, "--to", then, "-o", back, ok=(1,))
    again = run_to_the_end(back, (), *flagship)  # the recordings go on where the journal ends
    assert again["epoch"] == 2 and int(again["sequence"]) > int(cut["event"])
    verify(back, again)
    same = answer("rehearse", data, "--plan", site, "--env", "replay")
    assert same["differences"] == [] and same["same"] > 100
    other = work / "other.toml"
    other.write_text(pathlib.Path(site).read_text().replace('radius = "2 nmi"', 'radius = "1 nmi"'))
    changed = answer("rehearse", data, "--plan", other, "--env", "replay", ok=(1,))
    assert {d["decision"] for d in changed["differences"]} == {"guard_entered", "guard_left"}, changed["differences"][:3]


@test
def a_journal_at_its_bound_lets_the_oldest_go_and_still_replays():
    need_recordings()
    path = write_site("bounded", f'[source.in]\ndriver = "recording"\nfile = "{recordings / "nmea0183/plaka.log.gz"}"\ncodec = "nmea0183"\nspeed = "max"\n', 9)
    path.write_text(path.read_text().replace('journal = "64 MiB"', 'journal = "16 MiB"').replace('segment = "1 MiB"', 'segment = "4 MiB"'))
    data = work / "bounded"
    for attempt in ("first", "restarted"):
        done = run_to_the_end(data, (), path)
        segments = sorted(p.name for p in (data / "journal").glob("*.seg"))
        assert len(segments) <= 5 and segments[0] > "0000000000000001.seg", segments
        again = verify(data, done)
        assert int(again["first_batch"]) > 1 and again["batches"] > 100, again
    (data / "belief.mdb").unlink()
    call("run", path, "--data", data)
    call("replay", data, "--verify")


class Receiver:
    """A real sink: counts what arrives by its idempotency key."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.2)
        self.port = self.socket.getsockname()[1]
        self.got = []
        self.going = True
        self.thread = threading.Thread(target=self.loop, daemon=True)
        self.thread.start()

    def loop(self):
        while self.going:
            try:
                self.got.append(self.socket.recv(4096))
            except OSError:
                pass

    def close(self):
        time.sleep(0.3)
        self.going = False
        self.thread.join()
        self.socket.close()
        return self.got


def free_port():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))
    port = s.getsockname()[1]
    s.close()
    return port


def write_site(name, source, port, extra="", priority=0):
    path = work / f"{name}.toml"
    path.write_text(f'''site = "{name}"
[cores]
priority = {priority}
idle = "rest"
[limits]
tracks = 256
journal = "64 MiB"
segment = "1 MiB"
checkpoint = "100 ms"
tick = "50 ms"
{source}
[assess.seen]
of = "track"
kinds = ["vessel", "vehicle", "aircraft"]
when = "track.updates >= 1"
[decide.tell]
on = "seen"
deadline = "10 s"
run = "tell"
[action.tell]
sink = "out"
format = "json"
durable = "before"
[sink.out]
driver = "udp"
to = "127.0.0.1:{port}"
{extra}''')
    return path


def class_b(mmsi, lat, lon):
    bits = f"{18:06b}{0:02b}{mmsi:030b}" + "0" * 8 + f"{50:010b}" + "1"
    bits += f"{round(lon * 600000) & (2**28 - 1):028b}{round(lat * 600000) & (2**27 - 1):027b}"
    bits += f"{900:012b}{90:09b}{10:06b}" + "0" * 29
    bits = bits.ljust(168, "0")
    payload = "".join(chr(v + 48 if v < 40 else v + 56) for v in (int(bits[i:i + 6], 2) for i in range(0, 168, 6)))
    body = f"AIVDM,1,1,,A,{payload},0"
    check = 0
    for c in body:
        check ^= ord(c)
    return f"!{body}*{check:02X}\r\n".encode()


def mavlink_position(system, lat, lon):
    payload = struct.pack("<IiiiihhhH", 1000, round(lat * 1e7), round(lon * 1e7), 50000, 20000, 0, 0, 0, 9000)
    frame = bytes([0xFE, len(payload), 0, system, 1, 33]) + payload
    crc = 0xFFFF
    for b in frame[1:] + bytes([104]):
        t = (b ^ crc) & 0xFF
        t = (t ^ (t << 4)) & 0xFF
        crc = ((crc >> 8) ^ (t << 8) ^ (t << 3) ^ (t >> 4)) & 0xFFFF
    return frame + struct.pack("<H", crc)


@release
def kill_nine_at_any_instant_loses_nothing_acknowledged_and_repeats_no_action():
    receiver = Receiver()
    port = free_port()
    path = write_site("killed", f'[source.in]\ndriver = "udp"\nlisten = "127.0.0.1:{port}"\ncodec = "ais"\n', receiver.port)
    path.write_text(path.read_text().replace("[cores]", "[cores]\ningress = -1"))  # two hot threads, where others are fused
    data = work / "killed"
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    rng = random.Random(4)
    mmsi = 200000000
    intents = set()
    for round_ in range(arguments.kills):
        process = start(path, data)
        end = time.time() + 0.15 + rng.random() * 0.25
        acknowledged = 0
        while time.time() < end:
            for _ in range(4):
                mmsi += 1
                sender.sendto(class_b(200000000 + mmsi % 200, 10 + (mmsi % 200) * 0.01, 20), ("127.0.0.1", port))
            time.sleep(0.002)
        done = subprocess.run([vedette, "status", "--data", str(data), "--json"], capture_output=True, text=True, timeout=5)
        if done.returncode == 0:
            acknowledged = int(json.loads(done.stdout)["data"]["durable_sequence"])
        time.sleep(rng.random() * 0.01)
        process.kill()
        process.communicate()
        if acknowledged:
            journal = call("journal", data, ok=(0, 1)).stdout
            intents |= set(re.findall(r'"key":"([^"]+)"', journal))  # the oldest segments go
            last = max(int(m) for m in re.findall(r'"event":"(\d+)"', journal))
            assert last >= acknowledged, (last, acknowledged)
    process = start(path, data)
    status(data, lambda s: True)
    final = stop(process)
    assert final["events"]["transient"] == 0
    call("replay", data, "--verify")
    keys = [json.loads(m)["key"] for m in receiver.close()]
    assert len(keys) == len(set(keys)) and len(keys) > 100, (len(keys), len(set(keys)))
    intents |= set(re.findall(r'"key":"([^"]+)"', call("journal", data).stdout))
    assert set(keys) <= intents, "an action left whose intent is not in the journal"


@test
def a_serial_line_is_unplugged_and_comes_back():
    receiver = Receiver()
    link = work / "tty"
    def plug():
        master, slave = pty.openpty()
        if link.is_symlink():
            link.unlink()
        link.symlink_to(os.ttyname(slave))
        return master, slave
    path = write_site("serial", f'[source.line]\ndriver = "serial"\ndevice = "{link}"\nbaud = 38400\ncodec = "nmea0183"\nretry = "100 ms"\n', receiver.port)
    data = work / "serial"
    master, slave = plug()
    process = start(path, data)
    status(data, lambda s: s["sources"][0]["status"] == "up")
    os.write(master, class_b(211000001, 1, 1))
    status(data, lambda s: s["sources"][0]["accepted"] == 1)
    link.unlink()
    os.close(slave)
    os.close(master)
    status(data, lambda s: s["sources"][0]["status"] == "down")
    master, slave = plug()
    status(data, lambda s: s["sources"][0]["status"] == "up")
    os.write(master, class_b(211000002, 1, 1))
    status(data, lambda s: s["sources"][0]["accepted"] == 2)
    log = [l for l in stop(process)["log"] if l["kind"] == "source-state"]
    statuses = [l["status"] for i, l in enumerate(log) if i == 0 or l["status"] != log[i - 1]["status"]]  # "down" may tell two errors
    assert statuses == ["up", "down", "up"] and all(int(l["event"]) > 0 for l in log), log
    os.close(slave)
    os.close(master)
    got = [json.loads(m)["identity"] for m in receiver.close()]
    assert sorted(got) == ["211000001", "211000002"], got
    call("replay", data, "--verify")


@test
def a_slow_serial_sink_gets_whole_sentences_or_none():
    port = free_port()
    master, slave = pty.openpty()
    tty.setraw(slave)  # its reader is slow: nothing is read until all is sent
    path = write_site("slow_line", f'[source.in]\ndriver = "udp"\nlisten = "127.0.0.1:{port}"\ncodec = "ais"\n', free_port())
    path.write_text(path.read_text().replace('driver = "udp"\nto = ', f'driver = "serial"\ndevice = "{os.ttyname(slave)}"\nbaud = 38400\n# ')
                    .replace('horizon = ', '# '))
    data = work / "slow_line"
    process = start(path, data)
    status(data, lambda s: s["sources"][0]["status"] == "up")
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for i in range(200):
        sender.sendto(class_b(219000000 + i, 5, 5 + i * 0.01), ("127.0.0.1", port))
        time.sleep(0.001)
    sink = status(data, lambda s: s["sinks"][0]["sent"] + s["sinks"][0]["failed"] == 200)["sinks"][0]
    assert sink["sent"] > 5 and sink["failed"] > 5, sink  # the line was full, which the outcomes say
    got = b""
    while select.select([master], [], [], 0.5)[0]:
        got += os.read(master, 4096)
    stop(process)
    lines = [json.loads(l) for l in got.splitlines()]
    assert got.endswith(b"\n") and len(lines) == sink["sent"], (len(lines), sink)
    os.close(slave)
    os.close(master)
    call("replay", data, "--verify")


@test
def a_sink_that_is_not_there_harms_no_other():
    receiver = Receiver()
    port = free_port()
    more = (f'[decide.also]\non = "seen"\ndeadline = "10 s"\nrun = "also"\n[action.also]\nsink = "gone"\nformat = "nmea"\n'
            f'[sink.gone]\ndriver = "serial"\ndevice = "{work}/no-such-line"\n')
    path = write_site("gone", f'[source.in]\ndriver = "udp"\nlisten = "127.0.0.1:{port}"\ncodec = "ais"\n', receiver.port, more)
    data = work / "gone"
    process = start(path, data)
    status(data, lambda s: s["sources"][0]["status"] == "up")
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for i in range(20):
        sender.sendto(class_b(219000000 + i, 5, 5 + i * 0.01), ("127.0.0.1", port))
        time.sleep(0.01)
    seen = status(data, lambda s: sum(k["sent"] + k["failed"] for k in s["sinks"]) == 40)
    assert {k["name"]: (k["sent"], k["failed"]) for k in seen["sinks"]} == {"out": (20, 0), "gone": (0, 20)}, seen["sinks"]
    final = stop(process)
    assert final["events"]["transient"] == 0 and final["events"]["abandonment"] == 20, final["events"]
    assert len(receiver.close()) == 20
    call("replay", data, "--verify")


@test
def what_a_sink_did_not_take_is_tried_again_then_kept_as_a_dead_letter_and_can_be_ordered_once_more():
    receiver = Receiver()
    port = free_port()
    line = work / "late-line"
    more = (f'[decide.also]\non = "seen"\ndeadline = "10 s"\nrun = "also"\n[action.also]\nsink = "late"\nretries = 2\nbackoff = "50 ms"\n'
            f'[sink.late]\ndriver = "serial"\ndevice = "{line}"\nbreaker = 3\nbreaker_rest = "300 ms"\n')
    path = write_site("late", f'[source.in]\ndriver = "udp"\nlisten = "127.0.0.1:{port}"\ncodec = "ais"\n', receiver.port, more)
    data = work / "late"
    process = start(path, data)
    status(data, lambda s: s["sources"][0]["status"] == "up")
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.sendto(class_b(219000001, 5, 5), ("127.0.0.1", port))
    seen = status(data, lambda s: s["sinks"][1]["failed"] == 3 and s["events"]["waiting"] + s["events"]["transient"] == 0)
    assert seen["sinks"][1]["breaker"] == "open" and seen["sinks"][0]["sent"] == 1, seen["sinks"]
    letters = json.loads(call("deadletter", "list", data, "--json").stdout)["data"]
    assert [l["kind"] for l in letters] == ["action"] and letters[0]["because"] == "sink-failed", letters
    letter = json.loads(call("deadletter", "show", data, letters[0]["event"], "--json").stdout)["data"]
    assert letter == letters[0], letter
    call("deadletter", "show", data, 1, ok=(66,))
    master, slave = pty.openpty()
    line.symlink_to(os.ttyname(slave))
    time.sleep(1.2)  # the line is looked for once a second
    call("deadletter", "requeue", data, letter["event"])
    status(data, lambda s: s["sinks"][1]["sent"] == 1 and s["sinks"][1]["breaker"] == "closed")
    message = json.loads(os.read(master, 4096))
    first = [json.loads(l) for l in call("journal", data).stdout.splitlines()]
    attempts = [e["key"] for e in first if e["kind"] == "action" and e["action"] == "also"]
    assert len(attempts) == 4 and set(attempts) == {message["key"]}, (attempts, message)
    assert json.loads(call("deadletter", "list", data, "--json").stdout)["data"] == []
    final = stop(process)
    assert [l["breaker"] for l in final["log"] if l["kind"] == "sink-state"][-1] == "closed", final["log"]
    assert len(receiver.close()) == 1
    call("replay", data, "--verify")


@test
def a_held_node_accepts_and_waits_and_what_is_cancelled_never_goes_out():
    receiver = Receiver()
    port = free_port()
    path = write_site("held", f'[source.in]\ndriver = "udp"\nlisten = "127.0.0.1:{port}"\ncodec = "ais"\n', receiver.port)
    data = work / "held"
    process = start(path, data)
    status(data, lambda s: s["sources"][0]["status"] == "up")
    call("hold", "--data", data)
    status(data, lambda s: s["held"])
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for i in range(20):
        sender.sendto(class_b(219000000 + i, 5, 5 + i * 0.01), ("127.0.0.1", port))
    seen = status(data, lambda s: s["events"]["waiting"] == 20)
    assert seen["sinks"][0]["sent"] == 0, seen
    time.sleep(0.3)  # for the journal
    events = [json.loads(l) for l in call("journal", data).stdout.splitlines()]
    cancelled = [e for e in events if e["kind"] == "observation"][7]
    call("cancel", "--data", data, cancelled["event"])
    left = status(data, lambda s: s["events"]["waiting"] == 19)
    status(data, lambda s: int(s["durable_sequence"]) >= int(left["sequence"]))
    process.kill()  # what waits is on disk
    process.wait()
    process = start(path, data)
    status(data, lambda s: s["held"] and s["events"]["waiting"] == 19)
    call("resume", "--data", data)
    status(data, lambda s: s["sinks"][0]["sent"] == 19)
    stop(process)
    got = sorted(int(json.loads(m)["identity"]) for m in receiver.close())
    assert got == [219000000 + i for i in range(20) if str(219000000 + i) != cancelled["identity"]], got
    call("replay", data, "--verify")
    call("cancel", "--data", data, 5, ok=(69,))
    call("cancel", "--data", data, "x", ok=(64,))


@test
def what_could_not_be_worked_in_time_is_refused_at_the_source():
    port = free_port()
    path = write_site("no_time", f'[source.in]\ndriver = "udp"\nlisten = "127.0.0.1:{port}"\ncodec = "ais"\nhorizon = "200 ms"\n', free_port())
    path.write_text(path.read_text().replace('tick = "50 ms"', 'tick = "50 ms"\nwaiting_events = 16'))
    data = work / "no_time"
    process = start(path, data)
    status(data, lambda s: s["sources"][0]["status"] == "up")
    call("hold", "--data", data)
    status(data, lambda s: s["held"])
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for i in range(300):  # what is held fills its places, and then the lane is not emptied any more
        sender.sendto(class_b(219000000 + i, 5, 5 + i * 0.01), ("127.0.0.1", port))
        time.sleep(0.001)
    source = status(data, lambda s: s["sources"][0]["received"] == 300)["sources"][0]
    assert source["refused"].get("no-time", 0) > 0 and "lane-full" not in source["refused"], source
    assert source["accepted"] + sum(source["refused"].values()) == 300, source
    call("resume", "--data", data)
    status(data, lambda s: s["events"]["waiting"] == 0)
    stop(process)
    call("replay", data, "--verify")


@test
def a_node_with_two_hot_threads_acts_on_every_ship():
    receiver = Receiver()
    port = free_port()
    path = write_site("two", f'[source.in]\ndriver = "udp"\nlisten = "127.0.0.1:{port}"\ncodec = "ais"\n', receiver.port)
    path.write_text(path.read_text().replace("[cores]", "[cores]\ningress = -1"))
    data = work / "two"
    process = start(path, data)
    status(data, lambda s: s["sources"][0]["status"] == "up")
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for i in range(200):
        sender.sendto(class_b(219000000 + i, 5, 5 + i * 0.01), ("127.0.0.1", port))
        time.sleep(0.002)
    status(data, lambda s: s["sinks"][0]["sent"] == 200)
    stop(process)
    assert sorted(int(json.loads(m)["identity"]) for m in receiver.close()) == [219000000 + i for i in range(200)]
    call("replay", data, "--verify")


def run_or_skip(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise Skip(f"{' '.join(command)}: {done.stderr.strip()[:120]}")


def packet_test(driver):
    # What comes out, but for the key, the event and the time.
    through_port(driver, "mavlink", mavlink_position(9, 59.5, 24.5),
                 '"kind":"vehicle","identity":"9","lat":59.5000000,"lon":24.5000000,"sigma":3.0,"speed":0.00,"course":0.0,"alt":50.0')
    through_port(driver, "ais", class_b(211000007, 59.25, 24.75),
                 '"kind":"vessel","identity":"211000007","lat":59.2500000,"lon":24.7500000,"sigma":5.0,"speed":2.57,"course":90.0')


def through_port(driver, codec, payload, fields):
    if os.geteuid() != 0 or not shutil.which("ip"):
        raise Skip("needs root and iproute2")
    space = f"vedette{os.getpid()}"
    run_or_skip("ip", "netns", "add", space)
    def inside(*command, **kw):
        return subprocess.run(["ip", "netns", "exec", space, *command], capture_output=True, text=True, **kw)
    try:
        inside("ip", "link", "set", "lo", "up")
        if driver == "net_tap":
            port, interface = "net_tap0,iface=vtap0", "vtap0"
        else:
            inside("ip", "link", "add", "va", "type", "veth", "peer", "name", "vb")
            for name in ("va", "vb"):
                inside("ethtool", "-K", name, "tx", "off", "rx", "off", "gso", "off", "gro", "off", "tso", "off")
                inside("ip", "link", "set", name, "up")
            more = ",blocksz=4096,framesz=2048,framecnt=2048,qdisc_bypass=1" if driver == "net_af_packet" else ""
            port, interface = f"{driver}0,iface=va{more}", "vb"
        source = f'[source.drone]\ndriver = "dpdk"\nport = "{port}"\nudp_port = 14550\ncodec = "{codec}"\n'
        path = write_site(f"packets_{driver}_{codec}", source, 47001)
        data = work / f"packets_{driver}_{codec}"
        helper = work / "helper.py"
        helper.write_text(PACKET_HELPER)
        process = subprocess.Popen(["ip", "netns", "exec", space, vedette, "run", str(path), "--data", str(data), "--json"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            status(data, lambda s: s["sources"][0]["status"] == "up" or driver == "net_tap", limit=15)
        except AssertionError:
            process.kill()
            raise AssertionError(process.communicate()[1][-400:])
        if driver == "net_tap":
            inside("ip", "link", "set", "vtap0", "up")
        out = inside(sys.executable, str(helper), interface, payload.hex(), timeout=30)
        final = stop(process)
        frame = ('{"key":"KEY","event":"EVENT","time":"TIME","site":"packets_%s_%s","action":"tell","assessment":"seen",'
                 '"transition":"raised","level":"warn","confidence":C,%s}\n' % (driver, codec, fields))
        seen = re.sub(r'"key":"[0-9a-f]+-1-\d+","event":"\d+","time":"20[-0-9T:.]+Z"', '"key":"KEY","event":"EVENT","time":"TIME"', out.stdout)
        seen = re.sub(r'"confidence":[01]\.\d{3}', '"confidence":C', seen)
        assert seen.rstrip("\n") == frame.rstrip("\n"), (seen, frame, final)
        refused = final["sources"][0]["refused"]
        assert refused.get("udp-checksum", 0) >= 1, refused
        # The kernel reassembles before an af_packet port sees a frame (PACKET_FANOUT_FLAG_DEFRAG).
        assert driver == "net_af_packet" or refused.get("ip-fragment", 0) >= 1, refused
        call("replay", data, "--verify")
    finally:
        subprocess.run(["ip", "netns", "del", space], capture_output=True)


PACKET_HELPER = '''
import json, socket, struct, sys, time
interface, payload = sys.argv[1], bytes.fromhex(sys.argv[2])
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
out.bind(("127.0.0.1", 47001))
out.settimeout(0.5)
raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
raw.bind((interface, 0))
def total(b):
    b += b"\\0" * (len(b) % 2)
    s = sum(struct.unpack(">%dH" % (len(b) // 2), b))
    while s >> 16:
        s = (s & 0xFFFF) + (s >> 16)
    return s
def frame(fragment=0, bad=0):
    src, dst = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
    udp = struct.pack(">HHHH", 5000, 14550, 8 + len(payload), 0)
    check = ~total(src + dst + struct.pack(">HH", 17, 8 + len(payload)) + udp + payload) & 0xFFFF
    udp = udp[:6] + struct.pack(">H", check ^ bad) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, fragment, 64, 17, 0, src, dst)
    ip = ip[:10] + struct.pack(">H", ~total(ip) & 0xFFFF) + ip[12:]
    return b"\\xff" * 6 + bytes(6) + b"\\x81\\x00\\x00\\x05\\x08\\x00" + ip + udp
end = time.time() + 15
while time.time() < end:
    try:
        for _ in range(5):  # a port that has just come up may miss the first
            raw.send(frame(fragment=0x2000))
            raw.send(frame(bad=1))
            time.sleep(0.02)
        raw.send(frame())
        print(out.recv(4096).decode())
        break
    except OSError:
        time.sleep(0.1)
'''


@test
def packets_through_af_packet():
    packet_test("net_af_packet")


@test
def packets_through_af_xdp():
    packet_test("net_af_xdp")


@test
def packets_through_tap():
    packet_test("net_tap")


@release
def no_blocking_system_call_on_a_hot_thread_that_does_both():
    traced("engine", "")


@release
def no_blocking_system_call_on_the_engine_thread():
    traced("engine", "ingress = -1")


@release
def no_blocking_system_call_on_the_ingress_thread():
    traced("ingress", "ingress = -1")


def traced(thread, cores):
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    receiver = Receiver()
    port = free_port()
    path = write_site("traced", f'[source.in]\ndriver = "udp"\nlisten = "127.0.0.1:{port}"\ncodec = "ais"\n', receiver.port)
    path.write_text(path.read_text().replace('idle = "rest"', 'idle = "spin"').replace("[cores]", f"[cores]\n{cores}"))
    data = work / f"traced-{thread}-{len(cores)}"
    process = start(path, data)
    assert status(data, lambda s: True)["engine_thread"]["sealed"]
    hot = next(t for t in os.listdir(f"/proc/{process.pid}/task")
               if pathlib.Path(f"/proc/{process.pid}/task/{t}/comm").read_text().strip() == thread)
    log = work / "trace"
    tracer = subprocess.Popen(["strace", "-qq", "-p", hot, "-o", str(log)], stderr=subprocess.PIPE)
    time.sleep(0.5)
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for i in range(50):
        sender.sendto(class_b(219000000 + i, 5, 5 + i * 0.01), ("127.0.0.1", port))
        time.sleep(0.01)
    time.sleep(0.3)
    tracer.terminate()
    tracer.wait()
    stop(process)
    lines = [l for l in log.read_text(errors="replace").splitlines() if "(" in l]
    calls = {l.split("(")[0].split()[-1] for l in lines}
    assert calls <= {"io_uring_enter", "sendto", "clock_gettime"}, calls
    assert ("sendto" in calls) == (thread == "engine"), "nothing was sent while traced"
    assert all("MSG_DONTWAIT" in l for l in lines if l.startswith("sendto"))
    assert all("min_complete" not in l and ", 0, IORING_ENTER" in l for l in lines if l.startswith("io_uring_enter(") and "IORING" in l)
    assert len(receiver.close()) >= 40


def engine_of(process):
    return next(int(t.name) for t in pathlib.Path(f"/proc/{process.pid}/task").iterdir() if (t / "comm").read_text().strip() == "engine")


# One thread stands still, or goes on. ptrace(2), because SIGSTOP stops all of a process.
def stand_still(process, tid):
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = [ctypes.c_long] * 4
    if ptrace(0x4206, tid, 0, 0) != 0:  # PTRACE_SEIZE
        stop(process)
        raise Skip(f"a thread cannot be stopped here: {os.strerror(ctypes.get_errno())}")
    ptrace(0x4207, tid, 0, 0)  # PTRACE_INTERRUPT
    os.waitpid(tid, 0x40000000)  # __WALL
    return lambda: ptrace(17, tid, 0, 0)  # PTRACE_DETACH


@test
def a_turn_that_takes_too_long_is_a_fault_event_that_names_its_stage():
    port = free_port()
    path = write_site("slow", f'[source.in]\ndriver = "udp"\nlisten = "127.0.0.1:{port}"\ncodec = "ais"\n', 9)
    path.write_text(path.read_text().replace('idle = "rest"', 'idle = "spin"'))
    data = work / "slow"
    process = start(path, data)
    status(data, lambda s: int(s["sequence"]) > 0)
    seen = 0
    for _ in range(30):
        go_on = stand_still(process, engine_of(process))
        time.sleep(0.1)
        go_on()
        seen = status(data, lambda s: True)["overruns"]
        if seen:
            break
        time.sleep(0.013)
    assert seen > 0
    time.sleep(0.3)
    faults = [l for l in stop(process)["log"] if l["kind"] == "fault"]
    assert faults and faults[0]["stage"] in ("ingress", "engine", "act") and faults[0]["took_us"] > faults[0]["bound_us"] == 50000, faults
    call("replay", data, "--verify")


@test
def a_hot_thread_that_hangs_ends_the_node_and_the_machines_watchdog_goes_hungry():
    port = free_port()
    fifo = work / "watchdog"
    os.mkfifo(fifo)
    food = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    path = write_site("hangs", f'[source.in]\ndriver = "udp"\nlisten = "127.0.0.1:{port}"\ncodec = "ais"\n', 9)
    path.write_text(path.read_text().replace("[cores]", f'[cores]\nwatchdog = "1 s"\nwatchdog_device = "{fifo}"'))
    data = work / "hangs"
    process = start(path, data)
    status(data, lambda s: int(s["sequence"]) > 0)
    time.sleep(1.5)
    assert process.poll() is None and os.read(food, 100).startswith(b"..")
    tid = engine_of(process)
    stand_still(process, tid)
    begin = time.time()
    while os.waitpid(tid, 0x40000000 | os.WNOHANG)[0] == 0 and time.time() - begin < 10:  # __WALL; gone with the process
        time.sleep(0.02)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 71 and "the engine thread does not turn" in err, (process.returncode, err[-300:])
    assert b"V" not in os.read(food, 100)  # not closed in order: the machine would be reset
    os.close(food)
    process = start(path, data)
    status(data, lambda s: s["epoch"] == 2)
    stop(process)
    call("replay", data, "--verify")


@test
def every_command_prints_one_document_or_nothing():
    for args in (["check", site], ["plan", site], ["doctor"], ["status", "--data", work], ["replay", work], ["check", work / "none.toml"]):
        out = call(*args, "--json", ok=(0, 1, 64, 65, 66, 69)).stdout
        document = json.loads(out)
        assert document["schema"].startswith("vedette.") and ("data" in document) == document["ok"]
    assert call("chek", ok=(64,)).stderr.find("check") > 0
    bad = work / "bad.toml"
    bad.write_text('site = "x"\n[source.a]\ndriver = "udp"\nlisten = "here"\ncodec = "ais"\nspede = 1\n')
    found = call("check", bad, ok=(1,))
    assert "bad.toml:6:1" in found.stderr and "speed" in found.stderr and "192.0.2.7" in found.stderr


@test
def doctor_never_passes_what_it_cannot_read():
    empty = work / "empty-root"
    empty.mkdir()
    checks = json.loads(call("doctor", "--sysroot", empty, "--json", ok=(0, 1)).stdout)["data"]["checks"]
    for c in checks:
        assert c["result"] != "pass" or c["id"] in ("memlock", "rt-priority"), c


def sentence(body):
    check = 0
    for c in body:
        check ^= ord(c)
    return f"${body}*{check:02X}\r\n".encode()


@test
def anchor_watch_wakes_the_crew_when_the_anchor_drags():
    receiver = Receiver()
    port = free_port()
    path = work / "anchor.toml"
    path.write_text((root / "config/anchor-watch.toml").read_text().replace("0.0.0.0:10110", f"127.0.0.1:{port}")
                    .replace("127.0.0.1:10111", f"127.0.0.1:{receiver.port}"))
    data = work / "anchor"
    process = start(path, data)
    status(data, lambda s: s["sources"][0]["status"] == "up")
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    begin = time.time()
    for i in range(60):  # at anchor for a second, then 4 m/s to the north
        north = max(0, i - 10) * 0.4 * 100 / 111.2e3 * 60 / 100
        clock = time.strftime("%H%M%S", time.gmtime(begin + i * 0.1)) + f".{i % 10}0"
        sender.sendto(sentence(f"GPRMC,{clock},A,{5942.0 + north * 6:010.5f},N,02454.00000,E,0.0,0.0,211126,,,A"), ("127.0.0.1", port))
        time.sleep(0.1)
    sender.sendto(class_b(211000009, 59.7012, 24.9), ("127.0.0.1", port))
    status(data, lambda s: s["actions"] >= 2, limit=10)
    final = stop(process)
    got = receiver.close()
    assert len(got) == 1 and b"ALR" in got[0] and b"ANCHOR DRAGGING" in got[0], (got, final)
    notices = [l for l in final["log"] if l.get("action") == "notice"]
    assert notices and notices[0]["identity"] == "211000009", notices
    call("replay", data, "--verify")


# Blocks of shell (```sh) in a document run in order in one folder; a block of TOML before them is
# the file that the text above it names.
@release
def every_command_shown_in_the_documents_runs():
    shown = 0
    for page in sorted([root / "README.md", root / "CONTRIBUTING.md", *root.glob("docs/**/*.md")]):
        folder = work / ("page-" + page.stem)
        folder.mkdir()
        (folder / "config").symlink_to(root / "config")
        text = page.read_text()
        for block in re.finditer(r"(?:Write `([^`]+)`:\n\n)?```(sh|toml)\n(.*?)```", text, re.S):
            name, kind, body = block.groups()
            if kind == "toml" and name:
                (folder / name).write_text(body)
            elif kind == "sh":
                done = subprocess.run(["bash", "-euo", "pipefail", "-c", body], cwd=folder, capture_output=True, text=True, timeout=60,
                                      env={**os.environ, "PATH": f"{pathlib.Path(vedette).parent}:{os.environ['PATH']}"})
                assert done.returncode == 0 and done.stdout, f"{page.name}: {body}\n{done.stdout}{done.stderr}"
                shown += 1
        for link in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (page.parent / link).exists(), f"{page}: {link} is not there"
    assert shown >= 3, shown


@release
def the_demo_tells_its_whole_story():
    done = subprocess.run([sys.executable, "scripts/demo.py", vedette], cwd=root, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-800:]
    for part in ("close_approach raised", "== summary", "p50", "digest", "matches the journal", "observation"):
        assert part in done.stdout, (part, done.stdout[-2000:])


@release
def the_binary_is_static_and_small():
    assert os.path.getsize(vedette) <= 12 << 20
    assert "statically linked" in subprocess.run(["ldd", vedette], capture_output=True, text=True).stdout
    plan = work / "plan.bin"
    call("compile", site, "-o", plan)
    assert json.loads(call("plan", plan, "--json").stdout)["data"]["site"] == "coastal-watch"


passed = failed = skipped = 0
for f in tests:
    if not any(part in f.__name__ for part in arguments.only.split(",")) or (arguments.sanitized and hasattr(f, "release")):
        continue
    begin = time.time()
    try:
        f()
        passed += 1
        print(f"ok      {f.__name__} ({time.time() - begin:.1f} s)", flush=True)
    except Skip as reason:
        if os.environ.get("CI"):
            failed += 1
            print(f"FAILED  {f.__name__}: skipped in CI: {reason}", flush=True)
        else:
            skipped += 1
            print(f"skipped {f.__name__}: {reason}", flush=True)
    except Exception:
        failed += 1
        print(f"FAILED  {f.__name__}\n{traceback.format_exc()}", flush=True)
shutil.rmtree(work, ignore_errors=True)
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(1 if failed else 0)
