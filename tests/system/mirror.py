"""The mirror: it writes images while the engine freezes nothing, it may stand still, it names what differs.

The nodes here are the product with three functions wrapped (tests/seams/mirror.cpp)."""
import json, os, pathlib, shutil, socket, subprocess, time

from harness import Receiver, Skip, ais_source, amount, call, class_b, free_port, status, stop, test, threads, vedette, verify, work, write_site

seams = pathlib.Path(vedette).parent / "tests" / "vedette_seams"


class Post:
    def __init__(self, name, limits="", journal="64 MiB", sink=9, extra="", **seam):
        if not seams.exists():
            raise Skip("tests/vedette_seams is not built")
        self.port, self.sender, self.sent = free_port(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0
        self.path, self.data = write_site(name, ais_source(self.port), sink, extra), work / name
        self.path.write_text(self.path.read_text().replace("tracks = 256", "tracks = 256\n" + limits).replace("64 MiB", journal))
        self.environment = os.environ | {f"VED_{k.upper()}": str(v) for k, v in seam.items()}
        self.start()

    def start(self):
        self.process = subprocess.Popen([str(seams), "run", str(self.path), "--data", str(self.data), "--json"], text=True, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=self.environment)
        self.until(lambda s: s["sources"][0]["status"] == "up")

    def hear(self, vessel, reports=1):
        """Some reports of one vessel, and what the node says then."""
        for _ in range(reports):
            self.sent += 1
            self.sender.sendto(class_b(230000000 + vessel, 50 + vessel * 0.1, 25), ("127.0.0.1", self.port))
            time.sleep(0.01)

    def ends_by_itself(self, limit=10):
        """The last line of a node that found its engine wrong, and the seconds that it took."""
        begin = time.time()
        _, said = self.process.communicate(timeout=limit)
        assert self.process.returncode == 71, (self.process.returncode, said[-500:])
        return json.loads(said.splitlines()[-1])["message"], time.time() - begin

    def until(self, wanted, limit=20):
        return status(self.data, wanted, limit)

    def shoot(self):
        self.sent += 1
        self.sender.sendto(class_b(230000000 + self.sent % 200, 50 + self.sent % 1000 * 0.01, 25), ("127.0.0.1", self.port))

    def send(self, count):
        for _ in range(count):
            self.shoot()
            if self.sent % 20 == 0:
                time.sleep(0.004)
        return self.until(lambda s: s["sources"][0]["accepted"] >= self.sent)

    def stages(self, final):
        return [line["stage"] for line in final["log"] if line["kind"] == "fault"]


def level(s):
    return s["mirror"]["lag_batches"] <= 50 and s["mirror"]["unrecorded"] == 0 and not s["mirror"]["catching_up"]


@threads
@test
def images_are_written_while_the_engine_freezes_nothing():
    names = work / "freezes.txt"
    post = Post("freezes", freezes=names)
    post.send(300)
    seen = post.until(lambda s: s["journal"]["images"] > 5 and level(s))
    assert seen["mirror"]["differed"] == seen["mirror"]["restarts"] == 0 and seen["mirror"]["compared"] > 50, seen["mirror"]
    final = stop(post.process)
    frozen = names.read_text().split()
    assert frozen.count("mirror") > 5 and set(frozen) == {"vedette_seams", "mirror"}, frozen  # the main thread: at the start
    assert final["mirror"]["lag_batches"] == 0 and int(final["mirror"]["batch"]) == int(final["batches"]), final["mirror"]
    assert final["batches"] in call("check-belief", post.data / "shard-0/belief.mdb").stdout.replace(",", ""), "of the last batch"
    verify(post.data, final)


@threads
@test
def a_mirror_that_stands_still_costs_the_engine_nothing_and_catches_up():
    stall = work / "stall.now"
    post = Post("stall", stall=stall)
    post.send(50)
    post.until(level)
    stall.touch()
    behind = int(post.until(lambda s: True)["mirror"]["batch"])
    seen = post.send(amount(6000, 6000, 20000))
    assert seen["mirror"]["lag_batches"] > 1000 and int(seen["mirror"]["batch"]) <= behind + 2, seen["mirror"]
    assert seen["mirror"]["passed_over"] > 0, seen["mirror"]
    post.until(lambda s: int(s["durable_sequence"]) >= int(s["sequence"]))  # the journal does not wait for it either
    stall.unlink()
    seen = post.until(level)
    assert seen["mirror"]["differed"] == seen["mirror"]["restarts"] == 0, seen["mirror"]
    images = seen["journal"]["images"]
    post.until(lambda s: s["journal"]["images"] > images + 2)
    final = stop(post.process)
    assert "mirror-copy" not in post.stages(final), post.stages(final)
    verify(post.data, final)


@threads
@test
def a_journal_at_its_bytes_does_not_wait_for_a_mirror_that_stands_still():
    stall = work / "stall-long.now"
    post = Post("stall-long", 'commit = "0 s"\n', journal="4 MiB", stall=stall)
    post.send(50)
    post.until(level)
    stall.touch()
    most = 0
    while post.sent < 20000 and most < 3:  # segments that are gone
        post.send(500)
        names = sorted(int(path.stem, 16) for path in (post.data / "shard-0/journal").glob("*.seg"))
        most = names[0] - 1
    assert most >= 3, (post.sent, names)
    assert sum(path.stat().st_size for path in (post.data / "shard-0/journal").glob("*.seg")) <= 4 << 20
    stall.unlink()
    seen = post.until(lambda s: level(s) and s["mirror"]["restarts"] > 0)
    assert seen["mirror"]["differed"] == 0, seen["mirror"]
    final = stop(post.process)
    assert "mirror-copy" in post.stages(final), post.stages(final)
    verify(post.data, final)


FEW = """
[assess.few]
of = "track"
when = "track.updates >= 3 and track.updates < 1000"
[decide.few]
on = "few"
run = "tell"
"""


def flip(path, field):
    """One side flips a bit of its first track's field; whole at once, because it looks at any time."""
    path.with_suffix(".part").write_text(field)
    path.with_suffix(".part").rename(path)


def keys(receiver):
    return [json.loads(message)["key"] for message in receiver.got]


@threads
@test
def a_flipped_bit_of_the_engine_ends_the_node_and_the_next_start_recomputes_what_it_missed():
    receiver, flips, stall = Receiver(), work / "flip-engine.now", work / "flip-stall.now"
    post = Post("flip-engine", sink=receiver.port, extra=FEW, flip_engine=flips, stall=stall)
    post.hear(0, 2)
    post.hear(1, 3)
    post.until(lambda s: len(receiver.got) == 3 and level(s))
    stall.touch()
    flip(flips, "updates")  # of vessel 0: its third report does not make it `few`
    while flips.exists():
        time.sleep(0.001)
    post.hear(0)
    post.hear(2)
    post.until(lambda s: len(receiver.got) == 4 and s["sources"][0]["accepted"] == 7 and int(s["durable_sequence"]) >= int(s["sequence"]))
    stall.unlink()
    said, _ = post.ends_by_itself()
    assert "the engine is wrong since batch" in said, said
    assert len(keys(receiver)) == 4, keys(receiver)
    suspect = int(said.split("batch ")[1].split(";")[0])
    call("replay", post.data, "--verify")  # passes over what is suspect
    before = work / "flip-engine-before"
    shutil.copytree(post.data, before, ignore=shutil.ignore_patterns("control.sock"))
    post.start()
    seen = post.until(lambda s: len(receiver.got) == 5 and level(s))
    assert seen["mirror"]["differed"] == 0 and seen["tracks"] == 3, seen["mirror"]
    post.hear(1)  # nothing new
    time.sleep(0.3)
    final = stop(post.process)
    got = keys(receiver)
    assert len(got) == len(set(got)) == 5, got
    told = [line for line in final["log"] if line["kind"] == "fault" and line["stage"] == "suspect"]
    assert told and told[0]["first_batch"] == suspect <= told[0]["last_batch"], (suspect, told)
    assert any("suspect" in line for line in final["journal"]["findings"]), final["journal"]
    verify(post.data, final)
    lines = [json.loads(line) for line in call("journal", post.data).stdout.splitlines()]
    closed = (post.data / "shard-0/mismatches").read_bytes()
    for cut in (None, closed):  # power cuts: before the node has recorded it, and before the new segment
        shutil.rmtree(post.data)
        shutil.copytree(before, post.data)
        record = post.data / "shard-0/mismatches"
        record.unlink() if cut is None else record.write_bytes(cut)
        count = len(receiver.got)
        post.start()
        post.until(lambda s: len(receiver.got) == count + 1 and level(s))
        assert keys(receiver)[-1] == got[-1], "the same action again, under its key"
        again = stop(post.process)
        assert [line for line in again["log"] if line["kind"] == "fault" and line["stage"] == "suspect"] and again["tracks"] == 3, (cut, again["log"])
        verify(post.data, again)
    assert all(line.get("suspect", False) == (told[0]["first_batch"] <= int(line["batch"]) <= told[0]["last_batch"]) for line in lines)
    receiver.close()


@threads
@test
def a_bit_that_nothing_reads_is_named_within_a_second_and_the_third_time_within_an_hour_only_told():
    flips = work / "flip-thrice.now"
    post = Post("flip-thrice", flip_engine=flips)
    post.hear(0)
    for n in range(2):
        post.until(lambda s: s["tracks"] == 1 and level(s))
        flip(flips, "callsign")
        said, took = post.ends_by_itself()
        assert "the engine is wrong" in said and took < 2.0, (said, took)
        post.start()
    post.until(lambda s: s["tracks"] == 1 and level(s))
    flip(flips, "callsign")
    seen = post.until(lambda s: s["mirror"]["differed"] == 1 and s["mirror"]["restarts"] == 1 and level(s))
    assert seen["mirror"]["suspect_since"] != "0", seen["mirror"]
    final = stop(post.process)
    assert {"mirror-differs", "mirror-copy"} <= set(post.stages(final)), post.stages(final)
    assert json.loads(call("replay", post.data, "--verify", "--json").stdout)["data"]["matches"]


@threads
@test
def a_flipped_bit_of_the_mirror_restarts_the_mirror_alone():
    flips = work / "flip-mirror.now"
    post = Post("flip-mirror", flip_mirror=flips)
    post.send(100)
    post.until(level)
    flip(flips, "callsign")
    seen = post.until(lambda s: s["mirror"]["differed"] == 1 and s["mirror"]["restarts"] == 1 and level(s), limit=20)
    assert seen["mode"] == "degraded" and seen["mirror"]["suspect_since"] == "0", seen
    images = seen["journal"]["images"]
    post.until(lambda s: s["journal"]["images"] > images + 2)
    final = stop(post.process)
    stages = post.stages(final)
    assert "mirror-differs" in stages and "mirror-restarted" in stages and "mirror-copy" not in stages, stages
    causes = [line for line in final["log"] if line["kind"] == "cause" and line["cause"] == "mirror"]
    assert causes and causes[0]["seen"].startswith("mirror: digest differs at batch"), final["log"]
    verify(post.data, final)


@threads
@test
def a_digest_that_differs_is_named_and_with_tell_the_watch_goes_on():
    flips = work / "flip-tell.now"
    post = Post("flip-tell", extra='[mirror]\non_mismatch = "tell"\n', flip_engine=flips)
    post.send(100)
    post.until(level)
    flip(flips, "callsign")
    seen = post.until(lambda s: s["mirror"]["restarts"] == 1 and level(s))
    assert seen["mirror"]["differed"] == 1 and seen["mode"] == "degraded" and "mirror" in [c["name"] for c in seen["causes"]], seen
    time.sleep(0.3)  # until the cause is a line of the log
    final = stop(post.process)
    faults = {line["stage"]: line for line in final["log"] if line["kind"] == "fault"}
    assert faults["mirror-differs"]["batch"] > 0 and faults["mirror-copy"]["took_us"] >= 0, faults
    answer = json.loads(call("replay", post.data, "--verify", "--json").stdout)["data"]
    assert answer["matches"] and answer["suspect_batches"] > 0, answer


@test
def what_the_disk_takes_long_for_is_mirrored_within_two_seconds():
    slow = work / "slow.now"
    post = Post("slow", slow_disk=slow)
    post.send(50)
    post.until(level)
    slow.touch()
    time.sleep(0.3)
    begin, first = time.time(), post.send(100)["batches"]
    seen = post.until(lambda s: int(s["mirror"]["batch"]) >= int(first), limit=5)
    assert time.time() - begin < 2.5 and seen["mirror"]["unrecorded"] > 0, (time.time() - begin, seen["mirror"])
    slow.unlink()
    seen = post.until(level)
    assert seen["mirror"]["differed"] == seen["mirror"]["restarts"] == 0, seen["mirror"]
    verify(post.data, stop(post.process))


@test
def a_stop_beside_a_mirror_that_has_ended_is_quick_and_says_what_ended():
    file = work / "mirror-ends.now"
    post = Post("mirror-ends", end_mirror=file)
    post.send(50)
    post.until(level)
    file.touch()
    post.send(50)
    begin = time.time()
    post.process.terminate()
    said = "".join(post.process.communicate(timeout=20))
    took = time.time() - begin
    assert post.process.returncode == 71 and "the mirror's thread had ended by itself" in said and "disk does not answer" not in said, (post.process.returncode, said[-500:])
    assert took < 5, took
    file.unlink()
    post.start()
    seen = post.until(level)
    assert seen["mirror"]["differed"] == 0 and "findings" not in seen["journal"], seen["journal"]
    verify(post.data, stop(post.process))
