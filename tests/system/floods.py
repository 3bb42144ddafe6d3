"""Floods of fake things: each full table reports it, and keeps what matters."""
import json, math, random, socket, subprocess, time

from harness import Receiver, ais_source, amount, call, class_b, free_port, start, status, stop, test, vedette, work, write_site

TABLE = []
for byte in range(256):
    crc = byte << 16
    for _ in range(8):
        crc = crc << 1 ^ (0xFFF409 if crc & 0x800000 else 0)
    TABLE.append(crc & 0xFFFFFF)


def line(icao, message):
    """DF17 with its parity (annex 10 volume IV, 3.1.2.3.3), as an AVR line."""
    frame = bytes([0x8D]) + icao.to_bytes(3, "big") + message.to_bytes(7, "big")
    crc = 0
    for byte in frame:
        crc = (crc << 8 & 0xFFFFFF) ^ TABLE[crc >> 16 ^ byte]
    return b"*" + (frame + crc.to_bytes(3, "big")).hex().encode() + b";\n"


def zones(latitude):
    a = 1 - math.cos(math.pi / 30)
    return 1 if abs(latitude) >= 87 else math.floor(2 * math.pi / math.acos(1 - a / math.cos(math.radians(abs(latitude))) ** 2))


def airborne(latitude, longitude, odd):
    """An airborne position message (DO-260B A.1.7.3), type code 11."""
    zone = 360 / (59 if odd else 60)
    y = math.floor(131072 * (latitude % zone) / zone + 0.5)
    rounded = zone * (y / 131072 + math.floor(latitude / zone))
    zone = 360 / max(zones(rounded) - odd, 1)
    x = math.floor(131072 * (longitude % zone) / zone + 0.5)
    return 11 << 51 | 0x5B8 << 36 | odd << 34 | y % 131072 << 17 | x % 131072


def tracks_of(data):
    return json.loads(call("inspect", data, "--json").stdout)["data"]["tracks"]


def limits(path, tracks):
    path.write_text(path.read_text().replace("tracks = 256", f"tracks = {tracks}\npending_actions = 1024").replace('"1 MiB"', '"8 MiB"').replace('"64 MiB"', '"512 MiB"'))
    return path


