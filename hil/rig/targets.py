"""The targets of a scenario: a node on this host, a machine in QEMU started from a built image, or a remote node over its ports."""
import json, os, pathlib, pty, queue, re, signal, socket, subprocess, termios, threading, time, tomllib, tty

from .guest import ADDRESS, MACHINES, PORT, Guest, data_folder_of, missing

root = pathlib.Path(__file__).resolve().parents[2]
DISK_MIB = 128  # of a host target's data folder


class NotHere(Exception):
    """A stimulus that this target does not support."""


class Receiver(threading.Thread):
    """Alerts with their arrival times; `plant` adds a fault: delay, loss or duplicate."""

    def __init__(self, plant="", address=("127.0.0.1", 0)):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind(address)
        self.socket.settimeout(0.1)
        self.port = self.socket.getsockname()[1]
        self.got, self.going, self.plant, self.count = [], True, plant, 0
        self.late = queue.SimpleQueue()
        if plant == "delay":
            threading.Thread(target=self.deliver_late, daemon=True).start()
        self.start()

    def deliver_late(self):
        while self.going:
            arrived, data = self.late.get()
            time.sleep(max(0.0, arrived / 1e9 + 0.002 - time.monotonic()))
            self.got.append((time.monotonic_ns(), data))

    def run(self):
        while self.going:
            try:
                data = self.socket.recv(4096)
            except OSError:
                continue
            arrived = time.monotonic_ns()
            self.count += 1
            if self.plant == "delay":
                self.late.put((arrived, data))
            elif not (self.plant == "loss" and self.count == 5000):
                self.got.append((arrived, data))
                if self.plant == "duplicate" and self.count == 100:
                    self.got.append((arrived, data))

    def close(self):
        self.going = False
        self.join()
        self.socket.close()


class Target:
    emulated = False

    def __init__(self, folder, site, vedette, plant=""):
        self.folder, self.vedette = pathlib.Path(folder), vedette
        self.receiver = Receiver(plant)
        self.site = self.folder / "site.toml"
        self.site.write_text(site.read_text().format(line=self.line, port=self.port, receiver=f"{self.alerts_to}:{self.receiver.port}")
                             if "{receiver}" in site.read_text() else site.read_text())

    def alerts(self):
        return [(at, json.loads(data)) for at, data in list(self.receiver.got)]

    def sources_up(self, status):
        return status is not None and all(s["status"] == "up" for s in status["sources"])

    # Unsupported stimuli, unless a target overrides them.
    def unplug(self, seconds):
        raise NotHere("the rig cannot unplug this target's serial line")

    def step_clock(self, to):
        raise NotHere("the rig cannot set this target's clock")

    def fill_disk(self, leave_kib):
        raise NotHere("the rig cannot write to this target's disk")

    def free_disk(self):
        raise NotHere("the rig cannot write to this target's disk")

    def press(self, kind, s):
        raise NotHere("the rig cannot load this target's processor or memory")


