"""Text formats as the field writes them: NMEA 0183, AIS, NMEA 2000, each with the small inputs that once came out wrong."""
import functools, json, operator

from harness import Skip, call, root, test, work

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
