"""Decoding of recordings agrees with their facts, gpsdecode and dump1090."""
import json, math, pathlib, random, re, shutil, socket, struct, subprocess, sys, tempfile, time, xml.etree.ElementTree

from harness import work, recordings, Skip, test, long, need_recordings, decode, free_port, root

decoders = root / "build/npm"


@test
def n2k_recording_reads_as_its_facts_say():
    need_recordings()
    rows = decode("n2k", "n2k/aava-n2k.data")
    assert len(rows) == 21595
    a = [r for r in rows if r.get("pgn") == 129038]
    b = [r for r in rows if r.get("pgn") == 129039]
    assert (len(a), len(b)) == (1981, 886), (len(a), len(b))
    assert len({r["mmsi"] for r in a + b}) == 95
    assert sum(r["mmsi"] == 230035780 for r in a + b) == 612
    assert sum(r.get("pgn") == 129025 for r in rows) == 597
    assert {r["cause"] for r in rows if not r["ok"]} == {"unsupported"}


# gpsdecode's output for this decoder's kinds of message, in file order.
def gpsdecode(path):
    out = subprocess.run(["gpsdecode", "-j"], input=path.read_bytes().replace(b"\r", b"") + b"\n", capture_output=True, timeout=60).stdout
    for text in out.decode(errors="replace").splitlines():
        if text.startswith("{") and '"class":"AIS"' in text:
            r = json.loads(re.sub(r":nan\b", ":null", text))
            if r["type"] in (1, 2, 3, 4, 5, 9, 14, 18, 19, 21, 24, 27):
                yield r


def same_ais(ours, theirs):
    near = {"lat": (1, 2e-6), "lon": (1, 2e-6), "speed": (3600 / 1852, 0.06), "course": (1, 0.06)}
    for key, (factor, tolerance) in near.items():
        if key in ours and isinstance(theirs.get(key), (int, float)) and abs(ours[key] * factor - theirs[key]) > tolerance:
            return False
    keys = ("heading", "second", "status", "name", "shipname", "callsign", "imo", "to_bow", "to_stern", "to_port", "to_starboard",
            "destination", "aid_type", "raim", "accuracy", "shiptype", "epfd", "alt", "text")
    return all(ours[k] == theirs[k] for k in keys if k in ours and k in theirs)


# gpsdecode keeps a type 24 part A until its part B arrives and prints both as one record. So the halves are compared field by
# field; a half without the other appears only here.
@test
def ais_equals_gpsdecode():
    need_recordings()
    if not shutil.which("gpsdecode"):
        raise Skip("gpsdecode is not installed")
    for name, least in (("ais/nais400-merrimac.log", 630), ("ais/nmea_data_sample.txt", 760), ("ais/typeexamples.nmea", 6)):
        ours = [r for r in decode("ais", name) if r.get("kind") == "ais"]
        theirs = list(gpsdecode(recordings / name))
        only_ours, different, equal = [], [], 0
        for o in ours:
            candidates = [t for t in theirs if (t["type"], t["mmsi"]) == (o["type"], o["mmsi"])]
            match = next((t for t in candidates if same_ais(o, t)), None)
            if match is not None:
                equal += 1
                if o["type"] != 24 or "callsign" in o:
                    theirs.remove(match)
            elif candidates:
                different.append((o, candidates[0]))
            else:
                only_ours.append(o)
        print(f"    {name}: {equal} equal")
        for o in only_ours:
            print(f"      only ours, line {o['n']}: type {o['type']} of {o['mmsi']}: its other half never comes, and gpsdecode waits for it")
        for t in [t for t in theirs if abs(t.get("lat", 0)) > 91 or abs(t.get("lon", 0)) > 181]:
            print(f"      only gpsdecode, type {t['type']} of {t['mmsi']}: {t['lat']}, {t['lon']} is no place on Earth")
            theirs.remove(t)
        left = [t for t in theirs if t["type"] != 24]
        assert not different, different[:3]
        assert not left, left[:3]
        assert all(o["type"] == 24 for o in only_ours) and len(only_ours) <= 4, only_ours
        assert equal >= least, equal


@test
def adsb_equals_the_recorder_and_dump1090():
    need_recordings()
    rows = decode("adsb", "adsb/sample_data_adsb.csv")
    frames = [[c.strip('"') for c in l.split(",")] for l in (recordings / "adsb/sample_data_adsb.csv").read_text().splitlines()]
    assert len(rows) == len(frames) == 2000
    for r, f in zip(rows, frames):
        assert r["ok"] and r["icao"] == f[2] and r["type"] == int(f[3]), (r, f)
    if not shutil.which("dump1090-mutability"):
        raise Skip("dump1090-mutability is not installed")
    theirs = dump1090([f[1] for f in frames])
    assert len(theirs) == len(rows), len(theirs)
    places = same_adsb(rows, theirs)
    assert places == 915, places


