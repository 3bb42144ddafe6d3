"""Images that boot: built twice with the same bytes, started under UEFI, cut off, started again."""
import os, shutil, socket, subprocess, time

from harness import root, work, Skip, release, call, class_b

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


def build(target):
    site = work / "post.toml"
    site.write_text(SITE)
    subprocess.run([root / "firmware/build-image", "--board", "qemu-x86_64", "--site", site, "--out", target], check=True,
                   capture_output=True, timeout=300)


# Runs the machine until its console says `wanted`, saying `sentence` to its serial line each second once it listens;
# then cuts its power. Returns what the console said.
def machine(image, variables, sentence, wanted, limit=150):
    line = work / "serial.sock"
    line.unlink(missing_ok=True)
    console = open(work / "console", "wb")
    guest = subprocess.Popen(
        ["qemu-system-x86_64", "-accel", "tcg", "-M", "q35", "-cpu", "max", "-m", "256", "-smp", "2", "-display", "none", "-nodefaults", "-no-reboot",
         "-serial", "stdio", "-chardev", f"socket,id=line,path={line},server=on,wait=off", "-serial", "chardev:line",
         "-drive", "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd", "-drive", f"if=pflash,format=raw,file={variables}",
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


@release
def an_image_boots_watches_and_survives_its_power_being_cut():
    if not shutil.which("qemu-system-x86_64") or not os.path.exists("/usr/share/OVMF/OVMF_CODE_4M.fd"):
        raise Skip("scripts/setup-firmware was not run")
    first, second = work / "first.img", work / "second.img"
    build(first)
    build(second)
    assert subprocess.run(["cmp", first, second]).returncode == 0, "two builds differ"
    assert os.path.getsize(f"{first}.zst") < 60 << 20
    second.unlink()
    variables = work / "variables.fd"
    shutil.copy("/usr/share/OVMF/OVMF_VARS_4M.fd", variables)
    said = machine(first, variables, class_b(211000001, 59.5, 24.5), '"identity":"211000001"')
    assert '"kind":"init"' not in said and "-1-" in said[said.index('"key"'):][:40], said[-1500:]
    said = machine(first, variables, class_b(211000002, 59.6, 24.5), '"identity":"211000002"')
    alert = said[said.index('"key"'):]
    # It is the same node, a life later: the first ship is known, and no key is used twice.
    assert "-2-" in alert[:40] and '"identity":"211000001"' not in alert, alert
    data = work / "data-partition"
    subprocess.run(["dd", f"if={first}", f"of={data}", "bs=1M", "skip=97", "count=64", "status=none"], check=True)
    subprocess.run(["e2fsck", "-fy", data], capture_output=True)
    subprocess.run(["debugfs", "-R", f"rdump /vedette {work}", data], capture_output=True, check=True)
    call("replay", work / "vedette", "--verify")
