#include "plan/schema.hpp"

#include <array>

#include "model/codec_kinds.hpp"

namespace vedette::plan {
namespace {

using enum ValueKind;
using D = Dimension;

constexpr std::array kSections{
    SectionText{"", false, "Keys before the first section."},
    SectionText{"own", false, "Own ship, or the platform that carries the node."},
    SectionText{"cores", false, "Threads and the cores they run on."},
    SectionText{"limits", false, "Bounds of the node; it reserves memory for them at its start."},
    SectionText{"mirror", false, "The second engine that checks the first."},
    SectionText{"sandbox", false, "What the node gives up once it has started."},
    SectionText{"control", false, "Who may ask a running node."},
    SectionText{"role", true,
                "People who may ask a running node for what `may` says. Without any role everybody "
                "may who can open its control socket; with one, everybody else may only look."},
    SectionText{"source", true, "Where bytes come in, and the codec that reads them."},
    SectionText{
        "sensor", true,
        "A radar, lidar or the like behind a source that reports positions without identities."},
    SectionText{"zone", true,
                "An area: `points`, or `centre` and `radius`, or `around = \"own\"`."},
    SectionText{
        "tracker", true,
        "How things of one kind move: own, vessel, aid, base_station, aircraft, vehicle, contact."},
    SectionText{"assess", true, "A judgement over belief, with level and confidence."},
    SectionText{"decide", true, "A choice made when an assessment changes."},
    SectionText{"action", true, "What the node does, through which sink, and how durably."},
    SectionText{"sink", true, "Where actions go."},
    SectionText{
        "env", true,
        "Overrides for one environment, chosen with --env NAME: quoted paths as keys, as in "
        "`\"source.bus.driver\" = \"recording\"`."},
};

constexpr std::array kKeys{
    Key{"", "site", text, D::number, "!", 0, 0, "",
        "Name of the site; part of every alert. Alerts of two posts with one name have different "
        "keys."},

    Key{"", "timezone", text, D::number, "", 0, 0, "",
        "Time zone of `time_of_day` and `weekday`, as in \"Europe/Helsinki\". Its changes from "
        "2000 "
        "to 2100 are compiled into the plan from this machine's time zone data; later the last "
        "offset stays."},

    Key{"own", "mmsi", list, D::number, "", 1, 999999999, "",
        "MMSIs of own transponders. Radio reports under them are compared with own position and "
        "never set it; what the transponder says by wire sets it where no receiver does."},
    Key{"own", "agree", quantity, D::duration, "60 s", 1, 86400, "",
        "When own position jumps: how long most of its sources must agree on the new place before "
        "the node believes it; until then it uses dead reckoning."},
    Key{"own", "apart", quantity, D::length, "50 m", 0, 1000, "",
        "Largest distance between the antennas of own position on board."},
    Key{"own", "stale", quantity, D::duration, "10 s", 1, 86400, "",
        "`own.stale` holds when no position of own ship was heard for this long."},
    Key{"own", "frozen", quantity, D::duration, "15 s", 1, 86400, "",
        "`own.frozen` holds when a receiver has reported one position, to the last digit, for this "
        "long, while own ship moves."},
    Key{"own", "drift", quantity, D::length, "40 m", 5, 100000, "",
        "`own.drift` holds when the positions of a receiver have led this far away from the speed "
        "and course that it reports; what is older than three minutes is forgotten. At least four "
        "standard deviations of its position. Also when it reports a way that log and compass do "
        "not, by three times as much and a fifth of that way."},
    Key{"own", "at", list, D::number, "", 0, 0, "",
        "[latitude, longitude] of a post that does not move: `own.off_place` holds when own "
        "position is farther away than `within`."},
    Key{"own", "within", quantity, D::length, "100 m", 1, 100000, "",
        "How far from `at` own position may be, beside its own error and `apart`."},
    Key{"own", "sudden_within", quantity, D::length, "1 nmi", 0, 100000, "",
        "A track first heard within this distance of own ship is `sudden`; 0 m: none is."},
    Key{"own", "sudden_after", quantity, D::duration, "10 min", 0, 86400, "",
        "A track is `sudden` only if its source and own position have been heard for this long; "
        "a source silent for this long starts over."},

    Key{"cores", "engine", whole, D::number, "-1", -1, 1023, "",
        "Core of the engine thread; -1: the system chooses."},
    Key{"cores", "ingress", whole, D::number, "", -1, 1023, "",
        "Core of a separate thread for the sources; -1: the system chooses. Without this key, and "
        "always at speed \"max\", the engine's thread reads them, which suits two cores."},
    Key{"cores", "priority", whole, D::number, "50", 0, 90, "",
        "SCHED_FIFO priority; 0 keeps the normal scheduler."},
    Key{"cores", "idle", choice, D::number, "spin", 0, 0, "spin rest",
        "What the engine does while there is no input: spin, and send over the loopback interface "
        "to stay fast, or rest for 60 µs at a time."},
    Key{"cores", "watchdog", quantity, D::duration, "10 s", 0, 3600, "",
        "If the engine or ingress thread hangs for this long, the node exits, so that its "
        "supervisor "
        "starts it again; 0 s: never."},
    Key{"cores", "watchdog_device", text, D::number, "", 0, 0, "",
        "The machine's own watchdog, \"/dev/watchdog\"; the node feeds it every second while no "
        "thread hangs."},
    Key{"cores", "huge_pages", flag, D::boolean, "true", 0, 0, "",
        "Use huge pages where the host has them."},

    Key{"limits", "tracks", whole, D::number, "4096", 1, 131072, "", "Largest number of tracks."},
    Key{"limits", "contacts", whole, D::number, "512", 1, 16384, "",
        "Largest number of contacts, tentative ones included; 11 KiB each."},
    Key{"limits", "batch_events", whole, D::number, "64", 1, 256, "",
        "Largest number of events in a batch."},
    Key{"limits", "pending_actions", whole, D::number, "256", 1, 1024, "",
        "Largest number of actions under way."},
    Key{"limits", "alarms", whole, D::number, "256", 16, 4096, "",
        "Largest number of alarms; in a full list one that has returned to normal gives way, else "
        "the newcomer is not listed (cause alarms-full)."},
    Key{"limits", "pairs", whole, D::number, "1024", 16, 16384, "",
        "Largest number of pairs of tracks whose condition holds or is about to clear; beyond it "
        "none is raised (cause pairs-full). A track is compared with its 64 nearest."},
    Key{"limits", "waiting_events", whole, D::number, "1024", 1, 16777216, "",
        "Largest number of events that wait in the engine during a hold."},
    Key{"limits", "turn", quantity, D::duration, "50 ms", 0.0001, 60, "",
        "Longest time for one turn of ingress, engine or act; a longer one makes a fault event."},
    Key{"limits", "recover", quantity, D::duration, "5 s", 0.01, 3600, "",
        "The node leaves safe mode, then overload, each after this long without a late event."},
    Key{"limits", "trial", quantity, D::duration, "60 s", 1, 86400, "",
        "A new version of the image confirms itself after being healthy for this long: no source, "
        "sink, network, journal or update key is missing that the version before had."},
    Key{"limits", "trial_within", quantity, D::duration, "10 min", 1, 604800, "",
        "If a new version is not confirmed within this time, the version before starts again."},
    Key{"limits", "journal", quantity, D::bytes, "1 GiB", 4194304, 1e15, "",
        "Size of the journal on disk; the oldest segments go first."},
    Key{"limits", "evidence", quantity, D::bytes, "", 262144, 1e12, "",
        "Size of the evidence on disk: assessments, decisions, actions, commands and faults of "
        "segments that are gone, with their causes. Without this key a sixteenth of `journal`, "
        "64 MiB at most."},
    Key{"limits", "segment", quantity, D::bytes, "16 MiB", 1048576, 1e9, "",
        "Size of one journal file."},
    Key{"limits", "image", quantity, D::bytes, "256 MiB", 1048576, 1e12, "",
        "Largest size of the belief image."},
    Key{"limits", "tick", quantity, D::duration, "250 ms", 0.001, 60, "",
        "How often the node judges everything again without new input."},
    Key{"limits", "checkpoint", quantity, D::duration, "5 s", 0.05, 3600, "",
        "How often the node writes the belief image."},
    Key{"limits", "commit", quantity, D::duration, "2 ms", 0, 10, "",
        "Group commit: how long a batch waits for others before it goes to disk."},
    Key{"limits", "wear", quantity, D::daily, "", 1048576, 1e15, "",
        "Budget for flash: when journal and images write more than this, the node lengthens "
        "`commit` and `checkpoint`, then packs blocks. Without this key it writes as it likes."},

    Key{"mirror", "on_mismatch", choice, D::number, "restart", 0, 0, "restart tell",
        "When a replay shows that the engine's memory or processor failed: restart, and recompute "
        "belief from the recorded inputs; or tell, and go on. The third time within an hour the "
        "node tells."},

    Key{"sandbox", "enforce", flag, D::boolean, "true", 0, 0, "",
        "Once it has started, each thread keeps only the system calls, files, ports and rights "
        "that it needs, and a call that it may not make ends the node. false: nothing is taken "
        "away, and `status` says so."},
    Key{"sandbox", "user", text, D::number, "", 0, 0, "",
        "The user that the node becomes once it has started, a name of /etc/passwd or a number; "
        "the data folder becomes that user's. Only root can change; anyone else stays who they "
        "are, and `status` says so."},

    Key{"control", "group", text, D::number, "", 0, 0, "",
        "The group of the control socket, a name of /etc/group or a number; its members can open "
        "it "
        "(mode 0660). They must be able to enter the data folder, too."},
    Key{"role", "users", texts, D::number, "", 0, 0, "",
        "Names of /etc/passwd or numbers. The node's own user and root may always do everything."},
    Key{"role", "groups", texts, D::number, "", 0, 0, "",
        "The same for every member of these groups, names of /etc/group or numbers."},
    Key{"role", "may", texts, D::number, "!", 0, 0, "",
        "A list of hold, resume, time, acknowledge, shelve, note, cancel and requeue, or \"all\". "
        "`shelve` includes unshelving."},

    Key{"source", "driver", choice, D::number, "!", 0, 0,
        "udp serial dpdk recording tcp pipe mqtt can", "What brings the bytes."},
    Key{"source", "codec", choice, D::number, "!", 0, 0, codec_names(),
        "What turns bytes into observations."},
    Key{"source", "class", choice, D::number, "normal", 0, 0, "critical high normal bulk",
        "Urgency of its events; the most urgent are worked first."},
    Key{"source", "credits", whole, D::number, "1024", 16, 65536, "",
        "How many of its events may wait for the engine. Without a free one a recording waits; the "
        "node "
        "refuses events of other drivers as `lane-full`."},
    Key{"source", "horizon", quantity, D::duration, "10 s", 0.001, 3600, "",
        "The node abandons an event not worked within this time; within a class the one that "
        "expires first goes first."},
    Key{"source", "sample", whole, D::number, "1", 1, 1000, "",
        "In overload and safe mode the node works only every n-th of its records."},
    Key{"source", "own", flag, D::boolean, "true", 0, 0, "",
        "Whether its reports on own ship count; false for a receiver that is not on board."},
    Key{"source", "listen", text, D::number, "", 0, 0, "",
        "udp, tcp: address and port, \"0.0.0.0:10110\"; tcp waits there for `senders` to connect."},
    Key{"source", "to", texts, D::number, "", 0, 0, "",
        "tcp, mqtt: the other end, \"receiver.example:30005\", \"192.0.2.7:30005\" or "
        "\"[2001:db8::7]:30005\", or a list of up to 8 that are tried in order. A connection that "
        "breaks is made again: after `retry` and, while it fails, ever longer pauses up to 30 s. A "
        "name is looked up again for each attempt."},
    Key{"source", "greet", text, D::number, "", 0, 0, "",
        "tcp with `to`: sent on connecting, 512 bytes at most; \\n ends a line."},
    Key{"source", "senders", whole, D::number, "8", 1, 16, "",
        "tcp with `listen`: how many may be connected at once. The next one is closed at once and "
        "counted (`turned_away` in `status`)."},
    Key{"source", "silence", quantity, D::duration, "2 min", 0, 86400, "",
        "tcp: a connection that brings nothing for this long is closed and made again; 0 s: never. "
        "A host that does not answer at all is found within 20 s in any case."},
    Key{"source", "topic", texts, D::number, "", 0, 0, "",
        "mqtt: the topic filter, \"ais/+/raw\" or \"boats/#\", or a list of up to 8. Each "
        "publication's "
        "payload is one datagram of the codec, 2,048 bytes at most."},
    Key{"source", "qos", whole, D::number, "0", 0, 1, "",
        "mqtt: 0, at most once; 1, the broker repeats what the node has not acknowledged, so a "
        "publication may come twice."},
    Key{"source", "user", text, D::number, "", 0, 0, "",
        "mqtt: name for the broker; only with `tls` or a broker on this machine, because it would "
        "be "
        "sent in clear."},
    Key{"source", "password_file", text, D::number, "", 0, 0, "",
        "mqtt: file whose first line is the user's password, read at the start."},
    Key{"source", "tls", flag, D::boolean, "false", 0, 0, "",
        "tcp with `to`, mqtt: the connection is secured by TLS 1.2. A server that speaks 1.3 only "
        "is "
        "not supported."},
    Key{"source", "ca_file", text, D::number, "", 0, 0, "",
        "`tls`: certificates in PEM that the server's must lead to."},
    Key{"source", "server_name", text, D::number, "", 0, 0, "",
        "`tls`: the name that the server's certificate must have; without it the one in `to`."},
    Key{"source", "certificate_file", text, D::number, "", 0, 0, "",
        "`tls`: what this node shows, in PEM, its own certificate first."},
    Key{"source", "key_file", text, D::number, "", 0, 0, "",
        "`tls`: its key in PEM, without a passphrase; only its owner may read it."},
    Key{"source", "group", text, D::number, "", 0, 0, "",
        "udp: multicast group to join, \"239.192.0.1\"; the source is down until an "
        "interface leads to it."},
    Key{"source", "from", list, D::number, "", 0, 0, "",
        "udp, dpdk, tcp with `listen`, captures: who may send, [\"192.0.2.0/24\", "
        "\"198.51.100.7\"], IPv4, 16 at "
        "most; the node refuses what others send and counts it as `sender`. Without this key "
        "everybody may send."},
    Key{"source", "device", text, D::number, "", 0, 0, "",
        "serial: device of the line, \"/dev/ttyUSB0\". pipe: the FIFO, made by `mkfifo`, or \"-\" "
        "for "
        "standard input. A FIFO whose writer ends is down until the next one writes; standard "
        "input "
        "is `ended`."},
    Key{"source", "interface", text, D::number, "", 0, 0, "",
        "can: the bus, \"can0\", which the system has brought up with its bit rate; in an image "
        "the "
        "node brings it up. Error frames are refused as `bus-error`; at bus-off the source is down "
        "until it hears a frame again."},
    Key{"source", "bitrate", whole, D::number, "250000", 10000, 1000000, "",
        "can: bits a second of a bus that the node brings up; NMEA 2000 has 250,000."},
    Key{"source", "baud", whole, D::number, "4800", 1200, 3000000, "",
        "serial: speed of the line."},
    Key{"source", "port", text, D::number, "", 0, 0, "",
        "dpdk: EAL device arguments or a PCI address, \"net_af_packet0,iface=eth1\"; sources may "
        "share one, each with its own udp_port."},
    Key{"source", "udp_port", whole, D::number, "0", 0, 65535, "",
        "dpdk, captures: take only datagrams to this port; 0 takes all."},
    Key{"source", "file", text, D::number, "", 0, 0, "",
        "recording: the file or the pipe, from --recordings or the site file's folder; gzip and "
        "zstd are "
        "unpacked, to 1 GiB and 256 times its size at most. A damaged or incomplete file is an "
        "error."},
    Key{"source", "format", choice, D::number, "automatic", 0, 0,
        "automatic lines n2k-plain adsb-csv tlog pcap raw", "recording: format of the file."},
    Key{"source", "speed", text, D::number, "1", 0, 0, "",
        "recording: times as fast as recorded, or \"max\"; the same for all recordings."},
    Key{"source", "interval", quantity, D::duration, "100 ms", 0.000001, 3600, "",
        "recording: time between frames, where the recording carries no times, or only those of a "
        "receiver's fix. `check` asks for it; a node that runs without says so."},
    Key{"source", "align", choice, D::number, "clock", 0, 0, "clock start",
        "recording: clock: its frames come at their own times, on one clock with the other "
        "recordings; start: its first frame comes when the first of the others does."},
    Key{"source", "start", quantity, D::duration, "0 s", 0, 86400, "",
        "recording: starts this long after the node."},
    Key{"source", "retry", quantity, D::duration, "1 s", 0.01, 3600, "",
        "serial, tcp, pipe: time between attempts to open a missing line, and the shortest between "
        "those "
        "to connect."},

    Key{"sensor", "source", name, D::number, "!", 0, 0, "source", "The source of its reports."},
    Key{"sensor", "sac", whole, D::number, "0", 0, 255, "", "ASTERIX system area code."},
    Key{"sensor", "sic", whole, D::number, "0", 0, 255, "", "ASTERIX system identification code."},
    Key{"sensor", "mount", choice, D::number, "fixed", 0, 0, "fixed own",
        "fixed: at `position`. own: on own ship."},
    Key{"sensor", "position", numbers, D::angle, "", 0, 0, "",
        "[latitude, longitude] of a fixed sensor."},
    Key{"sensor", "range", quantity, D::length, "!", 1, 1000000, "",
        "Farthest it sees; its silence says nothing about what is beyond."},
    Key{"sensor", "range_min", quantity, D::length, "0 m", 0, 1000000, "", "Nearest it sees."},
    Key{"sensor", "sector", numbers, D::angle, "", 0, 0, "",
        "What it sees: [from, to], degrees clockwise from true north; without this key all round."},
    Key{"sensor", "update", quantity, D::duration, "2 s", 0.001, 600, "", "Duration of one scan."},
    Key{"sensor", "scan", choice, D::number, "datagram", 0, 0, "datagram turn",
        "datagram: each holds a whole scan. turn: reports come as the antenna turns."},
    Key{"sensor", "range_sigma", quantity, D::length, "!", 0.01, 100000, "",
        "One standard deviation of a range."},
    Key{"sensor", "azimuth_sigma", quantity, D::angle, "!", 0.0001, 45, "",
        "One standard deviation of an azimuth."},
    Key{"sensor", "extent", quantity, D::length, "0 m", 0, 1000, "",
        "Spread of reports over a target of the usual size, one standard deviation."},
    Key{"sensor", "near_side", quantity, D::length, "0 m", 0, 1000, "",
        "How much nearer than a target's centre its reports lie, as it sees the near side."},
    Key{"sensor", "resolution", quantity, D::length, "0 m", 0, 10000, "",
        "Reports of one scan closer together than this are of one target."},
    Key{"sensor", "detection", quantity, D::ratio, "90 %", 0.01, 0.999, "",
        "Probability that a scan reports a target in view."},
    Key{"sensor", "hidden", quantity, D::ratio, "10 %", 0, 0.9, "",
        "Share of time that a target in range is out of view, for instance behind others."},
    Key{"sensor", "clutter", quantity, D::number, "1", 1e-6, 1e6, "",
        "False reports per square kilometre and scan."},
    Key{"sensor", "delay", quantity, D::duration, "0 s", 0, 60, "",
        "How much later than the observation its time stamps are."},
    Key{"sensor", "window", quantity, D::duration, "3 s", 0, 60, "",
        "The node still uses reports up to this much older than the newest, and abandons older "
        "ones."},
    Key{"sensor", "confirm", whole, D::number, "3", 1, 100, "",
        "How many reports a contact needs to be confirmed."},
    Key{"sensor", "coast", quantity, D::duration, "6 s", 0.01, 3600, "",
        "A contact that it saw last coasts after this long unseen."},
    Key{"sensor", "delete", quantity, D::duration, "15 s", 0.01, 3600, "",
        "A contact that it saw last is lost after this long unseen."},
    Key{"sensor", "mask", list, D::number, "", 0, 0, "",
        "Zones whose reports the node ignores, such as land."},

    Key{"zone", "points", numbers, D::angle, "", 0, 0, "",
        "Corners, [[latitude, longitude], …] in degrees; edges are great circles. They do "
        "not cross, and enclose an area."},
    Key{"zone", "centre", numbers, D::angle, "", 0, 0, "",
        "Middle of a circle, [latitude, longitude]."},
    Key{"zone", "around", choice, D::number, "", 0, 0, "own", "A circle that moves with own ship."},
    Key{"zone", "radius", quantity, D::length, "", 1, 1000000, "", "Radius of the circle."},

    Key{"tracker", "acceleration", quantity, D::acceleration, "", 0.0001, 200, "",
        "How hard tracks of this kind manoeuvre."},
    Key{"tracker", "max_speed", quantity, D::speed, "", 0.1, 4000, "",
        "A faster move is a jump, and the node refuses it."},
    Key{"tracker", "gate", quantity, D::number, "5", 2, 20, "",
        "Largest deviation from the expected position, in standard deviations; beyond is a jump."},
    Key{"tracker", "position_sigma", quantity, D::length, "", 0.1, 10000, "",
        "Standard deviation of positions whose source gives none."},
    Key{"tracker", "half_life", quantity, D::duration, "", 0.01, 1e6, "",
        "Age at which confidence halves."},
    Key{"tracker", "halving_sigma", quantity, D::length, "", 0.1, 1e6, "",
        "Position deviation at which confidence halves."},
    Key{"tracker", "coast", quantity, D::duration, "", 0.01, 1e6, "",
        "Silence after which a track coasts."},
    Key{"tracker", "lost", quantity, D::duration, "", 0.01, 1e6, "",
        "Silence after which it is lost."},
    Key{"tracker", "retire", quantity, D::duration, "", 0.01, 1e6, "",
        "Silence after which the node forgets it."},
    Key{"tracker", "confirm", whole, D::number, "2", 1, 100, "",
        "How many positions a track needs to be confirmed."},
    Key{"tracker", "most", whole, D::number, "0", 0, 131072, "",
        "Largest number of tracks of this kind; 0: 15/16 of [limits] tracks. Each kind has 1/128 "
        "for itself."},

    Key{"assess", "of", text, D::number, "!", 0, 0, "",
        "The subject: \"track\", \"own\", \"pair\" (two tracks, a and b), \"source.NAME\", "
        "\"sink.NAME\", or \"node\" (how the node itself fares)."},
    Key{"assess", "within", quantity, D::length, "", 10, 100000, "",
        "Of a pair: the distance beyond which two tracks are no pair."},
    Key{"assess", "kinds", list, D::kind, "", 0, 0, "",
        "Only tracks of these kinds; without it vessel, aircraft and vehicle."},
    Key{"assess", "when", expression, D::boolean, "!", 0, 0, "", "Raised while this is true."},
    Key{"assess", "cheap_when", expression, D::boolean, "", 0, 0, "",
        "Replaces `when` in overload and safe mode; must cost less."},
    Key{"assess", "alarm_when", expression, D::boolean, "", 0, 0, "",
        "Level alarm while this is true."},
    Key{"assess", "confidence", expression, D::ratio, "", 0, 0, "",
        "Confidence of the assessment; without this key the track's."},
    Key{"assess", "warn", quantity, D::ratio, "0", 0, 1, "",
        "Confidence from which the level is warn."},
    Key{"assess", "alarm", quantity, D::ratio, "2", 0, 2, "",
        "Confidence from which the level is alarm; 2 is never."},
    Key{"assess", "safe", flag, D::boolean, "true", 0, 0, "",
        "Judge it in safe mode, too, when urgent events are late."},
    Key{"assess", "notice", flag, D::boolean, "false", 0, 0, "",
        "Not an alarm, although a decision acts on it: it is not listed, acknowledged or "
        "escalated. Without this key every assessment that a decision acts on is an alarm."},
    Key{"assess", "priority", choice, D::number, "medium", 0, 0, "low medium high critical",
        "Of its alarm: the order of the list, and who gives way in a full one."},
    Key{"assess", "escalate_after", quantity, D::duration, "0 s", 0, 86400, "",
        "If nobody acknowledges its alarm within this time, `escalate_to` runs; 0 s: never."},
    Key{"assess", "escalate_to", name, D::number, "", 0, 0, "action",
        "The action that runs when nobody acknowledged the alarm in time."},
    Key{"assess", "follows", list, D::number, "", 0, 0, "",
        "Assessments that this one may merely follow from, such as the silence of its source: "
        "while one of them is an alarm, this alarm is suppressed, and its decisions are not made."},
    Key{"assess", "hold", quantity, D::duration, "0 s", 0, 86400, "",
        "How long `when` must be true before it is raised."},
    Key{"assess", "clear", quantity, D::duration, "0 s", 0, 86400, "",
        "How long `when` must be false before it is cleared."},

    Key{"decide", "on", name, D::number, "!", 0, 0, "assess",
        "The assessment whose change it decides on."},
    Key{"decide", "trigger", choice, D::number, "raised", 0, 0, "raised cleared both",
        "On which change: raised (or to another level), cleared, or both."},
    Key{"decide", "if", expression, D::boolean, "", 0, 0, "",
        "Decide only if this is true; may use the subject, `level` and `confidence`."},
    Key{"decide", "confidence", quantity, D::ratio, "0", 0, 1, "",
        "Below this confidence it takes the fallback."},
    Key{"decide", "deadline", quantity, D::duration, "10 ms", 0.00001, 3600, "",
        "Longest time from the newest observation to the decision; later it takes the fallback."},
    Key{"decide", "run", names, D::number, "!", 0, 0, "action",
        "The action, or a list of up to 8, in order: each is an order of its own, with its own "
        "key, "
        "retries and outcome."},
    Key{"decide", "fallback", name, D::number, "", 0, 0, "action",
        "The action, instead of all, when confidence is too low or the deadline has passed; "
        "without "
        "this key none."},

    Key{"action", "sink", name, D::number, "!", 0, 0, "sink", "Where it goes."},
    Key{"action", "format", choice, D::number, "json", 0, 0, "json cot nmea",
        "JSON line, Cursor-on-Target XML, or an NMEA 0183 ALR sentence."},
    Key{"action", "durable", choice, D::number, "first", 0, 0, "first before behind",
        "first: do it once it is on disk, or unrecorded and marked so when the disk has not taken "
        "it within `record_within`. before: never do it unrecorded. behind: do it at once; only "
        "for what may be repeated."},
    Key{"action", "record_within", quantity, D::duration, "50 ms", 0.001, 60, "",
        "durable = \"first\": how long it waits for the disk; less than `horizon`."},
    Key{"action", "idempotent", flag, D::boolean, "false", 0, 0, "",
        "Repeating it does no harm; `durable = \"behind\"` needs it."},
    Key{"action", "horizon", quantity, D::duration, "10 s", 0.001, 86400, "",
        "The node abandons an action not done within this time."},
    Key{"action", "retries", whole, D::number, "0", 0, 100, "",
        "How many attempts follow a failed one, within the horizon."},
    Key{"action", "backoff", quantity, D::duration, "200 ms", 0.001, 3600, "",
        "Pause before the second attempt; it doubles each time, give or take a quarter. Without "
        "this "
        "key it begins with 200 ms and grows so that the last attempt lies near the end of "
        "`horizon`."},
    Key{"action", "safe", flag, D::boolean, "true", 0, 0, "", "Do it in safe mode, too."},
    Key{"action", "message", text, D::number, "", 0, 0, "",
        "Text for people, at most 200 bytes; an NMEA sentence has room for 24. It may hold values, "
        "see [Messages](#messages)."},

    Key{"sink", "driver", choice, D::number, "!", 0, 0, "udp serial log tcp",
        "What carries messages, and when one counts as `success`. udp: the system took the "
        "datagram; the node does not know whether it arrived. serial: the line's driver took it "
        "or its beginning, and the rest goes next; the node does not know whether anybody "
        "listens. log: its line is queued for the log; with a full "
        "queue the attempt ends as `sink-full`. tcp: see `confirm`."},
    Key{"sink", "to", text, D::number, "", 0, 0, "", "udp, tcp: address and port."},
    Key{"sink", "connections", whole, D::number, "1", 1, 4, "",
        "tcp: how many connections the node keeps open."},
    Key{"sink", "connections_most", whole, D::number, "2", 1, 4, "",
        "tcp: how many it opens at most, while the others take no more."},
    Key{"sink", "confirm", choice, D::number, "acknowledged", 0, 0, "acknowledged sent answer",
        "tcp: a message succeeds once the other end's TCP has acknowledged it, once it is sent, or "
        "once the receiver has answered the line `{\"ack\":\"KEY\"}` with its key (formats json "
        "and cot)."},
    Key{"sink", "confirm_within", quantity, D::duration, "5 s", 0.1, 3600, "",
        "tcp: the node closes a connection that does not confirm a message within this time, and "
        "sends what is unconfirmed again under its key on the next one, until its `horizon`."},
    Key{"sink", "device", text, D::number, "", 0, 0, "", "serial: device of the line."},
    Key{"sink", "breaker", whole, D::number, "0", 0, 1000000, "",
        "This many failures in a row open its circuit breaker; 0: never."},
    Key{"sink", "breaker_rest", quantity, D::duration, "5 s", 0.001, 86400, "",
        "An open breaker lets nothing through for this long, then one attempt."},
    Key{"sink", "baud", whole, D::number, "4800", 1200, 3000000, "", "serial: speed of the line."},
};

constexpr TrackerDefault kTrackerDefaults[] = {
    {"own", IdentityKind::own, 0.1, 60, 5, 10, 200, 5, 30, 3600},
    {"vessel", IdentityKind::vessel, 0.1, 60, 15, 120, 500, 60, 360, 1200},
    {"aid", IdentityKind::aid, 0.01, 5, 15, 1800, 500, 600, 1800, 7200},
    {"base_station", IdentityKind::base_station, 0.001, 1, 15, 1800, 500, 600, 1800, 7200},
    {"aircraft", IdentityKind::aircraft, 2, 500, 50, 10, 2000, 10, 60, 300},
    {"vehicle", IdentityKind::vehicle, 3, 100, 3, 3, 100, 2, 10, 120},
    {"contact", IdentityKind::contact, 0.5, 25, 10, 10, 100, 10, 30, 300},
};

}  // namespace

std::span<const Key> keys() {
  return kKeys;
}
std::span<const SectionText> sections() {
  return kSections;
}

std::span<const TrackerDefault> tracker_defaults() {
  return kTrackerDefaults;
}

}  // namespace vedette::plan
