"""System tests: the real binary, real recordings, real sockets, real kill -9. Ends with the plain count line."""
import contextlib, os, pathlib, shutil, signal, sys, time, traceback

sys.dont_write_bytecode = True

from harness import Skip, arguments, tests, work
import codecs_of_recordings, text_formats, streams, images_of_belief, journals, history, lines_and_sinks, transports, live_peers, sinks, operations, packet_ports, tracking, boards, flashing, images, buses, power_cuts, rig_scenarios, documents  # each adds its tests, in this order
import floods
import modes
import updates, hostile_inputs, evidence, clocks, control_socket
import honest_traffic, own_position, plan_changes, alarms, explaining, explaining_recordings, asking
import trust, secure_links, sandbox, roles
import damages, memory, mirror, broken_disks, failing_disks, flagship_mirror, wear



def left_running(process):
    """Removes what a failed test left, which would slow the later ones."""
    for thread in pathlib.Path(f"/proc/{process}/task").glob("*/children"):
        for child in thread.read_text().split():
            yield from left_running(child)
            yield int(child)


passed = failed = skipped = 0
seconds = []
for f in tests:
    if not any(part in f.__name__ for part in arguments.only.split(",")) or (arguments.sanitized and hasattr(f, "release")) \
            or (arguments.sanitized == "threads" and not hasattr(f, "threads")) \
            or (hasattr(f, "long") and not arguments.all and not arguments.only):
        continue
    begin = time.time()
    try:
        f()
        passed += 1
        print(f"ok      {f.__name__} ({time.time() - begin:.1f} s)", flush=True)
    except Skip as reason:
        if os.environ.get("CI"):
            failed += 1
            print(f"FAILED  {f.__name__}: skipped in CI: {reason}", flush=True)
        else:
            skipped += 1
            print(f"skipped {f.__name__}: {reason}", flush=True)
    except Exception:
        failed += 1
        print(f"FAILED  {f.__name__}\n{traceback.format_exc()}", flush=True)
        for process in list(left_running("self")):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
    seconds.append((time.time() - begin, f.__name__))
shutil.rmtree(work, ignore_errors=True)
if len(seconds) > 10:
    print(f"the slowest ten of {sum(s for s, _ in seconds):.0f} s:")
    print("\n".join(f"{s:7.1f} s  {name}" for s, name in sorted(seconds)[:-11:-1]))
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(1 if failed else 0)
