"""`vedette flash` onto real block devices: loop devices over a file system whose one file fails as a disk does."""
import contextlib, hashlib, json, os, pathlib, subprocess, time

from harness import root, work, call, release, test

MIB = 1 << 20


# An image of random and empty chunks, with its block map.
def image(mib=24):
    target = work / "flash.img"
    with open(target, "wb") as out:
        for n in range(mib):
            out.write(bytes(MIB) if n % 3 == 1 else os.urandom(MIB))
    made = subprocess.run([root / "firmware/slot.py", "map", target], capture_output=True, check=True)
    pathlib.Path(f"{target}.map").write_bytes(made.stdout)
    return target


@contextlib.contextmanager
def disk(mib=32, fault="none", at=0):
    folder = work / f"disk-{time.time_ns()}"
    folder.mkdir()
    # Debian's Python has Debian's package.
    server = subprocess.Popen(["/usr/bin/python3", root / "tests/system/faulty_disk.py", folder, str(mib * MIB), fault, str(at)])
    device = None
    try:
        for _ in range(100):
            if (folder / "disk").exists():
                break
            time.sleep(0.05)
        made = subprocess.run(["losetup", "--direct-io=on", "--find", "--show", folder / "disk"], capture_output=True, text=True)
        assert made.returncode == 0, made.stderr
        device = made.stdout.strip()
        yield device
    finally:
        if device:
            subprocess.run(["losetup", "-d", device], check=True)
        subprocess.run(["umount", "-l", folder], check=True)
        server.wait(timeout=20)


def flash(source, device, *more, ok=(0,)):
    log = work / "flash.log"
    log.unlink(missing_ok=True)
    done = call("flash", source, device, "--log", log, "--json", *more, ok=ok)
    answer = json.loads(done.stdout)
    name = answer["data"]["result"] if answer["ok"] else answer["error"]["code"]
    if name != "refused":
        assert f"result {name}" in log.read_text(), log.read_text()
    return name


def first_sector(device):
    with open(device, "rb") as content:
        return content.read(512)


@test
def flashing_ends_as_the_disk_does():
    source = image()
    content = source.read_bytes()
    with disk() as device:
        assert flash(source, device) == "complete"
        with open(device, "rb") as there:
            assert hashlib.sha256(there.read(len(content))).digest() == hashlib.sha256(content).digest()
        listed = json.loads(call("flash", "--list", "--json").stdout)["data"]["disks"]
        assert any(d["device"] == device and d["bytes"] == 32 * MIB for d in listed), listed
    with disk(mib=16) as device:
        assert flash(source, device, ok=(77,)) == "too-small"
    for fault, code, name in (("write-error", 74, "write-failed"), ("corrupt", 1, "verify-failed"), ("gone", 74, "unplugged")):
        with disk(fault=fault, at=11 * MIB + 4321) as device:
            assert flash(source, device, ok=(code,)) == name, fault
            if fault != "gone":
                assert first_sector(device) == bytes(512), f"{fault}: what is not whole looks like a disk"


@test
def what_must_not_be_flashed_is_refused():
    source = image(4)
    with disk() as device:
        subprocess.run(["mke2fs", "-q", device], check=True, capture_output=True)
        mounted = work / "mounted"
        mounted.mkdir(exist_ok=True)
        subprocess.run(["mount", device, mounted], check=True)
        try:
            assert flash(source, device, ok=(77,)) == "refused"
        finally:
            subprocess.run(["umount", mounted], check=True)
        before = first_sector(device), open(device, "rb").read(4096)
        pathlib.Path(f"{source}.map").write_text("bytes 4194304\n0 beef\n")
        assert flash(source, device, ok=(65,)) == "bad-map"
        assert (first_sector(device), open(device, "rb").read(4096)) == before
        source = image(4)
        with open(source, "r+b") as damaged:
            damaged.seek(2 * MIB + 5)
            damaged.write(b"other")
        assert flash(source, device, ok=(65,)) == "bad-image"
        assert first_sector(device) == bytes(512)
    root_disk = subprocess.run(["findmnt", "-n", "-o", "SOURCE", "/"], capture_output=True, text=True).stdout.strip()
    if root_disk.startswith("/dev/") and os.path.exists(root_disk):
        assert flash(source, root_disk, "--fixed", ok=(77,)) == "refused"
    assert flash(source, source, ok=(77,)) == "refused"
