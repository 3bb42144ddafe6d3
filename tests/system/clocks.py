"""Wrong clocks: node time never runs ahead of the clock, no jump is believed, none harms what follows.

The nodes here are the product with another clock behind it (tests/seams): the machine's and so many seconds."""
import datetime, os
from harness import *

YEAR = 31557600
seams = pathlib.Path(vedette).parent / "tests" / "vedette_seams"


def with_clock(path, data, seconds, *more, synced=False):
    if not seams.exists():
        raise Skip("tests/vedette_seams is not built")
    environment = {**os.environ, **({"VED_FAKE_FILE": str(seconds)} if isinstance(seconds, pathlib.Path) else {"VED_FAKE_S": str(seconds)})}
    if synced:
        environment["VED_FAKE_SYNCED"] = "1"
    return subprocess.Popen([str(seams), "run", str(path), "--data", str(data), "--json", *more],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def ahead(s):
    return datetime.datetime.fromisoformat(s["now"].replace("Z", "+00:00")).timestamp() - time.time()


def live(data):
    return status(data, lambda s: s["batches"] != "0" and s["epoch"] != 0)


def one_start(path, data, port, offset, mmsi):
    """A node with that clock that hears and reports one vessel; its status."""
    node = with_clock(path, data, offset)
    status(data, lambda s: True)
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.sendto(class_b(mmsi, 60.0, 25.0), ("127.0.0.1", port))
    s = status(data, lambda s: s["sinks"][0]["sent"] >= 1)
    return s, stop(node)


@test
def restarts_do_not_push_node_time_ahead_of_the_clock():
    port = free_port()
    path = write_site("restarts", ais_source(port), 9)
    path.write_text(path.read_text().replace('tick = "50 ms"', 'tick = "60 s"'))
    data = work / "restarts"
    for i in range(5):
        node = start(path, data)
        s = status(data, lambda s: s["epoch"] == i + 1 and s["batches"] != "0" and s["mode"] == "normal")
        assert ahead(s) < 0.5, (i, ahead(s))
        if i % 2:
            stop(node)
        else:
            node.kill()
            node.wait()


# Jumps by ten years, back by ten, to 1970, 2118 and beyond: reported, and the next start is right again.
@test
def a_clock_that_leaps_is_named_and_spoils_nothing_that_follows():
    port = free_port()
    out = Receiver()
    path = write_site("leaps", ais_source(port), out.port)
    data = work / "leaps"
    s, _ = one_start(path, data, port, 0, 230000001)
    assert s["mode"] == "normal" and s["clock"]["believed"] and abs(ahead(s)) < 2, s
    for i, (offset, said) in enumerate([(10 * YEAR, "it jumped by +10 y; node time"), (-10 * YEAR, "does not follow"), (92 * YEAR, "does not follow"),
                                        (-57 * YEAR, "does not follow"), (400 * YEAR, "does not follow")]):
        s, final = one_start(path, data, port, offset, 230000100 + i)
        assert s["mode"] == "degraded" and [c["name"] for c in s["causes"]] == ["clock"] and not s["clock"]["believed"], s
        assert abs(ahead(s)) < 60 and any(said in l for l in s["without"]), (ahead(s), s["without"])
        assert any(l["kind"] == "node" and said in l["runs_without"] for l in final["log"]), final["log"]
        s, final = one_start(path, data, port, 0, 230000200 + i)
        assert s["mode"] == "normal" and abs(ahead(s)) < 2, (offset, ahead(s), s["causes"])
        assert final["events"]["abandonment"] == 0, final["events"]
    out.close()
    verify(data, final)


# A folder that begins without a clock moves to the first credible time.
@test
def a_node_that_never_had_a_clock_goes_on_to_the_first_that_can_be():
    port = free_port()
    path = write_site("unset", ais_source(port), 9)
    data = work / "unset"
    offset = work / "unset-offset"
    offset.write_text(str(-56.8 * YEAR))
    node = with_clock(path, data, offset)
    s = live(data)
    assert s["now"].startswith("2000-01-01") and not s["clock"]["believed"], s
    offset.write_text("0")
    s = status(data, lambda s: not s["causes"])
    assert abs(ahead(s)) < 2 and s["mode"] == "normal", s
    final = stop(node)
    told = [json.loads(l) for l in call("journal", data, "--json").stdout.splitlines()]
    assert [e["command"] for e in told if e["kind"] == "command"] == ["time"], told
    verify(data, final)


# A clock set at run time moves nothing; a person may confirm it.
@threads
@test
def a_clock_set_while_the_node_runs_is_followed_by_command_only():
    port = free_port()
    path = write_site("set-live", ais_source(port), 9)
    data = work / "set-live"
    offset = work / "set-live-offset"
    offset.write_text("0")
    node = with_clock(path, data, offset, synced=True)
    live(data)
    offset.write_text("7200")
    s = status(data, lambda s: s["causes"])
    assert s["causes"][0]["name"] == "clock" and abs(ahead(s)) < 2 and 7190 < s["clock"]["offset_s"] < 7210, s
    time.sleep(0.4)  # reported only if it lasts
    refused = call("time", "accept", "2026-01-01T00:00:00Z", "--data", data, ok=(75,))
    assert "never goes back" in refused.stderr, refused.stderr
    call("time", "accept", "the other day", "--data", data, ok=(64,))
    answer = subprocess.run([str(seams), "time", "accept", "--data", str(data), "--json"], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    s = status(data, lambda s: not s["causes"])
    assert 7190 < ahead(s) < 7210, ahead(s)
    # Back again: node time neither stops nor goes back.
    offset.write_text("0")
    s = status(data, lambda s: s["causes"])
    assert 7190 < ahead(s) < 7210 and -7210 < s["clock"]["offset_s"] < -7190, s
    final = stop(node)
    assert any(l["kind"] == "cause" and l.get("seen") == "jumped by +2 h; node time does not follow it" for l in final["log"]), final["log"]
    verify(data, final)


# A recording whose clock jumps to 2099 and back, to 1970 and to no time ends in time, completely worked.
@test
def a_recording_whose_clock_leaps_is_gone_with():
    moment = datetime.datetime(2026, 3, 1, tzinfo=datetime.timezone.utc)
    lines = []
    for i in range(300):
        at = (moment + datetime.timedelta(seconds=i / 10)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        at = {50: "2099-01-01T00:00:00.000Z", 100: "1970-01-01T00:00:01.000Z", 150: "2250-01-01T00:00:00.000Z"}.get(i, at)
        lines.append(at + ",3,129033,160,255,8,a9,3f,fc,ed,c4,28,b4,00")
    recording = work / "leaping.data"
    recording.write_text("\n".join(lines) + "\n")
    path = write_site("leaping", f'[source.in]\ndriver = "recording"\nfile = "{recording}"\ncodec = "n2k"\nspeed = "max"\n', 9)
    final = run_to_the_end(work / "leaping", (), path)
    assert final["sources"][0]["received"] == 300 and final["sources"][0]["clock_leaps"] == 4, final["sources"]
    assert final["now"].startswith("2026-03-01T00:00:"), final["now"]
    verify(work / "leaping", final)


# The shipped binary lacks that clock.
@test
def the_shipped_binary_knows_no_clock_of_the_tests():
    content = pathlib.Path(vedette).read_bytes()
    assert b"VED_FAKE" not in content
    assert not seams.exists() or b"VED_FAKE_S" in seams.read_bytes()
