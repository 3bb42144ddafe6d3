"""Benchmarks of a whole node, each beside a floor of the same run. usage: node_bench.py BINARY start|memory|soak

One JSON line a figure: bench, metric, value, unit, floor, ratio, bar, holds."""
import json, os, pathlib, shutil, socket, statistics, subprocess, sys, tempfile, time

vedette, name = sys.argv[1:]
root = pathlib.Path(__file__).resolve().parents[2]
work = pathlib.Path(tempfile.mkdtemp(prefix="vedette-bench-"))


def figure(metric, value, unit, floor, bar):
    print(json.dumps({"bench": name, "metric": metric, "value": round(value, 4), "unit": unit, "floor": round(floor, 4),
                      "ratio": round(value / floor, 3) if floor else 0, "bar": bar, "holds": value <= bar}))


def start():
    """From exec to the first action of a decision, beside exec and exit of the same program."""
    sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sink.bind(("127.0.0.1", 0))
    sink.settimeout(0.001)
    port = sink.getsockname()[1]
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    probe.bind(("127.0.0.1", 0))
    source = probe.getsockname()[1]
    probe.close()
    site = work / "start.toml"
    site.write_text(f'''site = "start"
[source.in]
driver = "udp"
listen = "127.0.0.1:{source}"
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
to = "127.0.0.1:{port}"
''')
    sentence = b"!AIVDM,1,1,,A,15N1u<PP1FJuvSRHOE6QIwwh0HQ6,0*30\r\n"
    took, floor = [], []
    for i in range(9):
        begin = time.monotonic()
        subprocess.run([vedette, "--version"], stdout=subprocess.DEVNULL, check=True)
        floor.append(time.monotonic() - begin)
        begin = time.monotonic()
        process = subprocess.Popen([vedette, "run", str(site), "--data", str(work / f"start{i}")], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        while True:
            sink.sendto(sentence, ("127.0.0.1", source))
            try:
                sink.recv(4096)
                break
            except (TimeoutError, ConnectionError):
                pass
        took.append(time.monotonic() - begin)
        process.kill()
        process.wait()
    figure("start-to-first-action-median", statistics.median(took), "s", statistics.median(floor), 0.5)


def memory():
    """Resident memory of a running flagship beside the sum that `vedette plan` prints."""
    site = root / "config/coastal-watch.toml"
    plan = json.loads(subprocess.run([vedette, "plan", str(site), "--json"], capture_output=True, text=True, check=True).stdout)["data"]
    planned = sum(room["bytes"] for room in plan["memory"]) if isinstance(plan.get("memory"), list) else plan["memory_bytes"]
    live = work / "live.toml"
    live.write_text(site.read_text().replace('"serial"', '"udp"').replace('device = "/dev/ttyUSB0"', 'listen = "0.0.0.0:10999"').replace("baud   = 38400", ""))
    process = subprocess.Popen([vedette, "run", str(live), "--data", str(work / "memory")], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    time.sleep(3)
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    process.kill()
    process.wait()
    resident = int(next(l for l in status.splitlines() if l.startswith("VmRSS")).split()[1]) * 1024
    figure("resident-over-plan", resident / 2**20, "MiB", planned / 2**20, round(planned * 1.05 / 2**20, 3))
    figure("plan-over-resident", planned / 2**20, "MiB", resident / 2**20, round(resident * 1.05 / 2**20, 3))


def soak():
    """Resident memory after a minute and at the end of VEDETTE_SOAK_MINUTES (30) at all the rate a loopback sender makes."""
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


{"start": start, "memory": memory, "soak": soak}[name]()
shutil.rmtree(work, ignore_errors=True)
