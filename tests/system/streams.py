"""Streams and files that start anywhere: the small inputs that once came out wrong, and others of their kinds."""
import json, pathlib, random, struct, subprocess

from harness import Skip, call, longest, root, test, vedette, work

field_cases = root.parent / "shared" / "field-cases"


def rows(codec, path, *more):
    return [json.loads(l) for l in call("decode", codec, path, *more).stdout.splitlines()]


def field_case(codec, name):
    if not field_cases.exists():
        raise Skip("the field cases are not here")
    return rows(codec, field_cases / name)


def made(codec, name, content):
    path = work / name
    path.write_bytes(content)
    return rows(codec, path)


@test
def field_cases_of_streams_read_right():
    for name, noise, messages in (("01_beast_whole.beast", 0, 3), ("01_beast_cut.beast", 1, 2)):
        read = field_case("adsb", name)
        assert [r["ok"] for r in read] == [False] * noise + [True] * messages, read
        assert (read[-1]["lat"], read[-1]["lon"]) == (51.6867634, 0.7012939), read[-1]
    for name, records in (("02_cat034.raw", 1), ("02_two_blocks.raw", 2), ("03_final.ff", 1), ("04_cat034.pcapng", 1)):
        read = field_case("asterix", name)
        assert len(read) == records, (name, read)
        for r in read:
            assert r["category"] == 34 and r["items"] == {"010": {"SAC": 10, "SIC": 2}, "000": {"VALUE": 1}, "030": {"VALUE": 1.0}}, r
    assert [r["cause"] for r in field_case("asterix", "15_cat062_lat720.pcap")] == ["out-of-range"]
    cut = field_case("mavlink", "09a_cut.mav")
    assert [r["ok"] for r in cut] == [False, True, True] and [r["msgid"] for r in cut[1:]] == [33, 0], cut
    assert (cut[1]["lat"], cut[1]["lon"]) == (54.0, 11.0), cut
    assert [r["cause"] for r in field_case("mavlink", "09b_bitflip.mav")] == ["checksum"]
    assert [r["n"] for r in field_case("mavlink", "20_two_hb.mav")] == [1, 2]


# Wherever a Beast stream begins, all frames behind its first whole one are read.
@test
def a_beast_stream_may_begin_anywhere():
    frames = [bytes.fromhex(h) for h in ("8D40621D58C382D690C8AC2863A7", "8D40621D58C386435CC412692AD6", "8D4840D6202CC371C32CE0576098")]
    stream = b"".join(b"\x1a3" + (bytes([0, 0, 0x1A, 9, 8, 7, 0x2A]) + f).replace(b"\x1a", b"\x1a\x1a") for f in frames)
    second = stream.index(b"\x1a3", 2)
    for begin in range(second + 1):
        read = made("adsb", "begins.beast", stream[begin:])
        messages = [r for r in read if r["ok"]]
        assert len(messages) == (3 if begin == 0 else 2) and messages[-1]["callsign"] == "KLM1023", (begin, read)
        assert sum(not r["ok"] for r in read) == (0 if begin in (0, second) else 1), (begin, read)


# Blocks behind each other, in FINAL records and with damage between them.
@test
def raw_data_blocks_are_read_around_damage():
    block = bytes.fromhex("22000ae00a0201000080")
    chance = random.Random(4)
    for case in range(20):
        count = chance.randrange(2, 9)
        at = chance.randrange(count - 1)
        blocks = [block] * count
        blocks[at] = block[:chance.randrange(1, len(block))]
        final = [struct.pack(">HBBB", len(b) + 12, 0, 0, 0) + bytes(3) + b + b"\xa5" * 4 for b in (block, block + block)]
        read = made("asterix", "damaged.ast", b"".join(blocks) + b"".join(final))
        assert sum(r["ok"] for r in read) >= count - 1 + 3 - 1, (case, read)


# UBX-like noise, byte order marks, NULs and mixed line ends between sentences cost none.
@test
def noise_between_sentences_costs_none():
    sentence = b"$GPHDT,274.07,T*03"
    chance = random.Random(5)
    for case in range(20):
        content = b"\xef\xbb\xbf"
        for line in range(20):
            content += chance.choice((b"", b"\0\0\0", b" \t", b"\xb5\x62" + chance.randbytes(chance.randrange(40)) + b"\xff")) + sentence
            content += chance.choice((b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\n"))
        read = made("nmea0183", "noisy.nmea", content)
        assert sum(r["ok"] for r in read) == 20, (case, read)


@longest
def a_million_mutated_frames_of_each_family_are_answered():
    unit = pathlib.Path(vedette).parent / "tests" / "vedette_unit"
    done = subprocess.run([unit, "--no-skip", "-tc=a million mutated frames*"], capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stdout[-1000:]
