"""Random damage of a data folder, one to three at once, of 30 kinds: the node starts or refuses by name, believes only
what its journal once said, says what is missing, and leaves on disk what it does not use."""
import concurrent.futures, json, os, pathlib, random, shutil, socket, subprocess, time

from harness import ais_source, amount, class_b, free_port, release, remove, start, status, stop, vedette, work, write_site

SHIPS = 20
FIRST = 230000000
MESSAGES = 1600
FIRST_RUN = 300
LIMIT_S = 10  # to run or to refuse
PAGE = 4096


def six_bits(text):
    return "".join(f"{ord(c) - 64 if ord(c) >= 64 else ord(c):06b}" for c in text)


def named(mmsi, name):
    """Class B static data, part A (message 24), with the message's number in the name."""
    bits = f"{24:06b}{0:02b}{mmsi:030b}{0:02b}" + six_bits(name.ljust(20, "@")) + "0" * 8
    payload = "".join(chr(v + 48 if v < 40 else v + 56) for v in (int(bits[i:i + 6].ljust(6, "0"), 2) for i in range(0, len(bits), 6)))
    body = f"AIVDM,1,1,,A,{payload},{-len(bits) % 6}"
    check = 0
    for c in body:
        check ^= ord(c)
    return f"!{body}*{check:02X}\r\n".encode()


def place_of(ship):
    return 60 + ship * 0.01, 25.0


