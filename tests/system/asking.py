"""What can be asked and said: a shipped site over recordings, against what the decoded messages say."""
from harness import *


@test
def what_is_asked_of_ships_is_what_their_messages_say():
    need_recordings()
    data = work / "asking"
    path = root / "config/approach-watch.toml"
    run_to_the_end(data, (), path, "--env", "replay", "--recordings", recordings)
    call("replay", data, "--verify")
    events = [json.loads(l) for l in call("journal", data).stdout.splitlines()]
    raised = lambda name: {e["subject"] for e in events if e.get("assessment") == name and e.get("transition") == "raised"}
    # The reference: who ever said so in the recording.
    rows = [r for r in decode("ais", "ais/nais400-merrimac.log") if r.get("mmsi", 0) >= 10000000]
    named = {f"vessel {r['mmsi']}" for r in rows if r.get("type") in (5, 24)
             and (r.get("name") in ("ADRIATIC HIGHWAY", "HOLLAND") or r.get("name", "").startswith("WINDCAT"))}
    assert raised("expected") == named and len(named) >= 3, (raised("expected"), named)
    heavy = {f"vessel {r['mmsi']}" for r in rows if r.get("shiptype", 0) // 10 == 8 or r.get("draught", 0) > 7}
    assert raised("tanker") <= heavy and len(heavy) >= 1, (raised("tanker"), heavy)
    # Each of them is shown and written, in this order, under keys of their own.
    orders = [e for e in events if e["kind"] == "action" and e["assessment"] == "tanker" and "attempt" not in e]
    assert [e["action"] for e in orders] == ["show", "write"] * (len(orders) // 2) and orders, orders
    assert len({e["key"] for e in orders}) == len(orders)
    for e in orders[::2]:
        row = next(r for r in rows if f"vessel {r['mmsi']}" == e["subject"] and r.get("type") == 5)
        assert e["message"].startswith(row["name"]) and f"draught {row['draught']:.0f} m" in e["message"], (e, row)
        assert "message" not in orders[orders.index(e) + 1]
    arrivals = [e for e in events if e["kind"] == "action" and e["action"] == "arrives"]
    assert arrivals and all(" was heard at " in e["message"] for e in arrivals), arrivals


@test
def a_zone_or_name_that_does_not_exist_is_told_with_its_place():
    path = work / "asking-wrong.toml"
    path.write_text('site = "x"\ntimezone = "Europe/Helsinky"\n[source.in]\ndriver = "udp"\nlisten = "127.0.0.1:1"\ncodec = "ais"\n[assess.a]\nof = "track"\nwhen = "track.ship_type == \'tankr\'"\n')
    found = call("check", path, ok=(1,)).stderr
    assert ":2:12" in found and "Europe/Helsinki" in found and ":9:28" in found and "tanker" in found, found
