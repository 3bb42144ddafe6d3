"""Text formats as the field writes them: NMEA 0183, AIS, NMEA 2000, each with the small inputs that once came out wrong."""
import collections, datetime, functools, gzip, json, math, operator, re, shutil, socket, subprocess

from harness import (Skip, ais_source, call, class_b, free_port, long, need_recordings, recordings, root, run_to_the_end, start,
                     status, stop, test, vedette, verify, work, write_site)

field_cases = root.parent / "shared" / "field-cases"


def field_case(codec, name):
    if not field_cases.exists():
        raise Skip("the field cases are not here")
    return [json.loads(l) for l in call("decode", codec, field_cases / name).stdout.splitlines()]


def decoded(codec, label, lines):
    path = work / label
    path.write_text("\n".join(lines) + "\n")
    return [json.loads(l) for l in call("decode", codec, path).stdout.splitlines()]


def sealed(body):
    return f"{body}*{functools.reduce(operator.xor, body.encode()):02X}"


@test
def nmea_0183_field_cases_read_right():
    a, b = [r for r in field_case("nmea0183", "11_group.nmea") if r["kind"] == "ais"]
    assert (a["name"], a["destination"], b["name"], b["destination"]) == ("ALFA ONE", "ALFADEST HARBOUR", "BRAVO TWO", "BRAVODEST PORT")
    row, = field_case("nmea0183", "13_hemisphere_blank.nmea")
    assert (row["lat"], row["lon"]) == (52.0, 4.0), row
    for row in field_case("nmea0183", "14_placeholder.nmea"):
        assert row["ok"] and not row["valid"] and row["time"] == "2020-01-01T12:00:00.000Z" and "lat" not in row, row
    far, aircraft, text = field_case("nmea0183", "18_types.nmea")
    knot = 1852 / 3600
    assert (far["type"], far["lat"], far["lon"], far["course"]) == (27, 54.5, 11.25, 90.0) and abs(far["speed"] / knot - 12) < 1e-3, far
    assert (aircraft["type"], aircraft["alt"]) == (9, 303) and abs(aircraft["speed"] / knot - 120) < 1e-3, aircraft
    assert (text["type"], text["text"]) == (14, "EPIRB TEST"), text
    rows = {r["type"]: r for r in field_case("nmea0183", "19_missing.nmea")}
    assert len(rows) == 9 and all(r["ok"] for r in rows.values())
    assert (rows["GNS"]["lat"], rows["HDG"]["heading"], rows["HDM"]["heading"], rows["THS"]["heading"]) == (52.0, 240.6, 238.5, 240.6)
    assert (rows["DPT"]["depth"], rows["DBT"]["depth"], rows["TTM"]["range"], rows["TTM"]["bearing"]) == (4.1, 4.1, 2222.4, 45.0)
    assert abs(rows["MWV"]["wind_speed"] / knot - 8.4) < 1e-3 and abs(rows["VHW"]["water_speed"] / knot - 5.1) < 1e-3


@test
def nmea_2000_field_cases_read_right():
    rows = field_case("n2k", "05_times.n2k")
    assert len(rows) == 4 and all(r["heading"] == 15.4641 and r["heading_magnetic"] for r in rows)
    assert [r["time"][11:] for r in rows] == ["10:16:43.004Z", "10:16:43.004Z", "17:16:43.004123456Z", "10:16:43.004Z"]
    rows = field_case("n2k", "05b_other_formats.n2k")
    assert len(rows) == 5 and all((r["heading"], r["src"]) == (15.4641, 3) for r in rows)
    whole, = field_case("n2k", "06_assembled.n2k")
    *parts, last = field_case("n2k", "06_fast_frames.n2k")
    assert all(r["kind"] == "n2k-part" for r in parts) and {**last, "n": 1} == whole
    assert (whole["lat"], whole["lon"], whole["alt"], whole["satellites"]) == (54.0, 11.0, 12.5, 8)
    row, = field_case("n2k", "07_sv255.n2k")
    assert row["lat"] == 54.0 and "satellites" not in row
    rows = field_case("n2k", "08_trailing.n2k")
    assert [r["heading"] for r in rows] == [15.4641, 15.4641]


