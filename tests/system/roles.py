"""Control by right: what people may do by their roles, with real users, and that the journal has who asked for what."""
import json, os, subprocess

from harness import Skip, call, free_port, start, status, stop, test, vedette, work, write_site

roles = '''
[role.watch]
users = ["54001", "nobody-here"]
may = ["acknowledge", "note"]
[role.master]
groups = ["54100"]
may = "all"
'''


# As another user, with these groups.
def ask(user, groups, *arguments):
    done = subprocess.run(["setpriv", f"--reuid={user}", f"--regid={groups[0]}", f"--groups={','.join(map(str, groups))}", vedette, *map(str, arguments), "--json"],
                          capture_output=True, text=True, timeout=20)
    return json.loads(done.stdout)


def site(name, more):
    return write_site(name, f'[source.in]\ndriver = "udp"\ncodec = "ais"\nlisten = "127.0.0.1:{free_port()}"\n', free_port(), extra=more)


def opened(data):
    status(data, lambda s: s["mode"])
    work.chmod(0o755)
    data.chmod(0o755)
    (data / "control.sock").chmod(0o666)  # so that the role decides, not the file


@test
def who_has_no_role_can_do_nothing_but_look_and_the_journal_has_who_asked_for_what():
    if os.geteuid() != 0:
        raise Skip("only root can be other users")
    data = work / "roles"
    process = start(site("roles", roles), data)
    opened(data)
    seen = status(data, lambda s: s["mode"])
    assert any("nobody-here" in w for w in seen["without"]), seen["without"]
    assert ask(54002, [54002], "status", "--data", data)["ok"] and ask(54002, [54002], "alarms", "--data", data)["ok"]
    for user, groups, words, right in ((54002, [54002], ("note", "hello", "--by", "me"), None), (54001, [54001], ("note", "seen", "--by", "mate"), True),
                                       (54001, [54001], ("hold",), None), (54003, [54003, 54100], ("hold",), True), (54003, [54100], ("resume",), True)):
        answer = ask(user, groups, *words, "--data", data)
        assert answer["ok"] == bool(right), (user, words, answer)
        if not right:
            assert f"user {user} may not {words[0]}; roles that may: " in answer["error"]["message"], answer
            assert answer["error"]["message"].endswith("master" if words[0] == "hold" else "watch, master"), answer
    call("hold", "--data", data)  # the node's own user
    call("resume", "--data", data)
    seen = status(data, lambda s: s["control"]["denied"] == 2)
    assert not seen["held"], seen
    stop(process)
    commands = [json.loads(l) for l in call("journal", data, "--json", "--kind", "command").stdout.splitlines()]
    told = [(c["command"], c["user"], c.get("exit", c.get("outcome"))) for c in commands]
    assert [t[:2] for t in told] == [("note", 54002), ("note", 54001), ("hold", 54001), ("hold", 54003), ("resume", 54003), ("hold", 0), ("resume", 0)], commands
    assert [c.get("reason", c.get("why")) == "not-allowed" for c in commands] == [True, False, True, False, False, False, False], commands
    assert commands[0]["by"] == "me" and commands[0]["note"] == "hello", commands[0]
    assert "refused: who asked has no role for it" in call("log", data).stdout
    call("replay", data, "--verify")


@test
def without_roles_everybody_who_opens_the_socket_may_and_a_flood_of_refused_ones_is_counted():
    if os.geteuid() != 0:
        raise Skip("only root can be other users")
    data = work / "no_roles"
    process = start(site("no_roles", ""), data)
    opened(data)
    assert ask(54002, [54002], "hold", "--data", data)["ok"]
    stop(process)
    data = work / "flooded_roles"
    process = start(site("flooded_roles", roles), data)
    opened(data)
    for _ in range(40):
        assert not ask(54002, [54002], "hold", "--data", data)["ok"]
    seen = status(data, lambda s: s["control"]["denied"] == 40)
    assert not seen["held"]
    stop(process)
    recorded = len(call("journal", data, "--json", "--kind", "command").stdout.splitlines())
    assert 1 <= recorded <= 40, recorded


@test
def the_control_sockets_group_is_the_site_files():
    if os.geteuid() != 0:
        raise Skip("only root can give a file to a group")
    data = work / "control_group"
    process = start(site("control_group", '[control]\ngroup = "54100"\n' + roles), data)
    status(data, lambda s: s["mode"])
    socket = (data / "control.sock").stat()
    assert socket.st_gid == 54100 and socket.st_mode & 0o777 == 0o660, socket
    work.chmod(0o755)
    data.chmod(0o755)
    assert ask(54003, [54100], "hold", "--data", data)["ok"] and not ask(54002, [54002], "status", "--data", data)["ok"]
    stop(process)


@test
def check_says_what_is_wrong_with_a_role():
    def problems(lines):
        done = call("check", site("bad_role", lines), ok=(0, 1))
        return done.stdout + done.stderr
    assert '"steer" is no right' in problems('[role.a]\nusers = ["x"]\nmay = ["steer"]\n')
    assert "nobody has this role" in problems('[role.a]\nmay = "all"\n')