@test
def aircraft_keep_their_positions_under_a_flood_of_false_addresses():
    aircraft, false_a_second, halves = amount((300, 4000, 5), (1000, 10000, 8), (2000, 10000, 40))
    sink, port, data = Receiver(), free_port(), work / "false-addresses"
    source = f'[source.in]\ndriver = "udp"\nlisten = "127.0.0.1:{port}"\ncodec = "adsb"\ncredits = 32768\n'
    node = start(limits(write_site("false-addresses", source, sink.port), 4096), data)
    status(data, lambda s: s["sources"][0]["status"] == "up")
    # Each aircraft's place at each half second, and its message; fakes in between.
    truth = [(48 + a * 0.004, 5 + a * 0.003) for a in range(aircraft)]
    false = airborne(50, 10, 0)
    datagrams = []
    next_false = 0x500000
    for half in range(halves):
        lines = [line(0x400000 + a, airborne(y, x + half * 0.001, half % 2)) for a, (y, x) in enumerate(truth)]
        lines += [line(next_false + n, false) for n in range(false_a_second // 2)]
        next_false += false_a_second // 2
        random.Random(half).shuffle(lines)
        datagrams.append([b"".join(lines[i:i + 30]) for i in range(0, len(lines), 30)])
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    begin = time.monotonic()
    for half, group in enumerate(datagrams):
        for i, datagram in enumerate(group):
            at = begin + 0.5 * (half + i / len(group))
            if at > time.monotonic():
                time.sleep(at - time.monotonic())
            out.sendto(datagram, ("127.0.0.1", port))
    sent = sum(map(len, datagrams))
    seen = status(data, lambda s: s["sources"][0]["accepted"] >= halves * (aircraft + false_a_second // 2))
    names = [c["name"] for c in seen["causes"]]
    assert seen["mode"] == "degraded" and "tracks-full" in names, (seen["mode"], names)
    told = seen["sources"][0]["aircraft"]
    assert told["placed"] == aircraft and told["turned_away"] == 0 and ("aircraft-full" in names) == (told["forgotten"] > 0), (told, names)
    assert seen["tables"]["tracks"]["held"] <= 4096 and seen["sources"][0]["missed"] == 0, seen
    stop(node)
    found = {t["identity"]: t for t in tracks_of(data) if "lat" in t}
    # Placed by its second half, it has a position for each half second since.
    for a, (y, x) in enumerate(truth):
        t = found[str(0x400000 + a)]
        assert t["updates"] == halves - 1 and t["state"] == "confirmed", (a, halves, t)
        assert abs(t["lat"] - y) < 1e-3 and abs(t["lon"] - x - (halves - 1) * 0.001) < 2e-3, (t, y, x)
    told = {json.loads(m)["identity"] for m in sink.close()}
    assert told <= {str(0x400000 + a) for a in range(aircraft)}, len(told)  # as many as the disk allowed
    print(f"  {aircraft} aircraft, {false_a_second} false addresses a second, {halves / 2} s, {sent} datagrams: each kept its position at its rate")


@test
def false_vessels_take_no_place_of_one_that_is_heard_and_a_line_says_so():
    false, tracks, honest = amount((6000, 1024, 100), (20000, 1024, 100), (100000, 4096, 500))
    sink, port, data = Receiver(), free_port(), work / "false-vessels"
    path = limits(write_site("false-vessels", ais_source(port, "credits = 32768\n"), sink.port), tracks)
    path.write_text(path.read_text().replace("track.updates >= 1", "track.updates >= 2"))
    log = work / "false-vessels.log"  # longer than a pipe holds
    node = subprocess.Popen([vedette, "run", str(path), "--data", str(data), "--json"], stdout=subprocess.DEVNULL, stderr=log.open("w"))
    status(data, lambda s: s["sources"][0]["status"] == "up")
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    rmc = b"$GPRMC,120000.00,A,6000.0000,N,02500.0000,E,0.0,0.0,010126,,*"
    sum_ = 0
    for byte in rmc[1:-1]:
        sum_ ^= byte
    own = rmc + b"%02X\r\n" % sum_
    ships = [class_b(230000000 + n, 60 + n * 0.001, 25, 5, 0) for n in range(honest)]

    def all_ships():
        for i in range(0, honest, 10):
            out.sendto(b"".join(ships[i:i + 10]), ("127.0.0.1", port))
        time.sleep(0.05)

    all_ships()
    all_ships()
    status(data, lambda s: s["tracks"] == honest and s["mode"] == "normal" and s["causes"] == [])
    r = random.Random(1)
    for n in range(0, false, 10):
        flood = [class_b(300000000 + n + i, r.uniform(-60, 60), r.uniform(-170, 170), 5, 0) for i in range(10)]
        out.sendto(b"".join(flood), ("127.0.0.1", port))
        time.sleep(0.0005)
        if n == false // 2:
            all_ships()
    # Own ship is heard for the first time when the table is full.
    out.sendto(own, ("127.0.0.1", port))
    all_ships()
    seen = status(data, lambda s: s["sources"][0]["accepted"] >= false + 4 * honest + 1)
    assert seen["mode"] == "degraded" and [c["name"] for c in seen["causes"]] == ["tracks-full"], (seen["mode"], seen["causes"])
    table = seen["tables"]["tracks"]
    assert table["held"] <= tracks and table["refused"] + table["evicted"]["unconfirmed"] >= false - tracks and seen["sources"][0]["missed"] == 0, table
    time.sleep(0.5)  # a cause is reported only if it lasts
    node.terminate()
    assert node.wait(15) == 0
    lines = [l for l in map(json.loads, log.read_text().splitlines()) if l.get("cause") == "tracks-full"]
    assert len(lines) == 1 and lines[0]["there"] and f"of {tracks} held" in lines[0]["seen"], lines
    found = {(t["kind"], t["identity"]): t for t in tracks_of(data)}
    for n in range(honest):
        t = found["vessel", str(230000000 + n)]
        assert t["state"] == "confirmed" and t["updates"] == 4, t
    assert ("own", "0") in found, [k for k in found if k[0] == "own"]
    events = [json.loads(l) for l in call("journal", data).stdout.splitlines() if '"kind":"track"' in l]
    evicted = [e for e in events if e["change"] == "evicted"]
    assert len(evicted) == table["evicted"]["unconfirmed"] and all(e["why"] == "unconfirmed" for e in evicted), len(evicted)
    told = {json.loads(m)["identity"] for m in sink.close()}
    assert told == {str(230000000 + n) for n in range(honest)}, len(told)
    print(f"  {false} false MMSIs, {tracks} tracks, {honest} vessels before: none lost; {table['refused']} refused, {len(evicted)} gave way")


def two_parts(which, id_, channel):
    body = f"AIVDM,2,{which},{id_},{channel}," + ("55?MbV02;H;s<HtKR20EHE:0@T4@Dn2222222216L961O5Gf0NSQEp6ClRp8,0" if which == 1 else "88888888880,2")
    check = 0
    for c in body:
        check ^= ord(c)
    return f"!{body}*{check:02X}\r\n".encode()


@test
def a_flood_of_first_parts_is_named_and_pushes_out_no_message_of_another_channel():
    sink, port, data = Receiver(), free_port(), work / "first-parts"
    node = start(write_site("first-parts", ais_source(port), sink.port), data)
    status(data, lambda s: s["sources"][0]["status"] == "up")
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    send = lambda *lines: out.sendto(b"".join(lines), ("127.0.0.1", port))
    send(two_parts(1, 3, "A"))
    for n in range(40):
        send(*[two_parts(1, i, "B") for i in range(10)])
    send(two_parts(2, 3, "A"))
    seen = status(data, lambda s: "parts-full" in [c["name"] for c in s["causes"]])
    assert seen["mode"] == "degraded" and seen["sources"][0]["unfinished"] == 390 and seen["sources"][0]["accepted"] == 1, seen
    stop(node)
    events = [json.loads(l) for l in call("journal", data).stdout.splitlines() if '"kind":"source-full"' in l]
    assert [(e["cause"], e["there"], e["source"]) for e in events] == [("parts-full", True, "in")], events
    assert 0 < int(events[0]["lost"]) <= 390, events  # those so far: the rest may arrive after it is told
    sink.close()
