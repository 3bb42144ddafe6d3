"""Benchmarks of a whole node, each beside a floor of the same run. usage: node_bench.py BINARY start|recovery|memory|soak

One JSON line a figure: bench, metric, value, unit, floor, ratio, bar, holds."""
import json, os, pathlib, shutil, socket, statistics, subprocess, sys, tempfile, time

vedette, name = sys.argv[1:]
root = pathlib.Path(__file__).resolve().parents[2]
work = pathlib.Path(tempfile.mkdtemp(prefix="vedette-bench-"))


def figure(metric, value, unit, floor, bar):
    print(json.dumps({"bench": name, "metric": metric, "value": round(value, 4), "unit": unit, "floor": round(floor, 4),
                      "ratio": round(value / floor, 3) if floor else 0, "bar": bar, "holds": value <= bar}))


class Echo:
    """A site with one AIS line and one UDP sink, which acts on every new ship."""
    sentence = b"!AIVDM,1,1,,A,15N1u<PP1FJuvSRHOE6QIwwh0HQ6,0*30\r\n"

    def __init__(self, label, limits=""):
        self.sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sink.bind(("127.0.0.1", 0))
        self.sink.settimeout(0.001)
        probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        probe.bind(("127.0.0.1", 0))
        self.to = ("127.0.0.1", probe.getsockname()[1])
        probe.close()
        self.site = work / f"{label}.toml"
        self.site.write_text(f'''site = "{label}"
[limits]
{limits}
[source.in]
driver = "udp"
listen = "127.0.0.1:{self.to[1]}"
codec = "ais"
[assess.seen]
of = "track"
when = "track.updates >= 1"
[decide.tell]
on = "seen"
run = "tell"
[action.tell]
sink = "out"
durable = "behind"
idempotent = true
[sink.out]
driver = "udp"
to = "127.0.0.1:{self.sink.getsockname()[1]}"
''')

    def run(self, data):
        return subprocess.Popen([vedette, "run", str(self.site), "--data", str(data)], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def until_it_acts(self, sentence=None, about=b""):
        while True:
            self.sink.sendto(sentence or self.sentence, self.to)
            try:
                while about not in self.sink.recv(4096):
                    pass
                return
            except (TimeoutError, ConnectionError):
                pass


def start():
    """From exec to the first action of a decision, beside exec and exit of the same program."""
    echo = Echo("start")
    took, floor = [], []
    for i in range(9):
        begin = time.monotonic()
        subprocess.run([vedette, "--version"], stdout=subprocess.DEVNULL, check=True)
        floor.append(time.monotonic() - begin)
        begin = time.monotonic()
        process = echo.run(work / f"start{i}")
        echo.until_it_acts()
        took.append(time.monotonic() - begin)
        process.kill()
        process.wait()
    figure("start-to-first-action-median", statistics.median(took), "s", statistics.median(floor), 0.5)


def ship(mmsi):
    """A class B position report, ITU-R M.1371 message 18, of a new ship."""
    bits = f"{18:06b}{0:02b}{mmsi:030b}" + "0" * 8 + f"{50:010b}" + "1" + f"{12000000:028b}{6000000:027b}" + f"{900:012b}{90:09b}{10:06b}" + "0" * 29
    body = "!AIVDM,1,1,,A," + "".join(chr(v + 48 if v < 40 else v + 56) for v in (int(bits[i:i + 6], 2) for i in range(0, 168, 6))) + ",0"
    check = 0
    for c in body[1:]:
        check ^= ord(c)
    return f"{body}*{check:02X}\r\n".encode()


def recovery():
    """kill -9 with a million events after the last snapshot: from exec to the first action, beside reading the same bytes."""
    echo = Echo("recovery", 'checkpoint = "1 h"\njournal = "2 GiB"\nsegment = "352 MiB"\ntracks = 4096')
    data = work / "recovery"
    process = echo.run(data)
    echo.until_it_acts()
    lines = [ship(201000000 + i) for i in range(1000)]
    wanted = int(os.environ.get("VEDETTE_RECOVERY_EVENTS", "1030000"))
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    while True:
        for _ in range(20):
            for line in lines:
                out.sendto(line, echo.to)
            time.sleep(0.002)
        answer = json.loads(subprocess.run([vedette, "status", "--data", str(data), "--json"], capture_output=True, text=True, check=True).stdout)["data"]
        if answer["events"]["accepted"] >= wanted and int(answer["durable_sequence"]) >= wanted:
            break
    process.kill()
    process.wait()
    used = sum(path.stat().st_blocks * 512 for path in (data / "shard-0/journal").iterdir())
    def forget():  # the journal bypasses the page cache, so a start reads it from the disk
        for path in (data / "shard-0/journal").iterdir():
            with open(path, "rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    segments = sorted((data / "shard-0/journal").glob("*.seg"))  # the killed run's
    def read():
        forget()
        begin = time.monotonic()
        for path in segments:
            with open(path, "rb", buffering=0) as segment:
                while segment.read(1 << 20):
                    pass
        return time.monotonic() - begin
    before = read()
    forget()
    begin = time.monotonic()
    process = echo.run(data)
    echo.until_it_acts(ship(201999999), b"201999999")
    took = time.monotonic() - begin
    process.kill()
    process.wait()
    reading = (before + read()) / 2
    print(f"recovery: {answer['events']['accepted']} events, {used / 2**20:.0f} MiB of segments", file=sys.stderr)
    figure("deciding-again", took, "s", reading, 1.0)
    figure("deciding-again-over-reading", took, "s", reading, round(2 * reading, 4))


def memory():
    """Resident memory of a running flagship, once all planned memory is in use, beside the sum of `vedette plan`."""
    site = root / "config/coastal-watch.toml"
    plan = json.loads(subprocess.run([vedette, "plan", str(site), "--json"], capture_output=True, text=True, check=True).stdout)["data"]
    planned = sum(room["bytes"] for room in plan["memory"]) if isinstance(plan.get("memory"), list) else plan["memory_bytes"]
    live = work / "live.toml"
    live.write_text(site.read_text().replace('"serial"', '"udp"').replace('device = "/dev/ttyUSB0"', 'listen = "0.0.0.0:10999"').replace("baud   = 38400", ""))
    process = subprocess.Popen([vedette, "run", str(live), "--data", str(work / "memory")], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    images, end = 0, time.monotonic() + 30
    while images == 0 and time.monotonic() < end:
        time.sleep(1)
        said = subprocess.run([vedette, "status", "--data", str(work / "memory"), "--json"], capture_output=True, text=True)
        images = json.loads(said.stdout)["data"]["journal"]["images"] if said.returncode == 0 else 0
    assert images, "no belief image was written"
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    process.kill()
    process.wait()
    resident = int(next(l for l in status.splitlines() if l.startswith("VmRSS")).split()[1]) * 1024
    figure("resident-over-plan", resident / 2**20, "MiB", planned / 2**20, round(planned * 1.05 / 2**20, 3))
    figure("plan-over-resident", planned / 2**20, "MiB", resident / 2**20, round(resident * 1.05 / 2**20, 3))


def soak():
    """Resident memory after a minute and at the end of VEDETTE_SOAK_MINUTES (30), at the full rate of a loopback sender."""
    minutes = float(os.environ.get("VEDETTE_SOAK_MINUTES", "30"))
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
    probe.close()
    live = work / "live.toml"
    live.write_text((root / "config/coastal-watch.toml").read_text().replace('"serial"', '"udp"')
                    .replace('device = "/dev/ttyUSB0"', 'listen = "127.0.0.1:0"').replace("baud   = 38400", "")
                    .replace("0.0.0.0:10112", f"127.0.0.1:{port}"))
    lines = [l.encode() for l in open(root.parent / "shared/recordings/n2k/aava-n2k.data", errors="replace").read().splitlines()]
    process = subprocess.Popen([vedette, "run", str(live), "--data", str(work / "soak")], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    resident, begin, sent = [], time.monotonic(), 0
    while time.monotonic() - begin < minutes * 60:
        for line in lines[:2000]:
            out.sendto(line, ("127.0.0.1", port))
        sent += 2000
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        resident.append((time.monotonic() - begin, int(next(l for l in status.splitlines() if l.startswith("VmRSS")).split()[1]) / 1024))
    answer = json.loads(subprocess.run([vedette, "status", "--data", str(work / "soak"), "--json"], capture_output=True, text=True, check=True).stdout)["data"]
    process.kill()
    process.wait()
    print(f"soak: {minutes} min, {sent} datagrams, accepted {answer['events']['accepted']}, sources {answer['sources'][0]['refused']}", file=sys.stderr)
    first = max(r for t, r in resident if t < min(60.0, minutes * 30))
    figure("resident-at-the-end", resident[-1][1], "MiB", first, round(first * 1.01, 3))


{"start": start, "recovery": recovery, "memory": memory, "soak": soak}[name]()
shutil.rmtree(work, ignore_errors=True)
