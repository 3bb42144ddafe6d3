"""TLS to servers of others: openssl and mosquitto as the other end, certificates of both kinds, and each reason to refuse one."""
import contextlib, json, socket, ssl, subprocess, threading, time

from harness import call, free_port, release, start, status, stop, test, threads, work, write_site
from live_peers import Broker, end, need, tcp_port
from sandbox import attacked
from transports import port_of, server, ships, source


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)


# A CA and certificates for localhost of both kinds, and one for a client; made once.
def certificates():
    folder = work / "certificates"
    if folder.exists():
        return folder
    folder.mkdir()
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / "ca.key", "-out", folder / "ca.pem", "-subj", "/CN=test-ca", "-days", "30")
    for name, kind, host in (("ec", ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"), "localhost"), ("rsa", ("rsa:2048",), "localhost"),
                             ("other", ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"), "elsewhere"), ("client", ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"), "watch")):
        openssl("req", "-newkey", *kind, "-nodes", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.csr", "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}")
        openssl("x509", "-req", "-in", folder / f"{name}.csr", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-CAcreateserial", "-out", folder / f"{name}.pem",
                "-days", "30", "-copy_extensions", "copy")
        (folder / f"{name}.key").chmod(0o644 if name in ("ec", "rsa") else 0o600)  # mosquitto reads its own as another user
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "self.key", "-out", folder / "self.pem", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    # Expired, with the clock of a CA that stood still.
    database = folder / "index.txt"
    database.write_text("")
    (folder / "serial").write_text("1000\n")
    (folder / "ca.conf").write_text(f"[ca]\ndefault_ca=d\n[d]\ndatabase={database}\nserial={folder}/serial\nnew_certs_dir={folder}\ndefault_md=sha256\npolicy=p\ncopy_extensions=copy\n[p]\ncommonName=supplied\n")
    openssl("ca", "-batch", "-config", folder / "ca.conf", "-cert", folder / "ca.pem", "-keyfile", folder / "ca.key", "-in", folder / "ec.csr", "-out", folder / "expired.pem",
            "-startdate", "20200101000000Z", "-enddate", "20210101000000Z", "-notext")
    return folder


@contextlib.contextmanager
def openssl_server(*options):
    port = tcp_port()
    process = subprocess.Popen(["openssl", "s_server", "-accept", str(port), "-quiet", *map(str, options)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
        yield port
    finally:
        end(process)


def probe(port, *options):
    done = call("link", "probe", f"localhost:{port}", *options, "--json", ok=(0, 1))
    return json.loads(done.stdout)["data"]


@test
def a_probe_names_what_is_wrong_with_a_server():
    folder = certificates()
    own = lambda name: ("-cert", folder / f"{name}.pem", "-key", folder / f"{'ec' if name == 'expired' else name}.key")
    ca = ("--ca", folder / "ca.pem")
    for name, suite in (("ec", "ECDSA"), ("rsa", "RSA")):
        with openssl_server(*own(name), "-tls1_2") as port:
            seen = probe(port, *ca)
            assert seen["open"] and "TLSv1.2" in seen["protocol"] and suite in seen["protocol"] and "test-ca" in seen["certificates"], seen
    rows = [("untrusted", own("self"), ca), ("untrusted", own("ec"), ()), ("wrong_host", own("other"), ca), ("expired", own("expired"), ca),
            ("version", (*own("ec"), "-tls1_3"), ca), ("refused_by_peer", (*own("ec"), "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"), ca),
            ("refused_by_peer", (*own("ec"), "-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-SHA"), ca)]
    for cause, options, more in rows:
        with openssl_server(*options) as port:
            seen = probe(port, *more)
            assert not seen["open"] and seen["cause"] == cause, (cause, seen)
    with openssl_server(*own("other")) as port:
        assert probe(port, *ca, "--name", "elsewhere")["open"]
    with server() as listener:
        def talk():
            end, _ = listener.accept()
            end.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
            time.sleep(1)
            end.close()
        talker = threading.Thread(target=talk)
        talker.start()
        assert probe(port_of(listener), *ca)["cause"] == "malformed"
        talker.join()


def secured(listener, name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    folder = certificates()
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    end, _ = listener.accept()
    return context.wrap_socket(end, server_side=True)


@threads
@test
def a_tcp_source_with_tls_is_greeted_cut_flooded_and_silent_and_counts_are_exact():
    folder = certificates()
    listener = server()
    path = write_site("tls_tcp", f'[source.feed]\ndriver = "tcp"\ncodec = "ais"\nretry = "50 ms"\nhorizon = "60 s"\nsilence = "1 s"\ntls = true\n'
                      f'ca_file = "{folder}/ca.pem"\ngreet = "hello\\n"\nto = "localhost:{port_of(listener)}"\n', free_port())
    data = work / "tls_tcp"
    process = start(path, data)
    had = 0
    for name in ("ec", "rsa"):
        end = secured(listener, name)
        assert end.recv(100) == b"hello\n"
        end.sendall(ships(had, 3))
        had += 3
        seen = source(status(data, lambda s: source(s)["accepted"] >= had))
        assert seen["accepted"] == had and not seen["refused"] and seen["status"] == "up", seen
        end.close()
        status(data, lambda s: source(s)["status"] == "down")
    end = secured(listener, "ec")
    flood = ships(0, 100) * 50
    end.sendall(flood)
    had += 5000
    seen = source(status(data, lambda s: source(s)["accepted"] >= had, 30))
    assert seen["accepted"] == had and not seen["refused"], seen
    end = secured(listener, "ec")  # after a second of silence
    end.sendall(ships(0, 1))
    status(data, lambda s: source(s)["accepted"] == had + 1)
    stop(process)
    call("replay", data, "--verify")


@test
def a_server_that_is_not_who_it_should_be_is_told_in_status():
    folder = certificates()
    for name, text in (("self", "does not lead to"), ("other", "another name"), ("expired", "expired")):
        with openssl_server("-cert", folder / f"{name}.pem", "-key", folder / f"{'ec' if name == 'expired' else name}.key") as port:
            path = write_site(f"tls_{name}", f'[source.feed]\ndriver = "tcp"\ncodec = "ais"\nretry = "50 ms"\ntls = true\nca_file = "{folder}/ca.pem"\nto = "localhost:{port}"\n', free_port())
            data = work / f"tls_{name}"
            process = start(path, data)
            status(data, lambda s: text in source(s).get("error", ""))
            stop(process)


@test
def mosquitto_is_subscribed_over_tls_with_either_kind_of_certificate_a_client_certificate_and_a_password():
    folder = certificates()
    work.chmod(0o755)
    passwords = work / "tls.passwords"
    need("mosquitto_passwd")
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), "watch", "secret"], check=True, capture_output=True)
    passwords.chmod(0o644)
    (work / "tls.secret").write_text("secret\n")
    for name in ("ec", "rsa"):
        port = tcp_port()
        broker = Broker(lines=f"allow_anonymous true\nlistener {port} 127.0.0.1\ncafile {folder}/ca.pem\ncertfile {folder}/{name}.pem\nkeyfile {folder}/{name}.key\n"
                        f"require_certificate true\ntls_version tlsv1.2\npassword_file {passwords}")
        try:
            path = write_site(f"mqtts_{name}", f'[source.feed]\ndriver = "mqtt"\ncodec = "ais"\nretry = "50 ms"\nto = "localhost:{port}"\ntopic = "#"\ntls = true\nca_file = "{folder}/ca.pem"\n'
                              f'certificate_file = "{folder}/client.pem"\nkey_file = "{folder}/client.key"\nuser = "watch"\npassword_file = "{work}/tls.secret"\n', free_port())
            data = work / f"mqtts_{name}"
            process = start(path, data)
            status(data, lambda s: source(s)["status"] == "up")
            broker.publish([("ais/raw", ships(n, 1)) for n in range(50)])
            seen = source(status(data, lambda s: source(s)["accepted"] >= 50))
            assert seen["accepted"] == 50 and not seen["refused"], seen
            stop(process)
        finally:
            end(broker.process)