# Both in order of arrival; each kind of message by itself, because dump1090 may hold one back. Returns how many places are equal.
def same_adsb(ours, theirs):
    places = 0
    for kind, types in (("1", range(1, 5)), ("3", range(9, 19)), ("4", (19,))):
        mine, its = [r for r in ours if r["type"] in types], [r for r in theirs if r[1] == kind]
        assert len(mine) == len(its), (kind, len(mine), len(its))
        for o, t in zip(mine, its):
            assert o["icao"] == t[4], (o, t)
            if kind == "1":
                assert o["callsign"] == t[10].strip(), (o, t)
            elif kind == "4":
                # dump1090 cuts the speed, and rounds the angle from -180 up.
                course = o["course"] if o["course"] <= 180 else o["course"] - 360
                assert int(o["speed"] * 3600 / 1852 + 0.001) == int(t[12]) and int(course + 0.5) % 360 == int(t[13]), (o, t)
                assert round(o["vertical_speed"] / 0.3048 * 60) == int(t[16]), (o, t)
            else:
                assert ("alt" in o) == (t[11] != "") and (not t[11] or round(o["alt"] / 0.3048) == int(t[11])), (o, t)
                if t[14]:
                    zones = 2 * math.pi / math.acos(1 - (1 - math.cos(math.pi / 30)) / math.cos(math.radians(o["lat"])) ** 2)
                    assert abs(o["lat"] - float(t[14])) <= 360 / 59 / 2**17, (o, t)
                    assert abs(o["lon"] - float(t[15])) <= 360 / (int(zones) - 1) / 2**17, (o, t)
                    places += 1
    return places


# A transponder's call (DF11) that tells its address.
def all_call(address):
    frame = bytes([0x5D]) + bytes.fromhex(address)
    crc = int.from_bytes(frame, "big") << 24
    for bit in range(55, 23, -1):
        crc ^= (crc >> bit & 1) * (0x1FFF409 << bit - 24)
    return (frame + crc.to_bytes(3, "big")).hex().upper()


# What only one of the two decodes: replies to a radar (DF20, DF21) hide their parity in an address, so this codec, which knows
# no addresses beforehand, does not use them; dump1090 takes one if it has just heard that address by itself.
@test
def replies_to_a_radar_are_not_used_where_dump1090_reads_those_of_addresses_heard_before():
    need_recordings()
    lines = (recordings / "adsb/sample_data_commb_df20.csv").read_text(encoding="utf-8-sig").split()
    replies = [line.split(",")[1:] for line in lines]
    squitters = [line.split('"')[1] for line in (recordings / "adsb/sample_data_adsb.csv").read_text().splitlines()[:100]]
    mixed = [frame for pair in zip(squitters, replies) for frame in (pair[0], all_call(pair[1][0]), pair[1][1])]
    path = work / "replies.avr"
    path.write_text("".join(f"*{frame};\n" for frame in mixed + [reply for _, reply in replies[len(squitters):]]))
    rows = decode("adsb", path)
    ours = [r for r in rows if r["ok"]]
    assert len(rows) == 5200 and len(ours) == 100 and {r["cause"] for r in rows if not r["ok"]} == {"unsupported"}, len(rows)
    if not shutil.which("dump1090-mutability"):
        raise Skip("dump1090-mutability is not installed")
    theirs = dump1090(mixed)
    assert same_adsb(ours, [t for t in theirs if t[4] == "406B90"]) > 20
    only = [t for t in theirs if t[4] != "406B90" and t[1] == "5"]
    assert len(only) >= 95 and {t[4] for t in only} <= {address for address, _ in replies}, len(only)
    print(f"    {len(ours)} equal; only dump1090: {len(only)} altitudes of replies whose addresses it has heard")


