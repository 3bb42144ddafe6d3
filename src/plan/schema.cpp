#include "plan/schema.hpp"

#include <array>

#include "model/codec_kinds.hpp"

namespace vedette::plan {
namespace {

using enum ValueKind;
using D = Dimension;

constexpr std::array kSections{
    SectionText{"", false, "The top of the file."},
    SectionText{"own", false, "Own ship, or the platform the node stands on."},
    SectionText{"cores", false, "Threads and the cores they run on."},
    SectionText{"limits", false, "Bounds of the node; memory is reserved for them at start."},
    SectionText{"source", true, "Where bytes come in, and the codec that reads them."},
    SectionText{"sensor", true,
                "A radar, lidar or the like behind a source, that reports places without names."},
    SectionText{"zone", true,
                "An area: `points`, or `centre` and `radius`, or `around = \"own\"`."},
    SectionText{
        "tracker", true,
        "How things of one kind move: own, vessel, aid, base_station, aircraft, vehicle, contact."},
    SectionText{"assess", true, "A judgement over belief, with level and confidence."},
    SectionText{"decide", true, "A choice made when an assessment changes."},
    SectionText{"action", true, "What is done, by which sink, and how durably."},
    SectionText{"sink", true, "Where actions go."},
    SectionText{
        "env", true,
        "Overrides for one environment, chosen with --env NAME: quoted paths as keys, as in "
        "`\"source.bus.driver\" = \"recording\"`."},
};

constexpr std::array kKeys{
    Key{"", "site", text, D::number, "!", 0, 0, "",
        "Name of the site; part of every action's key."},

    Key{"own", "mmsi", list, D::number, "", 1, 999999999, "",
        "MMSIs of our own transponders. What is heard under them by radio is compared with own "
        "position and never sets it; what our transponder itself says by wire does where no "
        "receiver is believed."},
    Key{"own", "agree", quantity, D::duration, "60 s", 1, 86400, "",
        "So long most sources of own position must agree on a place that own ship cannot have got "
        "to before it is believed; until then own position is reckoned."},
    Key{"own", "apart", quantity, D::length, "50 m", 0, 1000, "",
        "The most that antennas of own position stand apart on board."},
    Key{"own", "sudden_within", quantity, D::length, "1 nmi", 0, 100000, "",
        "What is first heard so near own ship is `sudden`; 0 m: nothing is."},
    Key{"own", "sudden_after", quantity, D::duration, "10 min", 0, 86400, "",
        "Only once its source and own position have been heard for so long; a source that was "
        "silent for so long begins anew."},

    Key{"cores", "engine", whole, D::number, "-1", -1, 1023, "",
        "Core of the engine thread; -1 leaves it to the system."},
    Key{"cores", "ingress", whole, D::number, "", -1, 1023, "",
        "Core of a thread that only takes sources in; -1 leaves it to the system. Without this key "
        "the engine's thread does both, as suits two cores; so it is at speed \"max\" always."},
    Key{"cores", "priority", whole, D::number, "50", 0, 90, "",
        "SCHED_FIFO priority; 0 keeps the normal scheduler."},
    Key{"cores", "idle", choice, D::number, "spin", 0, 0, "spin rest",
        "What the engine does when nothing came: spin, and rehearse its sending over the loopback "
        "interface, or rest 60 µs."},
    Key{"cores", "watchdog", quantity, D::duration, "10 s", 0, 3600, "",
        "A hot thread that does not turn for so long ends the node, to be started again; 0 s "
        "never."},
    Key{"cores", "watchdog_device", text, D::number, "", 0, 0, "",
        "The machine's own watchdog, \"/dev/watchdog\": fed each second while every hot thread "
        "turns."},
    Key{"cores", "huge_pages", flag, D::boolean, "true", 0, 0, "",
        "Use huge pages where the host has them."},

    Key{"limits", "tracks", whole, D::number, "4096", 1, 131072, "", "Tracks held at once."},
    Key{"limits", "contacts", whole, D::number, "512", 1, 16384, "",
        "Things seen by sensors and followed at once, tentative ones among them; 11 KiB each."},
    Key{"limits", "batch_events", whole, D::number, "64", 1, 256, "",
        "Events admitted in one step."},
    Key{"limits", "pending_actions", whole, D::number, "256", 1, 1024, "",
        "Actions under way at once."},
    Key{"limits", "waiting_events", whole, D::number, "1024", 1, 16777216, "",
        "Events that may wait inside the engine while the node is on hold."},
    Key{"limits", "turn", quantity, D::duration, "50 ms", 0.0001, 60, "",
        "The longest one turn of ingress, engine or act may take; longer is a fault event."},
    Key{"limits", "recover", quantity, D::duration, "5 s", 0.01, 3600, "",
        "So long nothing is late before overload or safe mode is left, one step at a time."},
    Key{"limits", "trial", quantity, D::duration, "60 s", 1, 86400, "",
        "So long a new version must be healthy at a stretch before it confirms itself: it lacks "
        "nothing of sources, sinks, network, journal and updates that the one before had."},
    Key{"limits", "trial_within", quantity, D::duration, "10 min", 1, 604800, "",
        "A new version that is not confirmed by then gives itself up, and the one before runs."},
    Key{"limits", "journal", quantity, D::bytes, "1 GiB", 4194304, 1e15, "",
        "Journal kept on disk; the oldest segments go first."},
    Key{"limits", "evidence", quantity, D::bytes, "", 262144, 1e12, "",
        "Kept on disk of segments that are gone: judgements, decisions, actions, commands, faults "
        "and "
        "what they name as their causes. Without this key a sixteenth of `journal`, 64 MiB at "
        "most."},
    Key{"limits", "segment", quantity, D::bytes, "16 MiB", 1048576, 1e9, "", "One journal file."},
    Key{"limits", "image", quantity, D::bytes, "256 MiB", 1048576, 1e12, "",
        "Largest size of the belief image."},
    Key{"limits", "tick", quantity, D::duration, "250 ms", 0.001, 60, "",
        "How often everything is judged again although nothing came."},
    Key{"limits", "checkpoint", quantity, D::duration, "5 s", 0.05, 3600, "",
        "How often the belief image is written."},
    Key{"limits", "commit", quantity, D::duration, "2 ms", 0, 10, "",
        "Group commit: the longest a batch waits for company on its way to disk."},

    Key{"source", "driver", choice, D::number, "!", 0, 0, "udp serial dpdk recording",
        "What brings the bytes."},
    Key{"source", "codec", choice, D::number, "!", 0, 0, codec_names(),
        "What turns bytes into observations."},
    Key{"source", "class", choice, D::number, "normal", 0, 0, "critical high normal bulk",
        "Urgency of its events."},
    Key{"source", "credits", whole, D::number, "1024", 16, 65536, "",
        "Events that may wait for the engine."},
    Key{"source", "horizon", quantity, D::duration, "10 s", 0.001, 3600, "",
        "Its events are given up when not worked by then; within a class the earliest goes first."},
    Key{"source", "sample", whole, D::number, "1", 1, 1000, "",
        "In overload only each n-th of its records is worked."},
    Key{"source", "own", flag, D::boolean, "true", 0, 0, "",
        "What it says of own ship is own ship's; false for a receiver that stands elsewhere."},
    Key{"source", "listen", text, D::number, "", 0, 0, "",
        "udp: address and port, \"0.0.0.0:10110\"."},
    Key{"source", "group", text, D::number, "", 0, 0, "",
        "udp: multicast group to join, \"239.192.0.1\"; the source is down until an "
        "interface leads there."},
    Key{"source", "from", list, D::number, "", 0, 0, "",
        "udp, dpdk, captures: who may send, [\"192.0.2.0/24\", \"198.51.100.7\"], IPv4, 16 at "
        "most; what others send is refused and counted as `sender`. Without it everybody may."},
    Key{"source", "device", text, D::number, "", 0, 0, "", "serial: the line, \"/dev/ttyUSB0\"."},
    Key{"source", "baud", whole, D::number, "4800", 1200, 3000000, "",
        "serial: speed of the line."},
    Key{"source", "port", text, D::number, "", 0, 0, "",
        "dpdk: EAL device arguments or a PCI address, \"net_af_packet0,iface=eth1\"; sources may "
        "share one, each with its own udp_port."},
    Key{"source", "udp_port", whole, D::number, "0", 0, 65535, "",
        "dpdk, captures: take only datagrams to this port; 0 takes all."},
    Key{"source", "file", text, D::number, "", 0, 0, "",
        "recording: the file or the pipe, from --recordings or the site file's folder; gzip is "
        "unpacked, to 1 GiB and 256 times its size at most. One that is damaged or ends too soon "
        "is "
        "an error that says what was read."},
    Key{"source", "format", choice, D::number, "automatic", 0, 0,
        "automatic lines n2k-plain adsb-csv tlog pcap raw", "recording: what kind of file it is."},
    Key{"source", "speed", text, D::number, "1", 0, 0, "",
        "recording: times as fast as recorded, or \"max\"; the same for all recordings."},
    Key{"source", "interval", quantity, D::duration, "100 ms", 0.000001, 3600, "",
        "recording: between frames that carry no time."},
    Key{"source", "start", quantity, D::duration, "0 s", 0, 86400, "",
        "recording: begin so long after the node."},
    Key{"source", "retry", quantity, D::duration, "1 s", 0.01, 3600, "",
        "serial: between attempts to open a line that is gone."},

    Key{"sensor", "source", name, D::number, "!", 0, 0, "source", "Where its reports come in."},
    Key{"sensor", "sac", whole, D::number, "0", 0, 255, "", "ASTERIX system area code."},
    Key{"sensor", "sic", whole, D::number, "0", 0, 255, "", "ASTERIX system identification code."},
    Key{"sensor", "mount", choice, D::number, "fixed", 0, 0, "fixed own",
        "Where it stands: at `position`, or on own ship."},
    Key{"sensor", "position", numbers, D::angle, "", 0, 0, "",
        "[latitude, longitude] of a fixed sensor."},
    Key{"sensor", "range", quantity, D::length, "!", 1, 1000000, "",
        "It sees so far; what lies beyond it says nothing about."},
    Key{"sensor", "range_min", quantity, D::length, "0 m", 0, 1000000, "",
        "It sees nothing closer."},
    Key{"sensor", "sector", numbers, D::angle, "", 0, 0, "",
        "[from, to], degrees clockwise from true north; without it all round."},
    Key{"sensor", "update", quantity, D::duration, "2 s", 0.001, 600, "",
        "One scan lasts so long."},
    Key{"sensor", "scan", choice, D::number, "datagram", 0, 0, "datagram turn",
        "datagram: each holds a whole scan. turn: reports come as the antenna turns."},
    Key{"sensor", "range_sigma", quantity, D::length, "!", 0.01, 100000, "",
        "One standard deviation of a range."},
    Key{"sensor", "azimuth_sigma", quantity, D::angle, "!", 0.0001, 45, "",
        "One standard deviation of an azimuth."},
    Key{"sensor", "extent", quantity, D::length, "0 m", 0, 1000, "",
        "Where on a target a report lies: one standard deviation, for targets of the usual size."},
    Key{"sensor", "near_side", quantity, D::length, "0 m", 0, 1000, "",
        "It sees the near side: a report lies so much nearer than the target's middle."},
    Key{"sensor", "resolution", quantity, D::length, "0 m", 0, 10000, "",
        "Reports of one scan closer than this are of one thing."},
    Key{"sensor", "detection", quantity, D::ratio, "90 %", 0.01, 0.999, "",
        "Share of its scans in which it reports what is there."},
    Key{"sensor", "hidden", quantity, D::ratio, "10 %", 0, 0.9, "",
        "Share of the time that a thing within its reach is hidden from it, behind others or edge "
        "on."},
    Key{"sensor", "clutter", quantity, D::number, "1", 1e-6, 1e6, "",
        "False reports per square kilometre and scan."},
    Key{"sensor", "delay", quantity, D::duration, "0 s", 0, 60, "",
        "Its clock says so much later than it saw."},
    Key{"sensor", "window", quantity, D::duration, "3 s", 0, 60, "",
        "Reports older than the newest by up to this are worked in, older ones abandoned."},
    Key{"sensor", "confirm", whole, D::number, "3", 1, 100, "",
        "Reports until what it sees may be confirmed."},
    Key{"sensor", "coast", quantity, D::duration, "6 s", 0.01, 3600, "",
        "Of what it saw last: unseen so long, it coasts."},
    Key{"sensor", "delete", quantity, D::duration, "15 s", 0.01, 3600, "",
        "Of what it saw last: unseen so long, it is lost."},
    Key{"sensor", "mask", list, D::number, "", 0, 0, "",
        "Zones, as land, from which its reports are not wanted."},

    Key{"zone", "points", numbers, D::angle, "", 0, 0, "",
        "Corners, [[latitude, longitude], …] in degrees; edges are great circles. They do "
        "not cross, and enclose an area."},
    Key{"zone", "centre", numbers, D::angle, "", 0, 0, "",
        "Middle of a circle, [latitude, longitude]."},
    Key{"zone", "around", choice, D::number, "", 0, 0, "own", "A circle that moves with own ship."},
    Key{"zone", "radius", quantity, D::length, "", 1, 1000000, "", "Of a circle."},

    Key{"tracker", "acceleration", quantity, D::acceleration, "", 0.0001, 200, "",
        "How hard such things manoeuvre."},
    Key{"tracker", "max_speed", quantity, D::speed, "", 0.1, 4000, "",
        "Faster is a jump and is refused."},
    Key{"tracker", "gate", quantity, D::number, "5", 2, 20, "", "Gate, in standard deviations."},
    Key{"tracker", "position_sigma", quantity, D::length, "", 0.1, 10000, "",
        "Of positions whose source gives no figure."},
    Key{"tracker", "half_life", quantity, D::duration, "", 0.01, 1e6, "",
        "Confidence halves with each."},
    Key{"tracker", "halving_sigma", quantity, D::length, "", 0.1, 1e6, "",
        "Position deviation at which confidence is halved."},
    Key{"tracker", "coast", quantity, D::duration, "", 0.01, 1e6, "", "Silence until coasting."},
    Key{"tracker", "lost", quantity, D::duration, "", 0.01, 1e6, "", "Silence until lost."},
    Key{"tracker", "retire", quantity, D::duration, "", 0.01, 1e6, "", "Silence until forgotten."},
    Key{"tracker", "confirm", whole, D::number, "2", 1, 100, "", "Positions until confirmed."},
    Key{"tracker", "most", whole, D::number, "0", 0, 131072, "",
        "Tracks of this kind held at once; 0 is 15 of 16 of [limits] tracks. One of 128 is each "
        "kind's alone."},

    Key{"assess", "of", text, D::number, "!", 0, 0, "",
        "The subject: \"track\", \"own\", or \"source.NAME\"."},
    Key{"assess", "kinds", list, D::kind, "", 0, 0, "",
        "Only tracks of these kinds; without it vessel, aircraft and vehicle."},
    Key{"assess", "when", expression, D::boolean, "!", 0, 0, "", "Raised while this is true."},
    Key{"assess", "cheap_when", expression, D::boolean, "", 0, 0, "",
        "Asked instead of `when` while the node is in overload or safe mode; must cost less."},
    Key{"assess", "alarm_when", expression, D::boolean, "", 0, 0, "",
        "Level alarm while this is true."},
    Key{"assess", "confidence", expression, D::ratio, "", 0, 0, "",
        "Without it the track's confidence."},
    Key{"assess", "warn", quantity, D::ratio, "0", 0, 1, "",
        "Confidence from which the level is warn."},
    Key{"assess", "alarm", quantity, D::ratio, "2", 0, 2, "",
        "Confidence from which the level is alarm; 2 is never."},
    Key{"assess", "safe", flag, D::boolean, "true", 0, 0, "",
        "Judged in safe mode too, when urgent events would come too late."},
    Key{"assess", "hold", quantity, D::duration, "0 s", 0, 86400, "",
        "True so long before raised."},
    Key{"assess", "clear", quantity, D::duration, "0 s", 0, 86400, "",
        "False so long before cleared."},

    Key{"decide", "on", name, D::number, "!", 0, 0, "assess", "The assessment that is decided on."},
    Key{"decide", "trigger", choice, D::number, "raised", 0, 0, "raised cleared both",
        "Raised (also to another level), cleared, or both."},
    Key{"decide", "if", expression, D::boolean, "", 0, 0, "",
        "And this is true; sees the subject, `level` and `confidence`."},
    Key{"decide", "confidence", quantity, D::ratio, "0", 0, 1, "",
        "Below it the fallback is taken."},
    Key{"decide", "deadline", quantity, D::duration, "10 ms", 0.00001, 3600, "",
        "From the newest observation to the decision; later, the fallback is taken."},
    Key{"decide", "run", name, D::number, "!", 0, 0, "action", "The action."},
    Key{"decide", "fallback", name, D::number, "", 0, 0, "action",
        "The action when confidence is short or the deadline has passed; none does nothing."},

    Key{"action", "sink", name, D::number, "!", 0, 0, "sink", "Where it goes."},
    Key{"action", "format", choice, D::number, "json", 0, 0, "json cot nmea",
        "JSON line, Cursor-on-Target XML, or an NMEA 0183 ALR sentence."},
    Key{"action", "durable", choice, D::number, "before", 0, 0, "before behind",
        "before: on disk, then done. behind: done at once; only for what may be repeated."},
    Key{"action", "idempotent", flag, D::boolean, "false", 0, 0, "",
        "Repeating it does no harm; `durable = \"behind\"` needs it."},
    Key{"action", "horizon", quantity, D::duration, "10 s", 0.001, 86400, "",
        "Given up when not done by then."},
    Key{"action", "retries", whole, D::number, "0", 0, 100, "",
        "Attempts after the first that failed, while the horizon allows."},
    Key{"action", "backoff", quantity, D::duration, "200 ms", 0.001, 3600, "",
        "Pause before the second attempt; it doubles with each, give or take a quarter."},
    Key{"action", "safe", flag, D::boolean, "true", 0, 0, "", "Done in safe mode too."},
    Key{"action", "message", text, D::number, "", 0, 0, "",
        "Words for people, at most 200 bytes; an NMEA sentence has room for 24."},

    Key{"sink", "driver", choice, D::number, "!", 0, 0, "udp serial log tcp",
        "What carries it, and when a message counts as `success`. udp: the system has taken the "
        "datagram; whether it arrives nobody knows. serial: the line's driver has taken it, or a "
        "part "
        "of it and the rest goes first; whether anybody is at the other end nobody knows. log: its "
        "line is queued for the log. tcp: see `confirm`."},
    Key{"sink", "to", text, D::number, "", 0, 0, "", "udp, tcp: address and port."},
    Key{"sink", "connections", whole, D::number, "1", 1, 4, "",
        "tcp: connections that are always kept open."},
    Key{"sink", "connections_most", whole, D::number, "2", 1, 4, "",
        "tcp: opened at most, one before it is needed, while others take no more."},
    Key{"sink", "confirm", choice, D::number, "acknowledged", 0, 0, "acknowledged sent answer",
        "tcp: a message is told once the other end's TCP has acknowledged it, once it is sent, or "
        "once "
        "the receiver has answered the line `{\"ack\":\"KEY\"}` with its key (formats json and "
        "cot)."},
    Key{"sink", "confirm_within", quantity, D::duration, "5 s", 0.1, 3600, "",
        "tcp: a connection on which a message waits longer for that is given up; what it had not "
        "confirmed is sent again under its key on the next, until its `horizon`."},
    Key{"sink", "device", text, D::number, "", 0, 0, "", "serial: the line."},
    Key{"sink", "breaker", whole, D::number, "0", 0, 1000000, "",
        "So many failures one after the other open its circuit breaker; 0 never does."},
    Key{"sink", "breaker_rest", quantity, D::duration, "5 s", 0.001, 86400, "",
        "An open breaker lets nothing through so long, then one attempt."},
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
