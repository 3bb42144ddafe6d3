"""A disk under the journal that is full, read-only, slow or hangs: people see on, and the journal goes on afterwards."""
import contextlib, errno, pathlib, signal, socket, subprocess, time

from harness import Skip, release, root, stop, verify, work
from mirror import Post, level


@contextlib.contextmanager
def faulty_journal(name):
    """Mounts a faulty folder where a node's journal will be; yields what tells it its fault."""
    mount, behind, fault = work / name / "shard-0/journal", work / f"{name}-behind", work / f"{name}.fault"
    mount.mkdir(parents=True)
    behind.mkdir()
    if not pathlib.Path("/dev/fuse").exists():
        raise Skip("no FUSE here")
    # Debian's Python has Debian's package.
    server = subprocess.Popen(["/usr/bin/python3", root / "tests/system/faulty_folder.py", mount, behind, fault])
    try:
        for _ in range(100):
            if mount.is_mount():
                break
            time.sleep(0.05)
        else:
            raise Skip("nothing can be mounted here")
        yield fault.write_text
    finally:
        fault.write_text("")
        subprocess.run(["umount", "-l", mount], check=False)
        server.wait(timeout=20)


def has_cause(seen):
    return "journal" in [cause["name"] for cause in seen["causes"]]


# Events come for so long; the mirror's worst lag, once settled, and the last status.
def busy(post, seconds, settle=1):
    begin, worst = time.time(), 0
    while time.time() < begin + seconds:
        for _ in range(200):
            post.shoot()
        time.sleep(0.03)
        seen = post.until(lambda s: True, limit=3)
        worst = max(worst, seen["mirror"]["lag_ms"]) if time.time() > begin + settle else worst
    return worst, post.until(lambda s: s["sources"][0]["accepted"] >= post.sent, limit=2)


def back_in_order(post, since):
    seen = post.until(lambda s: level(s) and not has_cause(s) and s["mode"] == "normal" and int(s["durable_sequence"]) >= int(s["sequence"]))
    assert seen["mirror"]["differed"] == seen["mirror"]["restarts"] == 0, seen["mirror"]
    assert int(seen["mirror"]["batch"]) > int(since["mirror"]["batch"]), seen["mirror"]
    return seen


def is_marked(seen, worst):
    assert worst < 2000, (worst, seen["mirror"])
    assert has_cause(seen) and seen["mode"] == "degraded" and seen["journal"]["error"], (seen["causes"], seen["journal"])
    assert seen["mirror"]["unrecorded"] > 0, seen["mirror"]


def end(post, seen):
    lost = seen["journal"].get("unrecorded_batches", 0)
    replayed = verify(post.data, stop(post.process))
    assert replayed.get("unrecorded_batches", 0) == lost, (replayed, lost)
    return lost


@release
def a_disk_that_hangs_holds_up_nobody_and_the_journal_goes_on_behind_the_gap():
    with faulty_journal("disk-hangs") as fault:
        post = Post("disk-hangs")
        post.send(200)
        post.until(level)
        fault("hang")
        worst, seen = busy(post, 4)
        is_marked(seen, worst)
        assert seen["journal"]["unrecorded_batches"] > 0, seen["journal"]
        asked = socket.socket(socket.AF_UNIX)
        asked.connect(str(post.data / "control.sock"))
        asked.settimeout(5)
        asked.sendall(b"requeue 1\n")  # the node would read the event from this disk
        assert b"the disk, which has the event, does not answer" in asked.recv(4096)
        fault("")
        assert end(post, back_in_order(post, seen)) > 0


@release
def a_read_only_disk_that_comes_and_goes_is_told_and_survived():
    with faulty_journal("disk-read-only") as fault:
        post = Post("disk-read-only")
        post.send(200)
        post.until(level)
        fault(f"error {errno.EROFS}")
        worst, seen = busy(post, 4)
        is_marked(seen, worst)
        assert "ead-only" in seen["journal"]["error"], seen["journal"]
        for _ in range(4):
            fault("")
            worst = max(worst, busy(post, 0.4, settle=0)[0])
            fault(f"error {errno.EROFS}")
            worst = max(worst, busy(post, 0.6, settle=0)[0])
        assert worst < 2000, worst
        fault("")
        end(post, back_in_order(post, seen))


@release
def a_slow_disk_is_mirrored_all_the_same():
    with faulty_journal("disk-slow") as fault:
        post = Post("disk-slow")
        post.send(200)
        post.until(level)
        fault("slow 0.4")
        worst, seen = busy(post, 6)
        assert worst < 2000 and has_cause(seen), (worst, seen["mirror"], seen["causes"])
        fault("")
        end(post, back_in_order(post, seen))


@release
def a_full_disk_is_told_and_the_journal_goes_on_once_there_is_space():
    folder = work / "disk-full/shard-0/journal"
    folder.mkdir(parents=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", folder], capture_output=True).returncode != 0:
        raise Skip("nothing can be mounted here")
    try:
        post = Post("disk-full", journal="16 MiB")
        post.send(200)
        post.until(level)
        with contextlib.suppress(OSError), open(folder / "else", "wb") as other:
            while True:
                other.write(bytes(1 << 16))
        worst, seen = 0, {"causes": []}
        for _ in range(10):
            more, seen = busy(post, 2)
            worst = max(worst, more)
            if has_cause(seen):
                break
        worst = max(worst, busy(post, 2)[0])
        is_marked(post.until(lambda s: True), worst)
        (folder / "else").unlink()
        end(post, back_in_order(post, seen))
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


@release
def a_node_whose_disk_hangs_can_be_stopped():
    with faulty_journal("disk-stops") as fault:
        post = Post("disk-stops")
        post.send(200)
        post.until(level)
        fault("hang")
        post.send(100)
        time.sleep(0.5)
        begin = time.time()
        post.process.send_signal(signal.SIGTERM)
        told = post.process.stderr.readline()
        while told and "hangs" not in told:
            told = post.process.stderr.readline()
        assert "the journal thread hangs: the disk does not answer" in told, told
        assert 8 < time.time() - begin < 16, time.time() - begin
        fault("")  # until then the system keeps the process
        assert post.process.wait(timeout=10) == 74
        # What is on disk is whole, and the next run goes on from it.
        again = Post("disk-stops")
        again.send(100)
        verify(again.data, stop(again.process))
