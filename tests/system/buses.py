"""A CAN bus in both guests: a full bus is read without loss, error frames are told, an interface goes and comes back."""
import json, re, struct, subprocess, time

from harness import amount, call, other_build, long, recordings, root, run_to_the_end, vedette, work, write_site, Skip

from images import build
from rig.guest import MACHINES, Guest, missing

FRAME = struct.Struct("<IB3x8s")  # struct can_frame of linux/can.h
EXTENDED, ERROR = 1 << 31, 1 << 29
RATE = 2000  # frames a second: a bus of 250 kbit/s that is full

SITE = """site = "bus"
[cores]
idle = "rest"
[limits]
journal = "32 MiB"
segment = "4 MiB"
image = "8 MiB"
tracks = 256
[source.bus]
driver = "can"
interface = "vcan0"
codec = "n2k"
retry = "3 s"
[assess.silent]
of = "source.bus"
when = "source.age > 5 min"
[decide.tell]
on = "silent"
run = "tell"
[action.tell]
sink = "log"
[sink.log]
driver = "log"
"""


def recorded_frames():
    """Identifiers and data of two recorded buses; without recordings, of a made one."""
    frames = []
    if not recordings.exists():
        for n in range(4000):  # positions, headings and, in fast packets, GNSS status
            frames.append((0x09F80100 + n % 3, struct.pack("<ii", 596000000 + n, 246000000 - n)))
            frames.append((0x09F11200 + n % 3, struct.pack("<BHhhB", n % 252, 15000 + n, 0x7FFF, 0x7FFF, 0xFD)))
            frames += [(0x0DF80510, bytes([n % 8 * 32 + part, *([43] if part == 0 else []), *[n % 251] * (6 if part == 0 else 7)])) for part in range(7)]
        return frames
    for name in ("candumpSample1.txt", "candumpSample3.txt"):
        for line in (recordings / "n2k" / name).read_text().splitlines():
            found = re.search(r"<0x([0-9a-f]{8})> \[\d\] ([0-9a-f ]+)", line) or re.search(r"\b([0-9A-F]{8})#([0-9A-F]*)", line)
            if found:
                frames.append((int(found[1], 16), bytes.fromhex(found[2])))
    return frames


def words(*frames):
    return "".join(FRAME.pack(identifier, len(data), data).hex() for identifier, data in frames)


def player(board):
    """The program that plays frames beside the node, for this board's processor."""
    target = work / f"{board}-player"
    compiler = {"qemu-x86_64": "gcc", "qemu-aarch64": "aarch64-linux-gnu-gcc"}[board]
    subprocess.run([compiler, "-static", "-O2", "-Wall", "-Werror", f'-DLINE="{MACHINES[board]["line"]}"', "-o", target, root / "tests/system/guest/bus_player.c"], check=True)
    return target


def counts_of_a_recording(frames):
    """What a node here counts of the same frames, read from a candump file."""
    dump = work / "played.log"
    dump.write_text("".join(f"({1700000000 + n / RATE:.6f}) can0 {identifier:08X}#{data.hex().upper()}\n" for n, (identifier, data) in enumerate(frames)))
    path = write_site("played", f'[source.bus]\ndriver = "recording"\nfile = "{dump}"\ncodec = "n2k"\nspeed = "max"\n', 9)
    return run_to_the_end(work / "played", (), path)["sources"][0]


class Bus:
    def __init__(self, guest):
        self.guest = guest

    def seen(self):
        return self.guest.answer("status --json")["sources"][0]

    def asks(self, text, wanted="player: ", limit=60):
        """Tells the player; returns what it answers."""
        before = len(self.guest.said())
        self.guest.serial(text.encode() + b"\n")
        self.guest.wait(wanted, limit, before)
        self.guest.wait("\n", after=self.guest.said().index(wanted, before))
        return self.guest.said(before)

    def until(self, wanted, limit=30):
        end = time.time() + limit
        while not wanted(last := self.seen()):
            assert time.time() < end, (last, self.guest.said()[-1500:])
        return last


COUNTS = ("accepted", "parts", "not_used_by", "refused")


def a_full_bus_is_read(bus, frames, seconds):
    played = [frames[n % len(frames)] for n in range(RATE * seconds)]
    said = bus.asks(f"play {RATE} {len(played)}", "player: sent", limit=120 + 6 * seconds)
    print(f"  {re.search(r'player: (sent.*)', said)[1]}")
    assert f"player: sent {len(played)}," in said, said
    seen = bus.until(lambda s: s["received"] >= len(played))
    told, here = {k: seen[k] for k in COUNTS}, counts_of_a_recording(played)
    assert seen["received"] == len(played) and seen["missed"] == 0 and seen["status"] == "up" and "error" not in seen, seen
    assert told == {k: here[k] for k in COUNTS} and told["accepted"] > len(played) / 10, (told, here)
    return seen["received"]


