"""Byte in to action out of a node, beside a bare busy-polling receive-and-send over the same path.
usage: wire_bench.py VEDETTE WIRE RECORDINGS udp|dpdk [ROUNDS [RATE ...]]

Recorded AIS and MAVLink with the flagship site's decisions, journal on; one frame in ten is a probe whose `behind`
action is waited for. Floor and node take turns on that one of cores 0 and 1 which the disk interrupts less, as on any
watching core; the generator has the other, with the node's other threads.
A sample that overlaps a gap of more than 10 us that one of the two loops saw in itself is left out of p50 and p99 (the
share kept is printed), and in the uncensored line beside them; the generator's lasts until what fell due in it is sent.
One JSON line a figure; a floor whose own p99 spreads more than twofold over the rounds makes a tail inconclusive."""
import collections, json, os, pathlib, shutil, signal, socket, statistics, struct, subprocess, sys, tempfile, time

vedette, wire, recordings, path = sys.argv[1:5]
rounds = int(sys.argv[5]) if len(sys.argv) > 5 else 9
rates = [int(r) for r in sys.argv[6:]] or [10_000, 50_000]
seconds = 2.5
root = pathlib.Path(__file__).resolve().parents[2]
work = pathlib.Path(tempfile.mkdtemp(prefix="vedette-wire-"))
space = f"vedette-wire-{os.getpid()}"
inside = ["ip", "netns", "exec", space] if path == "dpdk" else []
ais, mavlink, back = "27101", "27102", "27103"  # below the system's ephemeral ports
device = "net_af_packet0,iface=vb,blocksz=4096,framesz=2048,framecnt=2048,qdisc_bypass=1"


def quieter_core():
    """The one of cores 0 and 1 with fewer device interrupts while a file is written and synced."""
    def counts():
        rows = [line.split() for line in pathlib.Path("/proc/interrupts").read_text().splitlines()[1:]]
        return [sum(int(row[1 + core]) for row in rows if row[0][:-1].isdigit()) for core in (0, 1)]
    before = counts()
    with open(work / "probe", "wb", buffering=0) as f:
        for _ in range(200):
            f.write(bytes(4096))
            os.fsync(f.fileno())
    taken = [b - a for a, b in zip(before, counts())]
    return 0 if taken[0] < taken[1] else 1


watching = quieter_core()
other = str(1 - watching)


def site():
    """The flagship with live sources on this path, and an extra decision for the probes."""
    text = (root / "config/coastal-watch.toml").read_text()
    live = (f'"source.ais.driver" = "udp"\n"source.ais.listen" = "127.0.0.1:{ais}"\n"source.drone.listen" = "127.0.0.1:{mavlink}"\n' if path == "udp" else
            f'"source.ais.driver" = "dpdk"\n"source.ais.port" = "{device}"\n"source.ais.udp_port" = {ais}\n'
            f'"source.drone.driver" = "dpdk"\n"source.drone.port" = "{device}"\n"source.drone.udp_port" = {mavlink}\n')
    file = work / "wire.toml"
    file.write_text(text + f'''
[assess.probe]
of    = "track"
kinds = ["vessel"]
when  = "track.nav_status == 5 and track.identity >= 244000000 and track.identity < 244000500"
confidence = "1.0"
[decide.probe]
on      = "probe"
trigger = "both"
run     = "answer"
[action.answer]
sink       = "back"
format     = "json"
durable    = "behind"
idempotent = true
[sink.back]
driver = "udp"
to     = "127.0.0.1:{back}"
[env.wire]
"cores.engine"   = {watching}
"cores.priority" = 0
"limits.commit"  = "10 ms"
"source.bus.listen"  = "127.0.0.1:27104"
"source.adsb.listen" = "127.0.0.1:27105"
{live}''')
    return file