@test
def check_says_what_tls_of_a_source_lacks():
    def problems(lines):
        path = write_site("tls_check", f'[source.feed]\ndriver = "mqtt"\ncodec = "ais"\ntopic = "#"\n{lines}\n', free_port())
        done = call("check", path, ok=(0, 1))
        return done.stdout + done.stderr
    assert "needs \"ca_file\"" in problems('to = "broker.example:8883"\ntls = true')
    assert "has no name for the server's certificate" in problems('to = "192.0.2.7:8883"\ntls = true\nca_file = "x"')
    assert "of no use without TLS" in problems('to = "broker.example:8883"\nca_file = "x"')
    assert "go together" in problems('to = "broker.example:8883"\ntls = true\nca_file = "x"\nkey_file = "y"')
    assert "would cross the network in clear" in problems('to = "broker.example:8883"\nuser = "watch"')
    key = certificates() / "open.key"
    key.write_text((certificates() / "client.key").read_text())
    key.chmod(0o644)
    path = write_site("tls_open_key", f'[source.feed]\ndriver = "mqtt"\ncodec = "ais"\ntopic = "#"\nto = "localhost:1"\ntls = true\nca_file = "{certificates()}/ca.pem"\n'
                      f'certificate_file = "{certificates()}/client.pem"\nkey_file = "{key}"\n', free_port())
    done = call("run", path, "--data", work / "tls_open_key", ok=range(1, 100))
    assert "others than its owner may read it" in done.stderr, done.stderr


@release
def a_source_with_tls_that_stays_isolated_is_not_even_connected():
    folder = certificates()
    listener, plain, port = server(), server(), free_port()
    good = f'[source.good]\ndriver = "tcp"\ncodec = "nmea0183"\nretry = "50 ms"\nto = "localhost:{port_of(plain)}"\n'
    plain.close()  # what stands first must stay down
    path = write_site("tls_isolated", f'{good}[source.secured]\ndriver = "udp"\ncodec = "ais"\nlisten = "127.0.0.1:{port}"\n', free_port())
    data = work / "tls_isolated"
    for _ in range(3):
        process = attacked(path, data, "decoder")
        status(data, lambda s: s["sources"][1]["status"] == "up")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"!payload", ("127.0.0.1", port))
        process.communicate(timeout=15)
        assert process.returncode == 77, process.returncode
    path = write_site("tls_isolated", f'{good}[source.secured]\ndriver = "tcp"\ncodec = "ais"\nretry = "50 ms"\ntls = true\nca_file = "{folder}/ca.pem"\n'
                      f'to = "localhost:{port_of(listener)}"\n', free_port())
    process = attacked(path, data, "decoder")
    seen = status(data, lambda s: "isolated" in s["sources"][1].get("error", ""))
    listener.settimeout(1)
    try:
        listener.accept()
        raise AssertionError("it connects")
    except TimeoutError:
        pass
    seen = status(data, lambda s: s["mode"])
    assert [s["status"] for s in seen["sources"]] == ["down", "down"], seen["sources"]
    process.terminate()
    assert process.wait(timeout=15) == 0
