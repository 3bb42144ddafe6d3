"""Belief images: written, damaged, set aside, too small, not writable; and the node's reaction."""
import json, socket, struct, subprocess, time

from harness import ais_source, call, class_b, free_port, start, status, stop, test, vedette, verify, work, write_site, threads


def watch(name, limits=""):
    port, sender = free_port(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    path, data = write_site(name, ais_source(port), 9), work / name
    path.write_text(path.read_text().replace("tracks = 256", "tracks = 256\n" + limits))
    return port, sender, path, data


@threads
@test
def a_damaged_belief_image_is_set_aside_and_one_that_cannot_be_written_is_seen_in_status():
    port, sender, path, data = watch("image")
    image, aside = data / "shard-0/belief.mdb", data / "shard-0/belief.mdb.damaged"
    process = start(path, data)
    status(data, lambda s: s["sources"][0]["status"] == "up")
    sender.sendto(class_b(219000001, 5, 5), ("127.0.0.1", port))
    seen = status(data, lambda s: s["tracks"] == 1 and s["journal"]["images"] > 1)
    assert "image_error" not in seen["journal"], seen["journal"]
    stop(process)
    assert " intact; state after batch " in call("check-belief", image).stdout
    call("check-belief", data / "nothing", ok=(66,))
    pages = bytearray(image.read_bytes())
    for at in range(0, len(pages), 16):
        pages[at] ^= 0xFF
    image.write_bytes(pages)
    assert subprocess.run([vedette, "check-belief", str(image)], capture_output=True).returncode != 0
    assert not aside.exists()
    # Its output on that many exceeds an unread pipe.
    process = subprocess.Popen([vedette, "run", path, "--data", data, "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    seen = status(data, lambda s: s["journal"]["images"] > 1)
    assert seen["tracks"] == 1 and aside.exists(), seen
    (data / "shard-0/belief.mdb.new").mkdir()
    (data / "shard-0/belief.mdb.new/in the way").write_text("")
    seen = status(data, lambda s: "image_error" in s["journal"])
    assert "not empty" in seen["journal"]["image_error"] and "image" in json.dumps(seen["causes"]), seen
    process.terminate()
    final = json.loads(process.communicate(timeout=20)[0])["data"]
    call("check-belief", image)
    verify(data, final)


@test
def one_bit_of_a_latitude_in_the_image_is_not_believed():
    port, sender, path, data = watch("one-bit", 'commit = "0 s"\n')
    path.write_text(path.read_text().replace('segment = "1 MiB"', 'segment = "16 MiB"'))
    process = start(path, data)
    status(data, lambda s: s["sources"][0]["status"] == "up")
    for i in range(7000):  # more journal than a start reads without the image
        sender.sendto(class_b(230000000 + i % 100, 60 + i * 1e-6, 25), ("127.0.0.1", port))
        if i % 20 == 0:
            time.sleep(0.004)
    status(data, lambda s: s["tracks"] == 100 and s["journal"]["bytes"] > 2 << 20)
    time.sleep(0.3)
    process.kill()
    process.communicate()
    truth = {t["identity"]: t["lat"] for t in json.loads(call("inspect", data, "--json").stdout)["data"]["tracks"]}
    image = bytearray((data / "shard-0/belief.mdb").read_bytes())
    flipped = 0
    for at in range(0, len(image) - 8):
        if image[at + 7] == 0x40 and image[at + 6] == 0x4E and abs(struct.unpack_from("<d", image, at)[0] - truth["230000050"]) < 6e-8:
            image[at + 5] ^= 0x10
            flipped += 1
    assert flipped >= 2, "the state's and the table's"
    (data / "shard-0/belief.mdb").write_bytes(image)
    call("check-belief", data / "shard-0/belief.mdb", ok=(1,))
    process = start(path, data)
    seen = status(data, lambda s: s["journal"]["images"] > 0)
    assert any("belief.mdb is damaged" in line for line in seen["without"]), seen["without"]
    assert (data / "shard-0/belief.mdb.damaged").exists()
    final = stop(process)
    verify(data, final)
    for segment in sorted((data / "shard-0/journal").glob("*.seg"))[:-1]:
        segment.unlink()  # the node began with the state in its own segment
    after = {t["identity"]: t["lat"] for t in json.loads(call("inspect", data, "--json").stdout)["data"]["tracks"]}
    assert after == truth, (after["230000050"], truth["230000050"])


@test
def an_image_too_small_for_the_tracks_is_refused_by_check():
    _, _, path, _ = watch("small-image", 'image = "1 MiB"\n')
    path.write_text(path.read_text().replace("tracks = 256", "tracks = 4096"))
    said = call("check", path, ok=(65,)).stderr
    assert "[limits] image is 1 MiB" in said and 'write image = "' in said, said
    wanted = said.split('write image = "')[1].split('"')[0]
    path.write_text(path.read_text().replace('image = "1 MiB"', f'image = "{wanted}"'))
    call("check", path)
