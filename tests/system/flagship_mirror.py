"""The flagship amid 1,800 vessels while its memory fails, or its mirror does: named in time, nothing acknowledged lost, nothing told twice."""
import json, threading, time

from broken_disks import Flagship, TOLD_WITHIN, seams
from harness import arguments, Skip, call, class_b, status, test, threads, verify, work
from mirror import flip, level

FEW_BYTES = (('journal = "512 MiB"', 'journal = "8 MiB"\ncommit = "0 s"'), ('segment = "16 MiB"', 'segment = "2 MiB"'))
# What is promised for 2,000 tracks, and what a busy machine adds; the thread sanitizer slows tenfold.
NAMED_WITHIN = 1.0 + (5.0 if arguments.sanitized else 1.0)


class Amid(Flagship):
    """A thousand reports a second of vessels far away."""

    def __init__(self, name, **more):
        if not seams.exists():
            raise Skip("tests/vedette_seams is not built")
        self.traffic = threading.Thread(target=self.crowd, daemon=True)
        super().__init__(name, seams, hold="100 ms", **more)
        self.traffic.start()
        status(self.data, lambda s: s["tracks"] > 1800 and level(s), 20)

    def crowd(self):
        reports = [class_b(240000000 + n, 58.0 + n % 40 * 0.02, 20.0 + n // 40 * 0.05) for n in range(1800)]
        while self.going:
            for first in range(0, len(reports), 20):
                for report in reports[first:first + 20]:
                    self.sender.sendto(report, ("127.0.0.1", self.port))
                time.sleep(0.02)

    def told_once(self):
        """What the disk took in time; the rest may come again, marked."""
        recorded = [m for m in self.display.got if not m[2]]
        for values in ([m[0] for m in recorded], [m[4] for m in recorded]):
            assert len(values) == len(set(values)), sorted(self.display.got)

    def acknowledge(self, mmsi):
        call("acknowledge", "vessel", mmsi, "--by", "mate", "--data", self.data)

    def state(self, mmsi):
        listed = json.loads(call("alarms", "--data", self.data, "--json").stdout)["data"]["alarms"]
        return next(a["state"] for a in listed if a["assessment"] == "in_guard" and a["subject"].endswith(str(mmsi)))


def mirror_cause(s):
    return any(c["name"] == "mirror" and c["since"] for c in s["causes"])


@threads
@test
def amid_traffic_a_flipped_bit_of_the_flagships_engine_restarts_the_node_and_loses_nothing():
    flips = work / "flagship-engine.now"
    post = Amid("flagship-flip-engine", VED_FLIP_ENGINE=flips)
    post.until_told(post.enter(1, 2, 3))
    post.acknowledge(230000001)
    durable = int(status(post.data, lambda s: True)["durable_sequence"])
    fresh = post.enter(10, 11, 12)
    flip(flips, "callsign")
    begin = time.time()
    _, said = post.process.communicate(timeout=10)
    took = time.time() - begin
    assert post.process.returncode == 71 and "the engine is wrong since batch" in said and took < NAMED_WITHIN, (took, said[-500:])
    post.run()
    post.until_told(fresh)
    assert post.state(230000001) == "acknowledged" and post.state(230000002) == "unacknowledged"
    post.until_told(post.enter(20))
    seen = status(post.data, level)
    assert seen["mirror"]["differed"] == 0 and seen["tracks"] > 1800 and int(seen["sequence"]) > durable, seen
    post.told_once()
    final = post.end()
    assert any(line.get("stage") == "suspect" for line in final["log"]), "what followed is declared"


@threads
@test
def amid_traffic_a_flipped_bit_of_the_flagships_mirror_restarts_the_mirror_alone():
    flips = work / "flagship-mirror.now"
    post = Amid("flagship-flip-mirror", VED_FLIP_MIRROR=flips)
    post.until_told(post.enter(1, 2, 3))
    post.acknowledge(230000001)
    process = post.process.pid
    post.enter(10, 11, 12)
    flip(flips, "callsign")
    begin = time.time()
    status(post.data, lambda s: s["mirror"]["differed"] == 1 and mirror_cause(s), 5)
    took = time.time() - begin
    assert took < NAMED_WITHIN, took
    seen = status(post.data, lambda s: s["mirror"]["restarts"] == 1 and level(s))
    assert seen["mirror"]["suspect_since"] == "0" and post.process.pid == process and post.process.poll() is None, seen["mirror"]
    told = post.until_told(post.vessels)
    assert all(late < TOLD_WITHIN for _, late, *_ in told), told
    assert post.state(230000001) == "acknowledged"
    post.told_once()
    stages = [line.get("stage") for line in post.end()["log"]]
    assert "mirror-differs" in stages and "mirror-restarted" in stages and "mirror-copy" not in stages, stages


@threads
@test
def amid_traffic_the_flagship_watches_on_beside_a_mirror_that_hangs_or_has_ended():
    stall, end = work / "flagship-stall.now", work / "flagship-end.now"
    ends, stalls = Amid("flagship-end", VED_END_MIRROR=end), Amid("flagship-stall", VED_STALL=stall, limits=FEW_BYTES)
    for file, post in ((end, ends), (stall, stalls)):
        file.touch()
        post.until_told(post.enter(1, 2))
    segments = lambda: sorted(int(path.stem, 16) for path in (stalls.data / "shard-0/journal").glob("*.seg"))
    written = segments()[-1]
    for number, post in enumerate((ends, stalls, stalls)):
        seen = status(post.data, mirror_cause, 20)
        assert seen["mode"] == "degraded" and seen["mirror"]["lag_batches"] > 1000 and seen["mirror"]["lag_ms"] > 5000, seen["mirror"]
        told = post.until_told(post.enter(10 + number))
        assert all(late < TOLD_WITHIN and not unrecorded for _, late, unrecorded, *_ in told), told
        post.told_once()
    behind = int(status(stalls.data, lambda s: True)["mirror"]["batch"])
    ends.process.kill()
    ends.process.communicate()
    ends.environment.pop("VED_END_MIRROR")
    ends.run()  # its batches are whole: a new mirror begins behind them
    seen = status(ends.data, level)
    assert seen["mirror"]["differed"] == 0 and not mirror_cause(seen), seen
    ends.told_once()
    ends.end()
    end_of_wait = time.time() + 20
    while segments()[0] <= written:  # the mirror's next batch is not gone
        assert time.time() < end_of_wait, (written, segments())
        time.sleep(0.1)
    stall.unlink()
    seen = status(stalls.data, lambda s: level(s) and not mirror_cause(s), 20)
    assert seen["mirror"]["restarts"] > 0 and seen["mirror"]["differed"] == 0 and int(seen["mirror"]["batch"]) > behind, seen["mirror"]
    stalls.told_once()
    final = stalls.end()
    copies = [line["took_us"] for line in final["log"] if line.get("stage") == "mirror-copy"]
    assert copies, "the engine's one copy is told, with its stall"
    print(f"        the engine stood still for {max(copies)} us to copy {seen['tracks']} tracks")
