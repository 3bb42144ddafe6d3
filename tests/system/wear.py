"""What a night takes on disk: states in the journal, and a flash wear budget whose steps people see and that loses nothing."""
import json

from harness import call, class_b, release, run_to_the_end, verify, work, write_site


@release
def states_stand_in_the_journal_of_a_recording_at_full_speed():
    (work / "states.nmea").write_bytes(b"".join(class_b(230000000 + n % 40, 59 + n * 1e-6, 24.0) for n in range(1080)))
    site = write_site("states", f'[source.in]\ndriver = "recording"\nfile = "{work}/states.nmea"\ncodec = "ais"\nspeed = "max"\ninterval = "10 s"\n', 9)
    final = run_to_the_end(work / "states", (), site)
    segments = sorted((work / "states/shard-0/journal").glob("*.seg"))
    assert len(segments) >= 3, len(segments)  # in three hours; on a busy machine time runs much faster than the mirror
    verify(work / "states", final)
    # On a busy machine a state lags behind the segment that it stands in, and needs the one before.
    for file in segments[:-2] if len(segments) >= 18 else ():  # each as if the older ones were gone
        call("replay", work / "states")
        file.unlink()
    assert json.loads(call("replay", work / "states", "--json").stdout)["data"]["digest"] == final["digest"]


@release
def a_node_that_writes_more_than_its_wear_budget_spares_the_flash_step_by_step_and_back():
    # At 600 times the speed: half an hour of much traffic, then little; a window of five minutes takes half a second.
    (work / "wear-much.nmea").write_bytes(b"".join(class_b(230000000 + n % 40, 59 + n * 1e-6, 24.0) for n in range(36000)))
    (work / "wear-little.nmea").write_bytes(b"".join(class_b(231000000, 59 + n * 1e-6, 25.0) for n in range(6600)))
    site, data = work / "wear.toml", work / "wear"
    sources = "".join(f'[source.{name}]\ndriver = "recording"\nfile = "{work}/wear-{name}.nmea"\ncodec = "ais"\nspeed = 600\nhorizon = "1 h"\ninterval = "{interval}"\n'
                      for name, interval in (("much", "50 ms"), ("little", "1 s")))
    site.write_text(f'''site = "wear"
[cores]
priority = 0
idle = "rest"
[limits]
tracks = 256
segment = "1 MiB"
journal = "64 MiB"
wear = "300 MB/day"
{sources}
[assess.seen]
of = "track"
when = "track.updates >= 1"
[decide.tell]
on = "seen"
run = "tell"
[action.tell]
sink = "out"
durable = "before"
horizon = "1 h"
[sink.out]
driver = "log"
''')
    plan = call("plan", site)
    assert "flash: 286.1 MiB written a day" in plan.stdout and "holds about" in plan.stdout, plan.stdout
    assert json.loads(call("plan", site, "--json").stdout)["data"]["wear_bytes_day"] == "300000000"
    final = run_to_the_end(data, (), site)
    assert final["events"]["accepted"] >= 42600 and final["sinks"][0]["sent"] == 41, final
    wear = final["journal"]["wear"]
    assert wear["budget"] == "300000000" and int(wear["bytes_day"]) < 300e6, wear
    told = [json.loads(line) for line in call("journal", data, "--json", "--kind", "wear").stdout.splitlines()]
    steps = [event["step"] for event in told]
    top = steps.index(max(steps))
    assert steps[:top + 1] == list(range(1, top + 2)) and top >= 2, steps  # up, one at a time
    assert steps[top + 1:] == list(range(top, top - len(steps[top + 1:]), -1)) and len(steps) > top + 1, steps  # and back
    assert all(int(event["bytes_day"]) > 300e6 for event in told[:top + 1]), told
    assert told[0]["commit_s"] == 0.02 and told[0]["checkpoint_s"] == 50, told[0]
    assert told[2]["commit_s"] == 0.5 and not told[2]["packs"], told[2]
    log = call("log", data).stdout
    assert "flash: " in log and "step 3: batches wait 500 ms for others, an image comes every 600 s" in log, log[-3000:]
    verify(data, final)
