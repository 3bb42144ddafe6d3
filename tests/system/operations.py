"""Commands of an operator to a running node, and slow or stuck threads."""
import ctypes, fcntl, json, os, pathlib, shutil, socket, subprocess, time

from harness import work, Skip, test, release, call, start, stop, status, Receiver, free_port, ais_source, write_site, class_b, threads


@threads
@test
def a_held_node_accepts_and_waits_and_what_is_cancelled_never_goes_out():
    receiver = Receiver()
    port = free_port()
    path = write_site("held", ais_source(port), receiver.port)
    data = work / "held"
    process = start(path, data)
    status(data, lambda s: s["sources"][0]["status"] == "up")
    call("hold", "--data", data)
    status(data, lambda s: s["held"])
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for i in range(20):
        sender.sendto(class_b(219000000 + i, 5, 5 + i * 0.01), ("127.0.0.1", port))
    seen = status(data, lambda s: s["events"]["waiting"] == 20)
    assert seen["sinks"][0]["sent"] == 0, seen
    time.sleep(0.3)  # until the journal has it
    events = [json.loads(l) for l in call("journal", data).stdout.splitlines()]
    cancelled = [e for e in events if e["kind"] == "observation"][7]
    call("cancel", "--data", data, cancelled["event"])
    left = status(data, lambda s: s["events"]["waiting"] == 19)
    status(data, lambda s: int(s["durable_sequence"]) >= int(left["sequence"]))
    process.kill()  # waiting events are on disk
    process.wait()
    process = start(path, data)
    status(data, lambda s: s["held"] and s["events"]["waiting"] == 19)
    call("resume", "--data", data)
    status(data, lambda s: s["sinks"][0]["sent"] == 19)
    stop(process)
    got = sorted(int(json.loads(m)["identity"]) for m in receiver.close())
    assert got == [219000000 + i for i in range(20) if str(219000000 + i) != cancelled["identity"]], got
    call("replay", data, "--verify")
    call("cancel", "--data", data, 5, ok=(69,))
    call("cancel", "--data", data, "x", ok=(64,))


@threads
@test
def what_could_not_be_worked_in_time_is_refused_at_the_source():
    port = free_port()
    path = write_site("no_time", ais_source(port, 'horizon = "200 ms"\n'), free_port())
    path.write_text(path.read_text().replace('tick = "50 ms"', 'tick = "50 ms"\nwaiting_events = 16'))
    data = work / "no_time"
    process = start(path, data)
    status(data, lambda s: s["sources"][0]["status"] == "up")
    said = call("hold", "--data", data).stdout
    assert "keeps up to 16 events" in said and "the first after 0.200 s" in said, said
    status(data, lambda s: s["held"])
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for i in range(300):  # held events fill their places, and then the lane stays full
        sender.sendto(class_b(219000000 + i, 5, 5 + i * 0.01), ("127.0.0.1", port))
        time.sleep(0.001)
    source = status(data, lambda s: s["sources"][0]["received"] == 300)["sources"][0]
    assert source["refused"].get("no-time", 0) > 0 and "lane-full" not in source["refused"], source
    assert source["accepted"] + sum(source["refused"].values()) == 300, source
    call("resume", "--data", data)
    status(data, lambda s: s["events"]["waiting"] == 0)
    stop(process)
    call("replay", data, "--verify")


@threads
@test
def a_node_with_two_hot_threads_acts_on_every_ship():
    receiver = Receiver()
    port = free_port()
    path = write_site("two", ais_source(port), receiver.port, priority=10)  # real time, if the host allows it
    path.write_text(path.read_text().replace("[cores]", "[cores]\ningress = -1"))
    data = work / "two"
    process = start(path, data)
    status(data, lambda s: s["sources"][0]["status"] == "up")
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for i in range(200):
        sender.sendto(class_b(219000000 + i, 5, 5 + i * 0.01), ("127.0.0.1", port))
        time.sleep(0.002)
    status(data, lambda s: s["sinks"][0]["sent"] == 200)
    stop(process)
    assert sorted(int(json.loads(m)["identity"]) for m in receiver.close()) == [219000000 + i for i in range(200)]
    call("replay", data, "--verify")


