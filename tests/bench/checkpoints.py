"""Lone events at 1 kHz beside a table of tracks, with a belief image each second and with none.
usage: checkpoints.py VEDETTE WIRE [ROUNDS [SECONDS [TRACKS]]]

Each event is a ship whose status changes, which causes a `behind` action; the time is from its sending to the action's
arrival. The two nodes take turns with one core; the generator and the node's other threads have the other. One JSON
line a figure: p50, p99, p99.9 with images each second, beside those without; the longest turn that the engine's thread saw."""
import json, pathlib, shutil, signal, socket, statistics, struct, subprocess, sys, tempfile, time

vedette, wire = sys.argv[1:3]
rounds, seconds, tracks = (int(sys.argv[n]) if len(sys.argv) > n else default for n, default in ((3, 10), (4, 30), (5, 100_000)))
work = pathlib.Path(tempfile.mkdtemp(prefix="vedette-checkpoints-"))
ais, back, watching, other = "27111", "27113", "1", "0"


def site(checkpoint):
    file = work / f"site-{checkpoint}.toml"
    file.write_text(f'''site = "checkpoints"
[cores]
engine = {watching}
priority = 0
[limits]
tracks = 131072
waiting_events = 4096
image = "1 GiB"
journal = "2 GiB"
segment = "64 MiB"
commit = "10 ms"
checkpoint = "{checkpoint} s"
[tracker.vessel]
coast = "1 h"
lost = "2 h"
retire = "3 h"
[source.ais]
driver = "udp"
listen = "127.0.0.1:{ais}"
codec = "ais"
credits = 65536
[assess.probe]
of = "track"
when = "track.nav_status == 5 and track.identity >= 244000000 and track.identity < 244000500"
[decide.probe]
on = "probe"
trigger = "both"
run = "answer"
[action.answer]
sink = "back"
durable = "behind"
idempotent = true
[sink.back]
driver = "udp"
to = "127.0.0.1:{back}"
''')
    return file


def ask(data, request=b"status"):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.settimeout(5)
        s.connect(str(data / "control.sock"))
        s.sendall(request + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            answer += s.recv(1 << 16)
    return json.loads(answer)


def run(checkpoint):
    """Latencies in us, and the node's status at the end."""
    data, out = work / "data", work / "samples"
    shutil.rmtree(data, ignore_errors=True)
    node = subprocess.Popen(["taskset", "-c", other, vedette, "run", str(site(checkpoint)), "--data", str(data)],
                            stdout=subprocess.DEVNULL, stderr=(work / "log").open("w"))
    try:
        for _ in range(400):
            time.sleep(0.05)
            assert node.poll() is None, (work / "log").read_text()[-1000:]
            if (data / "control.sock").exists() and ask(data)["sources"][0]["status"] == "up":
                break
        end = time.time() + 60
        subprocess.run([wire, other, "fill", "10000", str(tracks), "127.0.0.1", ais], check=True)
        while (seen := ask(data))["tracks"] < tracks * 0.999:
            assert time.time() < end, (seen["tracks"], seen["sources"])
            time.sleep(0.2)
        time.sleep(2)
        subprocess.run([wire, other, "lone", "1000", str(seconds), "127.0.0.1", ais, ais, back, "-", str(out)], check=True)
        status = ask(data)
    finally:
        node.send_signal(signal.SIGTERM)
        node.wait()
    samples = [(due, got) for due, got, _ in struct.iter_unpack("<qqq", out.read_bytes()) if due != -1]
    samples = samples[len(samples) // 10:]  # the first tenth warms up
    return sorted((got - due) / 1e3 if got else float("inf") for due, got in samples), status


pairs = []
for n in range(rounds):
    order = (1, 3600) if n % 2 == 0 else (3600, 1)
    pairs.append({checkpoint: run(checkpoint) for checkpoint in order})
pick = lambda checkpoint, q: [run[checkpoint][0][min(len(run[checkpoint][0]) - 1, int(q * len(run[checkpoint][0])))] for run in pairs]
for q, label, bar in ((0.5, "p50", 1.1), (0.99, "p99", 1.5), (0.999, "p99.9", 1.5)):
    ours, bare = pick(1, q), pick(3600, q)
    ratio = statistics.median(a / b for a, b in zip(ours, bare))
    print(json.dumps({"bench": "checkpoints", "metric": label, "value": round(statistics.median(ours), 1), "unit": "us",
                      "floor": round(statistics.median(bare), 1), "ratio": round(ratio, 3), "bar": bar, "holds": ratio <= bar}), flush=True)
for checkpoint, label in ((1, "with"), (3600, "without")):
    status = [run[checkpoint][1] for run in pairs]
    print(json.dumps({"bench": "checkpoints", "metric": f"longest-turn-{label}", "value": max(s["engine_thread"]["longest_turn_us"] for s in status), "unit": "us",
                      "tracks": status[-1]["tracks"], "images": sum(s["journal"]["images"] for s in status), "overruns": sum(s["overruns"] for s in status),
                      "restarts": sum(s["mirror"]["restarts"] for s in status), "lost": sum(v == float("inf") for run in pairs for v in run[checkpoint][0])}), flush=True)
shutil.rmtree(work)
