"""Updates of a post that boots: a trial confirms itself, whatever is wrong with one brings the version before back, and
`update status` says why; what a bundle and a key must be. VEDETTE_ROWS: which of the table's
forty rows, as 8-20 or 7; all where it is not set."""
import json, os, re, subprocess, time

from harness import root, work, Skip, Receiver, amount, arguments, call, class_b, long, longest, test
from images import alerts, build, bundle, new_key, write_site
from rig.guest import ADDRESS, MACHINES, Guest, data_folder_of, data_partition_of, missing


@test
def a_key_that_is_no_public_key_on_p256_goes_into_no_image():
    folder = work / "keys"
    folder.mkdir()
    make = lambda *words: subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
    private, public = new_key("whose")
    make("genrsa", "-out", folder / "rsa", "2048")
    make("ecparam", "-name", "secp384r1", "-genkey", "-noout", "-out", folder / "p384")
    make("req", "-x509", "-key", private, "-subj", "/CN=post", "-out", folder / "certificate")
    for name in ("rsa", "p384"):
        make("pkey", "-in", folder / name, "-pubout", "-out", folder / f"{name}-public")
    make("pkey", "-in", private, "-outform", "DER", "-out", folder / "der")
    (folder / "both").write_bytes(public.read_bytes() + private.read_bytes())
    (folder / "text").write_text("a key\n")
    board = ["--board", "qemu-x86_64", "--site", root / "config/coastal-watch.toml", "--out", folder / "out"]

    def refused(tool, *words):
        done = subprocess.run([root / "firmware" / tool, *map(str, [*board, *words])], capture_output=True, text=True, timeout=60)
        assert done.returncode in (64, 65) and not (folder / "out").exists(), (tool, words, done)
        return done.stderr

    for file, why in ((private, "private key"), (folder / "der", "private key"), (folder / "both", "private key"), (folder / "rsa", "private key"),
                      (folder / "rsa-public", "RSA key"), (folder / "p384-public", "secp384r1"), (folder / "certificate", "certificate"),
                      (folder / "text", "no public key"), (folder / "absent", "No such file")):
        said = refused("build-slot", "--update-key", file)
        assert why in said and ("-pubout" in said or why == "No such file" or "-pubkey" in said), (file, said)
    assert "private key" in refused("build-image", "--update-key", private)
    of_bundle = ["--version", 3, "--address", ADDRESS]
    assert "private key" in refused("build-bundle", *of_bundle, "--key", private, "--update-key", private)
    assert "RSA key" in refused("build-bundle", *of_bundle, "--key", folder / "rsa")
    assert "no private key" in refused("build-bundle", *of_bundle, "--key", public)
    # Options that must be repeated, and impossible ones.
    assert "repeat each --address" in refused("build-bundle", "--version", 3, "--key", private)
    assert "up to --version 3" in refused("build-bundle", *of_bundle, "--key", private, "--minimum", 4)
    packed = subprocess.run([root / "firmware/slot.py", "public-key", public], capture_output=True, check=True).stdout
    assert packed.split() == public.read_bytes().split(), packed


ORDERS = ("brc", "bcr", "rbc", "rcb", "cbr", "crb", "bbr", "ccc")  # rollback, restart, power cut
KINDS = ("never-starts", "hangs", "unhealthy", "cannot-alert", "cannot-be-updated")


def shown_at_console(page):
    """The commands that a page of the field handbook has its reader type at a post."""
    return re.search(r"```console\n(.*?)```", (root / f"docs/how-to/field-handbook/{page}.md").read_text(), re.S)[1].splitlines()