class Host(Target):
    """The node as a process: a pseudo terminal is its serial line, a virtual Ethernet pair its packet port."""
    alerts_to = "127.0.0.1"

    def __init__(self, folder, site, vedette, plant=""):
        folder = pathlib.Path(folder)
        self.line, self.port = folder / "line", "net_af_packet0,iface=rig1"
        self.data, self.node, self.master, self.log = folder / "data", None, None, open(folder / "node.log", "ab")
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        if "rig0" not in (name for _, name in socket.if_nameindex()):
            subprocess.run(["ip", "link", "add", "rig0", "type", "veth", "peer", "name", "rig1"], check=True)
            for end in ("rig0", "rig1"):
                quiet = pathlib.Path(f"/proc/sys/net/ipv6/conf/{end}/disable_ipv6")
                if quiet.exists():
                    quiet.write_text("1")
                subprocess.run(["ip", "link", "set", end, "up"], check=True)
        self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.wire.bind(("rig0", 0))
        self.data.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "none", self.data], check=True)
        super().__init__(folder, site, vedette, plant)

    def start(self):
        self.plug()
        self.up()

    def up(self):
        self.node = subprocess.Popen([self.vedette, "run", self.site, "--data", self.data / "node", "--json"], stdout=self.log, stderr=self.log)
        end = time.time() + 20
        while not self.sources_up(self.status()):
            if time.time() > end or self.node.poll() is not None:
                raise RuntimeError(f"the node did not come up: {(self.folder / 'node.log').read_text()[-1500:]}")
            time.sleep(0.05)

    def status(self):
        done = subprocess.run([self.vedette, "status", "--data", self.data / "node", "--json"], capture_output=True, text=True)
        return json.loads(done.stdout)["data"] if done.returncode == 0 else None

    def send(self, channel, data):
        try:
            if channel == "serial":
                os.write(self.master, data)
            else:
                self.wire.send(data)
        except OSError:
            pass  # the line is unplugged, or the node is down

    def plug(self):
        self.master, slave = pty.openpty()
        tty.setraw(slave)
        os.set_blocking(self.master, False)
        self.line.unlink(missing_ok=True)
        self.line.symlink_to(os.ttyname(slave))
        os.close(slave)

    def unplug(self, seconds):
        os.close(self.master)
        self.line.unlink()
        time.sleep(seconds)
        self.plug()

    def cut_power(self, seconds):
        self.node.send_signal(signal.SIGKILL)
        self.node.wait()
        time.sleep(seconds)
        self.up()

    def fill_disk(self, leave_kib):
        with open(self.data / "full", "wb", buffering=0) as out:
            while os.statvfs(self.data).f_bavail * 4 > leave_kib:
                try:
                    out.write(bytes(4096))
                except OSError:
                    return  # the node has acted already

    def free_disk(self):
        (self.data / "full").unlink()

    def press(self, kind, s):
        if kind == "cpu-pressure":
            busy = [subprocess.Popen(["python3", "-c", "while True: pass"]) for _ in range(s["threads"])]
        else:
            busy = [subprocess.Popen(["python3", "-c", f"import time; x = bytearray({s['mib']} << 20)\nfor i in range(0, len(x), 4096): x[i] = 1\ntime.sleep(600)"])]
        time.sleep(s["seconds"])
        for process in busy:
            process.kill()
            process.wait()

    def stop(self):
        status = self.status()
        if self.node.poll() is None:
            self.node.send_signal(signal.SIGTERM)
            try:
                self.node.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.node.kill()
                self.node.wait()
        time.sleep(0.3)
        self.receiver.close()
        return status

    def data_folder(self):
        return self.data / "node"

    def close(self):
        self.wire.close()
        self.log.close()
        subprocess.run(["umount", "-l", self.data])


class Emulated(Target):
    """A machine in QEMU: its serial line, its DPDK card, its power and its clock."""
    emulated, alerts_to = True, "10.0.2.2"

    def __init__(self, board, folder, site, vedette, plant=""):
        if missing(board):
            raise NotHere(missing(board))
        self.board, self.line, self.port = board, MACHINES[board]["line"], PORT
        super().__init__(folder, site, vedette, plant)
        # An emulator translates code on its first run, which alone can exceed a deadline: do not judge time here.
        text = self.site.read_text()
        if "deadline" not in text:
            self.site.write_text(re.sub(r"(?m)^(\[decide\..*\])$", r'\1\ndeadline = "1 s"', text))
        self.image = self.folder / "disk.img"
        done = subprocess.run([root / "firmware/build-image", "--board", board, "--site", self.site, "--out", self.image, "--address", ADDRESS],
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr[-1000:])
        self.guest = Guest(board, self.image, self.folder / "machine", memory=512)

    def start(self):
        self.guest.start()
        self.guest.wait('"kind":"source-state"', limit=180)

    def status(self):
        return self.guest.answer("status --json")

    def send(self, channel, data):
        if channel == "serial":
            self.guest.serial(data)
        else:
            self.guest.frame(data)

    def cut_power(self, seconds):
        self.guest.cut_power()
        time.sleep(seconds)
        self.start()

    def step_clock(self, to):
        self.guest.clock = to
        self.cut_power(0.5)

    def stop(self):
        status = self.status()
        self.guest.cut_power()
        self.receiver.close()
        return status

    def data_folder(self):
        return data_folder_of(self.image, self.folder)

    def close(self):
        self.guest.cut_power()


