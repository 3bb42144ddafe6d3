"""Images that boot: built twice with the same bytes, started under UEFI, cut off, started again."""
import os, shutil, socket, subprocess, time

from harness import root, work, Skip, release, other_build, call, class_b

SITE = """site = "post"
[source.ais]
driver = "serial"
device = "/dev/ttyS1"
baud = 38400
codec = "ais"
[assess.seen]
of = "track"
when = "track.updates >= 1"
[decide.tell]
on = "seen"
run = "tell"
[action.tell]
sink = "log"
[sink.log]
driver = "log"
"""


# What starts each machine, behind its console and the serial line that an instrument is on.
MACHINES = {
    "qemu-x86_64": dict(program="qemu-system-x86_64", line="/dev/ttyS1", code="/usr/share/OVMF/OVMF_CODE_4M.fd", variables="/usr/share/OVMF/OVMF_VARS_4M.fd",
                        start=["-M", "q35", "-cpu", "max"], serial=["-serial", "chardev:line"]),
    "qemu-aarch64": dict(program="qemu-system-aarch64", line="/dev/ttyS0", code="/usr/share/AAVMF/AAVMF_CODE.fd", variables="/usr/share/AAVMF/AAVMF_VARS.fd",
                         start=["-M", "virt,gic-version=3", "-cpu", "cortex-a72"], serial=["-device", "pci-serial,chardev=line"]),
}


def build(board, target):
    site = work / "post.toml"
    site.write_text(SITE.replace("/dev/ttyS1", MACHINES[board]["line"]))
    done = subprocess.run([root / "firmware/build-image", "--board", board, "--site", site, "--out", target], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]


# Runs the machine until its console says `wanted`, saying `sentence` to its serial line each second once it listens;
# then cuts its power. Returns what the console said.
def machine(board, image, variables, sentence, wanted, limit=150):
    how, line = MACHINES[board], work / "serial.sock"
    line.unlink(missing_ok=True)
    console = open(work / "console", "wb")
    guest = subprocess.Popen(
        [how["program"], "-accel", "tcg", *how["start"], "-m", "256", "-smp", "2", "-display", "none", "-nodefaults", "-no-reboot", "-serial", "stdio",
         "-chardev", f"socket,id=line,path={line},server=on,wait=off", *how["serial"],
         "-drive", f"if=pflash,format=raw,readonly=on,file={how['code']}", "-drive", f"if=pflash,format=raw,file={variables}",
         "-drive", f"if=virtio,format=raw,file={image},cache=writethrough", "-device", "i6300esb"],
        stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT)
    try:
        speaker, begin = None, time.time()
        while time.time() - begin < limit:
            time.sleep(0.5)
            said = (work / "console").read_text(errors="replace")
            if wanted in said:
                return said
            assert guest.poll() is None, said[-2000:]
            if '"source-state"' in said:
                if speaker is None:
                    speaker = socket.socket(socket.AF_UNIX)
                    speaker.connect(str(line))
                speaker.send(sentence)
        raise AssertionError(said[-2000:])
    finally:
        guest.kill()
        guest.wait()
        console.close()


def boots_watches_and_survives(board):
    how = MACHINES[board]
    if not shutil.which(how["program"]) or not os.path.exists(how["code"]):
        raise Skip("scripts/setup-firmware was not run")
    first, second = work / "first.img", work / "second.img"
    build(board, first)
    build(board, second)
    assert subprocess.run(["cmp", first, second]).returncode == 0, "two builds differ"
    assert os.path.getsize(f"{first}.zst") < 60 << 20
    second.unlink()
    variables = work / "variables.fd"
    shutil.copy(how["variables"], variables)
    os.truncate(variables, os.path.getsize(how["code"]) if board == "qemu-aarch64" else os.path.getsize(variables))
    said = machine(board, first, variables, class_b(211000001, 59.5, 24.5), '"identity":"211000001"')
    assert '"kind":"init"' not in said and "-1-" in said[said.index('"key"'):][:40], said[-1500:]
    said = machine(board, first, variables, class_b(211000002, 59.6, 24.5), '"identity":"211000002"')
    alert = said[said.index('"key"'):]
    # It is the same node, a life later: the first ship is known, and no key is used twice.
    assert "-2-" in alert[:40] and '"identity":"211000001"' not in alert, alert
    data = work / "data-partition"
    subprocess.run(["dd", f"if={first}", f"of={data}", "bs=1M", "skip=97", "count=64", "status=none"], check=True)
    subprocess.run(["e2fsck", "-fy", data], capture_output=True)
    kept = work / board
    kept.mkdir()
    subprocess.run(["debugfs", "-R", f"rdump /vedette {kept}", data], capture_output=True, check=True)
    call("replay", kept / "vedette", "--verify")


@release
def an_image_boots_watches_and_survives_its_power_being_cut():
    boots_watches_and_survives("qemu-x86_64")


@other_build
def an_arm_image_boots_watches_and_survives_its_power_being_cut():
    boots_watches_and_survives("qemu-aarch64")