class Post:
    """A guest with version 2, confirmed by its own trial, and bundles of versions that fail in different ways."""
    def __init__(self, board, receiver, name, kinds=None):
        self.board, self.receiver, self.name = board, receiver, name
        key, self.public = new_key(name)
        site = write_site(board, receiver.port, name)
        self.image = work / f"{name}.img"
        build("build-image", board, site, self.image, "--update-key", self.public)
        silent = work / f"{name}-silent.toml"
        silent.write_text(site.read_text().replace(MACHINES[board]["line"], "/dev/ttyS7"))
        self.sites = site, silent
        # How each is built, and what `update status` then says.
        wanted = {
            "good": (site, [], "confirmed"),
            "never-starts": (site, ["--arguments", "rdinit=/none"], "was tried and hung, did not come up, or lost power"),
            "hangs": (site, ["--arguments", "VEDETTE_FAULT=hang"], "was tried and hung, did not come up, or lost power"),
            "unhealthy": (silent, [], "was tried and was not healthy in time: source.ais: the source is down"),
            "cannot-alert": (site, [], "was tried and was not healthy in time: sink.out: "),
            "cannot-be-updated": (site, ["--arguments", "VEDETTE_FAULT=no-key"], "was tried and was not healthy in time: updates: it has no update key"),
            # Before the first process owns the watchdog, and after that before the watch feeds it.
            "hangs-at-start": (site, ["--arguments", "VEDETTE_FAULT=hang-at-start"], "was tried and hung, did not come up, or lost power"),
            "hangs-in-start": (site, ["--arguments", "VEDETTE_FAULT=hang-in-start"], "was tried and hung, did not come up, or lost power"),
        }
        self.says = {kind: words for kind, (_, _, words) in wanted.items()}
        self.bundles = {}
        for version, (kind, (of, more, _)) in enumerate(wanted.items(), 2):
            if kinds is None or kind in kinds:
                slot = work / f"{name}-{kind}.efi"
                # Its next hop does not exist: its messages reach nobody.
                address = "eth0=10.9.9.15/24 10.9.9.2" if kind == "cannot-alert" else ADDRESS
                done = subprocess.run([root / "firmware/build-slot", "--board", board, "--site", of, "--out", slot, "--address", address,
                                       "--update-key", self.public, *more], capture_output=True, text=True, timeout=300)
                assert done.returncode == 0, done.stderr[-2000:]
                self.bundles[kind] = bundle(slot, version, 2 if kind == "good" else 0, board, key, f"{name}-{kind}")
        self.key = key
        self.sticks = {kind: made for kind, made in self.bundles.items() if kind != "good"}

    def guest(self, more=()):
        sticks = [*self.sticks.values(), *more]
        guest = Guest(self.board, self.image, work / f"{self.name}-guest", sticks=sticks, usb=self.bundles["good"])
        self.device = {kind: f"/dev/vd{chr(98 + n)}" for n, kind in enumerate(self.sticks)}
        self.device["good"] = "/dev/sda"
        self.more = [f"/dev/vd{chr(98 + len(self.sticks) + n)}" for n in range(len(more))]
        return guest

    def begin(self, guest):
        """Installs version 2, which is tried and confirms itself."""
        guest.wait('"source":"ais"', limit=240)
        self.install(guest, "good")
        guest.say("restart", '"trial":"confirmed"', limit=240)

    def install(self, guest, kind, starts=1):
        end = time.time() + 60
        said = guest.say(f"update install {self.device[kind]} --starts {starts}")
        while "is refused: unreadable" in said and time.time() < end:  # a stick takes a moment to be found after a start
            said = guest.say(f"update install {self.device[kind]} --starts {starts}")
        assert "the next start tries it" in said, said

    def restart_until(self, guest, wanted, limit=300):
        """Waits until the console shows it and, if a slot is started, its watch runs."""
        before = len(guest.said())
        guest.say("restart", wanted, limit=limit)
        if wanted.startswith("starting"):
            guest.wait('"source":"ais"', after=before + guest.said(before).rindex(wanted), limit=90)

    def words(self, guest):
        return " ".join(guest.answer("update status --json")["words"])

    def tried(self, guest, kind):
        """Installs and tries a bad version; the good one returns by itself and says why."""
        self.install(guest, kind)
        self.restart_until(guest, "starting slot 1, version 2\n")
        words = self.words(guest)
        assert self.says[kind] in words and "Version 2 (slot 1) runs and is confirmed." in words, (kind, words)

    def alerts_of(self, guest, mmsi):
        """It watches and alerts."""
        end = time.time() + 60
        while str(mmsi) not in {a["identity"] for a in alerts(self.receiver)}:
            assert time.time() < end, guest.said()[-1500:]
            guest.serial(class_b(mmsi, 59.5, 24.5))
            time.sleep(0.5)

    def refuses_to_go_back(self, guest, kind):
        said = guest.say("update rollback")
        assert self.says[kind].split(":")[0] in said and "only to a version that was confirmed and ran well" in said, said


