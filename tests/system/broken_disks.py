"""The flagship on a disk that is full, slow or flapping, and killed meanwhile: every alarm leaves in time, and says what it is."""
import os, pathlib, re, resource, socket, subprocess, threading, time

from harness import Receiver, Skip, amount, class_b, free_port, gnss, site, status, stop, test, vedette, verify, work

seams = pathlib.Path(vedette).parent / "tests" / "vedette_seams"
OWN = (59.70, 24.90)
TOLD_WITHIN = 0.050 + 0.450  # record_within, and what a busy machine adds


NO_RECORD = '''
[assess.no_record]
of = "node"
when = "node.journal > 1 s"
[decide.no_record]
on = "no_record"
run = "zone_alert"
'''


class Display(Receiver):
    """What the bridge sees: for each vessel, what its messages say and how long after their order they came."""

    def loop(self):
        self.others = []
        while self.going:
            try:
                text = self.socket.recv(4096).decode()
            except OSError:
                continue
            if "vessel." in text and "in_guard raised" in text:
                at = re.search(r' time="(\d+-\d+-\d+T\d+:\d+:\d+)(\.\d+)Z"', text)
                ordered = time.mktime(time.strptime(at[1] + " UTC", "%Y-%m-%dT%H:%M:%S %Z")) - time.timezone + float(at[2])
                self.got.append((int(re.search(r"vessel\.(\d+)", text)[1]), time.time() - ordered, 'recorded="false"' in text,
                                 'possible_duplicate="true"' in text, re.search(r' key="([^"]+)"', text)[1]))
            else:
                self.others.append(text)

    def of(self, vessels):
        return [m for m in self.got if m[0] in vessels]