def watched_folder(name):
    """Two runs' journal, the second killed after more batches than a start reads without the image; names record what was sent."""
    port, sender = free_port(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    path, data = write_site(name, ais_source(port), 9), work / name
    path.write_text(path.read_text().replace('journal = "64 MiB"', 'journal = "256 MiB"').replace('segment = "1 MiB"', 'segment = "3 MiB"').replace('checkpoint = "100 ms"', 'checkpoint = "50 ms"')
                    .replace("tracks = 256", 'tracks = 64\npending_actions = 64'))
    older = []
    sent = 0
    for until in (FIRST_RUN, MESSAGES):
        process = start(path, data)
        status(data, lambda s: s["sources"][0]["status"] == "up")
        wanted = 2 * (until - sent)
        while sent < until:
            ship = sent % SHIPS
            sender.sendto(class_b(FIRST + ship, *place_of(ship), knots=0) + named(FIRST + ship, f"N{sent}"), ("127.0.0.1", port))
            sent += 1
            time.sleep(0.0015)
        seen = status(data, lambda s: s["sources"][0]["accepted"] >= wanted)
        images = seen["journal"]["images"]
        seen = status(data, lambda s: int(s["durable_sequence"]) >= int(seen["sequence"]) and s["journal"]["images"] > images + 1)
        if until < MESSAGES:
            stop(process)
            older.append((data / "shard-0/belief.mdb").read_bytes())
        else:
            process.kill()
            process.communicate()
    newest = max((data / "shard-0/journal").glob("*.seg"))
    assert used_bytes(newest.read_bytes()) > 1 << 20, f"{used_bytes(newest.read_bytes())}: a start does not read the image of so short a journal"
    (data / "control.sock").unlink(missing_ok=True)
    return path, data, older


def belief_in(data):
    """Ships by number: the message in each one's name. None, with the reason, if nothing can be read."""
    done = subprocess.run([vedette, "inspect", data, "--json"], capture_output=True, text=True, timeout=60)
    if done.returncode not in (0, 1):
        return None, done
    try:
        tracks = json.loads(done.stdout)["data"]["tracks"]
    except (ValueError, KeyError):
        return None, done
    return {int(t["identity"]) - FIRST: t for t in tracks if t["kind"] == "vessel"}, done


def check_belief(tracks, what):
    """Checks that it was true after some message; returns how many messages had come."""
    newest = {}
    for ship, t in tracks.items():
        lat, lon = place_of(ship)
        assert 0 <= ship < SHIPS and abs(t["lat"] - lat) < 1e-4 and abs(t["lon"] - lon) < 1e-4, f"{what}: ship {ship} is at {t['lat']}, {t['lon']}"
        name = t.get("name", "")
        if name:
            assert name[0] == "N" and name[1:].isdigit() and int(name[1:]) % SHIPS == ship, f"{what}: ship {ship} is called {name}"
            newest[ship] = int(name[1:])
    last = max(newest.values(), default=-1)
    # A position comes just before its name, so it may be in without the name.
    for ship in range(SHIPS):
        expected = max((n for n in range(last + 1) if n % SHIPS == ship), default=None)
        assert newest.get(ship) == expected, f"{what}: after message {last} ship {ship} was named by {expected}, and is by {newest.get(ship)}"
    return last + 1


class Folder:
    def __init__(self, path, dice, older):
        self.path, self.dice, self.older = path, dice, older

    def segments(self):
        return sorted(p for p in (self.path / "shard-0/journal").glob("*.seg") if p.is_file())

    def segment(self):
        found = self.segments()
        return self.dice.choice(found) if found else None

    def plan(self):
        found = sorted(p for p in (self.path / "plans").glob("*") if p.is_file()) if (self.path / "plans").is_dir() else []
        return self.dice.choice(found) if found else None


def used_bytes(content):
    return len(content.rstrip(b"\0"))


def change(file, how):
    if file is not None and file.is_file():
        content = bytearray(file.read_bytes())
        if content:
            how(content)
            file.write_bytes(content)


def somewhere(dice, content):
    """Mostly in the written part, because a segment's rest is zeros."""
    return dice.randrange(max(1, used_bytes(content))) if dice.random() < 0.9 else dice.randrange(len(content))


def flip(dice, content):
    content[somewhere(dice, content)] ^= 1 << dice.randrange(8)


def fill(dice, content, length, byte):
    at = somewhere(dice, content)
    length = min(length, len(content) - at)
    content[at:at + length] = bytes([byte]) * length


def page(dice, content):
    return dice.randrange(max(1, used_bytes(content) // PAGE)) * PAGE


def replace_page(dice, content, swap):
    a, b = page(dice, content), page(dice, content)
    was = bytes(content[a:a + PAGE])
    content[a:a + PAGE] = content[b:b + PAGE]
    if swap:
        content[b:b + PAGE] = was


def header_field(dice, content):
    at = page(dice, content) + dice.choice([0, 4, 6, 8, 16, 24, 32, 36, 40, 48, 56])
    if at < len(content):
        content[at] = dice.choice([0, 1, 0x7F, 0xFF, content[at] ^ 1])


def cut(f, file, at_page):
    if file is not None:
        size = f.dice.randrange(max(1, used_bytes(file.read_bytes())))
        os.truncate(file, size // PAGE * PAGE if at_page else size)


def gone(path):
    if path is not None:
        remove(path)


def as_folder(path):
    if path is not None:
        remove(path)
        path.mkdir(parents=True)


def garbage(f, path, length):
    if path is not None and path.parent.is_dir() and not path.is_dir():
        path.write_bytes(f.dice.randbytes(length))


def each_of(found, which):
    return found[which] if found else None


def rename(f, name):
    segment = f.segment()
    if segment is not None:
        segment.rename(segment.with_name(name))


def copy_of_segment(f):
    segment = f.segment()
    if segment is not None:
        last = max((int(p.stem, 16) for p in f.segments() if p.stem != "segment"), default=0)
        shutil.copy(segment, segment.with_name(f"{(last + f.dice.choice([1, 2, 200])) % 2**64:016x}.seg"))


def append(f):
    segment = f.segment()
    if segment is not None:
        with open(segment, "ab") as out:
            out.write(f.dice.randbytes(f.dice.choice([1, 100, PAGE, 3 * PAGE])))


def dangling(f):
    segment = f.segment()
    if segment is not None:
        segment.unlink()
        segment.symlink_to("nowhere")


def image(f):
    return f.path / "shard-0/belief.mdb"


KINDS = {
    "a bit of a segment": lambda f: change(f.segment(), lambda c: flip(f.dice, c)),
    "a run of zeros in a segment": lambda f: change(f.segment(), lambda c: fill(f.dice, c, f.dice.choice([8, 512, 70000]), 0)),
    "a run of ones in a segment": lambda f: change(f.segment(), lambda c: fill(f.dice, c, f.dice.choice([8, 512]), 0xFF)),
    "a block's header": lambda f: change(f.segment(), lambda c: header_field(f.dice, c)),
    "a page of a segment twice": lambda f: change(f.segment(), lambda c: replace_page(f.dice, c, False)),
    "two pages of a segment changed for each other": lambda f: change(f.segment(), lambda c: replace_page(f.dice, c, True)),
    "a segment cut": lambda f: cut(f, f.segment(), False),
    "a segment cut between pages": lambda f: cut(f, f.segment(), True),
    "a segment emptied": lambda f: f.segment() and os.truncate(f.segment(), 0),
    "the newest segment gone": lambda f: gone(each_of(f.segments(), -1)),
    "the oldest segment gone": lambda f: gone(each_of(f.segments(), 0)),
    "any segment gone": lambda f: gone(f.segment()),
    "the journal gone": lambda f: remove(f.path / "shard-0/journal"),
    "a segment with the last number": lambda f: rename(f, "ffffffffffffffff.seg"),
    "a segment with another's number": lambda f: copy_of_segment(f),
    "a segment with a name of no number": lambda f: rename(f, "segment.seg"),
    "bytes behind a segment": lambda f: append(f),
    "a segment of noise": lambda f: garbage(f, f.segment(), f.dice.choice([10, PAGE, 100000])),
    "a folder for a segment": lambda f: as_folder(f.segment()),
    "a link to nowhere for a segment": lambda f: dangling(f),
    "a bit of the image": lambda f: change(image(f), lambda c: flip(f.dice, c)),
    "bytes of the image": lambda f: change(image(f), lambda c: [flip(f.dice, c) for _ in range(f.dice.choice([3, 30, 300]))]),
    "a page of the image zeroed or twice": lambda f: change(image(f), lambda c: replace_page(f.dice, c, False) if f.dice.random() < 0.5 else fill(f.dice, c, PAGE, 0)),
    "the image cut": lambda f: cut(f, image(f) if image(f).is_file() else None, f.dice.random() < 0.5),
    "the image gone": lambda f: remove(image(f)),
    "an older image": lambda f: image(f).parent.is_dir() and not image(f).is_dir() and image(f).write_bytes(f.dice.choice(f.older)),
    "an image of noise": lambda f: garbage(f, image(f), f.dice.choice([1, PAGE, 50000])),
    "a folder for the image": lambda f: as_folder(image(f)),
    "an image half written": lambda f: garbage(f, f.path / "shard-0/belief.mdb.new", 5000),
    "a bit of the kept plan": lambda f: change(f.plan(), lambda c: flip(f.dice, c)),
    "the kept plan gone": lambda f: gone(f.plan()),
    "the plans gone": lambda f: remove(f.path / "plans"),
    "the lock gone": lambda f: remove(f.path / "lock"),
    "a lock of noise": lambda f: garbage(f, f.path / "lock", 100),
    "the shard's folder gone": lambda f: remove(f.path / "shard-0"),
    "the history gone": lambda f: remove(f.path / "shard-0/history"),
    "the identity gone": lambda f: remove(f.path / "identity"),
    "a bit of the identity": lambda f: change(f.path / "identity", lambda c: flip(f.dice, c)),
    "a file for the control socket": lambda f: garbage(f, f.path / "control.sock", 10),
    "strange files": lambda f: [garbage(f, f.path / name, 50) for name in ("shard-0/journal/x.seg.tmp", "shard-0/journal/README", "plans/0.plan", "noise")],
}


def blocks(folder):
    """Blocks that are as they were written, or at least begin so, by their bytes."""
    found = set()
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink() and not file.name.startswith("belief.mdb"):
            content = file.read_bytes()
            for at in range(0, used_bytes(content), PAGE):
                length = 64 + int.from_bytes(content[at + 32:at + 36], "little")
                if content[at:at + 4] == b"VDBK" and at + (length + PAGE - 1) // PAGE * PAGE <= len(content):
                    found.add(content[at:at + length])
    return found


# A valid refusal: one of these exit codes, with these words.
REFUSED = (65, 66, 74, 75, 78)
SAYS = ("journal", "segment", "image", "belief", "plan", "lock", "batch", "identity", "folder", "directory", "gone", "damaged", "missing")


def started(site, data, what):
    begin = time.time()
    try:
        done = subprocess.run([vedette, "run", site, "--data", data, "--json", "--for", "0.05s"], capture_output=True, text=True, timeout=LIMIT_S + 20, errors="replace")
    except subprocess.TimeoutExpired:
        raise AssertionError(f"{what}: it hangs")
    assert time.time() - begin < LIMIT_S, f"{what}: it took {time.time() - begin:.1f} s"
    assert done.returncode == 0 or done.returncode in REFUSED, f"{what}: it ended {done.returncode}: {done.stderr[-300:]}{done.stdout[-300:]}"
    return done


def own_belief(data):
    """The last run began with the state in its own segment; keeps only that."""
    alone = data.parent / (data.name + "-alone")
    shutil.rmtree(alone, ignore_errors=True)
    (alone / "shard-0/journal").mkdir(parents=True)
    shutil.copytree(data / "plans", alone / "plans")
    newest = max((data / "shard-0/journal").glob("*.seg"), key=lambda p: p.stat().st_mtime_ns if p.is_file() else 0)
    shutil.copy(newest, alone / "shard-0/journal")
    tracks, done = belief_in(alone)
    shutil.rmtree(alone)
    return tracks, done


def one_case(seed, site, base, older, pages, whole, folder):
    dice = random.Random(seed)
    data = folder / f"d{seed}"
    shutil.copytree(base, data, symlinks=True)
    kinds = dice.sample(sorted(KINDS), dice.choice([1, 1, 2, 3]))
    what = f"seed {seed}: {' + '.join(kinds)}"
    for kind in kinds:
        KINDS[kind](Folder(data, dice, older))
    kept = blocks(data) & pages
    done = started(site, data, what)
    lost = kept - blocks(data)
    assert not lost, f"{what}: {len(lost)} whole blocks are no longer on disk"
    words = (done.stderr + done.stdout).lower()
    if done.returncode == 0:
        tracks, read = own_belief(data)
        assert tracks is not None, f"{what}: what it went on with cannot be read: {read.stdout[-200:]}{read.stderr[-200:]}"
        known = check_belief(tracks, what)
        if known < whole:
            lines = " ".join(json.loads(l).get("runs_without", "") for l in done.stderr.splitlines() if l.startswith("{")) + done.stdout
            assert any(w in lines.lower() for w in ("lost", "damage", "missing", "no intact", "unrecorded", "removes", "renamed to .aside", "without belief")), \
                f"{what}: it knows {known} of {whole} messages and does not say so: {lines[-600:]}"
    else:
        known = None
        assert any(w in words for w in SAYS), f"{what}: a refusal without a name: {words[-300:]}"
    again = started(site, data, what + ", started again") if seed % 2 == 0 else done
    assert (again.returncode == 0) >= (done.returncode == 0), f"{what}: it ran, and then ended {again.returncode}: {again.stderr[-300:]}{again.stdout[-300:]}"
    shutil.rmtree(data)
    return done.returncode, known


def damage_all(count, first_seed):
    site, base, older = watched_folder("damaged")
    pages = blocks(base)
    tracks, done = belief_in(base)
    assert tracks is not None, done
    whole = check_belief(tracks, "undamaged")
    assert whole == MESSAGES, whole
    folder = work / "damages"
    folder.mkdir()
    codes, failures = {}, []
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        cases = {pool.submit(one_case, seed, site, base, older, pages, whole, folder): seed for seed in range(first_seed, first_seed + count)}
        for case in concurrent.futures.as_completed(cases):
            try:
                code, known = case.result()
                key = "refused" if code else "all of it" if known == whole else "a part of it" if known else "nothing"
                codes[key] = codes.get(key, 0) + 1
            except Exception as problem:  # reported together, with their seeds
                failures.append(f"{type(problem).__name__} {problem}")
    print(f"        damages, seeds {first_seed} to {first_seed + count - 1}, believed afterwards: {codes}; {len(failures)} failed")
    assert not failures, "\n".join(failures[:12])


@release
def a_damaged_folder_is_started_from_or_refused_by_name_and_nothing_false_is_believed():
    damage_all(int(os.environ.get("VEDETTE_DAMAGES", amount(200, 200, 5000))), int(os.environ.get("VEDETTE_DAMAGE_SEED", "1")))