class Wired(Target):
    """A remote node at the other end of this machine's cables; a file describes them."""
    KEYS = {"alerts": int, "ethernet": str, "status": list, "serial": str, "baud": int, "before": list, "after": list,
            "power_off": list, "power_on": list, "fetch": list}
    UP_S = 60

    def __init__(self, path, folder, site, vedette, plant=""):
        try:
            self.wires = tomllib.loads(path.read_text())
        except (OSError, tomllib.TOMLDecodeError) as problem:
            raise NotHere(f"{path}: {problem}")
        for key, value in self.wires.items():
            if not isinstance(value, self.KEYS.get(key, ())):
                raise NotHere(f"{path}: {key} = {value!r} is not one of " + ", ".join(f"{k} ({t.__name__})" for k, t in self.KEYS.items()))
        for key in ("alerts", "ethernet", "status"):
            if key not in self.wires:
                raise NotHere(f"{path}: the key {key} is missing")
        self.folder, self.vedette = pathlib.Path(folder), vedette
        try:
            self.receiver = Receiver(plant, ("0.0.0.0", self.wires["alerts"]))
            self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            self.wire.bind((self.wires["ethernet"], 0))
            self.line = self.open_line(self.wires["serial"], self.wires.get("baud", 38400)) if "serial" in self.wires else None
        except (OSError, AttributeError) as problem:
            raise NotHere(f"{path}: {problem}")

    @staticmethod
    def open_line(device, baud):
        line = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(line)
        how = termios.tcgetattr(line)
        how[4] = how[5] = getattr(termios, f"B{baud}")
        termios.tcsetattr(line, termios.TCSANOW, how)
        return line

    def command(self, key):
        done = subprocess.run([word.replace("{folder}", str(self.folder)) for word in self.wires[key]], capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise RuntimeError(f"{key} ended {done.returncode}: {(done.stderr or done.stdout)[-500:]}")
        return done.stdout

    def start(self):
        if "before" in self.wires:
            self.command("before")
        self.await_sources()

    def await_sources(self):
        end = time.time() + self.UP_S
        while not self.sources_up(self.status()):
            if time.time() > end:
                raise RuntimeError(f"the node's sources are not up after {self.UP_S} s: {self.status()}")
            time.sleep(0.5)

    def status(self):
        try:
            return next((json.loads(line)["data"] for line in self.command("status").splitlines() if '"data"' in line), None)
        except RuntimeError:
            return None  # it is off

    def send(self, channel, data):
        try:
            if channel != "serial":
                self.wire.send(data)
            elif self.line is not None:
                os.write(self.line, data)
        except OSError:
            pass  # a cable loses bursts too; the node's counters show it

    def cut_power(self, seconds):
        if "power_off" not in self.wires or "power_on" not in self.wires:
            raise NotHere("its file names no power_off and power_on, so the rig cannot cut its power")
        self.command("power_off")
        time.sleep(seconds)
        self.command("power_on")
        self.await_sources()

    def stop(self):
        status = self.status()
        if "after" in self.wires:
            self.command("after")
        time.sleep(0.3)
        return status

    def data_folder(self):
        if "fetch" not in self.wires:
            raise NotHere("its file names no fetch, so the rig cannot read its journal")
        self.command("fetch")
        return self.folder / "data"

    def close(self):
        self.receiver.close()
        self.wire.close()
        if self.line is not None:
            os.close(self.line)


def make(name, folder, site, vedette, plant):
    if name == "host":
        return Host(folder, site, vedette, plant)
    if name in MACHINES:
        return Emulated(name, folder, site, vedette, plant)
    if name.endswith(".toml"):
        return Wired(pathlib.Path(name), folder, site, vedette, plant)
    raise NotHere(f"there is no target {name}; one of: host, {', '.join(MACHINES)}, or a .toml file that says how a node is wired")
