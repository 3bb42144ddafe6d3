"""Board files: each is valid, supplies a site's defaults, and agrees with Debian's device trees on ARM boards."""
import json, re, subprocess, tomllib

from harness import vedette, root, work, site, Skip, test, call

boards = sorted((root / "boards").glob("*.toml"))


def facts(path):
    return tomllib.loads(path.read_text())


@test
def every_board_is_read_and_completes_a_plan():
    assert len(boards) >= 9, boards
    bare = work / "bare.toml"
    bare.write_text('site = "bare"\n[source.a]\ndriver = "udp"\nlisten = "127.0.0.1:1"\ncodec = "ais"\n')
    for path in boards:
        board = facts(path)
        plan = json.loads(call("plan", bare, "--board", path, "--json").stdout)["data"]
        watch = board["cpu"]["watch"]["is"]
        assert plan["cores"]["engine"] == watch[0] and plan["cores"]["ingress"] == (watch[1] if len(watch) > 1 else -1), (path, plan["cores"])
        assert plan["batch_events"] == min(256, max(16, board["cpu"]["l2_bytes"]["is"] // 4096)), (path, plan)
        # Every fact has its evidence, and none claims a test on hardware.
        assert board["board"]["tested"]["is"] == "untested", path
    broken = work / "broken-board.toml"
    text = boards[0].read_text()
    broken.write_text(text.replace('from = "datasheet"', 'from = "hearsay"', 1))
    assert "measured-on-board" in call("check", bare, "--board", broken, ok=(1,)).stderr
    broken.write_text(re.sub(r"watch = .*", 'watch = { is = [9], from = "choice" }', text))
    assert "cores and leave one" in call("check", bare, "--board", broken, ok=(1,)).stderr
    broken.write_text(text.replace("cores =", "coers ="))
    assert 'did you mean "cores"' in call("check", bare, "--board", broken, ok=(1,)).stderr


@test
def every_board_takes_a_stick_where_its_port_has_a_driver():
    hosts = {"xhci_pci", "xhci_plat_hcd", "dwc2", "ehci_pci"}
    without = []
    for path in boards:
        modules = facts(path)["boot"]["modules"]["is"]
        if {"usb_storage", "sd_mod"} <= set(modules) and hosts & set(modules):
            continue
        without.append(path.stem)
    assert without == ["siemens-iot2050"] and "`siemens-iot2050` cannot" in (root / "boards/README.md").read_text(), without


# A host, as files below a folder.
def host(name, board, isolated):
    top = work / name
    cpu = top / "sys/devices/system/cpu"
    cache = cpu / "cpu0/cache"
    for index in (0, 2):
        (cache / f"index{index}").mkdir(parents=True)
    (top / "proc/sys/kernel").mkdir(parents=True)
    (top / "proc/sys/kernel/arch").write_text(board["board"]["machine"]["is"] + "\n")
    (top / "proc/meminfo").write_text(f"MemTotal:       {board['memory']['bytes']['is'] // 1024 - 40000} kB\nMemFree: 1 kB\n")
    (cpu / "present").write_text(f"0-{board['cpu']['cores']['is'] - 1}\n")
    (cpu / "isolated").write_text(isolated + "\n")
    (cpu / "nohz_full").write_text(isolated + "\n")
    (cache / "index0/coherency_line_size").write_text("64\n")
    (cache / "index0/size").write_text(f"{board['cpu']['l1d_bytes']['is'] // 1024}K\n")
    (cache / "index2/size").write_text(f"{board['cpu']['l2_bytes']['is'] // 1024}K\n")
    (top / "proc/irq/36").mkdir(parents=True)
    (top / "proc/irq/36/effective_affinity_list").write_text("0-1\n")
    return top


@test
def doctor_compares_a_host_with_its_board():
    path = root / "boards/raspberrypi-cm4.toml"
    board = facts(path)
    def checks(top):
        found = json.loads(call("doctor", "--sysroot", top, "--board", path, "--json", ok=(0, 1)).stdout)["data"]["checks"]
        return {c["id"]: c for c in found if c["id"].startswith("board-")}
    right = checks(host("host-right", board, "2-3"))
    assert len(right) == 9 and all(c["result"] == "pass" for c in right.values()), right
    wrong_host = host("host-wrong", board, "")
    (wrong_host / "sys/devices/system/cpu/present").write_text("0-1\n")
    (wrong_host / "proc/irq/36/effective_affinity_list").write_text("3\n")
    wrong = checks(wrong_host)
    assert {k for k, c in wrong.items() if c["result"] == "fail"} == {"board-cores", "board-isolated"}, wrong
    assert wrong["board-interrupts"]["result"] == "warn" and wrong["board-interrupts"]["seen"] == "36", wrong
    assert "isolcpus=managed_irq,domain,2,3" in wrong["board-isolated"]["remedy"]
    script = call("doctor", "--sysroot", wrong_host, "--board", path, "--fix-plan").stdout
    assert "isolcpus=managed_irq,domain,2,3 nohz_full=2,3 rcu_nocbs=2,3 irqaffinity=0,1" in script and "update-grub" in script, script
    assert "for irq in 36; do echo 0,1 > /proc/irq/$irq/smp_affinity_list" in script, script
    subprocess.run(["sh", "-n"], input=script, text=True, check=True)


@test
def a_board_knows_its_can_interfaces():
    bus = work / "bus-of-a-board.toml"
    bus.write_text('site = "bus"\n[source.a]\ndriver = "can"\ninterface = "can1"\ncodec = "n2k"\n')
    path = root / "boards/nxp-imx8mp-evk.toml"
    call("check", bus)
    refused = call("check", bus, "--board", path, ok=(1,)).stderr
    assert '"can1" is no CAN interface of NXP i.MX 8M Plus EVK' in refused and "its board file has can0" in refused, refused
    assert "has no [[can]]" in call("check", bus, "--board", root / "boards/raspberrypi-cm4.toml", ok=(1,)).stderr
    bus.write_text(bus.read_text().replace("can1", "can0"))
    call("check", bus, "--board", path)
    def check(top, path):
        found = json.loads(call("doctor", "--sysroot", top, "--board", path, "--json", ok=(0, 1)).stdout)["data"]["checks"]
        return [(c["result"], c.get("remedy")) for c in found if c["id"] == "board-can"]
    top = host("host-with-a-bus", facts(path), "2-3")
    assert check(top, path) == [("fail", "modprobe flexcan")], check(top, path)
    (top / "sys/class/net/can0").mkdir(parents=True)
    (top / "sys/class/net/can0/type").write_text("1\n")  # an Ethernet port of that name
    assert check(top, path)[0][0] == "fail"
    (top / "sys/class/net/can0/type").write_text("280\n")
    assert check(top, path) == [("pass", None)], check(top, path)
    assert [c[0] for c in check(top, root / "boards/generic-x86_64.toml")] == ["pass", "warn"]


trees = {"raspberrypi-cm4": "bcm2711-rpi-cm4-io", "nxp-imx8mp-evk": "imx8mp-evk", "kontron-sl28": "fsl-ls1028a-kontron-sl28",
         "xilinx-k26": "zynqmp-smk-k26-revA", "siemens-iot2050": "k3-am6548-iot2050-advanced"}
# Linux drivers by the device-tree names to which they bind.
binds = {"bcmgenet": "genet", "fec": "-fec", "imx-dwmac": "dwmac-eqos", "fsl_enetc": "fsl,enetc", "flexcan": "flexcan", "macb": "cdns,gem",
         "bcm2835_wdt": "bcm2835-pm-wdt", "imx2_wdt": "imx21-wdt", "sl28cpld_wdt": "sl28cpld-wdt", "cdns_wdt": "cdns,wdt", "rti_wdt": "rti-wdt"}


@test
def arm_boards_say_what_their_device_trees_say():
    folder = root / "build/device-trees"
    if not (folder / "wanted").exists():
        raise Skip("scripts/device-trees was not run")
    compared = 0
    for name, tree in trees.items():
        board, text = facts(root / f"boards/{name}.toml"), (folder / f"{tree}.dts").read_text()
        cpus = re.findall(r"\n\t\tcpu@[0-9a-f]+ \{(.*?)\n\t\t\};", text, re.S)
        size = lambda block, key: int(re.search(key + r" = <(0x[0-9a-f]+)>", block)[1], 16)
        second = re.search(r"l2-cache\S* \{(.*?)\};", text, re.S)
        said = {"cores": lambda: len(cpus), "model": lambda: re.search(r'compatible = "arm,([^"]+)"', cpus[0])[1],
                "l1d_bytes": lambda: size(cpus[0], "d-cache-size"), "line_bytes": lambda: size(cpus[0], "d-cache-line-size"),
                "l2_bytes": lambda: size(second[1], "cache-size")}
        for key, ask in said.items():
            fact = board["cpu"][key]
            if fact["from"] == "device-tree":
                assert fact["is"] == ask(), (name, key, fact, ask())
                compared += 1
        for what in [*(p["driver"] for p in board["port"] + board.get("can", [])), board["watchdog"]["driver"]]:
            if what["from"] == "device-tree":
                assert binds[what["is"]] in text, (name, what)
                compared += 1
    assert compared >= 25, compared
