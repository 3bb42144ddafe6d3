"""Tests the house rules: a small tree breaks each once; each break must be reported, and nothing else."""
import pathlib, subprocess, sys, tempfile

TIDY = pathlib.Path(__file__).with_name("tidy.py")
HEADER = "// Purpose: a test.\n#pragma once\n"


def function(name, lines):
    return f"void {name}() {{\n" + "  f();\n" * (lines - 2) + "}\n"


# A file's content, and the expected messages: "LINE: words", or words about the whole file.
HOUSE = {
    "src/base/good.hpp": (HEADER + "inline constexpr int kGood = 1;\nvoid good();\n", []),
    "src/base/good.cpp": ('#include "base/good.hpp"\nvoid good() {}\n', []),
    "src/base/once.hpp": ("// Purpose: a test.\ninline constexpr int kOnce = 1;\n", ["begin with #pragma once"]),
    "src/base/why.hpp": ("#pragma once\ninline constexpr int kWhy = 1;\n", ["the first line says // Purpose:"]),
    "src/base/utils.hpp": (HEADER + "inline constexpr int kUtils = 1;\n", ["name the file by what it is for"]),
    "src/base/alone.hpp": (HEADER, ["nobody includes it"]),
    "src/base/unused.hpp": (HEADER + "void never_called(int x);\ninline constexpr int kNever = 2;\nusing Never = int;\n"
                            "struct Used {\n  void never_asked() const;\n  Used& operator=(const Used&) = default;\n};\n",
                            ["3: never_called is declared", "4: kNever is declared", "5: Never is declared", "7: never_asked is declared"]),
    "src/base/unused.cpp": ('#include "base/unused.hpp"\n// never_called(1) in words is no use of it.\nvoid never_called(int) { Used u; }\n'
                            'const char* text = "never_asked()";\nint uses() { return uses() + kGood + kOnce + kWhy + kUtils; }\n', []),
    "src/kitchen/pot.cpp": ("", ["kitchen/ is no room"]),
    "src/core/assess/world.cpp": ('#include "platform/clock.hpp"\n#include "core/perceive/tracks.hpp"\n#include "model/noun.hpp"\n',
                                  ["1: core/assess/ includes platform/", "2: core/assess/ includes core/perceive/"]),
    "src/core/engine/joins.cpp": ('#include "core/perceive/tracks.hpp"\n', []),
    "src/edge/sink/neighbour.cpp": ('#include "edge/codec/codec.hpp"\n#include "core/engine/shard.hpp"\n',
                                    ["1: edge/sink/ includes edge/codec/", "2: edge/sink/ includes core/engine/"]),
    "src/node/topology.cpp": ('LaneFacts{"kettle"}, LaneFacts{"tap"};\n', ["1: lane tap has no test"]),
    "tests/unit/lanes_test.cpp": ('TEST_CASE("lane kettle, full: it whistles") {}\n', []),
    "src/base/upward.cpp": ('#include "model/noun.hpp"\n', ["1: base/ includes model/"]),
    "src/edge/journal/calls.cpp": ("#include <unistd.h>\n#include <vector>\n#include <sys/stat.h>\n#include <lmdb.h>\n"
                                   "void calls(int fd) { ::close(fd); ::mdb_close(fd); std::calls(fd); }\n",
                                   ["1: <unistd.h>: system calls", "3: <sys/stat.h>: system calls", "4: <lmdb.h> belongs to edge/image/", "5: system calls are made"]),
    "src/platform/calls.cpp": ("#include <unistd.h>\n#include <rte_eal.h>\nauto now() { return steady_clock::now(); }\nauto n = now();\n", []),
    "src/model/impure.cpp": ("auto a = std::chrono::steady_clock::now();\nauto b = std::random_device()();\nauto c = std::sin(1.0);  // std::cos\n"
                             "void d() { __builtin_prefetch(nullptr); }\n#include <rte_eal.h>\nvoid e() { d(); e(); }\n"
                             "int f() { return getaddrinfo(nullptr); }\n",
                             ["1: take the time", "2: take random numbers", "3: use det_*", "4: use prefetch()", "5: <rte_eal.h> belongs to platform/", "7: use NameLookup"]),
    "src/cli/says.cpp": ('void says() { std::printf("x"); says(); }\n', ["1: print by cli/print.hpp"]),
    "src/core/decide/long.cpp": (function("just_right", 70) + "\n" + function("Class::too_long", 71) + "const int table[] = {\n" + "  1,\n" * 100 + "};\n"
                                 "Class::Class(int a)\n    : a_{a}, b_(a) {\n" + "  // one more\n" * 70 + "}\n",
                                 ["72: Class::too_long has 71 lines", "245: Class::Class has 73 lines"]),
    "src/core/deliver/tall.cpp": ("// a line\n" * 501, ["501 lines, and 500 are the most"]),
    "src/core/deliver/full.cpp": ("// a line\n" * 500, []),
    "src/core/deliver/listed.cpp": ("// a line\n" * 600, []),  # in the ratchet
    "src/core/deliver/grown.cpp": ("// a line\n" * 601, ["601 lines, and 500 are the most"]),
    "src/core/deliver/mended.cpp": ("// a line\n" * 400, []),
    "tests/unit/uses.cpp": ('#include "base/good.hpp"\n#include "base/once.hpp"\n#include "base/why.hpp"\n#include "base/utils.hpp"\nint main() { good(); }\n', []),
    "tests/tidy/ratchet.txt": ("# Only shorter.\nlines src/core/deliver/grown.cpp - 600\nlines src/core/deliver/listed.cpp - 600\nlines src/core/deliver/mended.cpp - 600\n",
                               ["lines src/core/deliver/mended.cpp - is mended and no longer 600"]),
}


def tidy(root, *words):
    return subprocess.run([sys.executable, TIDY, "--root", root, *words], capture_output=True, text=True)


with tempfile.TemporaryDirectory() as folder:
    root = pathlib.Path(folder)
    for name, (text, _) in HOUSE.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    done = tidy(root)
    said = done.stdout.splitlines()
    wanted = [f"{name}:{words}" if words[0].isdigit() and not words.startswith(("501", "601")) else f"{name}: {words}" for name, (_, all_words) in HOUSE.items() for words in all_words]
    missing = [words for words in wanted if not any(line.startswith(words) for line in said)]
    too_much = [line for line in said if not any(line.startswith(words) for words in wanted)]
    assert done.returncode == 1 and not missing and not too_much, f"not named: {missing}\nnamed without need: {too_much}\n{done.stderr}"
    # The ratchet may only shrink.
    assert tidy(root, "--shrink").returncode == 0
    kept = (root / "tests/tidy/ratchet.txt").read_text()
    assert kept == "# Only shorter.\nlines src/core/deliver/grown.cpp - 600\nlines src/core/deliver/listed.cpp - 600\n", kept
print(f"each of {len(wanted)} breaks of the house rules is named")
