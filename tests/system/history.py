"""History of a data folder: no start loses anything, no epoch is used twice, one node writes."""
import hashlib, json, os, pathlib, shutil, signal, socket, subprocess, time

from harness import vedette, work, test, release, Skip, amount, call, remove, start, stop, status, free_port, ais_source, write_site, run_to_the_end, verify, threads
from journals import crc32c
from rig.sentences import class_b


def contents(folder):
    """Every file's name and bytes; other entries by name."""
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
    """A data folder with a run that ended in order."""
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
    """Another run that hears some ships; returns its last status."""
    node = start(path, data)
    ships(port, data, first, count)
    return stop(node)


# Whatever fails to open: the journal begins its segment after everything else.
@threads
@test
def a_start_that_fails_leaves_the_data_folder_as_it_was():
    heard, data = work / "fails.nmea", work / "fails"
    heard.write_bytes(b"".join(class_b(230000000 + i, 59.5 + i * 1e-4, 24.5) for i in range(40)))
    path = write_site("fails", f'[source.in]\ndriver = "recording"\nfile = "{heard}"\ncodec = "ais"\nspeed = "max"\n', 9)
    run_to_the_end(data, (), path)
    before = contents(data)
    gone = heard.rename(work / "fails-gone.nmea")
    for _ in range(amount(3, 6, 60)):
        assert "fails.nmea" in call("run", path, "--data", data, ok=(66,)).stderr
        assert contents(data) == before
    gone.rename(heard)
    verify(data, run_to_the_end(data, (), path))
    path, data, port = recorded("fails-busy")
    before = contents(data)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as busy:
        busy.bind(("127.0.0.1", port))
        for _ in range(amount(0, 1, 20)):  # each waits seconds for the port
            assert "in use" in call("run", path, "--data", data, ok=(66,)).stderr
            assert contents(data) == before
    verify(data, once(path, data, port))


# At the journal's bound a run without input replaces the previous such run.
@test
def runs_that_accept_nothing_push_no_history_out():
    path, data, port = recorded("idle", 60)
    first = [r for r in rows(data) if r["kind"] == "observation"]
    assert len(first) == 60
    bound, runs = 16 << 20, amount(12, 24, 200)
    os.truncate(segments(data)[0], bound - (1 << 20))  # zeros, as preallocated
    for i in range(runs):
        node = start(path, data)
        status(data, lambda s: s["sources"][0]["status"] == "up")
        if i % 3 == 2:
            node.kill()
            node.communicate()
        else:
            stop(node)
    assert sum(f.stat().st_size for f in segments(data)) < bound + (2 << 20) and len(segments(data)) < 5
    assert [r for r in rows(data) if r["kind"] == "observation"] == first
    call("replay", data, "--verify")
    assert once(path, data, port)["epoch"] == runs + 2
    call("replay", data, "--verify")


# Journal, history record and image each know the epoch: any two may be lost.
@test
def no_epoch_is_used_twice_whatever_is_deleted():
    path, data, port = recorded("epochs")
    used = set(keys(data))
    epochs = {1}
    for i, gone in enumerate((["journal"], ["history"], ["journal", "belief.mdb"], ["history", "belief.mdb"])):
        for name in gone:
            remove(data / "shard-0" / name)
        final = once(path, data, port, 600 + 10 * i)
        assert final["epoch"] > max(epochs), (gone, final["epoch"], epochs)
        epochs.add(final["epoch"])
        new = set(keys(data)) - used
        assert new and not {k for k in new if any(k.split("-")[1] == str(e) for e in epochs - {final["epoch"]})}, new
        used |= new
    identity = (data / "identity").read_text()
    for gone in ("journal", "history", "belief.mdb"):  # nothing records the used epochs any more
        remove(data / "shard-0" / gone)
    final = once(path, data, port, 700)
    assert final["epoch"] == 1 and not set(keys(data)) & used and (data / "identity").read_text() != identity
    assert any("starts without belief" in f for f in findings(final)), final["log"]
    epochs = {1}
    (data / "shard-0/history").write_text("vedette-history 1 4294967295 1 1 1 0\n")  # wrong checksum
    assert once(path, data, port)["epoch"] == max(epochs) + 1


# The lock is on the folder itself.
@test
def a_second_node_is_refused_whatever_is_removed_from_the_folder():
    port = free_port()
    path, data = small_site("locked", port), work / "locked"
    node = start(path, data)
    ships(port, data, 0, 20)
    for entry in list(data.iterdir()):
        if entry.name not in ("shard-0", "plans", "control.sock"):
            entry.unlink()
    before = contents(data / "shard-0/journal")
    refused = call("run", path, "--data", data, ok=(75,)).stderr
    assert f"process {node.pid} holds its lock" in refused, refused
    assert set(contents(data / "shard-0/journal")) == set(before)
    ships(port, data, 100, 20)
    verify(data, stop(node))


