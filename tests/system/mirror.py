"""The mirror: it writes images while the engine freezes nothing, it may stand still, it names what differs.

The nodes here are the product with three functions wrapped (tests/seams/mirror.cpp)."""
import os, pathlib, socket, subprocess, time

from harness import Skip, ais_source, amount, call, class_b, free_port, status, stop, test, threads, vedette, verify, work, write_site

seams = pathlib.Path(vedette).parent / "tests" / "vedette_seams"


class Post:
    def __init__(self, name, limits="", journal="64 MiB", **seam):
        if not seams.exists():
            raise Skip("tests/vedette_seams is not built")
        self.port, self.sender, self.sent = free_port(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0
        self.path, self.data = write_site(name, ais_source(self.port), 9), work / name
        self.path.write_text(self.path.read_text().replace("tracks = 256", "tracks = 256\n" + limits).replace("64 MiB", journal))
        self.process = subprocess.Popen([str(seams), "run", str(self.path), "--data", str(self.data), "--json"], text=True, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=os.environ | {f"VED_{k.upper()}": str(v) for k, v in seam.items()})
        self.until(lambda s: s["sources"][0]["status"] == "up")

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
    assert seen["mirror"]["differed"] == seen["mirror"]["restarts"] == 0 and seen["mirror"]["compared"] > 100, seen["mirror"]
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


@threads
@test
def a_digest_that_differs_is_named_and_the_mirror_goes_on_from_the_engines_state():
    post = Post("differs", flip_at=40)
    post.send(200)
    seen = post.until(lambda s: s["mirror"]["restarts"] == 1 and level(s))
    assert seen["mirror"]["differed"] == 1 and seen["mode"] == "degraded" and "mirror" in [c["name"] for c in seen["causes"]], seen
    images = seen["journal"]["images"]
    post.until(lambda s: s["journal"]["images"] > images + 2)
    time.sleep(0.3)  # until the cause is a line of the log
    final = stop(post.process)
    faults = {line["stage"]: line for line in final["log"] if line["kind"] == "fault"}
    assert faults["mirror-differs"]["batch"] == 40 and faults["mirror-copy"]["took_us"] >= 0, faults
    causes = [line for line in final["log"] if line["kind"] == "cause" and line["cause"] == "mirror"]
    assert causes and causes[0]["seen"] == "mirror: digest differs at batch 40", final["log"]
    assert final["mirror"]["differed"] == 1, final["mirror"]
    verify(post.data, final)


@threads
@test
def an_image_that_takes_long_holds_up_neither_the_mirror_nor_the_journal():
    slow = work / "slow-image.now"
    post = Post("slow-image", slow_image=slow)
    post.send(50)
    post.until(level)
    slow.touch()
    time.sleep(0.3)
    images = post.until(lambda s: True)["journal"]["images"]
    for _ in range(5):
        post.send(200)
        seen = post.until(level)
        assert seen["journal"]["images"] <= images + 1 and seen["mode"] == "normal", (seen["mode"], seen["journal"], images)
        post.until(lambda s: int(s["durable_sequence"]) >= int(s["sequence"]))
    slow.unlink()
    post.until(lambda s: s["journal"]["images"] > images + 2)
    final = stop(post.process)
    assert final["mirror"]["restarts"] == 0 and "mirror-copy" not in post.stages(final), (final["mirror"], post.stages(final))
    verify(post.data, final)


@test
def what_the_disk_takes_long_for_is_mirrored_within_two_seconds():
    slow = work / "slow.now"
    post = Post("slow", slow_disk=slow)
    post.send(50)
    if "io_uring for the journal: one call for each write and sync" in post.until(level)["without"]:
        stop(post.process)
        raise Skip("no io_uring here: a write that takes long says nothing meanwhile")
    slow.touch()
    time.sleep(0.3)
    begin, first = time.time(), post.send(100)["batches"]
    seen = post.until(lambda s: int(s["mirror"]["batch"]) >= int(first), limit=5)
    assert time.time() - begin < 2.5 and seen["mirror"]["unrecorded"] > 0, (time.time() - begin, seen["mirror"])
    slow.unlink()
    seen = post.until(level)
    assert seen["mirror"]["differed"] == seen["mirror"]["restarts"] == 0, seen["mirror"]
    verify(post.data, stop(post.process))
