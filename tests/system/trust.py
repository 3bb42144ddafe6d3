"""Identities: the how-to page's whole story on every clock, openssl as an independent reader, and what is refused."""
import json, os, pathlib, re, shutil, subprocess, time

from harness import call, free_port, release, root, start, status, stop, test, vedette, work, write_site

seams = pathlib.Path(vedette).parent / "tests" / "vedette_seams"
page = (root / "docs/how-to/trust.md").read_text()


def fleet(name, clocks=None):
    """Runs the page's blocks; `clocks` gives seconds to add for the n-th block."""
    folder = work / name
    folder.mkdir()
    programs = folder / "bin"
    programs.mkdir()
    (programs / "vedette").symlink_to(seams if clocks else vedette)
    outputs = []
    for n, block in enumerate(re.findall(r"```sh\n(.*?)```", page, re.S)):
        clock = {"VED_FAKE_S": str(clocks(n))} if clocks else {}
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=folder, capture_output=True, text=True, timeout=60,
                              env={**os.environ, **clock, "PATH": f"{programs}:{os.environ['PATH']}"})
        assert done.returncode == 0, (n, block, done.stdout, done.stderr)
        outputs.append(done.stdout)
    return folder, outputs


def shown(data):
    done = call("keys", "show", "--data", data, "--json", ok=range(126))
    return json.loads(done.stdout)["data"]


def refused(name, *arguments):
    done = call("keys", *arguments, "--json", ok=range(126))
    answer = json.loads(done.stdout)
    assert done.returncode != 0 and not answer["ok"] and answer["error"]["code"] == name, (arguments, done.stdout)
    return answer["error"]["message"]


def openssl(*arguments, ok=True):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=60)
    assert not ok or done.returncode == 0, (arguments, done.stderr)
    return done


@test
def a_fleet_is_made_enrolled_rotated_and_a_member_revoked_and_openssl_agrees():
    folder, outputs = fleet("fleet")
    assert "REVOKED node buoy" in outputs[-2] and "REVOKED node pier" not in outputs[-2], outputs[-2]
    for node in ("pier", "tower", "spare"):
        facts = shown(folder / node)
        assert facts["problem"] == "" and facts["certificate"]["roles"] == ["post"] and facts["certificate"]["scope"] == "north", facts
    assert sorted((l["issuer"], l["number"]) for l in shown(folder / "pier")["lists"]) == [("harbour-ca-1", 2), ("root", 1)]
    chain = folder / "ca/certificates.pem"
    for node in ("pier", "tower", "buoy"):
        certificate = folder / f"{node}.answer"
        assert "OK" in openssl("verify", "-CAfile", folder / "root/certificates.pem", "-untrusted", chain, certificate).stdout
        checked = openssl("verify", "-CAfile", chain, "-crl_check", "-CRLfile", folder / "revoked.pem", certificate, ok=False)
        assert (checked.returncode != 0 and "revoked" in checked.stderr) == (node == "buoy"), checked
    assert "verify OK" in openssl("crl", "-in", folder / "revoked.pem", "-CAfile", chain, "-noout").stderr
    assert "verify OK" in openssl("req", "-in", folder / "pier.request", "-verify", "-noout").stderr.replace("self-signature ", "")
    assert (folder / "pier/trust/node.pem").stat().st_mode & 0o77 == 0 and (folder / "ca/key.pem").stat().st_mode & 0o77 == 0
    assert "PRIVATE" not in (folder / "pier.backup").read_text() + (folder / "pier.answer").read_text()
    # A revoked member knows it once it has the list.
    call("keys", "revoke", folder / "revoked.pem", "--data", folder / "buoy")
    assert "revoked" in shown(folder / "buoy")["problem"]