@long
def an_update_confirms_itself_and_bad_ones_are_rolled_back():
    board = "qemu-x86_64"
    if missing(board):
        raise Skip(missing(board))
    receiver = Receiver()
    # One of each kind of rollback: by the watchdog, and by the trial's judgement; the others with --long.
    tried = amount((), ("hangs", "unhealthy"), ("never-starts", "hangs", "unhealthy", "cannot-alert"))
    post = Post(board, receiver, "update", ["good", *tried])
    slot, bare = work / "update-good.efi", work / "bare.efi"
    stale = bundle(slot, 1, 0, board, post.key, "old")
    damaged = bundle(slot, 9, 0, board, post.key, "damaged")
    build("build-slot", board, post.sites[0], bare)
    keyless = bundle(bare, 8, 0, board, post.key, "keyless")
    guest = post.guest([stale, keyless])
    with guest:
        guest.wait('"source":"ais"')
        for command in shown_at_console("read-lights-and-status"):
            assert '"ended":0' in guest.say(command), guest.said()[-800:]
        install, restart = shown_at_console("update")
        assert "holds no intact version" in guest.say("update rollback"), guest.said()[-800:]
        end = time.time() + 30
        while "the next start tries it" not in guest.say(f"{install} --starts 1"):  # a stick takes a moment to be found
            assert time.time() < end, guest.said()[-1500:]
        guest.say(restart, '"trial":"confirmed"', limit=240)
        now = guest.answer("status --json")["firmware"]
        assert now["running_version"] == now["confirmed_version"] == now["minimum_version"] == 2 and now["last_trial"] == "confirmed", now
        assert "too-old" in guest.say(f"update install {post.more[0]}")
        assert "drops-update-key" in guest.say(f"update install {post.more[1]}")
        assert "drops-update-key" in post.words(guest), guest.said()[-800:]
        assert "--force is for its card" in guest.say("update rollback --force"), guest.said()[-800:]
        for kind, version, ending in (("never-starts", 3, "not-confirmed"), ("hangs", 4, "not-confirmed"), ("unhealthy", 5, "unhealthy"),
                                      ("cannot-alert", 6, "unhealthy")):
            if kind not in tried:
                continue
            post.tried(guest, kind)
            now = guest.answer("status --json")["firmware"]
            assert now["running_version"] == 2 and now["last_trial_version"] == version and now["last_trial"] == ending, (kind, now)
            post.refuses_to_go_back(guest, kind)
        post.alerts_of(guest, 211000001)
    # The slot's content decays before its start.
    named = work / "named"
    named.write_text(board)
    call("update", "install", damaged, "--disk", post.image, "--key", post.public, "--board", named)
    with open(post.image, "r+b") as disk:
        disk.seek((1 + 8 + 1) * (1 << 20) + 9_000_000)
        disk.write(b"decayed")
    with guest:
        guest.wait('"source":"ais"')
        assert "no intact version in slot 0" in guest.said(), guest.said()[-1500:]
        now = guest.answer("update status --json")
        assert now["running_version"] == 2 and now["last_trial"] == "damaged", now
    receiver.close()
    # The unhealthy version has its own plan: one data folder outlives both.
    told = subprocess.run(["debugfs", "-R", "cat /data-folders", data_partition_of(post.image, work)], capture_output=True, text=True).stdout.split()
    assert len(told) == 1, told
    data = data_folder_of(post.image, work)
    compiled = [call("compile", one, "--board", root / f"boards/{board}.toml", "-o", work / "order.plan", "--json").stdout for one in post.sites]
    plans = {json.loads(answer)["data"]["hash"] for answer in compiled}
    assert {kept.stem for kept in (data / "plans").iterdir()} == plans, plans
    call("replay", data, "--verify")


def hangs_before_it_watches(board):
    """The selector's watchdog, which counts while the kernel starts, and the first process' own."""
    if missing(board):
        raise Skip(missing(board))
    kinds = ("hangs-at-start", "hangs-in-start")
    receiver = Receiver()
    post = Post(board, receiver, f"early-{board}", ["good", *kinds])
    with post.guest() as guest:
        post.begin(guest)
        for kind in kinds:
            post.tried(guest, kind)
            post.refuses_to_go_back(guest, kind)
        post.alerts_of(guest, 211000001)
    receiver.close()


@longest
def a_version_that_hangs_before_it_watches_is_rolled_back():
    hangs_before_it_watches("qemu-x86_64")


def an_arm_image_that_hangs_before_it_watches_is_rolled_back():
    hangs_before_it_watches("qemu-aarch64")


if arguments.other:  # builds 64-bit ARM
    longest(an_arm_image_that_hangs_before_it_watches_is_rolled_back)


def table_rows():
    first, _, last = os.environ.get("VEDETTE_ROWS", f"1-{len(ORDERS) * len(KINDS)}").partition("-")
    return range(int(first) - 1, int(last or first))


def table(board):
    """The rows of the table of forty: a bad version is tried, then an operator and the power act at will."""
    receiver = Receiver()
    post = Post(board, receiver, f"table-{board}", ["good", *KINDS])
    guest = post.guest()
    with guest:
        post.begin(guest)
        for row in table_rows():
            kind, order = KINDS[row % 5], ORDERS[row // 5]
            begin = time.time()
            post.tried(guest, kind)
            for step in order:
                if step == "b":
                    post.refuses_to_go_back(guest, kind)
                elif step == "r":
                    post.restart_until(guest, "starting slot 1, version 2\n")
                else:
                    guest.cut_power()
                    guest.start()
                    guest.wait('"source":"ais"', limit=240)
            words = post.words(guest)
            assert post.says[kind] in words and "Version 2 (slot 1) runs and is confirmed." in words, (kind, order, words)
            post.alerts_of(guest, 211000100 + row)
            # It accepts updates.
            post.install(guest, "good")
            assert "is on trial" in post.words(guest)
            guest.say("update rollback")
            print(f"        row {row + 1}: {kind}, {order} ({time.time() - begin:.0f} s)", flush=True)
    receiver.close()


# The table of forty takes an hour; boot_test.cpp runs it without a machine.
@longest
def whatever_happens_after_a_bad_update_the_post_watches_alerts_and_takes_updates():
    if missing("qemu-x86_64"):
        raise Skip(missing("qemu-x86_64"))
    table("qemu-x86_64")


def whatever_happens_after_a_bad_update_an_arm_post_watches_alerts_and_takes_updates():
    if missing("qemu-aarch64"):
        raise Skip(missing("qemu-aarch64"))
    table("qemu-aarch64")


if arguments.other:  # builds 64-bit ARM
    longest(whatever_happens_after_a_bad_update_an_arm_post_watches_alerts_and_takes_updates)
