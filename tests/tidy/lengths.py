"""Functions over 70 lines and sources over 500, but for those listed, which may only shrink. Part of tidy.py."""
import re

FUNCTION_LINES, FILE_LINES = 70, 500
# What is longer, and how long it may be. A table of rows may stay; the rest is to be split.
LONG_FUNCTIONS = {
    ("src/core/perceive/four_tracks_kernel.hpp", "template <typename Lanes>"): 121,
    ("src/platform/doctor.cpp", "std::vector<Check> examine_host"): 110,
    ("src/node/recovery.cpp", "Node::Failure Node::recover"): 107,
    ("src/core/perceive/contacts_identity.cpp", "void Contacts::identify"): 96,
    ("src/core/perceive/contacts_life.cpp", "void Contacts::begin"): 92,
    ("src/cli/operate.cpp", "int deadletter"): 86,
    ("src/node/past.cpp", "Recovered recover_until"): 80,
    ("src/core/perceive/own_position.cpp", "Perceived OwnPosition::take_fix"): 80,
    ("src/model/fields.cpp", "double read_track"): 79,
    ("src/core/perceive/contacts.cpp", "void Contacts::close"): 73,
}
LONG_FILES = {}


def functions(text):
    """(first line, number of lines, head) of each function that is not inside another."""
    lines, open_, found = text.splitlines(), [], []
    for n, line in enumerate(lines):
        code = re.sub(r'"(\\.|[^"\\])*"|\'(\\.|[^\'\\])\'', "", line).split("//")[0]
        for brace in re.findall(r"[{}]", code):
            if brace == "}":
                kind, first = open_.pop() if open_ else ("", 0)
                if kind == "function" and all(k == "scope" for k, _ in open_):
                    found.append((first + 1, n - first + 1, lines[first].strip().split("(")[0]))
                continue
            first = n  # where the statement begins that the brace ends
            while first > 0 and lines[first - 1].strip() and not re.search(r"[;{}:]\s*$|^\s*(//|#)", lines[first - 1]):
                first -= 1
            head = " ".join(lines[first:n + 1]).split("{")[0]
            if "(" in head and not re.match(r"\s*(inline )?namespace", head):
                open_.append(("function", first))
            elif re.match(r"\s*(inline )?(namespace|(template.*> *)?(class|struct|union)\b)", head):
                open_.append(("scope", first))
            else:
                open_.append(("other", first))
    return found


def problems(where, text):
    count = len(text.splitlines())
    if count > LONG_FILES.get(where, FILE_LINES):
        yield f"{where}: {count} lines, at most {LONG_FILES.get(where, FILE_LINES)}: split it by purpose"
    for first, length, head in functions(text):
        most = LONG_FUNCTIONS.get((where, head), FUNCTION_LINES)
        if length > most:
            yield f"{where}:{first}: {head} has {length} lines, at most {most}: a function does one thing"


def check_itself():
    body = "\n".join(["  f();"] * 68)
    long = f"namespace a {{\nstruct B {{\n  int c(int x,\n        int y) {{\n{body}\n  }}\n}};\n}}\n"
    short = long.replace("  f();\n  f();", "  f();", 1)
    assert list(problems("x.cpp", short)) == [], list(problems("x.cpp", short))
    assert "x.cpp:3: int c has 71 lines" in "".join(problems("x.cpp", long)), list(problems("x.cpp", long))
    table = "constexpr int kRows[] = {\n" + "    {1},  // {\n" * 90 + "};\n"
    assert list(problems("x.cpp", table)) == []
    assert len(list(problems("x.cpp", "int a;\n" * 501))) == 1
    assert list(problems("x.cpp", "int a;\n" * 500)) == []
    assert functions('void f() {\n  g("{");\n}\n') == [(1, 3, "void f")]


def all_problems(root):
    check_itself()
    for path in sorted(root.glob("src/**/*.?pp")):
        yield from problems(str(path.relative_to(root)), path.read_text())
    for where in sorted({where for where, _ in LONG_FUNCTIONS} | set(LONG_FILES)):
        if not (root / where).exists():
            yield f"tests/tidy/lengths.py lists {where}, which is no file: take it out"