@release
def a_fleet_is_made_with_clocks_at_1970_and_with_one_ten_years_ahead():
    to_1970, ten_years = -int(time.time()), 10 * 365 * 86400
    folder, _ = fleet("fleet-1970", lambda n: to_1970)
    facts = shown(folder / "pier")
    assert facts["problem"] == "" and facts["certificate"]["from"] >= "2026", facts
    # Each machine by itself at 1970: at the CA time is right.
    folder, outputs = fleet("fleet-nodes-1970", lambda n: 0 if n in (0, 2) else to_1970)
    assert "time: untrusted: the clock says 1970-01-01" in outputs[3], outputs[3]
    # The node is ten years ahead: its problem is its own, and is over when the clock is right.
    folder, _ = fleet("fleet-ahead")
    done = subprocess.run([seams, "keys", "show", "--data", folder / "pier"], capture_output=True, text=True, env={**os.environ, "VED_FAKE_S": str(ten_years)})
    assert done.returncode == 1 and "PROBLEM" in done.stdout and "expired" in done.stdout and "time: untrusted" in done.stdout, done.stdout
    assert shown(folder / "pier")["problem"] == ""
    # The CA's clock is years ahead: it does not sign with it, nor do nodes take what it signed all the same.
    call("keys", "node", "--data", folder / "late", "--name", "late", "--out", folder / "late.request")
    ahead = [seams, "keys", "enroll", folder / "late.request", "--ca", folder / "ca", "--role", "post", "--days", "30", "--json"]
    environment = {**os.environ, "VED_FAKE_S": str(2 * 365 * 86400)}
    done = subprocess.run([*ahead, "--out", folder / "late.answer"], capture_output=True, text=True, env=environment)
    assert json.loads(done.stdout)["error"]["code"] == "not_yet_valid" and "last signature" in done.stdout, done.stdout
    subprocess.run([*ahead, "--out", folder / "late.answer", "--any-time"], check=True, capture_output=True, env=environment)
    assert "signed on" in refused("not_yet_valid", "enroll", folder / "late.answer", "--data", folder / "late")
    # Its clock is set right, and it answers again.
    call("keys", "enroll", folder / "late.request", "--ca", folder / "ca", "--role", "post", "--out", folder / "right.answer", "--any-time")
    call("keys", "enroll", folder / "right.answer", "--data", folder / "late")
    assert shown(folder / "late")["problem"] == ""


@test
def nothing_that_somebody_adds_to_or_takes_from_what_is_carried_is_believed():
    folder, _ = fleet("fleet-carried")
    for name in ("evil", "second"):
        call("keys", "root", folder / f"{name}-root", "--fleet", "harbour")
        call("keys", "ca", folder / f"{name}-ca", "--root", folder / f"{name}-root", "--name", "harbour-ca-1")
    call("keys", "node", "--data", folder / "evil", "--name", "pier", "--out", folder / "evil.request")
    call("keys", "enroll", folder / "evil.request", "--ca", folder / "evil-ca", "--role", "post", "--out", folder / "evil.answer")
    call("keys", "revoke", "pier", "--ca", folder / "evil-ca", "--out", folder / "evil-revoked.pem")
    join = lambda name, *files: (folder / name).write_bytes(b"".join((folder / f).read_bytes() for f in files)) and folder / name
    # A list of strangers behind a good one, alone and in an answer; a root of theirs in a first answer.
    before = shown(folder / "pier")["lists"]
    refused("unknown_issuer", "revoke", join("lists.pem", "revoked.pem", "evil-revoked.pem"), "--data", folder / "pier")
    assert shown(folder / "pier")["lists"] == before
    call("keys", "node", "--data", folder / "new", "--name", "new", "--out", folder / "new.request")
    call("keys", "enroll", folder / "new.request", "--ca", folder / "ca", "--role", "post", "--out", folder / "new.answer")
    refused("unknown_issuer", "enroll", join("with-list.pem", "new.answer", "evil-revoked.pem"), "--data", folder / "new")
    evil_root = (folder / "evil-root/certificates.pem").read_text()
    (folder / "with-root.pem").write_text(evil_root + (folder / "new.answer").read_text().replace("\n", "\r\n"))
    call("keys", "enroll", folder / "with-root.pem", "--data", folder / "new")
    assert evil_root not in (folder / "new/trust/roots.pem").read_text() and (folder / "new/trust/roots.pem").read_text().count("BEGIN") == 1
    assert shown(folder / "new")["problem"] == ""
    # A list that is taken away.
    (folder / "new/trust/lists.pem").write_text("")
    assert "no list" in shown(folder / "new")["problem"]
    # Another CA's list must be here before its nodes are believed; a CA hands on the lists that it is given.
    call("keys", "ca", folder / "ca-2", "--root", folder / "root", "--name", "harbour-ca-2")
    call("keys", "revoke", folder / "revoked.pem", "--ca", folder / "ca-2")
    call("keys", "node", "--data", folder / "far", "--name", "far", "--out", folder / "far.request")
    call("keys", "enroll", folder / "far.request", "--ca", folder / "ca-2", "--role", "post", "--out", folder / "far.answer")
    call("keys", "enroll", folder / "far.answer", "--data", folder / "far")
    assert sorted(l["issuer"] for l in shown(folder / "far")["lists"]) == ["harbour-ca-1", "harbour-ca-2", "root"]
    # A key is never overwritten, and a request stays until it has its answer.
    refused("exists", "rotate", "--data", folder / "far", "--out", folder / "far/trust/node.pem")
    first = call("keys", "rotate", "--data", folder / "far", "--out", folder / "a.request") and (folder / "a.request").read_bytes()
    call("keys", "rotate", "--data", folder / "far", "--out", folder / "b.request")
    assert (folder / "b.request").read_bytes() == first
    # Nothing changes when the disk refuses the last of several files.
    (folder / "far/trust/node.pem.new").mkdir()
    call("keys", "enroll", folder / "a.request", "--ca", folder / "ca-2", "--role", "other", "--out", folder / "a.answer")
    refused("unreadable", "enroll", folder / "a.answer", "--data", folder / "far")
    assert shown(folder / "far")["certificate"]["roles"] == ["post"]