@release
def no_blocking_system_call_on_a_hot_thread_that_does_both():
    traced("engine", "")


@release
def no_blocking_system_call_on_the_engine_thread():
    traced("engine", "ingress = -1")


@release
def no_blocking_system_call_on_the_ingress_thread():
    traced("ingress", "ingress = -1")


def traced(thread, cores):
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    receiver = Receiver()
    port = free_port()
    path = write_site("traced", ais_source(port), receiver.port)
    path.write_text(path.read_text().replace('idle = "rest"', 'idle = "spin"').replace("[cores]", f"[cores]\n{cores}"))
    data = work / f"traced-{thread}-{len(cores)}"
    process = start(path, data)
    status(data, lambda s: s["engine_thread"]["sealed"])
    hot = next(t for t in os.listdir(f"/proc/{process.pid}/task")
               if pathlib.Path(f"/proc/{process.pid}/task/{t}/comm").read_text().strip() == thread)
    log = work / "trace"
    tracer = subprocess.Popen(["strace", "-qq", "-p", hot, "-o", str(log)], stderr=subprocess.PIPE)
    time.sleep(0.5)
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for i in range(50):
        sender.sendto(class_b(219000000 + i, 5, 5 + i * 0.01), ("127.0.0.1", port))
        time.sleep(0.02 if i < 25 else 0.002)  # the ring waits for a quiet source, a busy one is polled
    time.sleep(0.3)
    tracer.terminate()
    tracer.wait()
    stop(process)
    lines = [l for l in log.read_text(errors="replace").splitlines() if "(" in l and "<detached" not in l]
    calls = {l.split("(")[0].split()[-1] for l in lines}
    assert calls <= {"io_uring_enter", "sendto", "recvfrom", "clock_gettime"}, calls
    assert ("sendto" in calls) == (thread == "engine"), "nothing was sent while traced"
    asked = any(l.startswith("recvfrom") and "AIV" in l for l in lines)
    assert asked == (thread == "ingress" or not cores.startswith("ingress")), "no busy source was asked while traced"
    # After its work the engine warms the send path, by a socket that hears itself.
    sent = [l.split("(")[1].split(",")[0] for l in lines if l.startswith("sendto")]
    assert len(set(sent)) == (2 if thread == "engine" else 0), sent
    assert all("MSG_DONTWAIT" in l for l in lines if l.startswith(("sendto", "recvfrom")))
    assert all("min_complete" not in l and ", 0, IORING_ENTER" in l for l in lines if l.startswith("io_uring_enter(") and "IORING" in l)
    assert len(receiver.close()) >= 40


# An open descriptor would hold a file's space after the journal has removed it.
@release
def the_engine_has_a_table_of_descriptors_of_its_own_and_no_file_in_it():
    own = os.pidfd_open(os.getpid())
    if ctypes.CDLL(None).syscall(438, own, own, 0) < 0:  # pidfd_getfd
        raise Skip("this machine does not hand descriptors on")
    path, data = write_site("own-table", ais_source(free_port()), 9), work / "own-table"
    process = start(path, data)
    status(data, lambda s: s["sources"][0]["status"] == "up")

    def files(task):
        held = pathlib.Path(f"/proc/{process.pid}/task/{task}/fd")
        return {os.readlink(held / fd) for fd in os.listdir(held)}
    assert any(name.startswith(str(data)) for name in files(process.pid))
    engine = files(engine_of(process))
    assert not any(name.startswith(str(data)) for name in engine), engine
    assert any(name.startswith("socket:") for name in engine), engine
    stop(process)


def engine_of(process):
    return next(int(t.name) for t in pathlib.Path(f"/proc/{process.pid}/task").iterdir() if (t / "comm").read_text().strip() == "engine")


# What needs processor time takes none of the engine's core, where there is another.
@test
def only_the_engine_runs_on_the_engines_core():
    own = sorted(os.sched_getaffinity(0))
    if len(own) < 2:
        raise Skip("this machine has one core")
    port = free_port()
    path, data = write_site("own-core", ais_source(port), 9), work / "own-core"
    path.write_text(path.read_text().replace("[cores]", f"[cores]\nengine = {own[-1]}"))
    process = start(path, data)
    status(data, lambda s: s["sources"][0]["status"] == "up")
    there = {(t / "comm").read_text().strip(): os.sched_getaffinity(int(t.name)) for t in pathlib.Path(f"/proc/{process.pid}/task").iterdir()}
    stop(process)
    assert there["engine"] == {own[-1]} and there["journal"] == there["mirror"] == there["vedette"] == set(own[:-1]), there