# What dump1090 reads, a row of BaseStation's fields a message, as a client of its raw input and BaseStation output: the kind in
# field 1, address 4, callsign 10, altitude in feet 11, knots 12, track 13, latitude 14, longitude 15, feet a minute 16.
def dump1090(frames):
    raw, base = free_port(), free_port()
    process = subprocess.Popen(["dump1090-mutability", "--net-only", "--net-bind-address", "127.0.0.1", "--net-ri-port", str(raw),
                                "--net-ro-port", "0", "--net-sbs-port", str(base), "--net-bi-port", "0", "--net-bo-port", "0", "--quiet"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for attempt in range(100):
            try:
                out = socket.create_connection(("127.0.0.1", base))
                break
            except OSError:
                time.sleep(0.1)
        lines = socket.create_connection(("127.0.0.1", raw))
        for f in frames:
            lines.sendall(f"*{f};\n".encode())
            time.sleep(0.001)  # it drops bursts
        got = b""
        out.settimeout(1.5)
        try:
            while got.count(b"\n") < len(frames):
                got += out.recv(65536)
        except OSError:
            pass
    finally:
        process.terminate()
        process.wait()
    return [line.split(",") for line in got.decode().splitlines()]


@test
def mavlink_recording_reads_as_its_facts_say():
    need_recordings()
    rows = decode("mavlink", "mavlink/vtol.tlog")
    assert len(rows) == 23894 and all(r["ok"] and r["version"] == 1 for r in rows)
    assert sum(r["msgid"] == 33 for r in rows) == 807


# tshark's dissection of each record, as {"048/040/RHO": 12.5, ...}, in SI units.
def tshark_records(capture, port):
    units = {"NM": 1852.0, "FL": 30.48, "ft": 0.3048, "NM/s": 1852.0, "ft/min": 0.3048 / 60, "kt": 1852 / 3600}
    out = subprocess.run(["tshark", "-d", f"udp.port=={port},asterix", "-r", capture, "-Y", f"udp.dstport=={port}", "-T", "pdml"],
                         capture_output=True, text=True, timeout=300, check=True).stdout
    records = []
    for message in [m for m in xml.etree.ElementTree.fromstring(out).iter("field") if m.get("name") == "asterix.message"]:
        fields = {}
        for field in message.iter("field"):
            name = field.get("name")
            if not re.match(r"asterix\.\d{3}_\d{3}_", name) or len(field):
                continue
            unit = re.search(r"\[([^]]+)\]: ", field.get("showname"))
            shown = field.get("show")
            if shown.startswith("0x") and not name.endswith("MBDATA"):
                shown = str(int(shown, 16))
            number = re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", shown)
            text = name.endswith("MBDATA") or name in ("asterix.048_240_VALUE", "asterix.062_380_ID_VALUE")
            value = field.get("value") if name.endswith("MBDATA") else shown if text or not number else float(shown) * units.get(unit[1] if unit else "", 1.0)
            fields.setdefault(name[8:].replace("_", "/"), []).append(value)
        records.append(fields)
    return records


def flat(value, path, into):
    if isinstance(value, dict):
        for key, inner in value.items():
            flat(inner, f"{path}/{key}", into)
    elif isinstance(value, list):
        for inner in value:
            flat(inner, path, into)
    else:
        into.setdefault(path, []).append(value)
    return into


def compare_with_tshark(capture, ports, rows=None):
    fields = 0
    for port in ports:
        ours = rows or [r for r in decode("asterix", capture, "--udp-port", str(port)) if r.get("cause") != "other-port"]
        theirs = tshark_records(capture, port)
        assert all(r["ok"] for r in ours) and len(ours) == len(theirs), (capture, port, len(ours), len(theirs))
        for o, t in zip(ours, theirs):
            mine = flat(o["items"], f"{o['category']:03d}", {})
            mine = {key[:3] + key[3:].replace("_", "/"): value for key, value in mine.items()}
            for name, values in t.items():
                if name.startswith("062/390/"):
                    continue  # only tshark: the flight plan, which the codec keeps as bytes
                assert len(mine.get(name, [])) == len(values), (name, values, mine.get(name))
                for a, b in zip(mine[name], values):
                    if name == "048/090/FL" and b > 2 ** 13 * 7.62:
                        b -= 2 ** 14 * 7.62  # the dissector reads it unsigned; a plot below sea level is not at 124 km
                    same = abs(a - b) <= 1e-8 + 1e-9 * abs(b) if isinstance(a, (int, float)) else str(a) == str(b)
                    assert same, (capture, name, a, b)
                    fields += 1
    return fields


@test
def asterix_equals_tshark():
    need_recordings()
    if not shutil.which("tshark"):
        raise Skip("tshark is not installed")
    radar = recordings / "asterix/cat_034_048.pcap"
    ports = (21111, 21112, 21113, 21114, 21131, 21134, 21135, 22111, 22112, 22113, 22114, 22131, 22134, 22135)
    assert compare_with_tshark(radar, ports) > 500
    assert compare_with_tshark(recordings / "asterix/cat_062_065.pcap", (10001,)) > 100
    tool = recordings.parent / "tools/autoferry_to_pcap.py"
    with tempfile.TemporaryDirectory() as folder:
        capture = pathlib.Path(folder) / "harbour.pcap"
        subprocess.run([sys.executable, str(tool), str(recordings / "autoferry/scenario16_detections.json"), str(capture)], check=True)
        assert compare_with_tshark(capture, (8600,)) > 3000


# The file's blocks in one datagram, as tshark reads them.
def in_udp(blocks, path):
    ethernet = bytes.fromhex("020000000002 020000000001 0800".replace(" ", ""))
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 28 + len(blocks), 1, 0, 64, 17, 0) + bytes([10, 0, 0, 1, 10, 0, 0, 2])
    total = sum(struct.unpack(">10H", ip))
    ip = ip[:10] + struct.pack(">H", ~(total % 65535) & 0xFFFF) + ip[12:]
    frame = ethernet + ip + struct.pack(">HHHH", 5, 8600, 8 + len(blocks), 0) + blocks
    path.write_bytes(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)


@test
def raw_asterix_files_equal_tshark():
    need_recordings()
    if not shutil.which("tshark"):
        raise Skip("tshark is not installed")
    raw = recordings / "asterix/cat062cat065.raw"
    with tempfile.TemporaryDirectory() as folder:
        capture = pathlib.Path(folder) / "raw.pcap"
        in_udp(raw.read_bytes(), capture)
        assert compare_with_tshark(capture, (8600,), decode("asterix", raw)) > 30
    # Category 021 is not read yet, and refused by name, block by block.
    assert {r["cause"] for r in decode("asterix", "asterix/cat21_re.ast")} == {"unknown-category"}


# The recorder's frames as a receiver sends them in Beast, whole and cut: what is left is the same.
@test
def a_beast_stream_reads_as_its_frames():
    need_recordings()
    frames = [bytes.fromhex(l.split(",")[1].strip('"')) for l in (recordings / "adsb/sample_data_adsb.csv").read_text().splitlines()]
    beast = [b"\x1a3" + (bytes(7) + f).replace(b"\x1a", b"\x1a\x1a") for f in frames]
    chance = random.Random(6)
    cut = [b if chance.randrange(20) else b[:chance.randrange(1, len(b))] for b in beast]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "x.beast"
        path.write_bytes(b"".join(beast))
        whole = decode("adsb", path)
        assert len(whole) == 2000 and all(r["ok"] and int(r["icao"], 16) == int.from_bytes(f[1:4], "big") for r, f in zip(whole, frames))
        path.write_bytes(b"".join(cut)[5:])
        left = [r for r in decode("adsb", path) if r["ok"]]
        assert len(left) == sum(c is b or c == b for b, c in zip(beast[1:], cut[1:])), len(left)


# node-mavlink's decode of each message that this codec reads, where scripts/decoders has put it.
def mavlink_equals_node_mavlink():
    need_recordings()
    script = """
const { MavLinkPacketSplitter, MavLinkPacketParser, minimal, common } = require("node-mavlink");
const registry = { ...minimal.REGISTRY, ...common.REGISTRY };
const parser = require("fs").createReadStream(process.argv[1]).pipe(new MavLinkPacketSplitter()).pipe(new MavLinkPacketParser());
parser.on("data", p => {
  const kind = [0, 1, 24, 30, 33].includes(p.header.msgid) ? registry[p.header.msgid] : null;
  console.log(JSON.stringify([p.header.msgid, p.header.seq, kind ? p.protocol.data(p.payload, kind) : {}], (_, v) => typeof v === "bigint" ? Number(v) : v));
});
"""
    path = recordings / "mavlink/vtol.tlog"
    done = subprocess.run(["node", "-e", script, str(path)], capture_output=True, text=True, timeout=120, check=True, cwd=decoders)
    theirs = [json.loads(l) for l in done.stdout.splitlines()]
    ours = iter(decode("mavlink", "mavlink/vtol.tlog"))
    assert len(theirs) > 23500, len(theirs)  # it reads the log as a stream: a start byte in a time costs it the frame behind
    compared = 0
    for number, sequence, t in theirs:
        o = next((r for r in ours if (r["msgid"], r["seq"]) == (number, sequence)), None)
        assert o, (number, sequence, "only node-mavlink has it")
        pairs = []
        if number == 0:
            pairs = [(o["custom_mode"], t["customMode"]), (o["vehicle_type"], t["type"]), (o["autopilot"], t["autopilot"])]
        elif number == 1 and "battery" in o:
            pairs = [(o["battery"] * 100, t["batteryRemaining"]), (o["voltage"] * 1000, t["voltageBattery"])]
        elif number == 24 and "lat" in o:
            pairs = [(o["lat"] * 1e7, t["lat"]), (o["lon"] * 1e7, t["lon"]), (o["alt"] * 1000, t["alt"]), (o["satellites"], t["satellitesVisible"])]
        elif number == 30:
            pairs = [(math.radians(o[k]), t[k]) for k in ("roll", "pitch", "yaw")]
        elif number == 33:
            pairs = [(o["vertical_speed"] * -100, t["vz"]), (o["relative_alt"] * 1000, t["relativeAlt"]), (o.get("lat", 0) * 1e7, t["lat"])]
        assert all(abs(a - b) < 0.51 if number != 30 else abs(a - b) < 2e-6 for a, b in pairs), (o, t)
        compared += len(pairs)
    assert compared > 8000, compared


if (decoders / "complete").exists():
    long(mavlink_equals_node_mavlink)
