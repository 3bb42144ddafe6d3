"""The part of C++ that the house rules need: declarations and definitions outside functions, and every word used."""
import re

LITERALS = re.compile(r'//[^\n]*|/\*.*?\*/|R"([^()\\ ]{0,16})\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def plain(text):
    """Blanks comments and the content of literals; keeps line numbers."""
    def one(match):
        return blank(match[0]) if match[0].startswith("/") else '"' + blank(match[0][1:-1]) + '"'
    return LITERALS.sub(one, re.sub(r"(?<=\d)'(?=\d)", "_", text))


def words(text):
    return re.findall(r"[A-Za-z_]\w*", re.sub(r"^[ \t]*#[ \t]*include[^\n]*", "", plain(text), flags=re.M))


def name_of(statement):
    """What a statement outside functions declares: a function, a constant or an alias; or None."""
    statement = re.sub(r"\[\[.*?\]\]", "", statement, flags=re.S).strip()
    if re.match(r"(typedef|friend|static_assert|DCHECK|CHECK|template\s*<[^;]*>\s*friend)\b", statement):
        return None
    if alias := re.match(r"using (\w+) =", statement):
        return alias[1]
    bare = re.sub(r"\b(alignas|decltype|noexcept|requires)\s*\([^()]*\)", "", statement)
    if function := re.search(r"([\w:~]+)\s*\(", bare):
        return None if "operator" in statement else function[1]
    if re.match(r"(inline|static|constexpr|extern)\b", statement):
        constant = re.search(r"(\w+)(\[[^\]]*\])*\s*(=|\{|$)", statement)
        return constant and constant[1]
    return None


def kind_of(before, previous, within, in_parentheses):
    """What a brace opens, by the words before it: a namespace, a type, a function, or a table of values."""
    if within in ("function", "table") or in_parentheses:
        return "function" if within == "function" else "table"
    if re.search(r"\b(namespace|extern)\b", before) and "(" not in before:
        return "space"
    if re.search(r"\benum\b", before) and "(" not in before:
        return "table"
    if re.search(r"\b(class|struct|union)\b[^;=()]*$", before):
        return "type"
    if previous.isalnum() or previous in "_>" or re.search(r"=\s*$", before) or "(" not in before:
        return "table"
    return "function"


def declared(text):
    """(name or None, first line, last line, whether it defines a function) of each statement outside functions."""
    text = re.sub(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", lambda match: blank(match[0]), plain(text), flags=re.M)
    found, scopes, start, parentheses = [], [], 0, 0

    def add(end, at, defined):
        statement = text[start:end]
        first = start + len(statement) - len(statement.lstrip())
        found.append((name_of(statement), text.count("\n", 0, first) + 1, text.count("\n", 0, at) + 1, defined))

    for at, c in enumerate(text):
        within = scopes[-1][0] if scopes else "space"
        outside = within in ("space", "type")
        if c in "()":
            parentheses += 1 if c == "(" else -1
        elif c == "{":
            kind = kind_of(text[start:at], text[at - 1:at], within, parentheses > 0)
            scopes.append((kind, at, parentheses))
            parentheses = 0 if kind in ("space", "type") else parentheses
            start = at + 1 if kind in ("space", "type") else start
        elif c == "}" and scopes:
            kind, opened, parentheses = scopes.pop()
            outer = scopes[-1][0] if scopes else "space"
            if kind == "function" and outer in ("space", "type"):
                add(opened, at, True)
            if kind in ("space", "type") or (kind == "function" and outer in ("space", "type")):
                start = at + 1
        elif c == ";" and parentheses == 0 and outside:
            add(at, at, False)
            start = at + 1
        elif c == ":" and outside and re.fullmatch(r"\s*(public|private|protected)", text[start:at]):
            start = at + 1
    return found