# The instruments of a real bridge, of which the codec read none once.
@test
def every_sentence_of_a_multiplexer_is_read():
    if not field_cases.exists():
        raise Skip("the recordings are not here")
    path = root.parent / "shared" / "recordings" / "nmea0183" / "n2kd-183-merrimac.log"
    lines = [l for l in path.read_text().splitlines() if l]
    rows = [json.loads(l) for l in call("decode", "nmea0183", path).stdout.splitlines()]
    assert len(rows) == len(lines) == 541 and all(r["ok"] for r in rows)
    for line, row in zip(lines, rows):
        kind, *fields = line[3:].split("*")[0].split(",")
        number = float(fields[0]) if kind in ("HDG", "HDM", "MWV") else float(fields[2])
        told = {"HDG": "heading", "HDM": "heading", "MWV": "wind_angle"}.get(kind, "depth")
        assert row["type"] == kind and abs(row[told] - number) < 0.006, (line, row)


night = datetime.datetime(2023, 11, 14, 22, 13, 20, tzinfo=datetime.timezone.utc)


def played(label, *recordings, codec="nmea0183", more=""):
    """The observations that a node made of recordings, as (node time, identity) in their order, and its last status."""
    sources = "".join(f'[source.s{i}]\ndriver = "recording"\nfile = "{file}"\ncodec = "{codec}"\nspeed = "max"\n{more if i else ""}'
                      for i, file in enumerate(recordings))
    path = write_site(label, sources, 9)
    final = run_to_the_end(work / label, (), path)
    verify(work / label, final)
    rows = [json.loads(l) for l in call("journal", work / label).stdout.splitlines()]
    return [(r["time"], r.get("identity", "")) for r in rows if r["kind"] == "observation"], final, rows


# A ship that keeps its course: every position at its own time is applied, at any other pace it jumps.
def sailing(mmsi, seconds):
    return [(s, class_b(mmsi, 54.0 + s * 10.3 / 1852 / 60, 11.0, 20.0, 0.0).decode().strip()) for s in range(0, seconds, 10)]