# Stops or resumes one thread. ptrace(2), because SIGSTOP stops a whole process.
def stand_still(process, tid):
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = [ctypes.c_long] * 4
    if ptrace(0x4206, tid, 0, 0) != 0:  # PTRACE_SEIZE
        stop(process)
        raise Skip(f"a thread cannot be stopped here: {os.strerror(ctypes.get_errno())}")
    ptrace(0x4207, tid, 0, 0)  # PTRACE_INTERRUPT
    os.waitpid(tid, 0x40000000)  # __WALL
    return lambda: ptrace(17, tid, 0, 0)  # PTRACE_DETACH


@threads
@test
def a_turn_that_takes_too_long_is_a_fault_event_that_names_its_stage():
    port = free_port()
    path = write_site("slow", ais_source(port), 9)
    path.write_text(path.read_text().replace('idle = "rest"', 'idle = "spin"'))
    data = work / "slow"
    process = start(path, data)
    status(data, lambda s: int(s["sequence"]) > 0)
    seen = 0
    for _ in range(30):
        go_on = stand_still(process, engine_of(process))
        time.sleep(0.1)
        go_on()
        seen = status(data, lambda s: True)["overruns"]
        if seen:
            break
        time.sleep(0.013)
    assert seen > 0
    time.sleep(0.3)
    faults = [l for l in stop(process)["log"] if l["kind"] == "fault"]
    assert faults and faults[0]["stage"] in ("ingress", "engine", "act") and faults[0]["took_us"] > faults[0]["bound_us"] == 50000, faults
    call("replay", data, "--verify")


@threads
@test
def a_node_whose_lines_nobody_reads_goes_on_answering_and_counts_what_it_could_not_tell():
    port, ships = free_port(), 1500
    path = write_site("unread", ais_source(port), 9)
    path.write_text(path.read_text().replace("tracks = 256", "tracks = 2048"))
    data = work / "unread"
    process = start(path, data)
    for pipe in (process.stdout, process.stderr):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 4096)
    status(data, lambda s: s["sources"][0]["status"] == "up")
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for i in range(ships):
        sender.sendto(class_b(219000000 + i, 5, 5 + i * 0.01), ("127.0.0.1", port))
        if i % 50 == 49:
            time.sleep(0.01)
    seen = status(data, lambda s: s["assessments"] == ships)
    assert 0 < seen["log_lines_lost"] < ships, seen
    final = stop(process)
    told = [l for l in final["log"] if l["kind"] != "node"]
    assert ships <= len(told) + final["log_lines_lost"] <= ships + 10, (len(told), final)
    call("replay", data, "--verify")


@threads
@test
def a_hot_thread_that_hangs_ends_the_node_and_the_machines_watchdog_goes_hungry():
    port = free_port()
    fifo = work / "watchdog"
    os.mkfifo(fifo)
    food = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    path = write_site("hangs", ais_source(port), 9)
    path.write_text(path.read_text().replace("[cores]", f'[cores]\nwatchdog = "1 s"\nwatchdog_device = "{fifo}"'))
    data = work / "hangs"
    process = start(path, data)
    status(data, lambda s: int(s["sequence"]) > 0)
    time.sleep(1.5)
    assert process.poll() is None and os.read(food, 100).startswith(b"..")
    tid = engine_of(process)
    stand_still(process, tid)
    begin = time.time()
    while os.waitpid(tid, 0x40000000 | os.WNOHANG)[0] == 0 and time.time() - begin < 10:  # __WALL; gone with the process
        time.sleep(0.02)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 71 and "the engine thread hangs" in err, (process.returncode, err[-300:])
    assert b"V" not in os.read(food, 100)  # not closed in order, so the machine would be reset
    os.close(food)
    process = start(path, data)
    status(data, lambda s: s["epoch"] == 2)
    stop(process)
    call("replay", data, "--verify")
