"""Lone events at 1 kHz beside a table of tracks, while the node does something else and while it does not.
usage: lone_events.py checkpoints|stalled-mirror VEDETTE WIRE [ROUNDS [SECONDS [TRACKS]]]

`checkpoints`: with a belief image each second, and with none. `stalled-mirror` (VEDETTE is tests/vedette_seams): with a mirror
that stands still, with one whose thread has ended, and with one that follows. Each event is a ship whose status changes, which
causes a `behind` action; the time is from its sending to the action's arrival. The nodes take turns with one core; the
generator and the node's other threads have the other. One JSON line a figure: p50, p99, p99.9, beside those of the last kind;
the longest turn that the engine's thread saw."""
import json, os, pathlib, shutil, socket, statistics, struct, subprocess, sys, tempfile, time

bench, vedette, wire = sys.argv[1:4]
work = pathlib.Path(tempfile.mkdtemp(prefix="vedette-lone-events-"))
# The limit `checkpoint` in seconds, and the seam of the mirror; the last is the floor.
kinds, defaults = {"checkpoints": ({"with": (1, None), "without": (3600, None)}, (10, 30, 100_000)),
                   "stalled-mirror": ({"stalled": (3600, "VED_STALL"), "ended": (3600, "VED_END_MIRROR"), "following": (3600, None)}, (5, 10, 2_000))}[bench]
rounds, seconds, tracks = (int(sys.argv[4 + n]) if len(sys.argv) > 4 + n else default for n, default in enumerate(defaults))
floor = list(kinds)[-1]
ais, back, watching, other = "27111", "27113", "1", "0"


def site(checkpoint):
    file = work / f"site-{checkpoint}.toml"
    file.write_text(f'''site = "lone-events"
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


def run(kind):
    """Latencies in us, and the node's status at the end."""
    checkpoint, seam = kinds[kind]
    data, out, now = work / "data", work / "samples", work / "seam.now"
    shutil.rmtree(data, ignore_errors=True)
    now.unlink(missing_ok=True)
    node = subprocess.Popen(["taskset", "-c", other, vedette, "run", str(site(checkpoint)), "--data", str(data)],
                            stdout=subprocess.DEVNULL, stderr=(work / "log").open("w"), env=os.environ | ({seam: str(now)} if seam else {}))
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
        now.touch()
        time.sleep(2)
        subprocess.run([wire, other, "lone", "1000", str(seconds), "127.0.0.1", ais, ais, back, "-", str(out)], check=True)
        status = ask(data)
    finally:
        node.kill()  # one whose mirror stands still does not stop at once
        node.wait()
    assert (status["mirror"]["lag_batches"] > 500 * seconds) == (seam is not None), status["mirror"]
    samples = [(due, got) for due, got, _ in struct.iter_unpack("<qqq", out.read_bytes()) if due != -1]
    samples = samples[len(samples) // 10:]  # the first tenth warms up
    return sorted((got - due) / 1e3 if got else float("inf") for due, got in samples), status


turns = []
for n in range(rounds):
    order = list(kinds)[::1 if n % 2 == 0 else -1]
    turns.append({kind: run(kind) for kind in order})
pick = lambda kind, q: [turn[kind][0][min(len(turn[kind][0]) - 1, int(q * len(turn[kind][0])))] for turn in turns]
for kind in [k for k in kinds if k != floor]:
    for q, label, bar in ((0.5, "p50", 1.1), (0.99, "p99", 1.5), (0.999, "p99.9", 1.5)):
        ours, bare = pick(kind, q), pick(floor, q)
        ratio = statistics.median(a / b for a, b in zip(ours, bare))
        print(json.dumps({"bench": bench, "metric": label if bench == "checkpoints" else f"{label}-{kind}", "value": round(statistics.median(ours), 1), "unit": "us",
                          "floor": round(statistics.median(bare), 1), "ratio": round(ratio, 3), "bar": bar, "holds": ratio <= bar}), flush=True)
for kind in kinds:
    status = [turn[kind][1] for turn in turns]
    print(json.dumps({"bench": bench, "metric": f"longest-turn-{kind}", "value": max(s["engine_thread"]["longest_turn_us"] for s in status), "unit": "us",
                      "floor": 0, "ratio": 0, "bar": 0, "holds": True,
                      "tracks": status[-1]["tracks"], "images": sum(s["journal"]["images"] for s in status), "overruns": sum(s["overruns"] for s in status),
                      "restarts": sum(s["mirror"]["restarts"] for s in status), "lost": sum(v == float("inf") for turn in turns for v in turn[kind][0])}), flush=True)
shutil.rmtree(work)
