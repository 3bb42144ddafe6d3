"""Scenario files: stimuli of a node on a timeline, and the expected results (docs/how-to/prove-a-node.md)."""
import pathlib, tomllib

# For each stimulus its keys with their defaults; None: required.
STIMULI = {
    "ships": {"at": 0.0, "seconds": 1.0, "rate": 10.0, "over": "ethernet", "seed": 1},
    "drones": {"at": 0.0, "seconds": 1.0, "rate": 10.0, "seed": 1},
    "malformed": {"at": 0.0, "seconds": 1.0, "rate": 100.0, "seed": 1},
    "spoofed": {"at": 0.0, "seconds": 1.0, "rate": 10.0, "seed": 1},
    "fixes": {"at": 0.0, "seconds": 1.0, "rate": 1.0, "to": "bow", "lat": 59.7, "lon": 24.95, "knots": 0.0, "course": 0.0, "pull": 0.0, "stuck": False, "label": "fix"},
    "vessel": {"at": 0.0, "seconds": 1.0, "rate": 1.0, "mmsi": None, "lat": 59.7, "lon": 24.95, "knots": 5.0, "course": 0.0, "label": "vessel"},
    "capture": {"at": 0.0, "file": None, "over": "ethernet", "speed": 1.0},
    "unplug": {"at": None, "seconds": 1.0},
    "power-cut": {"at": None, "seconds": 0.5},
    "clock-step": {"at": None, "to": None},
    "fill-disk": {"at": None, "leave_kib": 0},
    "free-disk": {"at": None},
    "cpu-pressure": {"at": 0.0, "seconds": 1.0, "threads": 2},
    "memory-pressure": {"at": 0.0, "seconds": 1.0, "mib": 256},
}
EXPECTATIONS = {
    "told": {"of": None, "share": 1.0, "within_ms": 0.0, "median_ms": 0.0},
    "not-told": {"of": None},
    "warned": {"of": None, "share": 1.0},
    "judged": {"of": None, "after": None, "identity": "", "within_ms": 2000.0},
    "not-judged": {"of": None, "transition": "raised"},
    "once": {},
    "counter": {"path": None, "least": 0, "most": 1 << 62},
    "says": {"path": None, "text": None},
    "verifies": {},
}


class Wrong(Exception):
    pass


def filled(table, kinds, where):
    kind = table.get("kind")
    if kind not in kinds:
        raise Wrong(f"{where}: there is no kind {kind!r}; one of: {', '.join(kinds)}")
    keys = kinds[kind]
    for key in table:
        if key not in ("kind", *(["needs"] if kinds is EXPECTATIONS else [])) and key not in keys:
            raise Wrong(f"{where}: {kind} has no {key!r}; it has: {', '.join(keys) or 'nothing'}")
    lacking = [key for key, default in keys.items() if default is None and key not in table]
    if lacking:
        raise Wrong(f"{where}: {kind} needs {', '.join(lacking)}")
    return {**keys, **table, "needs": table.get("needs", "")}


def load(path):
    path = pathlib.Path(path)
    try:
        table = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as problem:
        raise Wrong(f"{path}: {problem}")
    for key in table:
        if key not in ("name", "what", "seconds", "repeat", "site", "stimulus", "expect"):
            raise Wrong(f"{path}: unknown key {key!r}; keys are: name, what, seconds, repeat, site, stimulus, expect")
    for key in ("name", "what", "seconds"):
        if key not in table:
            raise Wrong(f"{path}: the key {key} is missing")
    stimuli = [filled(s, STIMULI, f"{path}: stimulus {n + 1}") for n, s in enumerate(table.get("stimulus", []))]
    expectations = [filled(e, EXPECTATIONS, f"{path}: expect {n + 1}") for n, e in enumerate(table.get("expect", []))]
    if not expectations:
        raise Wrong(f"{path}: has no [[expect]], so it cannot show anything; add one")
    site = path.parent.parent / "sites" / table.get("site", "post.toml")
    return {"path": path, "name": table["name"], "what": table["what"], "seconds": table["seconds"], "repeat": table.get("repeat", 1),
            "site": site, "stimuli": stimuli, "expectations": expectations}
