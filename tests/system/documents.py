"""Output of commands, examples in documents, and the demo."""
import json, os, pathlib, re, socket, subprocess, sys, time

from harness import vedette, root, work, site, test, release, call, start, stop, status, Receiver, free_port, class_b


@test
def every_command_prints_one_document_or_nothing():
    for args in (["check", site], ["plan", site], ["plan", site, "--threads"], ["doctor"], ["status", "--data", work], ["replay", work], ["check", work / "none.toml"]):
        out = call(*args, "--json", ok=(0, 1, 64, 65, 66, 69)).stdout
        document = json.loads(out)
        assert document["schema"].startswith("vedette.") and ("data" in document) == document["ok"]
    assert call("chek", ok=(64,)).stderr.find("check") > 0
    bad = work / "bad.toml"
    bad.write_text('site = "x"\n[source.a]\ndriver = "udp"\nlisten = "here"\ncodec = "ais"\nspede = 1\n')
    found = call("check", bad, ok=(1,))
    assert "bad.toml:6:1" in found.stderr and "speed" in found.stderr and "192.0.2.7" in found.stderr


@test
def doctor_never_passes_what_it_cannot_read():
    empty = work / "empty-root"
    empty.mkdir()
    checks = json.loads(call("doctor", "--sysroot", empty, "--json", ok=(0, 1)).stdout)["data"]["checks"]
    for c in checks:
        assert c["result"] != "pass" or c["id"] in ("memlock", "rt-priority"), c


def sentence(body):
    check = 0
    for c in body:
        check ^= ord(c)
    return f"${body}*{check:02X}\r\n".encode()


@test
def anchor_watch_wakes_the_crew_when_the_anchor_drags():
    receiver = Receiver()
    port = free_port()
    path = work / "anchor.toml"
    path.write_text((root / "config/anchor-watch.toml").read_text().replace("0.0.0.0:10110", f"127.0.0.1:{port}")
                    .replace("127.0.0.1:10111", f"127.0.0.1:{receiver.port}"))
    data = work / "anchor"
    process = start(path, data)
    status(data, lambda s: s["sources"][0]["status"] == "up")
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    begin = time.time()
    for i in range(60):  # at anchor for a second, then north at 24 m/s, with matching speed
        north = max(0, i - 10) * 0.4 * 100 / 111.2e3 * 60 / 100
        knots = 46.7 if i > 10 else 0.0
        clock = time.strftime("%H%M%S", time.gmtime(begin + i * 0.1)) + f".{i % 10}0"
        sender.sendto(sentence(f"GPRMC,{clock},A,{5942.0 + north * 6:010.5f},N,02454.00000,E,{knots},0.0,211126,,,A"), ("127.0.0.1", port))
        time.sleep(0.1)
    sender.sendto(class_b(211000009, 59.7012, 24.9), ("127.0.0.1", port))
    status(data, lambda s: s["actions"] >= 2, limit=10)
    final = stop(process)
    got = receiver.close()
    assert len(got) == 1 and b"ALR" in got[0] and b"ANCHOR DRAGGING" in got[0], (got, final)
    notices = [l for l in final["log"] if l.get("action") == "notice"]
    assert notices and notices[0]["identity"] == "211000009", notices
    call("replay", data, "--verify")


# Shell blocks (```sh) of a document run in order in one folder; a TOML block before them is the file named above it.
@release
def every_command_shown_in_the_documents_runs():
    shown = 0
    for page in sorted([root / "README.md", root / "CONTRIBUTING.md", *root.glob("docs/**/*.md")]):
        folder = work / f"page-{page.parent.name}-{page.stem}"
        folder.mkdir()
        (folder / "config").symlink_to(root / "config")
        text = page.read_text()
        for block in re.finditer(r"(?:Write `([^`]+)`:\n\n)?```(sh|toml)\n(.*?)```", text, re.S):
            name, kind, body = block.groups()
            if kind == "toml" and name:
                (folder / name).write_text(body)
            elif kind == "sh":
                done = subprocess.run(["bash", "-euo", "pipefail", "-c", body], cwd=folder, capture_output=True, text=True, timeout=60,
                                      env={**os.environ, "PATH": f"{pathlib.Path(vedette).parent}:{os.environ['PATH']}"})
                assert done.returncode == 0 and done.stdout, f"{page.name}: {body}\n{done.stdout}{done.stderr}"
                shown += 1
        for link in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (page.parent / link).exists(), f"{page}: {link} is not there"
    assert shown >= 3, shown


# Commands within sentences, with any arguments: `vedette recover DIR --to TIME`. At a post's console they are typed without the
# first word.
@test
def every_command_named_in_a_sentence_exists_with_its_options():
    console = {"update", "status", "restart", "doctor", "flash", "recover", "replay"}
    named = 0
    for page in sorted([root / "README.md", root / "CONTRIBUTING.md", root / "firmware/README.md", root / "boards/README.md", *root.glob("docs/**/*.md")]):
        text = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
        for shown in re.findall(r"`([^`\n]+)`", text):
            words = shown.split()
            if words[0] != "vedette" and not (page.parent.name == "field-handbook" and words[0] in console):
                continue
            words = words[words[0] == "vedette":]
            command = []
            for word in words:
                if not re.fullmatch(r"[a-z]+", word):
                    break
                command.append(word)
            if not command:
                continue
            help_text = call(*command, "--help").stdout
            usage = re.search(r"Usage: \S*vedette (.*)", help_text)[1].split()
            reached = usage[:usage.index("[OPTIONS]")]
            assert command == reached or (command[:len(reached)] == reached and "SUBCOMMAND" not in usage), f"{page.name}: {shown}: {' '.join(usage)}"
            for option in (w.strip("[],") for w in words if w.strip("[").startswith("--")):
                assert option.split("=")[0] in help_text, f"{page.name}: {shown}: no {option} in\n{help_text}"
            named += 1
    assert named >= 30, named


@release
def the_demo_tells_its_whole_story():
    done = subprocess.run([sys.executable, "scripts/demo.py", vedette], cwd=root, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-800:]
    for part in ("close_approach raised", "own_drift raised: own ship", "IPANEMA (own position in doubt)", "== summary", "p50", "digest", "matches the journal", "observation"):
        assert part in done.stdout, (part, done.stdout[-2000:])


@release
def the_harbour_demo_tells_its_whole_story():
    done = subprocess.run([sys.executable, "scripts/demo_harbour.py", vedette], cwd=root, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-800:]
    for part in ("close_approach raised", "== summary", "GOSPA", "RMSE", "matches the journal", "observation"):
        assert part in done.stdout, (part, done.stdout[-2000:])
    capture, truth = work / "made-up.pcap", work / "made-up.csv"
    subprocess.run([sys.executable, root / "scripts/generate_harbour.py", capture, truth], check=True)
    made_up = json.loads(call("score", root / "config/harbour-watch.toml", "--recording", capture, "--truth", truth, "--json").stdout)["data"]
    assert made_up["rmse_m"] < 6 and made_up["missed"] < 0.1 and made_up["false_per_scan"] < 0.5, made_up


@release
def the_binary_is_static_and_small():
    assert os.path.getsize(vedette) <= 12 << 20
    assert "statically linked" in subprocess.run(["ldd", vedette], capture_output=True, text=True).stdout
    plan = work / "plan.bin"
    call("compile", site, "-o", plan)
    assert json.loads(call("plan", plan, "--json").stdout)["data"]["site"] == "coastal-watch"