def ask(data, request):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.settimeout(2)
        s.connect(str(data / "control.sock"))
        s.sendall(request + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            part = s.recv(1 << 16)
            if not part:
                break
            answer += part
    return json.loads(answer)


def generate(rate):
    out = work / "samples"
    to = "127.0.0.1" if path == "udp" else "10.9.0.2"
    subprocess.run([*inside, wire, other, "generate", str(rate), str(seconds), to, ais, mavlink, back, recordings, str(out)], check=True)
    return list(struct.iter_unpack("<qqq", out.read_bytes()))


def floor(rate):
    gaps = work / "gaps"
    command = ["floor-udp", ais, mavlink] if path == "udp" else ["floor-dpdk", device]
    process = subprocess.Popen([*inside, wire, str(watching), *command, back, str(gaps)], stdout=subprocess.PIPE)
    try:
        while process.stdout.readline() != b"ready\n":
            assert process.poll() is None, "the floor ended"
        time.sleep(0.3)
        samples = generate(rate)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
    return samples, [(a, b) for kind, a, b in struct.iter_unpack("<qqq", gaps.read_bytes())]


def node(rate, without):
    """Adds what the node ran without to `without`, by cause, and the longest steal."""
    data = work / "data"
    shutil.rmtree(data, ignore_errors=True)
    # The engine pins itself to the watching core; its other threads share the generator's.
    process = subprocess.Popen([*inside, "taskset", "-c", other, vedette, "run", str(site()), "--env", "wire", "--data", str(data)],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                if ask(data, b"status")["sources"][1]["status"] == "up":
                    break
            except (OSError, ValueError, KeyError):
                pass
            assert process.poll() is None, "the node ended"
            time.sleep(0.05)
        time.sleep(0.3)
        samples = generate(rate)
        flat = ask(data, b"interruptions")["interruptions"]
        for source in ask(data, b"status")["sources"]:
            for cause in ("no-time", "lane-full", "missed"):
                without[cause] += source["refused"].get(cause, 0) + (source["missed"] if cause == "missed" else 0)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
    gaps = list(zip(flat[::2], flat[1::2]))
    without["longest_gap_us"] = max([without["longest_gap_us"], *(length // 1000 for _, length in gaps)])
    return samples, gaps


def judge(samples, gaps):
    """Latencies in us: without overlapping gaps, and all; a lost probe is infinitely late."""
    gaps = sorted(gaps + [(a, b) for kind, a, b in samples if kind == -1])
    asked = sorted((due, got) for due, got, _ in samples if due != -1)
    asked = asked[len(asked) // 5:]  # the first fifth warms up
    kept, whole, first = [], [], 0
    for due, got in asked:
        if got == 0:
            kept.append(float("inf"))
            whole.append(float("inf"))
            continue
        while first < len(gaps) and gaps[first][0] + gaps[first][1] < due:
            first += 1
        whole.append((got - due) / 1e3)
        if not (first < len(gaps) and gaps[first][0] < got):
            kept.append((got - due) / 1e3)
    return kept, whole


def quantile(values, q):
    return sorted(values)[min(len(values) - 1, int(q * len(values)))] if values else float("inf")


def figure(metric, value, unit, floor_value, ratio, bar, holds, **more):
    print(json.dumps({"bench": f"wire-to-action-{path}", "metric": metric, "value": round(value, 3), "unit": unit,
                      "floor": round(floor_value, 3), "ratio": round(ratio, 3), "bar": bar, "holds": holds, **more}), flush=True)


def measure(rate):
    runs, without = [], collections.Counter()
    for _ in range(rounds):
        runs.append((judge(*floor(rate)), judge(*node(rate, without))))
    pick = lambda side, which, q: [quantile(run[side][which], q) for run in runs]
    share = [len(run[1][0]) / len(run[1][1]) for run in runs]
    floor_share = statistics.median(len(run[0][0]) / len(run[0][1]) for run in runs)
    for q, label, bar in ((0.5, "p50", 1.35), (0.99, "p99", 1.6)):
        for which, suffix in ((0, ""), (1, "-uncensored")):
            bare, ours = pick(0, which, q), pick(1, which, q)
            ratio = statistics.median(o / b for o, b in zip(ours, bare))
            more = {"inconclusive": True} if label == "p99" and max(bare) > 2 * min(bare) else {}
            figure(f"{label}-{rate}{suffix}", statistics.median(ours), "us", statistics.median(bare), ratio, bar, ratio <= bar, **more)
    kept = statistics.median(share)
    figure(f"kept-{rate}", kept, "share", floor_share, kept / floor_share, 0.9, kept >= 0.9)
    lost = sum(v == float("inf") for run in runs for v in run[1][1])
    figure(f"lost-{rate}", lost, "probes", sum(v == float("inf") for run in runs for v in run[0][1]), 0, 0, lost == 0,
           **({"without": dict(without)} if lost else {}))


try:
    if path == "dpdk":
        run = lambda *c: subprocess.run([*inside, *c], check=True, capture_output=True)
        subprocess.run(["ip", "netns", "add", space], check=True)
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "va", "type", "veth", "peer", "name", "vb")
        for name in ("va", "vb"):
            run("ethtool", "-K", name, "tx", "off", "rx", "off", "gso", "off", "gro", "off", "tso", "off")
            run("ip", "link", "set", name, "up")
        run("ip", "addr", "add", "10.9.0.1/24", "dev", "va")
        mac = json.loads(run("ip", "-j", "link", "show", "vb").stdout)[0]["address"]
        run("ip", "neigh", "add", "10.9.0.2", "lladdr", mac, "dev", "va")
    for rate in rates:
        measure(rate)
finally:
    if path == "dpdk":
        subprocess.run(["ip", "netns", "del", space], capture_output=True)
    shutil.rmtree(work, ignore_errors=True)
