"""House rules that a compiler does not check; each message says what to write instead.

usage: tidy.py [--root FOLDER] [--shrink]
tests/tidy/ratchet.txt lists exceptions older than their rule, with their size: no line of that file is added and none grows.
--shrink lowers or drops lines whose exceptions have shrunk, as scripts/format does."""
import argparse, collections, pathlib, re, sys

from cpp import declared, words

arguments = argparse.ArgumentParser()
arguments.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2])
arguments.add_argument("--shrink", action="store_true")
arguments = arguments.parse_args()
root = arguments.root

core = ["engine", "perceive", "assess", "alarm", "decide", "deliver"]  # pure and replayed
edge = ["ingress", "codec", "mqtt", "sink", "journal", "image", "firmware", "trust", "tls"]  # meets the world
rooms = [f"core/{room}" for room in core] + [f"edge/{room}" for room in edge]
# What a room may include besides itself: core/engine joins the stages, ingress drives codecs, node joins the rest.
below = {"base": [], "model": ["base"], "platform": ["base"], "plan": ["base", "model", "platform"]}
below |= {f"core/{room}": ["base", "model"] for room in core} | {f"edge/{room}": ["base", "model", "platform"] for room in edge}
below["core/engine"] += [room for room in rooms if room.startswith("core/")]
below["edge/ingress"] += ["edge/codec"]
below["node"] = ["base", "model", "platform", "plan"] + rooms
below["cli"] = below["node"] + ["node"]
c_headers = {"liburing.h": "platform", "ares.h": "platform", "lmdb.h": "edge/image", "bpf/libbpf.h": "platform", "xdp/libxdp.h": "platform", "toml++/toml.h": "plan", "CLI/CLI.hpp": "cli"}
# Headers of system calls, and calls by a global name; a room's C libraries have their own.
system_header = re.compile(r"(unistd|fcntl|dirent|ftw|poll|sched|spawn|termios|pthread|signal|ifaddrs|malloc)\.h|csignal|(sys|net|netinet|arpa|linux|asm)/")
system_call = re.compile(r"(?<![\w>])::(?!mdb_|strnlen\b)[a-z_]+\(")
may_call = {
    "src/base/check.cpp": "a failed CHECK writes its message and aborts, below every room",
    "src/base/crc32c.cpp": "asks what the processor has; <sys/auxv.h> makes no system call",
}
banned = [
    (r"\b(steady_clock|system_clock|clock_gettime|gettimeofday)\b", "platform", "take the time as an argument; clocks are read in platform/"),
    (r"\b(std::rand|std::random_device|mt19937)\b", None, "take random numbers as an argument"),
    (r"\b(getaddrinfo|gethostbyname\w*|getnameinfo)\b", None, "use NameLookup of platform/name_lookup.hpp: a static getaddrinfo loads the host's libraries"),
    (r"__builtin_prefetch", None, "use prefetch() of base/bytes.hpp: the compiler leaves out a call of what does nothing but this"),
    (r"std::(sin|cos|tan|atan2|exp|log|pow|hypot)\b", None, "use det_* of base/math.hpp: libm differs between machines"),
]
banned_in_cli = (r"\b(std::)?(f?printf|f?puts|f?putc|putchar)\(|std::c(out|err)\b", "print by cli/print.hpp, which escapes what would steer a terminal")
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 500, 70

problems = []
excesses = {}  # amounts above a rule: (rule, file, name) -> (amount, message)


def room_of(path):  # of a file or include below src/
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] in ("core", "edge") and len(parts) > 2 else parts[0]


def check_line(where, room, line, n):
    match = re.match(r'#include "([a-z_0-9/]+/)', line)
    target = room_of(match[1] + "x") if match else room
    if target != room and target not in below[room]:
        problems.append(f"{where}:{n}: {room}/ includes {target}/: move the noun to model/, or join the two in {'core/engine/' if room.startswith('core/') else 'node/'}")
    if header := re.match(r"#include <([^>]+)>", line):
        owner = c_headers.get(header[1], "platform" if header[1].startswith("rte_") else None)
        if owner and owner != room:
            problems.append(f"{where}:{n}: <{header[1]}> belongs to {owner}/: use that room's header")
        if system_header.match(header[1]) and room != "platform" and str(where) not in may_call:
            problems.append(f"{where}:{n}: <{header[1]}>: system calls are made in platform/; files of the journal by platform/storage.hpp")
    code = line.split("//")[0]
    if room != "platform" and str(where) not in may_call and system_call.search(code):
        problems.append(f"{where}:{n}: system calls are made in platform/; files of the journal by platform/storage.hpp")
    if room == "cli" and where.name != "print.cpp" and re.search(banned_in_cli[0], code):
        problems.append(f"{where}:{n}: {banned_in_cli[1]}")
    for pattern, home, instead in banned:
        if re.search(pattern, code) and room != home:
            problems.append(f"{where}:{n}: {instead}")