def text_time(s):
    return (night + datetime.timedelta(seconds=s)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


@test
def a_recording_plays_at_the_times_in_its_lines():
    ship = sailing(211000099, 600)
    unix = int(night.timestamp())
    def gatehouse(s, line):
        t = night + datetime.timedelta(seconds=s)
        return "$" + sealed(f"PGHP,1,{t.year},{t.month},{t.day},{t.hour},{t.minute},{t.second},0,338,2,,1,09") + "\n" + line

    def fix(s, line):
        t = night + datetime.timedelta(seconds=s)
        return "$" + sealed(t.strftime("GPRMC,%H%M%S.00,A,5400.0,N,01100.0,E,0.0,0.0,%d%m%y,,")) + "\n" + line

    forms = {"tag": lambda s, line: f"\\{sealed(f's:rx1,c:{unix + s}')}\\{line}",
             "suffix": lambda s, line: f"{line},rnc,{unix + s}",
             "prefix": lambda s, line: f"{text_time(s)} {line}",
             "signal-k": lambda s, line: f"{(unix + s) * 1000};N;{line}",
             "gatehouse": gatehouse, "fix": fix}
    for name, form in forms.items():
        file = work / f"{name}.log"
        file.write_text("\n".join(form(s, line) for s, line in ship) + "\n")
        seen, final, rows = played(f"times-{name}", file)
        mine = [t for t, who in seen if who == "211000099"]
        assert mine == [text_time(s) for s, _ in ship], (name, mine[:3])
        assert not any(r.get("reason") == "gated" for r in rows), name
        told = [r["time"] for r in rows if r["kind"] == "action"]
        assert told and all(t.startswith("2023-11-14T22:") for t in told), (name, told)
        assert final["now"].startswith("2023-11-14T22:23:"), final["now"]


@test
def the_field_case_of_one_ship_plays_at_its_own_times():
    if not field_cases.exists():
        raise Skip("the field cases are not here")
    seen, final, rows = played("one-ship", field_cases / "10_one_ship_tag.nmea")
    assert [t for t, _ in seen] == [text_time(10 * i) for i in range(60)], seen[:3]
    assert final["events"]["abandonment"] == 0 and all(r["time"].startswith("2023-11-14T22:") for r in rows if r["kind"] == "action")


@test
def a_radars_own_targets_become_contacts():
    lines = []
    for turn in range(20):
        for number, (miles, bearing) in enumerate(((1.2, 45.0), (2.5 + 0.005 * turn, 300.0))):
            target = sealed(f"RATTM,{number + 1:02d},{miles:.3f},{bearing:.1f},T,0.0,0.0,T,,,N,,T,,,A")
            lines.append(f"\\{sealed(f'c:{int(night.timestamp()) + 3 * turn}')}\\${target}")
    file = work / "targets.log"
    file.write_text("\n".join(lines) + "\n")
    path = write_site("targets", f'''[source.radar]
driver = "recording"
file = "{file}"
codec = "nmea0183"
speed = "max"
[sensor.radar]
source = "radar"
position = [54.0, 11.0]
range = "12 nmi"
scan = "turn"
update = "3 s"
range_sigma = "30 m"
azimuth_sigma = "0.5 deg"
''', 9)
    final = run_to_the_end(work / "targets", (), path)
    verify(work / "targets", final)
    rows = [json.loads(l) for l in call("journal", work / "targets").stdout.splitlines()]
    confirmed = [r for r in rows if r["kind"] == "track" and r["of"] == "contact" and r["change"] == "confirmed"]
    assert len(confirmed) == 2 and final["sources"][0]["accepted"] == 40, (confirmed, final["sources"])


@test
def recordings_share_one_clock_or_begin_together():
    unix = int(night.timestamp())
    files = []
    for i, offset in enumerate((5, 0)):
        files.append(work / f"shared-{i}.log")
        files[-1].write_text("".join(f"\\{sealed(f'c:{unix + s + offset}')}\\{line}\n" for s, line in sailing(211000090 + i, 100)))
    seen, final, _ = played("shared", *files)
    assert seen == sorted(seen) and seen[0] == (text_time(0), "211000091") and seen[1] == (text_time(5), "211000090"), seen[:3]
    seen, final, _ = played("together", *files, more='align = "start"\n')
    assert [t for t, who in seen if who == "211000091"][0] == [t for t, who in seen if who == "211000090"][0] == text_time(5), seen[:3]


@test
def check_asks_for_what_a_recording_does_not_say():
    def checked(name, source, ok):
        path = write_site(name, source, 9)
        answer = json.loads(call("check", path, "--json", ok=(ok,)).stdout)
        return [(p["message"], p.get("help", "")) for p in answer["error"]["problems"]] if ok else []

    def source(name, file, more=""):
        return f'[source.{name}]\ndriver = "recording"\nfile = "{file}"\ncodec = "ais"\nspeed = "max"\n{more}'

    bare, old, new = work / "bare.log", work / "old.log", work / "new.log"
    line = class_b(211000099, 54.0, 11.0).decode().strip()
    bare.write_text(f"{line}\n{line}\n")
    old.write_text(f"1400000000 {line}\n")
    new.write_text(f"1700000000 {line}\n")
    (said, help_text), = checked("asks", source("a", bare), 1)
    assert said == f"source.a: {bare} carries no times" and help_text.startswith("write interval = "), (said, help_text)
    assert not checked("asked", source("a", bare, 'interval = "1 s"\n'), 0)
    (said, help_text), = checked("apart", source("a", old) + source("b", new), 1)
    assert said == "source.b and source.a were recorded 3472 days apart" and 'align = "start" in source.b' in help_text, (said, help_text)
    assert not checked("brought", source("a", old) + source("b", new, 'align = "start"\n'), 0)
    assert not checked("elsewhere", source("a", work / "not-here.log"), 0)
    # A node that runs so all the same says what it does.
    done = subprocess.run([vedette, "run", str(work / "asks.toml"), "--data", str(work / "asks"), "--json"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "carries no times, a frame comes every 100 ms" in done.stderr, done.stderr[-500:]


# The places that gpsdecode tells of a receiver's log are those of our positions, in their order.
@test
def positions_of_nmea_0183_equal_gpsdecode():
    if not field_cases.exists() or not shutil.which("gpsdecode"):
        raise Skip("the recordings or gpsdecode are not here")
    for name, least in (("nmea0183/plaka.log.gz", 6000), ("ais/nais400-merrimac.log", 10)):
        path = root.parent / "shared/recordings" / name
        text = (gzip.open(path) if name.endswith("gz") else open(path, "rb")).read().replace(b"\r", b"")
        out = subprocess.run(["gpsdecode", "-j"], input=text, capture_output=True, timeout=60).stdout.decode(errors="replace")
        theirs = [(r["lat"], r["lon"]) for r in map(json.loads, out.splitlines()) if r["class"] == "TPV" and "lat" in r]
        ours = [(r["lat"], r["lon"]) for r in map(json.loads, call("decode", "nmea0183", path).stdout.splitlines())
                if r.get("kind") == "nmea0183" and "lat" in r]
        at = 0
        for lat, lon in theirs:
            while abs(ours[at][0] - lat) > 2e-7 or abs(ours[at][1] - lon) > 2e-7:
                at += 1
        assert len(theirs) >= least, len(theirs)


# What a node's status, `vedette source` and `vedette decode` say of the same frames.
@test
def what_is_not_taken_is_counted_alike_and_shown_with_what_would_read_it():
    plain = "2011-04-25T10:16:43.004Z,2,127250,3,255,8,ff,8b,0a,ff,7f,ff,7f,fd"
    good = class_b(211000099, 54.0, 11.0).decode().strip()
    lines = [good, good, "$" + sealed("GPGSV,1,1,00"), "$" + sealed("PGRME,15.0,M,45.0,M,25.0,M"), "$" + sealed("HEHDT,,T"), good[:-2] + "00", plain]
    expected = {"accepted": 2, "parts": 0, "not_used": 3, "not_used_by": {"unsupported": 1, "not-available": 2}, "refused": {"checksum": 1, "framing": 1}}
    port = free_port()
    path, data = write_site("not-taken", ais_source(port), 9), work / "not-taken"
    process = start(path, data)
    status(data, lambda s: s["sources"][0]["status"] == "up")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for line in lines:
            sender.sendto(line.encode(), ("127.0.0.1", port))
    seen = status(data, lambda s: s["sources"][0]["received"] == len(lines))["sources"][0]
    assert {k: seen[k] for k in expected} == expected, seen
    page = json.loads(call("source", seen["name"], "--data", data, "--json").stdout)["data"]
    assert {k: page[k] for k in expected} == expected, page
    causes = {c["cause"]: c for c in page["causes"]}
    assert causes["framing"]["last"]["text"] == plain and causes["framing"]["last"]["record"] == 7, causes
    assert causes["framing"]["help"] == 'codec = "n2k" reads this frame' and "baud" in causes["checksum"]["help"], causes
    assert causes["unsupported"]["last"]["text"] == lines[3] and causes["unsupported"]["used"] == "not-used", causes
    shown = call("source", seen["name"], "--data", data).stdout
    assert "2 accepted" in shown and "3 not used" in shown and plain in shown, shown
    assert "no source" in call("source", "elsewhere", "--data", data, ok=(75,)).stderr
    stop(process)
    file = work / "not-taken.log"
    file.write_text("\n".join(lines) + "\n# a comment is no frame\n")
    done = call("decode", "nmea0183", file)
    assert done.stderr.startswith("2 accepted, 0 parts of messages, 3 not used (1 unsupported, 2 not-available), 2 refused (1 framing, 1 checksum)\n"), done.stderr
    assert 'framing: codec = "n2k" reads this frame' in done.stderr
    assert json.loads(done.stdout.splitlines()[3])["name"] == "PGRME"


# @canboat/canboatjs, where scripts/decoders has put it.
canboat_folder = root / "build" / "npm"


def canboat(path):
    out = subprocess.run(["node", root / "tests/system/canboat_lines.js", canboat_folder, path], capture_output=True, text=True, timeout=120, check=True).stdout
    return [json.loads(l) for l in out.splitlines()]


degree = 180 / math.pi
# Our field, theirs, what turns theirs into ours, how far they may be apart.
same_n2k = (("lat", "Latitude", 1, 2e-7), ("lon", "Longitude", 1, 2e-7), ("alt", "Altitude", 1, 0.006), ("course", "COG", degree, 0.006), ("speed", "SOG", 1, 0.006),
            ("water_speed", "Speed Water Referenced", 1, 0.006), ("wind_speed", "Wind Speed", 1, 0.006), ("wind_angle", "Wind Angle", degree, 0.006),
            ("variation", "Variation", degree, 0.006), ("satellites", "Number of SVs", 1, 0), ("hdop", "HDOP", 1, 0.006), ("mmsi", "User ID", 1, 0),
            ("name", "Name", None, 0), ("callsign", "Callsign", None, 0), ("destination", "Destination", None, 0), ("length", "Length", 1, 0.06),
            ("beam", "Beam", 1, 0.06), ("draught", "Draft", 1, 0.006), ("imo", "IMO number", 1, 0))


# What one of the two leaves out, and why.
only_one = {"only canboatjs: lat of 129029": "the method is \"no GNSS\": there was no fix", "only canboatjs: lon of 129029": "the same",
            "only canboatjs: hdop of 129029": "-0.01 is no dilution",
            "only ours: mmsi of 129038": "canboatjs takes 999999999 for not available", "only ours: mmsi of 129794": "the same",
            "only ours: 127250": "another line follows on the same line", "only canboatjs: 127250": "the line is cut before its bytes, and nothing is read of it"}


def compare_n2k(row, theirs, counts):
    fields = theirs["fields"]
    for ours, their, factor, near in same_n2k:
        a, b = row.get(ours), fields.get(their)
        if theirs["pgn"] == 127250 and ours == "variation":
            continue  # compared with the heading
        if b is None or (factor is not None and not isinstance(b, (int, float))) or a is None:
            if (a not in (None, "", 0, 0.0)) or (b not in (None, "", 0)):
                counts[f"{'only ours' if b is None else 'only canboatjs'}: {ours} of {theirs['pgn']}"] += 1
            continue
        # An "@" ends a text (ITU-R M.1371, table 47); canboatjs goes on.
        equal = a.strip() == b.split('@')[0].strip() if factor is None else abs(a - b * factor) <= near
        assert equal, (ours, row, theirs)
        counts["equal"] += 1
    if "heading" in row and "Heading" in fields:
        magnetic = fields.get("Reference") == "Magnetic"
        true = fields["Heading"] + (fields.get("Variation", 0) + fields.get("Deviation", 0) if magnetic and "Variation" in fields else 0)
        assert abs((row["heading"] - true * degree + 180) % 360 - 180) < 0.01, (row, theirs)
        counts["equal"] += 1


def nmea_2000_equals_canboatjs():
    if not field_cases.exists():
        raise Skip("the recordings are not here")
    for name, least in (("aava-n2k.data", 26000), ("candumpSample1.txt", 3200), ("candumpSample3.txt", 770), ("susteranna-actisense-serial.raw", 8200),
                        ("triton-engine-setup.all", 4900), ("ikonvert.log", 9000)):
        path = root.parent / "shared/recordings/n2k" / name
        ours = {r["n"]: r for r in map(json.loads, call("decode", "n2k", path).stdout.splitlines()) if r.get("kind") == "n2k"}
        counts, theirs = collections.Counter(), {r["n"]: r for r in canboat(path)}
        for n, row in ours.items():
            other = theirs.get(n)
            if other is None or other["pgn"] != row["pgn"]:
                counts[f"only ours: {row['pgn']}"] += 1
                continue
            compare_n2k(row, other, counts)
        for n, other in theirs.items():
            if n not in ours and other["pgn"] in {r["pgn"] for r in ours.values()}:
                counts[f"only canboatjs: {other['pgn']}"] += 1
        print(f"    {name}: {counts['equal']} fields equal; " + ", ".join(f"{k} {v}" for k, v in sorted(counts.items()) if k != "equal"))
        assert counts["equal"] >= least and set(counts) - {"equal"} <= set(only_one), (name, counts)


if (canboat_folder / "complete").exists():
    long(nmea_2000_equals_canboatjs)


def gateway_messages(log):
    """PLAIN lines of the binary frames between DLE STX and DLE ETX whose sum is right."""
    for piece in re.findall(rb"\x10\x02((?:[^\x10]|\x10\x10)*)\x10\x03", log):
        content = piece.replace(b"\x10\x10", b"\x10")
        if sum(content) % 256 == 0 and content[:1] == b"\x93":
            priority, low, form, page, to, of = content[2:8]
            pgn = (page & 3) << 16 | form << 8 | (low if form >= 240 else 0)
            yield f"2017-08-17T15:47:46.000Z,{priority},{pgn},{of},{to},{content[12]}" + "".join(f",{byte:02x}" for byte in content[13:-1])


@test
def a_gateways_binary_log_says_what_its_messages_say_as_lines():
    need_recordings()
    log, plain = recordings / "n2k/ydnu-02-raymarine-ev1.dle", work / "gateway.plain"
    plain.write_text("".join(line + "\n" for line in gateway_messages(log.read_bytes())))
    def told(path):
        rows = [json.loads(line) for line in call("decode", "n2k", path).stdout.splitlines()]
        return [{k: v for k, v in row.items() if k not in ("n", "time")} for row in rows if row["ok"]]
    binary = told(log)
    assert len(binary) > 2600 and binary == told(plain), (len(binary), len(told(plain)))
