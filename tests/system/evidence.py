"""What remains of a night after a flood of datagrams has pushed it out of the journal."""
import socket, subprocess

from harness import *


@threads
@test
def an_alarm_is_explained_although_a_flood_pushed_its_segment_out_of_the_journal():
    port = free_port()
    path = write_site("flooded", ais_source(port, 'credits = 4096\n'), 9, extra='[decide.say]\non = "near"\nrun = "say"\n[assess.near]\nof = "track"\n'
                      'when = "inside(track, harbour)"\n[zone.harbour]\ncentre = [60.0, 25.0]\nradius = "1 km"\n'
                      '[action.say]\nsink = "log"\ndurable = "behind"\nidempotent = true\n[sink.log]\ndriver = "log"\n')
    text = path.read_text().replace('journal = "64 MiB"', 'journal = "4 MiB"').replace("track.updates >= 1", "track.updates >= 1000000")
    path.write_text(text)
    data = work / "flooded-data"
    node = start(path, data)
    status(data, lambda s: s["sources"][0]["status"] == "up")
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    send = lambda m, lat, lon: out.sendto(class_b(m, lat, lon), ("127.0.0.1", port))
    for _ in range(3):
        send(230000001, 60.0, 25.0)
        time.sleep(0.1)
    alarm = None
    end = time.time() + 10
    while alarm is None and time.time() < end:
        events = [json.loads(l) for l in call("journal", data, ok=(0, 1)).stdout.splitlines()]
        alarm = next((e for e in events if e["kind"] == "action"), None)
    assert alarm, "there was no alarm"
    time.sleep(0.3)
    kept = json.loads(call("explain", data, alarm["event"], "--json").stdout)["data"]["chain"]
    assert any(e["kind"] == "observation" for e in kept) and not any(e.get("evidence") for e in kept), kept
    first = sorted((data / "shard-0/journal").glob("*.seg"))[0]
    end = time.time() + 60
    i = 0
    while first.exists() and time.time() < end:
        for _ in range(400):
            i += 1
            send(231000000 + i % 100, 10.0 + i % 50 * 0.001, 10.0)
        time.sleep(0.02)
    assert not first.exists(), "the flood did not fill the journal"
    seen = status(data, lambda s: s["journal"]["evidence"]["events"] > 0)["journal"]["evidence"]
    assert seen["bytes"] <= 262144 and seen["lost_segments"] == 0, seen
    stop(node)
    again = json.loads(call("explain", data, alarm["event"], "--json").stdout)["data"]["chain"]
    assert [e["event"] for e in again] == [e["event"] for e in kept] and all(e["evidence"] for e in again), again
    assert [dict(e, evidence=True) for e in kept] == again
    assert "from evidence" in call("explain", data, alarm["event"]).stdout
    listed = [json.loads(l) for l in call("journal", data).stdout.splitlines()]
    assert any(e["event"] == alarm["event"] and e["evidence"] for e in listed)
    assert [int(e["event"]) for e in listed] == sorted(int(e["event"]) for e in listed)
    total = sum(f.stat().st_size for f in (data / "shard-0/journal").glob("*.seg"))
    assert total <= 5 << 20, total
    # A flipped byte is reported and not believed.
    held = sorted((data / "shard-0/journal-evidence").glob("*.evd"))[0]
    spoilt = bytearray(held.read_bytes())
    spoilt[200] ^= 1
    held.write_bytes(spoilt)
    done = subprocess.run([vedette, "explain", data, alarm["event"]], capture_output=True, text=True)
    assert done.returncode == 66 and "damaged from byte" in done.stderr, done
