"""Memory: `vedette plan` against a running node that writes belief images of a full table."""
import json, socket, time

from harness import ais_source, amount, call, class_b, free_port, release, start, status, stop, work, write_site


def held_bytes(pid):
    """Anonymous memory, locked file pages and huge pages: what the machine cannot give to others."""
    held = anonymous = locked = 0
    with open(f"/proc/{pid}/smaps") as lines:
        for line in lines:
            name, *rest = line.split()
            if name == "Anonymous:":
                anonymous = int(rest[0])
            elif name in ("Private_Hugetlb:", "Shared_Hugetlb:"):
                held += int(rest[0])
            elif name == "Locked:":  # private pages count here again
                locked = int(rest[0])
                held += max(anonymous, locked)
    return held << 10


def measure(tracks, image):
    port, sender = free_port(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    path, data = write_site(f"memory-{tracks}", ais_source(port), 9), work / f"memory-{tracks}"
    path.write_text(path.read_text().replace("tracks = 256", f'tracks = {tracks}\nimage = "{image}"').replace('checkpoint = "100 ms"', 'checkpoint = "500 ms"')
                    .replace('segment = "1 MiB"', 'segment = "64 MiB"').replace('journal = "64 MiB"', 'journal = "512 MiB"'))
    plan = json.loads(call("plan", path, "--json").stdout)["data"]
    process = start(path, data)
    status(data, lambda s: s["sources"][0]["status"] == "up")
    most = sent = held = 0
    end = time.time() + 120
    while True:  # until the table is full: own ship's place and each kind's reserve stay free
        for _ in range(min(2000, tracks)):
            sender.sendto(class_b(200000000 + sent % tracks, 50 + sent % 1000 * 0.01, 25), ("127.0.0.1", port))
            sent += 1
            if sent % 20 == 0:
                time.sleep(0.0005)
        most = max(most, held_bytes(process.pid))
        before, held = held, status(data, lambda s: True)["tracks"]
        if (sent > tracks and held == before) or time.time() > end:
            break
    assert held > tracks * 0.8, held
    seen = status(data, lambda s: True)
    images = seen["journal"]["images"]
    while seen["journal"]["images"] < images + 3 and time.time() < end:
        most = max(most, held_bytes(process.pid))
        seen = status(data, lambda s: True)
    assert "image_error" not in seen["journal"], seen["journal"]
    stop(process, 60)
    call("check-belief", data / "shard-0/belief.mdb")
    return plan, most


@release
def planned_memory_is_what_a_node_holds_with_a_full_table_and_images():
    few, all_of_them = [(2048, "64 MiB")], [(2048, "64 MiB"), (32768, "256 MiB"), (131072, "1 GiB")]
    for tracks, image in amount(few, all_of_them, all_of_them):
        plan, most = measure(tracks, image)
        planned = plan["memory_bytes"]
        print(f"        {tracks} tracks: {planned / 2**20:.1f} MiB planned, {most / 2**20:.1f} MiB held, {most / planned - 1:+.1%}")
        assert abs(most / planned - 1) <= 0.05, [(m["room"], round(m["bytes"] / 2**20, 1)) for m in plan["memory"]]