@threads
@test
def a_disk_that_cannot_be_written_ends_with_74():
    path, data, port = recorded("unwritable-disk")
    new = work / "unwritable-disk-new"
    new.mkdir()
    mount = "mount --make-rprivate / && mount --bind {0} {0} && mount -o remount,ro,bind {0} && exec \"$@\""
    for folder, command in ((data, ["run", path, "--data", data]), (new, ["run", path, "--data", new / "data"]),
                            (new, ["recover", data, "--to", "5", "-o", new / "back"])):
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


def flip(path, at, bit=1):
    content = bytearray(path.read_bytes())
    content[at] ^= bit
    path.write_bytes(content)


def blocks(path):
    """Offset, kind and payload bytes of each block."""
    content, at, found = path.read_bytes(), 0, []
    while content[at:at + 4] == b"VDBK":
        length = int.from_bytes(content[at + 32:at + 36], "little")
        found.append((at, int.from_bytes(content[at + 6:at + 8], "little"), length))
        at += (64 + length + 4095) // 4096 * 4096
    return found


def block_of(path, batch):
    """Offset of the block that holds a batch."""
    content = path.read_bytes()
    return next(at for at, kind, _ in blocks(path) if kind in (2, 4, 5)
                and int.from_bytes(content[at + 40:at + 48], "little") <= int(batch) <= int.from_bytes(content[at + 48:at + 56], "little"))


def segments(data):
    return sorted((data / "shard-0/journal").glob("*.seg"))


def several_runs(name, runs=4):
    """A data folder with a segment for each run, and the last status."""
    port = free_port()
    path, data = small_site(name, port), work / name
    for i in range(runs):
        once(path, data, port, 100 * i, 12)
    assert len(segments(data)) == runs
    return path, data, port


def findings(final):
    return [l["found"] for l in final["log"] if l["kind"] == "journal"]


def told(data, stage, ok=(0,)):
    return [r for r in rows(data, ok) if r["kind"] == "fault" and r["stage"] == stage]


# Foreign segments, copies under another number, pipes and garbage: none counts as history, none is deleted.
@test
def what_only_has_a_segments_name_is_set_aside():
    path, data, port = recorded("strange")
    _, other, _ = recorded("strange-other")
    journal = data / "shard-0/journal"
    before = [r for r in rows(data) if r["kind"] == "observation"]
    made = {"ffffffffffffffff.seg": b"", "fffffffffffffffe.seg": bytes(1 << 20), "0000000000000000.seg": b"x",
            "00000000000000ZZ.seg": b"x" * 5000, "+00000000000000f.seg": b"y" * 5000,
            "0000000000000001.SEG.seg": b"z", "0000000000000007.seg": segments(data)[0].read_bytes(),
            "0000000000000008.seg": os.urandom(70000)}
    for name, content in made.items():
        (journal / name).write_bytes(content)
    os.mkfifo(journal / "000000000000000a.seg")
    (journal / "000000000000000b.seg").mkdir()
    foreign = segments(other)[0].read_bytes()
    made["0000000000000002.seg"] = foreign[:8] + (2).to_bytes(8, "little") + foreign[16:36] + bytes(4) + foreign[40:]
    length = int.from_bytes(foreign[32:36], "little")
    sum_ = crc32c(made["0000000000000002.seg"][:64 + length]).to_bytes(4, "little")
    made["0000000000000002.seg"] = made["0000000000000002.seg"][:36] + sum_ + made["0000000000000002.seg"][40:]
    (journal / "0000000000000002.seg").write_bytes(made["0000000000000002.seg"])
    final = once(path, data, port)
    for name, content in made.items():
        assert (journal / f"{name}.aside").read_bytes() == content, name
    assert (journal / "000000000000000a.seg.aside").is_fifo() and (journal / "000000000000000b.seg.aside").is_dir()
    assert any("renamed to .aside" in f for f in findings(final)), final["log"]
    assert told(data, "set-aside")[0]["count"] == len(made) + 2, told(data, "set-aside")
    assert [r for r in rows(data) if r["kind"] == "observation"][:40] == before
    assert all(int(s.name[:16], 16) < 8 for s in segments(data))
    verify(data, final)


