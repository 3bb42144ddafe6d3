"""Benchmarks of a whole node, each beside a floor of the same run. usage: node_bench.py BINARY start|memory

One JSON line a figure: bench, metric, value, unit, floor, ratio, bar, holds."""
import json, pathlib, shutil, socket, statistics, subprocess, sys, tempfile, time

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


{"start": start, "memory": memory}[name]()
shutil.rmtree(work, ignore_errors=True)
