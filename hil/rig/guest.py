"""A machine in QEMU, started from a built image: its console, a serial line, a port that DPDK drives, its power."""
import json, os, pathlib, shutil, socket, subprocess, time

MACHINES = {
    "qemu-x86_64": dict(
        program="qemu-system-x86_64", line="/dev/ttyS1", code="/usr/share/OVMF/OVMF_CODE_4M.fd", variables="/usr/share/OVMF/OVMF_VARS_4M.fd",
        start=["-M", "q35,kernel-irqchip=split", "-cpu", "max", "-device", "intel-iommu,intremap=on,caching-mode=on"], serial=["-serial", "chardev:line"]),
    "qemu-aarch64": dict(
        program="qemu-system-aarch64", line="/dev/ttyS0", code="/usr/share/AAVMF/AAVMF_CODE.fd", variables="/usr/share/AAVMF/AAVMF_VARS.fd",
        start=["-M", "virt,gic-version=3,iommu=smmuv3", "-cpu", "cortex-a72"], serial=["-device", "pci-serial,chardev=line"]),
}
PORT = "0000:00:10.0"  # the node's own network card
ADDRESS = "eth0=10.0.2.15/24 10.0.2.2"  # the other one; 10.0.2.2 is this host's loopback


def missing(board):
    """What must be installed to start it; empty if complete."""
    how = MACHINES[board]
    return "" if shutil.which(how["program"]) and os.path.exists(how["code"]) else "scripts/setup-firmware was not run"


FIRST_SECTOR = (1 + 8 + 1 + 2 * 64) * 2048  # of the data partition, as in firmware/build-image


def data_partition_of(image, folder):
    """A copy of the image's data partition, with its journal replayed."""
    data = pathlib.Path(folder) / "data-partition"
    sectors = os.path.getsize(image) // 512 - FIRST_SECTOR - 2048
    subprocess.run(["dd", f"if={image}", f"of={data}", "bs=512", f"skip={FIRST_SECTOR}", f"count={sectors}", "conv=sparse", "status=none"], check=True)
    subprocess.run(["e2fsck", "-fy", data], capture_output=True)
    return data


def data_folder_of(image, folder):
    """A copy of the node's data folder from the image's data partition; StopIteration if there is none."""
    kept = pathlib.Path(folder) / f"kept-{time.time_ns()}"
    kept.mkdir()
    subprocess.run(["debugfs", "-R", f"rdump / {kept}", data_partition_of(image, folder)], capture_output=True, check=True)
    return next(kept.glob("*/vedette-data"))