# The image and the last run's record know how far the journal went.
@threads
@test
def events_that_the_journal_lost_are_told_and_never_numbered_again():
    path, data, port = several_runs("lost", 3)
    last = int(rows(data)[-1]["event"])
    tracks = json.loads(call("inspect", data, "--json").stdout)["data"]["tracks"]
    newest = segments(data)[-1]
    kept = newest.read_bytes()
    newest.unlink()
    left = int(rows(data)[-1]["event"])
    used = keys(data)
    final = once(path, data, port, 900)
    wanted = f"{last - left:,} events are lost: the belief image counts them"
    assert any(wanted in f for f in findings(final)), (wanted, findings(final))
    assert told(data, "events-gone")[0]["count"] == last - left
    assert any("up to " + newest.name in f for f in findings(final)), findings(final)
    new = [r for r in rows(data) if int(r["event"]) > left]
    assert new and all(int(r["event"]) > last for r in new), new[:2]
    assert final["tracks"] == len(tracks) + 3  # the image's belief is used
    assert len(keys(data)) == len(set(keys(data))) and set(used) < set(keys(data))
    verify(data, final)
    # The same without any journal.
    shutil.rmtree(data / "shard-0/journal")
    again = once(path, data, port, 910)
    assert any("all segments up to" in f for f in findings(again)) and again["tracks"] == final["tracks"] + 3
    assert kept


# Any damage: everything else can be read, queried and copied, and a start continues after it.
@test
def all_tools_work_around_damage_and_say_so():
    path, data, port = several_runs("around")
    whole = rows(data)
    digest = json.loads(call("inspect", data, "--json").stdout)["data"]["digest"]
    second = segments(data)[1]
    at = block_of(second, [r for r in whole if r["kind"] == "observation"][18]["batch"])  # of the second twelve
    flip(second, at + 100)
    listed = call("journal", data, ok=(1,))
    left = [json.loads(l) for l in listed.stdout.splitlines()]
    lost = {r["event"] for r in whole} - {r["event"] for r in left}
    assert lost and left == [r for r in whole if r["event"] not in lost], len(lost)
    assert "damaged" in listed.stderr and second.name in listed.stderr, listed.stderr
    replayed = call("replay", data, "--verify", ok=(1,)).stderr
    assert second.name in replayed and "other batches match" in replayed, replayed
    seen = call("inspect", data, "--json")
    assert json.loads(seen.stdout)["data"]["digest"] == digest and "damaged" in seen.stderr
    late = whole[-3]["event"]
    explained = call("explain", data, late, "--json")
    assert json.loads(explained.stdout)["data"]["chain"] and "damaged" in explained.stderr
    assert "damaged" in call("deadletter", "list", data).stderr
    early = [r for r in whole if int(r["event"]) < min(map(int, lost))][-1]["event"]
    for to, back in ((early, work / "around-early"), (late, work / "around-late")):
        made = json.loads(call("recover", data, "--to", to, "-o", back, "--json").stdout)["data"]
        assert int(made["event"]) >= int(to), made
        assert json.loads(call("replay", back, "--verify", "--json").stdout)["data"]["matches"]
    before = second.read_bytes()
    final = once(path, data, port, 900)
    assert second.read_bytes() == before and final["tracks"] == 4 * 12 + 3, final["tracks"]


@test
def a_start_goes_on_from_the_newest_state_where_the_newest_segment_is_damaged():
    for label, image in (("last-ship", True), ("no-image", False), ("head", False))[:amount(2, 3, 3)]:
        path, data, port = several_runs(f"newest-{label}", 3)
        newest, whole = segments(data)[-1], rows(data)
        flip(newest, 70 if label == "head" else block_of(newest, [r for r in whole if r["kind"] == "observation"][-1]["batch"]) + 70)
        if not image:
            (data / "shard-0/belief.mdb").unlink()
        left = rows(data, (1,))
        assert 0 < len(left) < len(whole) or label == "head"
        final = once(path, data, port, 900)
        said = findings(final)
        assert any("damaged" in f and newest.name in f and "continues from batch" in f for f in said), said
        assert told(data, "unreadable", (1,)), rows(data, (1,))[-5:]
        after = rows(data, (1,))
        assert after[:len(left)] == left, label  # blocks after the damage stay readable
        assert min(int(r["event"]) for r in after[len(left):]) > int(whole[-1]["event"]), label
        # Without a segment's header its batches remain, and with the image their result.
        assert final["tracks"] == 36 + 3 if label != "no-image" else 24 + 3 <= final["tracks"] < 36 + 3, (label, final["tracks"])
        again = once(path, data, port, 950)
        assert not [f for f in findings(again) if "goes on from" in f], findings(again)
