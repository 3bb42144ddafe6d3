"""Journals replay, on every build, from any bound and after any kill -9."""
import json, pathlib, random, re, shlex, signal, socket, subprocess, time

import tracking
from harness import (vedette, recordings, work, site, arguments, test, other_build, release, call, need_recordings, threads,
                     start, stop, status, run_recording, run_to_the_end, verify, Receiver, free_port, ais_source, write_site, class_b)

every_recording = (("n2k", "n2k/aava-n2k.data", 7000), ("nmea0183", "nmea0183/plaka.log.gz", 7250), ("mavlink", "mavlink/vtol.tlog", 3000),
                   ("adsb", "adsb/sample_data_adsb.csv", 2000), ("ais", "ais/nais400-merrimac.log", 500),
                   ("ais", "ais/nmea_data_sample.txt", 500))


@threads
@test
def flagship_site_replays_and_a_flipped_byte_is_named():
    need_recordings()
    data = work / "flagship"
    done = run_to_the_end(data, (), site, "--env", "replay", "--recordings", recordings)
    verify(data, done)
    bus = done["sources"][0]
    assert bus["received"] == 21595 and bus["accepted"] + bus["not_used"] + sum(bus["refused"].values()) == 21595
    rows = [json.loads(l) for l in call("journal", data).stdout.splitlines()]
    own = [r for r in rows if r["kind"] == "track" and r["of"] == "own" and r["change"] == "created"]
    assert len(own) == 1 and not any(r["kind"] == "track" and r["identity"] == "230035780" for r in rows)
    alert = next(r for r in rows if r["kind"] == "action" and r["assessment"] == "close_approach")
    chain = json.loads(call("explain", data, alert["event"], "--json").stdout)["data"]["chain"]
    assert any(c["kind"] == "observation" and "129039" in c["raw"] + "129038" for c in chain)
    segment = sorted((data / "shard-0/journal").glob("*.seg"))[0]
    for at in (100, 70000, segment.stat().st_size - 6000):
        content = bytearray(segment.read_bytes())
        content[at] ^= 1
        segment.write_bytes(content)
        found = call("replay", data, "--verify", ok=(1, 66))
        assert "damaged" in found.stderr or "torn" in found.stderr or "no journal" in found.stderr, found.stderr
        content[at] ^= 1
        segment.write_bytes(content)
    call("replay", data, "--verify")


@test
def every_recording_replays():
    need_recordings()
    for codec, name, least in every_recording:
        label = "replays-" + pathlib.Path(name).name.split(".")[0]
        final = run_recording(codec, name, label)
        assert final["sources"][0]["accepted"] >= least, (name, final["sources"])
        verify(work / label, final)


def crc32c(data, crc=0):
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


# As after an update that computes differently: a journal that cannot be replayed is kept.
@test
def a_journal_of_another_version_is_left_as_it_is():
    port = free_port()
    path, data = write_site("version", ais_source(port), 9), work / "version"
    process = start(path, data)
    status(data, lambda s: s["sources"][0]["status"] == "up")
    stop(process)
    segment = sorted((data / "shard-0/journal").glob("*.seg"))[0]
    content = bytearray(segment.read_bytes())
    version, length = int.from_bytes(content[4:6], "little"), int.from_bytes(content[32:36], "little")
    content[4:6] = (version - 1).to_bytes(2, "little")
    content[36:40] = bytes(4)
    content[36:40] = crc32c(content[:64 + length]).to_bytes(4, "little")
    segment.write_bytes(content)
    refused = call("run", path, "--data", data, ok=(78,)).stderr
    assert f"has journal format {version - 1}, this program reads format {version}" in refused, refused
    assert "run with another --data, or move this one aside" in refused, refused
    assert segment.read_bytes() == content
    for command in ("replay", "journal", "inspect"):
        found = call(command, data, ok=(65, 66)).stderr
        assert f"has journal format {version - 1}" in found, (command, found)