class Guest:
    def __init__(self, board, image, folder, sticks=(), restarts=True, memory=256, drive=None, firmware=None,
                 card="virtio-net-pci,iommu_platform=on,disable-legacy=on", storage="virtio-blk-pci", cores=2, usb=None):
        self.board, self.how, self.image, self.folder = board, MACHINES[board], image, pathlib.Path(folder)
        self.sticks, self.restarts, self.memory, self.drive = sticks, restarts, memory, drive
        self.card = card  # the one that DPDK drives
        self.storage, self.cores = storage, cores
        self.usb = usb  # a stick at its USB port
        self.firmware = firmware  # code, variables and options of another firmware; without variables it is not UEFI
        self.folder.mkdir(exist_ok=True)
        self.variables = self.folder / "variables.fd"
        self.process = self.line = self.port = None
        self.clock = None  # start value of its battery-backed clock: "2020-01-01T00:00:00"

    def start(self):
        how = self.how
        code, variables, more = self.firmware or (how["code"], how["variables"], [])
        if variables and not self.variables.exists():
            shutil.copy(variables, self.variables)
            if self.board == "qemu-aarch64":
                os.truncate(self.variables, os.path.getsize(code))
        for name in ("line", "ours", "theirs"):
            (self.folder / name).unlink(missing_ok=True)
        disk = self.drive or ["-drive", f"if=none,id=disk,format=raw,file={self.image},cache=writethrough"]
        flash = ["-drive", f"if=pflash,format=raw,readonly=on,file={code}", "-drive", f"if=pflash,format=raw,file={self.variables}"] if variables else ["-bios", code]
        sticks = [word for n, stick in enumerate(self.sticks) for word in
                  ("-drive", f"if=none,id=stick{n},format=raw,readonly=on,file={stick}", "-device", f"virtio-blk-pci,drive=stick{n}")]
        if self.usb:
            sticks += ["-device", "qemu-xhci", "-drive", f"if=none,id=usb,format=raw,readonly=on,file={self.usb}", "-device", "usb-storage,drive=usb"]
        self.port = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.port.bind(str(self.folder / "ours"))
        self.port.setblocking(False)
        self.console = open(self.folder / "console", "wb")
        self.process = subprocess.Popen(
            [how["program"], "-accel", "tcg", *how["start"], *more, "-m", str(self.memory), "-object", f"memory-backend-ram,id=memory,size={self.memory}M,prealloc=on", "-machine", "memory-backend=memory", "-smp", str(self.cores), "-display", "none", "-nodefaults",
             *([] if self.clock is None else ["-rtc", f"base={self.clock}"]), *([] if self.restarts else ["-no-reboot"]), "-serial", "stdio",
             "-chardev", f"socket,id=line,path={self.folder / 'line'},server=on,wait=off", *how["serial"],
             *flash, *disk, "-device", f"{self.storage},drive=disk", *sticks, "-device", "i6300esb", "-action", "watchdog=reset",
             "-netdev", "user,id=kernel", "-device", "virtio-net-pci,netdev=kernel",
             "-netdev", f"dgram,id=port,local.type=unix,local.path={self.folder / 'theirs'},remote.type=unix,remote.path={self.folder / 'ours'}",
             "-device", f"{self.card},netdev=port,addr=0x10"],
            stdin=subprocess.PIPE, stdout=self.console, stderr=subprocess.STDOUT)
        return self

    def said(self, after=0):
        return (self.folder / "console").read_text(errors="replace")[after:]

    def wait(self, wanted, limit=120, after=0, meanwhile=None):
        """Waits until the console shows `wanted`; returns the output's length. Calls `meanwhile` each half second."""
        end = time.time() + limit
        while time.time() < end:
            text = self.said()
            if wanted in text[after:]:
                return len(text)
            if self.process.poll() is not None:
                raise AssertionError(f"the machine ended ({self.process.returncode}): {text[-2000:]}")
            if meanwhile:
                meanwhile()
            time.sleep(0.5)
        raise AssertionError(f"the console never said {wanted!r}: {self.said()[-2000:]}")

    def say(self, words, wanted='"kind":"console"', limit=60):
        """Runs a command at the console; returns its output."""
        before = len(self.said())
        self.process.stdin.write((words + "\n").encode())
        self.process.stdin.flush()
        self.wait(wanted, limit, before)
        return self.said(before)

    def answer(self, words):
        """Output of a command with --json. The kernel may write on the same line; then it asks again."""
        for _ in range(5):
            said = self.say(words)
            for line in said.splitlines():
                try:
                    return json.loads(line[line.index('{"schema"'):])["data"]
                except ValueError:
                    continue
        raise AssertionError(f"no answer to {words!r}: {said[-2000:]}")

    def serial(self, data):
        try:
            if self.line is None:
                self.line = socket.socket(socket.AF_UNIX)
                self.line.connect(str(self.folder / "line"))
            self.line.send(data)
        except OSError:
            self.line = None  # the machine is off

    def frame(self, data):
        """Drops the bytes, as a wire would, if the machine reads nothing for 0.2 s or is off."""
        end = time.monotonic() + 0.2
        while (port := self.port) is not None and time.monotonic() < end:
            try:
                port.sendto(data, str(self.folder / "theirs"))
                return
            except BlockingIOError:
                time.sleep(0.002)  # poll() cannot wait for an unconnected socket's receiver
            except OSError:
                return

    def cut_power(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for end in (self.line, self.port):
            if end is not None:
                end.close()
        self.line = self.port = None
        if self.process:
            self.console.close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.cut_power()
