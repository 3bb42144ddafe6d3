"""What a data folder remembers: nothing is lost by starting, no epoch is used twice, one node writes."""
import hashlib, json, os, pathlib, shutil, signal, socket, subprocess, time

from harness import vedette, work, test, release, Skip, amount, call, start, stop, status, free_port, ais_source, write_site, verify
from rig.sentences import class_b


def contents(folder):
    """Every file's name and bytes; what is no file by its name."""
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() if p.is_file() else "" for p in sorted(folder.rglob("*"))}


def ships(port, data, first, count):
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    before = int(status(data, lambda s: s["sources"][0]["status"] == "up")["sources"][0]["accepted"])
    for i in range(count):
        sender.sendto(class_b(230000000 + first + i, 59.5 + i * 1e-4, 24.5), ("127.0.0.1", port))
        if i % 8 == 7:
            time.sleep(0.002)
    status(data, lambda s: int(s["sources"][0]["accepted"]) >= before + count)


def small_site(name, port, sink=9, tracks=64):
    path = write_site(name, ais_source(port), sink)
    path.write_text(path.read_text().replace('journal = "64 MiB"', 'journal = "16 MiB"').replace("tracks = 256", f"tracks = {tracks}"))
    return path


def recorded(name, count=40):
    """A data folder with a run in it that ended in order."""
    port = free_port()
    path, data = small_site(name, port), work / name
    node = start(path, data)
    ships(port, data, 0, count)
    stop(node)
    return path, data, port


def rows(data, ok=(0,)):
    return [json.loads(l) for l in call("journal", data, ok=ok).stdout.splitlines()]


def keys(data, ok=(0,)):
    return [r["key"] for r in rows(data, ok) if r["kind"] == "action"]


def once(path, data, port, first=500, count=3):
    """One more run that hears some ships: what it says at its end."""
    node = start(path, data)
    ships(port, data, first, count)
    return stop(node)


# Whatever does not open: the journal begins its segment when all else is there.
@test
def a_start_that_fails_leaves_the_data_folder_as_it_was():
    path, data, port = recorded("fails")
    before = contents(data)
    text = path.read_text()
    missing = work / "fails-missing.toml"
    missing.write_text(text.replace('driver = "udp"\nlisten', 'driver = "recording"\nfile = "no-such-recording.txt"\n# ', 1))
    busy = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    busy.bind(("127.0.0.1", port))
    for _ in range(amount(1, 3, 20)):
        assert "in use" in call("run", path, "--data", data, ok=(66,)).stderr
        assert contents(data) == before
    other = call("run", missing, "--data", data, ok=(66, 78, 64, 65))
    assert contents(data) == before, other.stderr
    busy.close()
    verify(data, once(path, data, port))


# At the journal's bound a run that accepted nothing takes the place of the one before it.
@test
def runs_that_accept_nothing_push_no_history_out():
    path, data, port = recorded("idle", 60)
    first = [r for r in rows(data) if r["kind"] == "observation"]
    assert len(first) == 60
    bound = 16 << 20
    for i in range(amount(16, 24, 200)):
        node = start(path, data)
        status(data, lambda s: s["sources"][0]["status"] == "up")
        if i % 3 == 2:
            node.kill()
            node.communicate()
        else:
            stop(node)
        if i == 0:  # as large as the bound lets it be, for all that follow
            filler = sorted((data / "journal").glob("*.seg"))[-1]
            os.truncate(filler, bound - (1 << 20))
    assert sum(f.stat().st_size for f in (data / "journal").glob("*.seg")) < bound + (4 << 20)
    final = once(path, data, port)
    assert final["epoch"] == amount(16, 24, 200) + 2
    assert [r for r in rows(data) if r["kind"] == "observation"][:60] == first
    call("replay", data, "--verify")


# The journal says it, the record beside it says it, and the image does: any two of them may go.
@test
def no_epoch_is_used_twice_whatever_is_deleted():
    path, data, port = recorded("epochs")
    used = set(keys(data))
    epochs = {1}
    for i, gone in enumerate((["journal"], ["history"], ["journal", "belief.mdb"], ["history", "belief.mdb"])):
        for name in gone:
            shutil.rmtree(data / name) if (data / name).is_dir() else (data / name).unlink()
        final = once(path, data, port, 600 + 10 * i)
        assert final["epoch"] > max(epochs), (gone, final["epoch"], epochs)
        epochs.add(final["epoch"])
        new = set(keys(data)) - used
        assert new and not {k for k in new if any(k.split("-")[1] == str(e) for e in epochs - {final["epoch"]})}, new
        used |= new
    (data / "history").write_text("vedette-history 1 4294967295 1 1 1 0\n")  # not what it says of itself
    assert once(path, data, port)["epoch"] == max(epochs) + 1


# The lock is on the folder itself.
@test
def a_second_node_is_refused_whatever_is_removed_from_the_folder():
    port = free_port()
    path, data = small_site("locked", port), work / "locked"
    node = start(path, data)
    ships(port, data, 0, 20)
    for entry in list(data.iterdir()):
        if entry.name not in ("journal", "plans", "control.sock"):
            entry.unlink()
    before = contents(data / "journal")
    refused = call("run", path, "--data", data, ok=(75,)).stderr
    assert f"process {node.pid} holds its lock" in refused, refused
    assert set(contents(data / "journal")) == set(before)
    ships(port, data, 100, 20)
    verify(data, stop(node))


@test
def a_disk_that_cannot_be_written_ends_with_74():
    path, data, port = recorded("read-only")
    new = work / "read-only-new"
    new.mkdir()
    mount = "mount --make-rprivate / && mount --bind {0} {0} && mount -o remount,ro,bind {0} && exec \"$@\""
    for folder, command in ((data, ["run", path, "--data", data]), (new, ["run", path, "--data", new / "data"])):
        done = subprocess.run(["unshare", "-m", "sh", "-c", mount.format(folder), "sh", vedette, *map(str, command)], capture_output=True, text=True, timeout=30)
        if "unshare" in done.stderr or "mount" in done.stderr:
            raise Skip("no mounts of one's own here")
        assert done.returncode == 74 and "Read-only" in done.stderr, (command, done.returncode, done.stderr)
    verify(data, once(path, data, port))


@test
def a_spoilt_kept_plan_is_written_anew_by_the_node_that_has_it():
    path, data, port = recorded("plan-kept")
    kept = next((data / "plans").iterdir())
    whole = kept.read_bytes()
    kept.write_bytes(whole[:500] + bytes([whole[500] ^ 1]) + whole[501:])
    call("replay", data, ok=(65,))
    final = once(path, data, port)
    assert kept.read_bytes() == whole
    verify(data, final)
