"""House rules that a compiler does not check; each message says what to write instead."""
import pathlib, re, sys

import lengths

root = pathlib.Path(__file__).resolve().parents[2]
core = ["engine", "perceive", "assess", "decide", "deliver"]  # pure and replayed
edge = ["ingress", "codec", "sink", "journal", "image", "firmware"]  # meets the world
single = ["base", "model", "platform", "plan", "node", "cli"]
rooms = [f"core/{room}" for room in core] + [f"edge/{room}" for room in edge]
# What a room may include beside itself: core/engine joins the stages, ingress drives codecs, node joins the rest.
below = {"base": [], "model": ["base"], "platform": ["base"], "plan": ["base", "model", "platform"]}
below |= {f"core/{room}": ["base", "model"] for room in core} | {f"edge/{room}": ["base", "model", "platform"] for room in edge}
below["core/engine"] += [room for room in rooms if room.startswith("core/")]
below["edge/ingress"] += ["edge/codec"]
below["node"] = ["base", "model", "platform", "plan"] + rooms
below["cli"] = below["node"] + ["node"]
c_headers = {"liburing.h": "platform", "lmdb.h": "edge/image", "bpf/libbpf.h": "platform", "xdp/libxdp.h": "platform", "toml++/toml.h": "plan", "CLI/CLI.hpp": "cli"}


def room_of(path):  # of a file or an include below src/
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] in ("core", "edge") and len(parts) > 2 else parts[0]


banned = [
    (r"\b(steady_clock|system_clock|clock_gettime|gettimeofday)\b", "platform", "take the time as an argument; clocks are read in platform/"),
    (r"\b(std::rand|std::random_device|mt19937)\b", None, "take random numbers as an argument"),
    (r"__builtin_prefetch", None, "use prefetch() of base/bytes.hpp: the compiler leaves out a call of what does nothing but this"),
    (r"std::(sin|cos|tan|atan2|exp|log|pow|hypot)\b", None, "use det_* of base/math.hpp: libm differs between machines"),
]
# Headers of system calls, and a call by its global name; those of the C libraries that a room wraps are its own.
system_header = re.compile(r"(unistd|fcntl|dirent|ftw|poll|sched|spawn|termios|pthread|signal|ifaddrs)\.h|csignal|(sys|net|netinet|arpa|linux|asm)/")
system_call = re.compile(r"(?<![\w>])::(?!mdb_|strnlen\b)[a-z_]+\(")
may_call = {
    "src/base/check.cpp": "a failed CHECK writes its message and aborts, below every room",
    "src/base/crc32c.cpp": "asks what the processor has; <sys/auxv.h> makes no system call",
}
banned_in_cli = (r"\b(std::)?(f?printf|f?puts|f?putc|putchar)\(|std::c(out|err)\b", "print by cli/print.hpp, which escapes what would steer a terminal")
problems = []
for path in sorted(root.glob("src/**/*.?pp")):
    folder = room_of(str(path.relative_to(root / "src")))
    text = path.read_text()
    where = path.relative_to(root)
    if folder not in below:
        problems.append(f"{where}: {folder}/ is no room: put the file into one, or name the new room in tests/tidy and src/README.md")
        continue
    for n, line in enumerate(text.splitlines(), 1):
        match = re.match(r'#include "([a-z_0-9/]+/)', line)
        target = room_of(match[1] + "x") if match else folder
        if target != folder and target not in below[folder]:
            problems.append(f"{where}:{n}: {folder}/ includes {target}/: move the noun to model/, or join the two in {'core/engine/' if folder.startswith('core/') else 'node/'}")
        header = re.match(r"#include <([^>]+)>", line)
        if header:
            owner = c_headers.get(header[1], "platform" if header[1].startswith("rte_") else None)
            if system_header.match(header[1]) and folder != "platform" and str(where) not in may_call:
                problems.append(f"{where}:{n}: <{header[1]}>: system calls are made in platform/; files of the journal by platform/storage.hpp")
            if owner and owner != folder:
                problems.append(f"{where}:{n}: <{header[1]}> belongs to {owner}/: use that room's header")
        if folder == "cli" and path.name != "print.cpp" and re.search(banned_in_cli[0], line.split("//")[0]):
            problems.append(f"{where}:{n}: {banned_in_cli[1]}")
        if folder != "platform" and str(where) not in may_call and system_call.search(line.split("//")[0]):
            problems.append(f"{where}:{n}: system calls are made in platform/; files of the journal by platform/storage.hpp")
        for pattern, home, instead in banned:
            if re.search(pattern, line.split("//")[0]) and folder != home:
                problems.append(f"{where}:{n}: {instead}")
    if path.suffix == ".hpp" and "#pragma once" not in text:
        problems.append(f"{where}: begin with #pragma once")
    if path.suffix == ".hpp" and folder != "model" and not text.startswith(("// Purpose:",)):
        problems.append(f"{where}: the first line says // Purpose:")
    if re.search(r"(utils|common|manager|helper)\.[hc]pp$", path.name):
        problems.append(f"{where}: name the file by what it is for")
problems += lengths.all_problems(root)
print("\n".join(problems) or "house rules hold")
sys.exit(1 if problems else 0)