def check_source(path):
    where = path.relative_to(root)
    room, text = room_of(str(path.relative_to(root / "src"))), path.read_text()
    if room not in below:
        problems.append(f"{where}: {room}/ is no room: put the file into one, or name the new room in tests/tidy and src/README.md")
        return
    for n, line in enumerate(text.splitlines(), 1):
        check_line(where, room, line, n)
    if path.suffix == ".hpp" and "#pragma once" not in text:
        problems.append(f"{where}: begin with #pragma once")
    if path.suffix == ".hpp" and room != "model" and not text.startswith("// Purpose:"):
        problems.append(f"{where}: the first line says // Purpose:")
    if re.search(r"(utils|common|manager|helper)\.[hc]pp$", path.name):
        problems.append(f"{where}: name the file by what it is for")


def check_lengths(path):
    where, text = str(path.relative_to(root)), path.read_text()
    if (lines := len(text.splitlines())) > MOST_LINES:
        excesses["lines", where, "-"] = lines, f"{where}: {lines} lines, and {MOST_LINES} are the most: divide it by what it is about"
    if not where.startswith("src/"):
        return  # a test case may be long, because it tells a story
    for name, first, last, is_function in declared(text):
        key, length = ("function", where, name or "operator"), last - first + 1
        if is_function and length > max(MOST_LINES_OF_A_FUNCTION, excesses.get(key, (0,))[0]):
            excesses[key] = length, f"{where}:{first}: {name} has {length} lines, and {MOST_LINES_OF_A_FUNCTION} are the most: give its parts names"


def check_dead(files):
    """Headers that nobody includes, and declarations that neither the product nor a test uses."""
    texts = {str(path.relative_to(root)): path.read_text() for path in files}
    included = {name for text in texts.values() for name in re.findall(r'#include "(?:[./]*src/)?([^"]+)"', text)}
    uses, places = collections.Counter(), {}
    for where, text in texts.items():
        uses.update(words(text))
        for name, first, _, _ in declared(text):
            name = (name or "").split("::")[-1].lstrip("~")
            uses[name] -= 1
            if name and where.startswith("src/") and where.endswith((".hpp", ".h")):
                places.setdefault(name, (where, first))
    for where in texts:
        name = where.removeprefix("src/")
        if where.startswith("src/") and where.endswith((".hpp", ".h")) and not {name, name.split("/")[-1]} & included:
            problems.append(f"{where}: nobody includes it: take it out")
    for name, (where, first) in places.items():
        if uses[name] <= 0:
            problems.append(f"{where}:{first}: {name} is declared and used nowhere: take it out")


def check_lanes(table):
    """Each lane of the table has a unit test for what happens when it is full."""
    tested = set()
    for path in root.glob("tests/unit/*.cpp"):
        tested.update(re.findall(r'TEST_CASE\(\s*"lane (\w+), full:', path.read_text()))
    text = table.read_text() if table.exists() else ""
    for match in re.finditer(r'LaneFacts\{"(\w+)"', text):
        if match[1] not in tested:
            line = text[:match.start()].count("\n") + 1
            problems.append(f'{table.relative_to(root)}:{line}: lane {match[1]} has no test in tests/unit: add TEST_CASE("lane {match[1]}, full: ...")')


def hold_to(ratchet):
    """Ignores what the ratchet allows; lowers a line when its amount has shrunk."""
    allowed = {}
    for line in ratchet.read_text().splitlines() if ratchet.exists() else []:
        if line and not line.startswith("#"):
            rule, where, name, amount = line.split()
            allowed[rule, where, name] = int(amount)
    for key, (amount, message) in excesses.items():
        if amount > allowed.get(key, 0):
            problems.append(message)
    lower = {key: min(amount, excesses[key][0]) for key, amount in allowed.items() if key in excesses}
    if lower == allowed:
        return
    if arguments.shrink:
        head = [line for line in ratchet.read_text().splitlines() if line.startswith("#")]
        ratchet.write_text("\n".join(head + [" ".join(map(str, (*key, amount))) for key, amount in sorted(lower.items())]) + "\n")
        return
    for key, amount in allowed.items():
        if lower.get(key) != amount:
            problems.append(f"{ratchet.relative_to(root)}: {' '.join(key)} is {lower.get(key, 'mended')} and no longer {amount}: run scripts/format, which shortens the list")


sources = sorted(root.glob("src/**/*.?pp"))
files = sources + sorted(path for pattern in ("src/**/*.h", "tests/**/*.?pp", "firmware/*.c") for path in root.glob(pattern))
for path in sources:
    check_source(path)
for path in files + sorted(path for pattern in ("tests/**/*.py", "hil/**/*.py", "scripts/*", "firmware/*.py") for path in root.glob(pattern) if path.is_file()):
    check_lengths(path)
check_dead(files)
check_lanes(root / "src/node/topology.cpp")
hold_to(root / "tests/tidy/ratchet.txt")
if not arguments.shrink:
    print("\n".join(problems) or "house rules hold")
sys.exit(1 if problems and not arguments.shrink else 0)
