"""Shared by all system tests: the binary, a work folder, starting, querying and stopping a node, a receiver."""
import argparse, json, pathlib, shutil, signal, socket, subprocess, sys, tempfile, threading, time

arguments = argparse.ArgumentParser(description="system tests")
arguments.add_argument("binary")
arguments.add_argument("only", nargs="?", default="", help="parts of the names of the tests to run, separated by commas")
arguments.add_argument("--sanitized", choices=["memory", "threads"], help="leave out what is about the release binary alone, and, of threads, what has one")
arguments.add_argument("--other", action="append", default=[], help="a command that runs another build, to replay with and against")
arguments.add_argument("--all", action="store_true", help="also the long ones: images, power cuts, the whole rig")
arguments.add_argument("--long", action="store_true", help="every count as large as what is promised of it")
arguments.add_argument("--kills", type=int, default=50, help="instants at which the node is killed")
arguments = arguments.parse_args()
arguments.all |= arguments.long
vedette = str(pathlib.Path(arguments.binary).resolve())
root = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(root / "hil"))
from rig.sentences import class_b, gnss, mavlink_position  # noqa: E402  (tests take them from here)

recordings = root.parent / "shared" / "recordings"
work = pathlib.Path(tempfile.mkdtemp(prefix="vedette-test-"))
site = str(root / "config" / "coastal-watch.toml")
tests = []


class Skip(Exception):
    pass


def test(f):
    tests.append(f)
    return f


# Involves several threads of a node, so the thread sanitizer runs it.
def threads(f):
    f.threads = True
    return f


# A count: for every run, with --all, and with --long, where time does not matter.
def amount(quick, all_of_them, promised):
    return promised if arguments.long else all_of_them if arguments.all else quick


# Slow: only with --all.
def long(f):
    f.long = True
    return release(f)


# Very slow: only with --long.
def longest(f):
    return long(f) if arguments.long else f


# Needs a second build, named on the command line.
def other_build(f):
    return test(f) if arguments.other else f


# Needs the shipped binary, or timing that a sanitizer changes.
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


def decode(codec, name, *more):
    return [json.loads(l) for l in call("decode", codec, recordings / name, *more).stdout.splitlines()]


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


# The same, once the journal has everything reported: for tests that read the journal next.
def recorded(data, wanted, limit=10):
    return status(data, lambda s: wanted(s) and int(s["durable_sequence"]) >= int(s["sequence"]), limit)


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


class Receiver:
    """A real sink: counts arrivals by idempotency key."""

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


def remove(path):
    """A file or a folder, if it is there."""
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)


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


def ais_source(port, more=""):
    return f'[source.in]\ndriver = "udp"\nlisten = "127.0.0.1:{port}"\ncodec = "ais"\n{more}'


def run_or_skip(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise Skip(f"{' '.join(command)}: {done.stderr.strip()[:120]}")
