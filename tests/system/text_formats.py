"""Text formats as the field writes them: NMEA 0183, AIS, NMEA 2000, each with the small inputs that once came out wrong."""
import datetime, functools, json, operator, subprocess

from harness import Skip, call, class_b, root, run_to_the_end, test, vedette, verify, work, write_site

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
    return [(r["observed"], r["identity"]) for r in rows if r["kind"] == "observation"], final, rows


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