class Flagship:
    def __init__(self, name, binary=vedette, hold="1 s", limits=(), **environment):
        self.display, self.port, self.data = Display(), free_port(), work / name
        self.binary, self.environment = str(binary), os.environ | {name: str(value) for name, value in environment.items()}
        text = pathlib.Path(site).read_text().replace("127.0.0.1:6969", f"127.0.0.1:{self.display.port}")
        text = text.replace('driver = "serial"\ndevice = "/dev/ttyUSB0"\nbaud   = 38400', f'driver = "udp"\nlisten = "127.0.0.1:{self.port}"')
        for port in (10112, 30002, 14550):
            text = text.replace(f"0.0.0.0:{port}", f"127.0.0.1:{free_port()}")
        text = text.replace("priority = 50", "priority = 0").replace('idle     = "spin"', 'idle = "rest"')
        # A busy test machine decides late; how late an alarm leaves is measured from its decision.
        text = text.replace("[decide.guard_entered]", '[decide.guard_entered]\ndeadline = "5 s"').replace('hold  = "1 s"', f'hold = "{hold}"') + NO_RECORD
        for shipped, here in limits:
            text = text.replace(shipped, here)
        self.path = work / f"{name}.toml"
        self.path.write_text(text)
        self.vessels, self.process, self.going = set(), None, True
        self.sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.feeder = threading.Thread(target=self.feed, daemon=True)
        self.feeder.start()
        self.run()

    def run(self):
        # Without Python's signals: a write beyond the limit below is an error, not the node's end.
        self.process = subprocess.Popen([self.binary, "run", str(self.path), "--data", str(self.data), "--json"], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, restore_signals=False, env=self.environment)
        return status(self.data, lambda s: s["sources"][1]["status"] == "up", 20)

    def feed(self):
        for n in range(1 << 30):
            if not self.going:
                return
            self.sender.sendto(gnss(*OWN, seconds=n / 5), ("127.0.0.1", self.port))
            for mmsi in tuple(self.vessels):
                self.sender.sendto(class_b(mmsi, OWN[0] + mmsi % 100 * 0.0002, OWN[1] + 0.005), ("127.0.0.1", self.port))
            time.sleep(0.2)

    def enter(self, *numbers):
        these = {230000000 + n for n in numbers}
        self.vessels |= these
        return these

    def refuse(self, refuses):
        """No file grows and no byte beyond the first is written: what a full disk does."""
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (1 if refuses else resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def until_told(self, vessels, limit=8):
        end = time.time() + limit
        while {m[0] for m in self.display.of(vessels)} < vessels and time.time() < end:
            time.sleep(0.02)
        told = self.display.of(vessels)
        assert {m[0] for m in told} == vessels, f"{len(told)} of {len(vessels)} are told"
        return told

    def end(self, verifies=True):
        self.going = False
        self.feeder.join()
        final = stop(self.process)
        self.display.close()
        if verifies:
            verify(self.data, final)
        return final


def journal_cause(s):
    return s["mode"] == "degraded" and any(c["name"] == "journal" and c["since"] for c in s["causes"])


@test
def a_full_disk_silences_no_alarm_of_the_flagship():
    post = Flagship("full-flagship")
    for _, late, unrecorded, duplicate, _ in post.until_told(post.enter(1, 2, 3)):
        assert late < TOLD_WITHIN and not duplicate, post.display.got
    post.refuse(True)
    begin = time.time()
    status(post.data, journal_cause, 5)
    assert time.time() - begin < 1.5, "the mode says so from the first second"
    told = post.until_told(post.enter(*range(10, 20)))
    assert all(late < TOLD_WITHIN and unrecorded and not duplicate for _, late, unrecorded, duplicate, _ in told), told
    seen = status(post.data, journal_cause)
    end = time.time() + 8
    while not any("no_record raised" in text and "node.0" in text for text in post.display.others):
        assert time.time() < end, "the node does not say itself that it has no record"
        time.sleep(0.05)
    assert next(s for s in seen["sinks"] if s["name"] == "display")["unrecorded"] >= 10, seen["sinks"]
    post.refuse(False)
    status(post.data, lambda s: not any(c["name"] == "journal" for c in s["causes"]))
    post.until_told(post.enter(30, 31))
    keys = [m[4] for m in post.display.got]
    assert len(keys) == len(set(keys)) == 15, keys
    post.end()


@test
def a_flapping_disk_silences_no_alarm_of_the_flagship():
    post = Flagship("flapping-flagship")
    numbers = iter(range(1, 100))
    entered = set()
    for _ in range(amount(8, 20, 100)):
        post.refuse(True)
        entered |= post.enter(next(numbers))
        time.sleep(0.15)
        post.refuse(False)
        entered |= post.enter(next(numbers))
        time.sleep(0.15)
    told = post.until_told(entered)
    assert all(late < TOLD_WITHIN for _, late, *_ in told) and len(told) == len(entered), told
    post.end()


@test
def a_slow_disk_silences_no_alarm_of_the_flagship():
    if not seams.exists():
        raise Skip("tests/vedette_seams is not built")
    slow = work / "slow-flagship.now"
    post = Flagship("slow-flagship", seams, VED_SLOW_DISK=slow)
    post.until_told(post.enter(1))
    entered = set()
    for n in range(6):  # each write takes 0.4 s
        slow.touch()
        entered |= post.enter(10 + n)
        time.sleep(0.4)
        slow.unlink()
        time.sleep(0.02)
    seen = status(post.data, lambda s: s["mode"] == "degraded")
    assert {c["name"] for c in seen["causes"]} & {"disk-slow", "journal"}, seen["causes"]
    told = post.until_told(entered)
    assert all(late < TOLD_WITHIN for _, late, *_ in told) and any(m[2] for m in told) and len(told) == 6, told
    post.end()


@test
def killed_on_a_broken_disk_the_flagship_raises_again_what_still_holds():
    post = Flagship("killed-flagship", hold="100 ms")
    post.until_told(post.enter(1, 2))
    for round_ in range(amount(10, 50, 200)):
        fresh = post.enter(10 + round_ % 80)
        post.refuse(True)
        before = len(post.display.got)
        first = post.until_told(fresh)
        time.sleep(round_ % 5 * 0.02)
        post.process.kill()
        post.process.communicate()
        lost = {mmsi for mmsi, _, unrecorded, *_ in post.display.got[before:] if unrecorded}
        begin, had = time.time(), len(post.display.got)
        post.run()
        while not lost <= {m[0] for m in post.display.got[had:]}:
            assert time.time() - begin < 5, (round_, lost, post.display.got[had:])
            time.sleep(0.02)
        assert all(m[3] for m in post.display.got[had:]), "a message after a kill is a possible duplicate"
        post.vessels -= fresh
    post.end()
    surely = [m[0] for m in post.display.got if not m[3] and not m[2]]
    assert len(surely) == len(set(surely)), "recorded, and told twice without a mark"
    keys = [m[4] for m in post.display.got]
    assert len(keys) == len(set(keys)), "one key, two messages"
