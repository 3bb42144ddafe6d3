"""What an alert is known by, and when it counts as told."""
import json, socket, time

from harness import work, test, call, start, stop, status, Receiver, free_port, ais_source, write_site, verify, class_b


def alert_once(path, data, port, identity):
    process = start(path, data)
    status(data, lambda s: s["sources"][0]["status"] == "up")
    before = int(status(data, lambda s: True)["sinks"][0]["sent"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(class_b(identity, 5, 5), ("127.0.0.1", port))
    status(data, lambda s: s["sinks"][0]["sent"] == before + 1)
    return stop(process)


@test
def two_posts_of_one_site_never_share_a_key_and_a_post_keeps_its_own_whatever_is_lost():
    receiver, port = Receiver(), free_port()
    path, posts = write_site("posts", ais_source(port), receiver.port), [work / "post-a", work / "post-b"]
    for n, data in enumerate(posts):
        alert_once(path, data, port, 219000001 + n)
    identity = posts[0] / "identity"
    first = identity.read_text()
    told = []
    for n, damage in enumerate((identity.unlink, lambda: identity.write_text(first.replace("1 ", "1 1", 1)), lambda: None)):
        damage()
        final = alert_once(path, posts[0], port, 219000010 + n)
        told.append([line for line in final["without"] if "identity" in line])
        assert identity.read_text() == first
    assert ["is missing: taken from the journal" in t for t in told[0]] == [True] == ["is damaged" in t for t in told[1]] and told[2] == [], told
    final = json.loads(call("replay", posts[0], "--verify", "--json").stdout)["data"]
    assert final["matches"], final
    keys = [json.loads(m)["key"] for m in receiver.close()]
    nodes = [key.split("-")[0] for key in keys]
    assert len(set(keys)) == 5 and nodes[0] != nodes[1] and set(nodes[2:]) == {nodes[0]}, keys
    assert all(int(node, 16) >> 40 == 0 for node in nodes), nodes
    journalled = [json.loads(l) for l in call("journal", posts[0]).stdout.splitlines()]
    assert [e["key"] for e in journalled if e["kind"] == "action"] == [keys[0], *keys[2:]]