# The same plan and bytes with another compiler, instruction set or processor; each entry is a command that runs that build. The
# simulator's journals have cuts, holds and kills.
@other_build
def every_build_replays_every_journal():
    need_recordings()
    runners = [shlex.split(other) for other in arguments.other]
    for codec, name, _ in every_recording:
        label = "other-" + pathlib.Path(name).name.split(".")[0]
        final = run_recording(codec, name, label)
        for runner in runners:
            verify(work / label, final, runner)
    flagship = (site, "--env", "replay", "--recordings", recordings)
    final = run_to_the_end(work / "here", (), *flagship)
    for i, runner in enumerate(runners):
        verify(work / "here", final, runner)
        there = run_to_the_end(work / f"there-{i}", runner, *flagship)
        verify(work / f"there-{i}", there)
    for label, site_and_more in tracking.journals_of_contacts():
        final = run_to_the_end(work / f"contacts-{label}", (), *site_and_more)
        for i, runner in enumerate(runners):
            verify(work / f"contacts-{label}", final, runner)
            there = run_to_the_end(work / f"contacts-{label}-{i}", runner, *site_and_more)
            verify(work / f"contacts-{label}-{i}", there)
    simulator = pathlib.Path(vedette).parent / "tests/vedette_sim"
    for seed in range(1, 9):
        subprocess.run([simulator, work / "sim", str(seed), "1"], check=True, capture_output=True, timeout=60)
        answers = {json.dumps(json.loads(subprocess.run([*runner, "replay", work / "sim/data", "--verify", "--json"], capture_output=True, text=True, check=True).stdout)["data"], sort_keys=True)
                   for runner in [[vedette], *runners]}
        assert len(answers) == 1 and '"matches": true' in min(answers), answers


@test
def the_past_can_be_inspected_recovered_and_rehearsed():
    need_recordings()
    data, back = work / "past", work / "back"
    flagship = (site, "--env", "replay", "--recordings", recordings)
    run_to_the_end(data, (), *flagship)
    def answer(*args, ok=(0,)):
        return json.loads(call(*args, "--json", ok=ok).stdout)["data"]
    then = "2014-08-15T19:05:00Z"
    seen = answer("inspect", data, "--at", then)
    assert seen["time"] <= then < answer("inspect", data)["time"] and 100 < len(seen["tracks"]) < 249
    own = next(t for t in seen["tracks"] if t["kind"] == "own")
    assert abs(own["lat"] - 59.716) < 0.01 and own["state"] == "confirmed", own
    at_event = answer("inspect", data, "--at", seen["event"])
    assert at_event["digest"] == seen["digest"]
    call("inspect", data, "--at", "99999999", ok=(1,))
    call("inspect", data, "--at", "someday", ok=(64,))
    cut = answer("recover", data, "--to", then, "-o", back)
    assert cut["digest"] == seen["digest"] and answer("inspect", back)["tracks"] == seen["tracks"]
    call("recover", data, "--to", then, "-o", back, ok=(1,))
    again = run_to_the_end(back, (), *flagship)  # the recordings continue where the journal ends
    assert again["epoch"] == 2 and int(again["sequence"]) > int(cut["event"])
    verify(back, again)
    same = answer("rehearse", data, "--plan", site, "--env", "replay")
    assert same["differences"] == [] and same["same"] > 50
    other = work / "other.toml"
    other.write_text(pathlib.Path(site).read_text().replace('radius = "2 nmi"', 'radius = "1 nmi"'))
    changed = answer("rehearse", data, "--plan", other, "--env", "replay", ok=(1,))
    assert {d["decision"] for d in changed["differences"]} == {"guard_entered", "guard_left"}, changed["differences"][:3]