def what_is_too_much_is_counted(bus, before):
    """More than the kernel keeps while nobody reads: what it drops is `missed`."""
    said = bus.asks("flood 10000", "player: sent")
    sent = before + int(re.search(r"player: sent (\d+)", said)[1])
    seen = bus.until(lambda s: s["received"] + s["missed"] >= sent)
    assert seen["received"] + seen["missed"] == sent and 2000 <= seen["received"] - before < 10000, (seen, sent)
    print(f"  at once: {seen['missed']} of {sent - before} missed")
    return seen["received"], seen["missed"]


def errors_are_told(bus, frame, before):
    silence, passive = (ERROR | 0x20, bytes(8)), (ERROR | 0x04, bytes([0, 0x30, 0, 0, 0, 0, 130, 0]))
    bus_off, restarted = (ERROR | 0x40, bytes(8)), (ERROR | 0x100, bytes(8))
    bus.asks(f"frame {words(*[silence] * 99, passive)}")
    seen = bus.until(lambda s: s["received"] == before + 100)
    assert seen["refused"]["bus-error"] == 100 and seen["status"] == "up" and seen["error"] == "the bus reports errors", seen
    causes = {c["cause"]: c for c in bus.guest.answer("source bus --json")["causes"]}
    assert "bit rate" in causes["bus-error"]["help"], causes
    bus.asks(f"frame {words(bus_off, restarted, frame, frame)}")  # a controller that comes and goes
    seen = bus.until(lambda s: s["received"] == before + 104)
    assert seen["status"] == "down" and "bus-off" in seen["error"] and seen["refused"]["bus-error"] == 102, seen
    time.sleep(4)  # `retry`
    bus.asks(f"frame {words(frame)}")
    seen = bus.until(lambda s: s["received"] == before + 105)
    assert seen["status"] == "up" and seen["error"] == "the bus reports errors", seen
    told = [line for line in bus.guest.said().splitlines() if '"source-state"' in line]
    assert sum("the bus reports errors" in line for line in told) == 2 and sum("bus-off" in line for line in told) == 1, told
    time.sleep(11)
    bus.asks(f"frame {words(frame)}")
    seen = bus.until(lambda s: s["received"] == before + 106)
    assert seen["status"] == "up" and "error" not in seen, seen
    return before + 106


def an_interface_goes_and_comes_back(bus, frame, before):
    for what in ("down", "remove"):  # an interface that is removed goes down first
        begin = len(bus.guest.said())
        assert f"player: {what} done" in bus.asks(what), bus.guest.said(begin)
        bus.guest.wait('"status":"down","errno":100', after=begin)  # ENETDOWN
        bus.until(lambda s: s["status"] == "up" and "error" not in s)
        bus.asks(f"frame {words(frame, frame, frame)}")
        before += 3
        bus.until(lambda s: s["received"] == before)
    return before


def reads_a_bus(board, seconds):
    if missing(board):
        raise Skip(missing(board))
    frames, site = recorded_frames(), work / "bus.toml"
    site.write_text(SITE)
    stick, image = work / f"{board}.frames", work / f"{board}-bus.img"
    stick.write_bytes(b"".join(FRAME.pack(identifier | EXTENDED, len(data), data) for identifier, data in frames) + bytes(FRAME.size))
    build("build-image", board, site, image, "--helper", player(board))
    with Guest(board, image, work / f"{board}-bus", sticks=[stick], restarts=False) as guest:
        guest.wait(f"player: ready with {len(frames)} frames", limit=180)
        guest.wait('"kind":"source-state"')
        bus, frame = Bus(guest), (frames[0][0] | EXTENDED, frames[0][1])
        bus.until(lambda s: s["status"] == "up")
        doctor = {row["id"]: row["result"] for row in guest.answer("doctor --board /etc/vedette/board.toml --json")["checks"]}
        assert doctor["board-can"] == "pass", doctor
        received = a_full_bus_is_read(bus, frames, seconds)
        received = errors_are_told(bus, frame, received)
        received = an_interface_goes_and_comes_back(bus, frame, received)
        received, missed = what_is_too_much_is_counted(bus, received)
        bus.asks("down")
        bus.until(lambda s: s["status"] == "up" and s["missed"] == missed)  # kept when it is opened again


@long
def a_guest_reads_a_full_can_bus_and_tells_its_errors():
    reads_a_bus("qemu-x86_64", amount(10, 10, 60))


@other_build
def an_arm_image_reads_a_full_can_bus_and_tells_its_errors():
    reads_a_bus("qemu-aarch64", amount(10, 10, 60))
