"""The sandbox, attacked from each thread of a node that is told to (tests/seams/sandbox.cpp)."""
import json, os, pathlib, re, socket, subprocess, time

from harness import work, vedette, test, release, Skip, call, start, stop, status, free_port, ais_source, write_site, class_b

seams = pathlib.Path(vedette).parent / "tests" / "vedette_seams"


def attacked(path, data, payloads):
    if not seams.exists():
        raise Skip("tests/vedette_seams is not built")
    return subprocess.Popen([str(seams), "run", str(path), "--data", str(data), "--json"], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "VED_PAYLOADS": payloads})


@release
def each_thread_tries_what_a_broken_decoder_would_and_gets_nothing():
    path = write_site("payloads", ais_source(free_port()), free_port())
    path.write_text(path.read_text().replace("[cores]", "[cores]\ningress = -1"))
    data = work / "payloads"
    process = attacked(path, data, "all")
    having = status(data, lambda s: s["mode"])["sandbox"]
    process.terminate()
    got = {}
    for line in process.communicate(timeout=15)[1].splitlines():
        if m := re.match(r"payload (\S+) (\S+) (\S+)", line):
            got.setdefault(m[1], {})[m[2]] = m[3]
    tried = {"open", "exec", "ptrace", "connect", "map", "protect", "kill", "fork", "user", "new-ring", "mptcp", "datagram-pair", "handler"}
    for thread in ("engine", "ingress", "journal", "hand", "mirror", "image", "main"):
        assert tried <= set(got.get(thread, ())), (thread, got)
    assert having["seccomp"] is True, having
    opens = {"journal", "mirror", "image", "main"}  # what they open is Landlock's to say
    for thread, results in got.items():
        for payload, result in results.items():
            if payload.startswith("ring-"):
                assert having["rings"] is not True or result == "13", (thread, payload, result)
            elif payload == "open" and thread in opens:
                assert having["files"] is not True or result == "13", (thread, payload, result)
            elif payload == "connect" and thread == "main":
                assert having["ports"] is not True or result == "13", (thread, payload, result)
            else:
                assert result == "trapped", (thread, payload, result)
    assert "ring-other" in got["ingress"] and "ring-other" not in got["engine"], got


@release
def a_source_whose_bytes_break_its_decoder_three_times_stays_isolated():
    port, other = free_port(), free_port()
    more = f'[source.good]\ndriver = "udp"\nlisten = "127.0.0.1:{other}"\ncodec = "nmea0183"\n'
    path = write_site("isolated", ais_source(port) + more, free_port())
    data = work / "isolated"
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    name = json.loads(call("plan", path, "--json").stdout)["data"]["sources"][0]["name"]
    for n in range(3):
        process = attacked(path, data, "decoder")
        seen = status(data, lambda s: s["sources"][0]["status"] == "up")
        assert bool(n) == any("openat" in f and f"source.{name}" in f for f in seen["journal"].get("findings", [])), seen
        sender.sendto(b"!payload", ("127.0.0.1", port))
        process.communicate(timeout=15)
        assert process.returncode == 77, process.returncode
    process = attacked(path, data, "decoder")
    seen = status(data, lambda s: s["sources"][0]["status"] == "down" and s["sources"][1]["status"] == "up")
    assert "isolated" in seen["sources"][0]["error"], seen["sources"]
    assert any("isolated" in f for f in seen["journal"]["findings"]), seen["journal"]
    for i in range(3):
        sender.sendto(b"!payload", ("127.0.0.1", port))
        sender.sendto(class_b(219000000 + i, 5, 5), ("127.0.0.1", other))
    status(data, lambda s: s["sources"][1]["accepted"] == 3)
    process.terminate()
    assert process.wait(timeout=15) == 0
    call("replay", data, "--verify")
    faults = [json.loads(l) for l in call("journal", data, "--json").stdout.splitlines() if "denied-call" in l]
    assert len(faults) == 3, faults


@release
def a_site_without_its_sandbox_says_so():
    path = write_site("open", ais_source(free_port()), free_port(), "[sandbox]\nenforce = false\n")
    data = work / "open"
    process = start(path, data)
    seen = status(data, lambda s: s["mode"])
    stop(process)
    assert "enforce" in seen["sandbox"]["off"] and any("sandbox" in w for w in seen["without"]), seen


@release
def a_node_becomes_its_own_user():
    if os.geteuid() != 0:
        raise Skip("only root can become another user")
    work.chmod(0o700)
    folder = work / "own-user"
    folder.mkdir()
    path = write_site("own-user", ais_source(free_port()), free_port(), '[sandbox]\nuser = "nobody"\n')
    done = subprocess.run([vedette, "run", str(path), "--data", str(folder / "data"), "--json"], capture_output=True, text=True, timeout=15)
    assert done.returncode == 78 and "nobody" in done.stdout and "chmod o+x" in done.stdout, done  # `work` is root's alone
    work.chmod(0o711)
    process = start(path, folder / "data")
    status(folder / "data", lambda s: s["mode"])
    about = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    assert re.search(r"Uid:\s65534\s65534\s65534\s65534", about), about
    stop(process)
    work.chmod(0o700)
    assert (folder / "data" / "denied").stat().st_uid == 65534
    call("replay", folder / "data", "--verify")


# The C library asks for the memory there is before it sorts so many.
@release
def a_name_with_two_hundred_addresses_ends_no_confined_node():
    hosts = work / "many-hosts"
    hosts.write_text("".join(f"127.0.1.{n} many.example\n" for n in range(1, 200)) + "127.0.0.1 many.example\n")
    listener = socket.socket()
    listener.bind(("", 0))  # whichever of them is tried first
    listener.listen(4)
    listener.settimeout(15)
    path = write_site("many_names", f'[source.feed]\ndriver = "tcp"\ncodec = "ais"\nretry = "20 ms"\nto = "many.example:{listener.getsockname()[1]}"\n', free_port())
    data = work / "many_names"
    process = subprocess.Popen(["unshare", "-m", "sh", "-c", f"mount --bind {hosts} /etc/hosts && exec {vedette} run {path} --data {data} --json"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if process.poll() is not None:
        raise Skip("no mount namespace can be made here")
    end, _ = listener.accept()
    end.sendall(class_b(219000001, 5, 5))
    status(data, lambda s: s["sources"][0]["accepted"] == 1)
    process.terminate()
    assert process.wait(timeout=15) == 0
    end.close()