@threads
@test
def a_journal_at_its_bound_lets_the_oldest_go_and_still_replays():
    need_recordings()
    path = write_site("bounded", f'[source.in]\ndriver = "recording"\nfile = "{recordings / "nmea0183/plaka.log.gz"}"\ncodec = "nmea0183"\nspeed = "max"\n', 9)
    path.write_text(path.read_text().replace('journal = "64 MiB"', 'journal = "4 MiB"'))
    data = work / "bounded"
    for attempt in ("first", "restarted"):
        done = run_to_the_end(data, (), path)
        segments = sorted((data / "shard-0/journal").glob("*.seg"))
        assert sum(p.stat().st_size for p in segments) <= 4 << 20 and segments[0].name > "0000000000000001.seg", segments
        again = verify(data, done)
        assert int(again["first_batch"]) > 1 and again["batches"] > 100, again
    # A start reads only the journal after the image, or without one after the newest segment's state; verification reads all of
    # it.
    for without in ((), ("shard-0/belief.mdb",)):
        for name in without:
            (data / name).unlink()
        oldest = sorted((data / "shard-0/journal").glob("*.seg"))[0]
        content = bytearray(oldest.read_bytes())
        content[len(content) // 2] ^= 1
        oldest.write_bytes(content)
        call("replay", data, "--verify", ok=(1, 66))
        call("run", path, "--data", data)
        content[len(content) // 2] ^= 1
        if oldest.exists():
            oldest.write_bytes(content)
        call("replay", data, "--verify")


@release
def kill_nine_at_any_instant_loses_nothing_acknowledged_and_repeats_no_action():
    receiver = Receiver()
    port = free_port()
    path = write_site("killed", ais_source(port), receiver.port)
    path.write_text(path.read_text().replace("[cores]", "[cores]\ningress = -1"))  # two hot threads instead of one
    data = work / "killed"
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    rng = random.Random(4)
    mmsi = 200000000
    intents = set()
    for round_ in range(arguments.kills):
        process = start(path, data)
        end = time.time() + 0.15 + rng.random() * 0.25
        acknowledged = 0
        while time.time() < end:
            for _ in range(4):
                mmsi += 1
                sender.sendto(class_b(200000000 + mmsi % 200, 10 + (mmsi % 200) * 0.01, 20), ("127.0.0.1", port))
            time.sleep(0.002)
        done = subprocess.run([vedette, "status", "--data", str(data), "--json"], capture_output=True, text=True, timeout=5)
        if done.returncode == 0:
            acknowledged = int(json.loads(done.stdout)["data"]["durable_sequence"])
        time.sleep(rng.random() * 0.01)
        process.kill()
        process.communicate()
        if acknowledged:
            journal = call("journal", data, ok=(0, 1)).stdout
            intents |= set(re.findall(r'"key":"([^"]+)"', journal))  # the oldest segments are dropped
            last = max(int(m) for m in re.findall(r'"event":"(\d+)"', journal))
            assert last >= acknowledged, (last, acknowledged)
    process = start(path, data)
    status(data, lambda s: True)
    final = stop(process)
    assert final["events"]["transient"] == 0
    call("replay", data, "--verify")
    keys = [json.loads(m)["key"] for m in receiver.close()]
    assert len(keys) == len(set(keys)) and len(keys) > 100, (len(keys), len(set(keys)))
    intents |= set(re.findall(r'"key":"([^"]+)"', call("journal", data).stdout))
    assert set(keys) <= intents, "an action left whose intent is not in the journal"


@threads
@test
def a_journal_lists_what_is_asked_for_with_the_names_of_things():
    need_recordings()
    path, data = write_site("asked", f'[source.in]\ndriver = "recording"\nfile = "{recordings}/ais/nais400-merrimac.log"\ncodec = "nmea0183"\ninterval = "800 ms"\nspeed = "max"\n', 9), work / "asked"
    run_to_the_end(data, (), path)
    def listed(*wishes):
        return [json.loads(line) for line in call("journal", data, *wishes).stdout.splitlines()]
    everything = listed()
    named = next(e for e in everything if e["kind"] == "assessment" and e.get("name"))
    name, mmsi = named["name"], named["subject"].split()[1]
    of_name = listed("--of", name.lower())
    assert of_name == listed("--of", mmsi) and {"observation", "track", "assessment", "decision", "action", "outcome", "alarm"} <= {e["kind"] for e in of_name}, of_name
    assert all(mmsi in (e.get("identity"), e.get("subject", "").split(" ")[-1]) or e["kind"] in ("outcome", "resolution", "dispatch") for e in of_name), of_name
    assert [e["event"] for e in listed("--kind", "assessment", "--kind", "alarm")] == [e["event"] for e in everything if e["kind"] in ("assessment", "alarm")]
    assert {e["kind"] for e in listed("--of", "out")} >= {"action", "outcome"} and {e.get("source") for e in listed("--of", "in", "--kind", "observation")} == {"in"}
    since, until = everything[len(everything) // 3], everything[len(everything) // 2]
    some = [e["event"] for e in listed("--since", since["time"], "--until", until["time"])]
    between = [e["event"] for e in everything if since["time"] <= e["time"] <= until["time"]]
    assert set(between) <= set(some) and len(some) < len(between) + 20, (len(some), len(between))
    assert len(listed("--since", "1min")) < len(listed("--since", "2min")) < len(everything)
    assert "did you mean \"alarm\"" in call("journal", data, "--kind", "alarms", ok=(64,)).stderr
    assert "is called \"NOBODY\"" in call("journal", data, "--of", "NOBODY", ok=(66,)).stderr
    assert f"vessel {mmsi} {name}" in call("log", data, "--of", name).stdout


@test
def a_journal_is_followed_while_the_node_runs_and_across_its_restarts():
    port, sender = free_port(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    path, data, sent = write_site("followed", ais_source(port), 9), work / "followed", 0

    def live(process, count, ends):
        nonlocal sent
        status(data, lambda s: s["sources"][0]["status"] == "up")
        for n in range(count):
            sent += 1
            sender.sendto(class_b(230000000 + sent % 200, 50, 25), ("127.0.0.1", port))
            if n % 20 == 0:
                time.sleep(0.004)
        status(data, lambda s: s["sources"][0]["accepted"] >= count and int(s["durable_sequence"]) >= int(s["sequence"]))
        if ends == "kill":
            process.kill()
            process.wait()
        else:
            stop(process)

    first = start(path, data)
    status(data, lambda s: s["sources"][0]["status"] == "up" and int(s["batches"]) > 5)
    lines, told = open(work / "followed.jsonl", "w+"), open(work / "followed.err", "w+")
    follower = subprocess.Popen([vedette, "journal", str(data), "--follow"], stdout=lines, stderr=told, text=True)

    def seen(wanted, limit=10):
        end = time.time() + limit
        while time.time() < end:
            rows = [json.loads(line) for line in (work / "followed.jsonl").read_text().splitlines(keepends=True) if line.endswith("\n")]
            if wanted(rows):
                return rows
            time.sleep(0.1)
        raise AssertionError((rows[-3:], (work / "followed.err").read_text()))

    while "following" not in (work / "followed.err").read_text():
        time.sleep(0.05)
    live(first, 300, "kill")
    live(start(path, data), 100, "stop")
    live(start(path, data), 100, "stop")
    whole = [json.loads(line) for line in call("journal", data).stdout.splitlines()]
    rows = seen(lambda rows: rows and rows[-1]["event"] == whole[-1]["event"])
    assert rows[0]["batch"] != whole[0]["batch"] and sum(row["kind"] == "observation" for row in rows) == 500
    assert rows == whole[-len(rows):], "each once, in order"
    # Stopped, it is passed by the journal's bound: it says so, and goes on.
    follower.send_signal(signal.SIGSTOP)
    path.write_text(path.read_text().replace("64 MiB", "4 MiB"))
    live(start(path, data), 16000, "stop")
    follower.send_signal(signal.SIGCONT)
    last = json.loads(call("journal", data).stdout.splitlines()[-1])["event"]
    seen(lambda rows: rows[-1]["event"] == last)
    assert re.search(r"batches \d+ to \d+ left the journal at its bound before they were read", (work / "followed.err").read_text())
    follower.send_signal(signal.SIGINT)
    assert follower.wait(timeout=5) == 0