@test
def keys_answers_and_lists_that_are_not_what_they_should_be_are_refused_by_name():
    folder, _ = fleet("fleet-refusals")
    data = folder / "tower"
    other = folder / "other"
    call("keys", "root", other / "root", "--fleet", "harbour")
    call("keys", "ca", other / "ca", "--root", other / "root", "--name", "harbour-ca-1")
    call("keys", "rotate", "--data", data, "--out", folder / "again.request")
    call("keys", "enroll", folder / "again.request", "--ca", other / "ca", "--role", "post", "--out", folder / "wrong.answer")
    refused("wrong_fleet", "enroll", folder / "wrong.answer", "--data", data)
    refused("wrong_key", "enroll", folder / "pier.answer", "--data", data)
    refused("wrong_content", "enroll", folder / "again.request", "--data", data)
    refused("exists", "node", "--data", data, "--name", "tower")
    refused("exists", "root", folder / "root", "--fleet", "harbour")
    refused("bad_name", "node", "--data", folder / "new", "--name", "Pier 7")
    refused("unreadable", "enroll", folder / "nothing", "--data", data)
    refused("wrong_content", "revoke", "nobody", "--ca", folder / "ca")
    # An older list, and one of another fleet's CA of the same name.
    old = folder / "old.pem"
    shutil.copy(folder / "revoked.pem", old)
    call("keys", "revoke", "tower", "--ca", folder / "ca", "--out", folder / "newer.pem")
    call("keys", "revoke", folder / "newer.pem", "--data", folder / "pier")
    refused("older_list", "revoke", old, "--data", folder / "pier")
    call("keys", "enroll", folder / "pier.request", "--ca", other / "ca", "--role", "post", "--out", folder / "x")
    call("keys", "revoke", "pier", "--ca", other / "ca", "--out", folder / "foreign.pem")
    refused("unknown_issuer", "revoke", folder / "foreign.pem", "--data", folder / "pier")
    # A key that others may read.
    (data / "trust/node.pem").chmod(0o640)
    refused("not_private", "show", "--data", data)
    # RSA, by openssl.
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "rsa.key", "-subj", "/CN=rsa", "-out", folder / "rsa.request")
    refused("wrong_key_type", "enroll", folder / "rsa.request", "--ca", folder / "ca", "--role", "post")


@test
def no_changed_byte_of_a_request_an_answer_or_a_list_is_taken_for_another():
    folder, _ = fleet("fleet-flips")
    before = {p: (folder / p).read_bytes() for p in ("pier.request", "revoked.pem")}
    listed = shown(folder / "pier")["lists"]
    for name, content in before.items():
        for at in range(40, len(content) - 40, 29):
            changed = bytearray(content)
            changed[at] ^= 1 << at % 7
            (folder / "changed").write_bytes(changed)
            arguments = ("revoke", folder / "changed", "--data", folder / "pier") if name == "revoked.pem" else \
                ("enroll", folder / "changed", "--ca", folder / "ca", "--role", "post", "--out", folder / "out")
            done = call("keys", *arguments, "--json", ok=range(126))
            same = b"".join(bytes(changed).split()) == b"".join(content.split())
            harmless = name == "revoked.pem" and at > content.find(b"-----END X509 CRL")
            assert done.returncode != 0 or same or harmless, (name, at, done.stdout)
    assert shown(folder / "pier")["lists"] == listed


@test
def a_running_node_says_who_it_is_takes_its_next_certificate_without_a_stop_and_does_not_trust_its_clock():
    folder, _ = fleet("fleet-running")
    data = folder / "pier"
    site = write_site("fleet-running", f'[source.in]\ndriver = "udp"\ncodec = "ais"\nlisten = "127.0.0.1:{free_port()}"\n', free_port())
    process = start(site, data)
    seen = status(data, lambda s: s["mode"])["identity"]
    assert (seen["fleet"], seen["name"]) == ("harbour", "pier") and "problem" not in seen and not seen["time_trusted"] and "disciplines the clock" in seen["time_why"], seen
    call("keys", "rotate", "--data", data, "--out", folder / "next.request")
    call("keys", "enroll", folder / "next.request", "--ca", folder / "ca", "--role", "post", "--out", folder / "next.answer")
    call("keys", "enroll", folder / "next.answer", "--data", data)
    after = status(data, lambda s: s["identity"].get("serial") != seen["serial"], 15)["identity"]
    assert after["name"] == "pier" and "problem" not in after, after
    call("keys", "revoke", "pier", "--ca", folder / "ca", "--out", folder / "pier-revoked.pem")
    call("keys", "revoke", folder / "pier-revoked.pem", "--data", data)
    status(data, lambda s: "revoked" in s["identity"].get("problem", ""), 15)
    stop(process)
