// Own ship, sources and sensors of a site.
#include <algorithm>

#include "base/text.hpp"
#include "model/codec_kinds.hpp"
#include "model/limits.hpp"
#include "plan/address.hpp"
#include "plan/site_compiler.hpp"

namespace vedette::plan {

void SiteCompiler::need_endpoint(Section& s, std::string_view key, std::uint32_t& address,
                                 std::uint16_t& port) {
  const std::string text = s.text(key);
  if (!parse_endpoint(text, address, port)) {
    s.problem(key, "\"" + text + "\" is not an address and port (\"" + std::string(key) + "\")",
              "write numbers, as in \"192.0.2.7:10110\"");
  }
}

// Null admits every sender.
flatbuffers::Offset<flatbuffers::Vector<const Network*>> SiteCompiler::compile_senders(
    Section& s, DriverKind driver) {
  if (!s.has("from")) {
    return 0;
  }
  std::vector<Network> senders;
  for (const std::string& text : s.texts("from")) {
    std::uint32_t address = 0;
    std::uint32_t mask = 0;
    const std::string problem = parse_network(text, address, mask);
    if (!problem.empty()) {
      s.problem("from", "\"" + text + "\" " + problem,
                "write IPv4 networks or addresses, as in [\"192.0.2.0/24\", \"198.51.100.7\"]");
    }
    senders.emplace_back(address, mask);
  }
  if (senders.empty() || senders.size() > limits::kSenders) {
    s.problem("from",
              "\"from\" names " + std::to_string(senders.size()) + " senders, it takes 1 to " +
                  std::to_string(limits::kSenders),
              senders.empty() ? "leave the key out to let everybody send"
                              : "write networks, as in \"192.0.2.0/24\"");
  }
  if (driver == DriverKind::serial || driver == DriverKind::pipe || driver == DriverKind::can) {
    s.problem("from", "a serial line, a pipe or a CAN bus does not say who sends",
              "leave the key out");
  } else if (driver == DriverKind::mqtt || (driver == DriverKind::tcp && s.has("to"))) {
    s.problem("from", "the node itself connects to what \"to\" names", "leave the key out");
  }
  return b_.CreateVectorOfStructs(senders);
}

flatbuffers::Offset<Own> SiteCompiler::compile_own() {
  Section s = section("own");
  std::vector<std::uint64_t> identities;
  for (const std::int64_t mmsi : s.wholes("mmsi")) {
    identities.push_back(static_cast<std::uint64_t>(mmsi));
  }
  if (identities.size() > limits::kOwnIdentities) {
    s.problem("mmsi", "\"mmsi\" lists " + std::to_string(identities.size()) +
                          " transponders, the limit is " + std::to_string(limits::kOwnIdentities));
  }
  std::vector<double> at = s.numbers("at");
  if (s.has("at") && at.size() != 2) {
    s.problem("at", "\"at\" is [latitude, longitude]", "as in at = [59.5, 24.7]");
  } else if (s.has("at")) {
    check_places(s, "at", at);
  } else if (s.has("within")) {
    s.problem("within", "\"within\" needs \"at\"",
              "say where the post stands, as in at = [59.5, 24.7]");
  }
  at.resize(2);
  return CreateOwn(b_, b_.CreateVector(identities), s.quantity("agree"), s.quantity("apart"),
                   s.quantity("sudden_within"), s.quantity("sudden_after"), s.quantity("stale"),
                   s.quantity("frozen"), s.quantity("drift"), s.has("at"), at[0], at[1],
                   s.quantity("within"));
}

namespace {

// Sources that must agree with each other.
struct SourcesTogether {
  struct PortReader {
    std::string name, eal;
    std::int64_t udp_port;
  };
  std::vector<PortReader> readers;
  std::vector<std::pair<std::string, std::string>> pipes;  // path and source
  std::string first_speed;
  bool live = false;
  bool recorded = false;
};

// Read only once, because every reading reports a wrong type again.
struct SourceTexts {
  std::string device, port, file, group;
};

void need(Section& s, std::string_view key, const std::string& value) {
  if (value.empty()) {
    s.problem("driver", "a " + s.text("driver") + " source needs \"" + std::string(key) + "\"");
  }
}

std::uint32_t multicast_group(Section& s, const std::string& text) {
  std::uint32_t group = 0;
  if (!text.empty() && (!parse_ipv4(text, group) || group >> 28 != 14)) {
    s.problem("group", "\"" + text + "\" is not a multicast address",
              "write one of 224.0.0.0 to 239.255.255.255");
  }
  return group;
}

void check_port_reader(Section& s, const std::string& eal, SourcesTogether& all) {
  const std::int64_t udp_port = s.whole("udp_port");
  for (const SourcesTogether::PortReader& other : all.readers) {
    if (other.eal == eal && (udp_port == 0 || other.udp_port == udp_port || other.udp_port == 0)) {
      s.problem("udp_port",
                "source." + s.name() + " and source." + other.name + " read the same datagrams",
                "give each source that shares a port a udp_port of its own");
    }
  }
  all.readers.push_back({s.name(), eal, udp_port});
}

CodecKind codec_of(Section& s) {
  return codec_named(s.text("codec")).value_or(CodecKind{});
}

void check_driver(Section& s, DriverKind driver, const SourceTexts& texts, SourcesTogether& all) {
  if (driver == DriverKind::serial) {
    need(s, "device", texts.device);
  } else if (driver == DriverKind::pipe) {
    need(s, "device", texts.device);
    for (const auto& [path, other] : all.pipes) {
      if (path == texts.device) {
        s.problem("device",
                  "source." + other + " reads \"" + path + "\", and each would get a part of it",
                  "give each source a pipe of its own");
      }
    }
    all.pipes.emplace_back(texts.device, s.name());
  } else if (driver == DriverKind::can) {
    need(s, "interface", s.text("interface"));
    if (!facts_of(codec_of(s)).on_can) {
      s.problem("codec", "a CAN bus carries NMEA 2000, not " + s.text("codec"),
                "write codec = \"n2k\"");
    }
  } else if (driver == DriverKind::dpdk) {
    need(s, "port", texts.port);
    check_port_reader(s, texts.port, all);
  } else if (driver == DriverKind::recording) {
    need(s, "file", texts.file);
  }
}

void check_bus(Section& s, const Board& board) {
  const std::string interface = s.text("interface");
  std::string there;
  for (const BoardCan& can : board.can) {
    if (can.name == interface) {
      return;
    }
    there += (there.empty() ? "" : ", ") + can.name;
  }
  s.problem("interface", "\"" + interface + "\" is no CAN interface of " + board.title,
            there.empty() ? "its board file has no [[can]]; add one where an adapter is plugged in"
                          : "its board file has " + there);
}

// The other ends of a TCP source, or where it listens.
struct Ends {
  std::vector<std::string> to;
  std::string listen, greet;
  std::size_t senders = 0;
  std::vector<std::string> topics;
  std::string user, password_file;
  bool tls = false;
  std::string ca_file, server_name, certificate_file, key_file;
};

bool is_address(std::string_view end) {
  const std::string_view host = end.substr(0, end.rfind(':'));
  std::uint32_t address = 0;
  return host.starts_with('[') || parse_ipv4(host, address);
}

void check_tls(Section& s, Ends& ends) {
  ends.tls = s.flag("tls");
  ends.ca_file = s.text("ca_file");
  ends.server_name = s.text("server_name");
  ends.certificate_file = s.text("certificate_file");
  ends.key_file = s.text("key_file");
  for (const char* key : {"ca_file", "server_name", "certificate_file", "key_file"}) {
    if (!ends.tls && s.has(key)) {
      s.problem(key, std::string("\"") + key + "\" is of no use without TLS",
                "write tls = true, too");
    }
  }
  if (!ends.tls) {
    return;
  }
  if (ends.ca_file.empty()) {
    s.problem("tls", "TLS needs \"ca_file\": a post trusts no certificate by itself",
              "write ca_file = \"broker-ca.pem\"");
  }
  if (!ends.server_name.empty() && !parse_end(ends.server_name + ":1", true).empty()) {
    s.problem("server_name", "\"" + ends.server_name + "\" is no host name",
              "write the name that the server's certificate is for");
  }
  if (ends.certificate_file.empty() != ends.key_file.empty()) {
    s.problem("tls", "\"certificate_file\" and \"key_file\" go together", "write both, or neither");
  }
  if (ends.server_name.empty() && std::any_of(ends.to.begin(), ends.to.end(), is_address)) {
    s.problem("to", "an address in \"to\" has no name for the server's certificate to match",
              "write the server's host name, or server_name = \"broker.example\"");
  }
}

void check_end(Section& s, std::string_view key, const std::string& text) {
  const bool to = key == "to";
  if (const std::string problem = parse_end(text, to); !problem.empty()) {
    s.problem(key, "\"" + text + "\" " + problem,
              to ? "write a host and a port, as in \"192.0.2.7:30005\", "
                   "\"[2001:db8::7]:30005\" or \"receiver.example:30005\""
                 : "write an address and a port, as in \"0.0.0.0:10110\" or \"[::]:10110\"");
  }
}

void check_targets(Section& s, const std::vector<std::string>& to) {
  for (const std::string& end : to) {
    check_end(s, "to", end);
  }
  if (to.size() > limits::kTargets) {
    s.problem("to", "\"to\" names " + std::to_string(to.size()) + " ends, the limit is " +
                        std::to_string(limits::kTargets));
  }
}

void check_broker(Section& s, Ends& ends) {
  ends.topics = s.text_or_texts("topic");
  ends.user = s.text("user");
  ends.password_file = s.text("password_file");
  check_targets(s, ends.to);
  if (ends.to.empty() || ends.topics.empty()) {
    s.problem("driver", "an mqtt source needs \"to\" and \"topic\"",
              "write to = \"127.0.0.1:1883\" and topic = \"ais/#\"");
  }
  for (const std::string& topic : ends.topics) {
    if (const std::string problem = parse_topic(topic); !problem.empty()) {
      s.problem("topic", "\"" + topic + "\" " + problem, "write \"ais/+/raw\" or \"boats/#\"");
    }
  }
  if (ends.topics.size() > limits::kTopics) {
    s.problem("topic", "\"topic\" names " + std::to_string(ends.topics.size()) +
                           " topics, the limit is " + std::to_string(limits::kTopics));
  }
  const bool away = !std::all_of(ends.to.begin(), ends.to.end(), is_loopback);
  if (!ends.user.empty() && away && !ends.tls) {
    s.problem("user", "user and password would cross the network in clear",
              "write tls = true and ca_file, or let a broker on this machine bridge to the other");
  }
  if (ends.user.empty() && !ends.password_file.empty()) {
    s.problem("password_file", "a password without \"user\" is of no use", "write user, too");
  }
}

Ends ends_of(Section& s, DriverKind driver) {
  Ends ends;
  if (driver != DriverKind::tcp && driver != DriverKind::mqtt) {
    if (s.flag("tls")) {
      s.problem("tls", "this driver has no TLS", "leave the key out; tcp and mqtt have it");
    }
    return ends;
  }
  ends.to = s.text_or_texts("to");
  check_tls(s, ends);
  if (driver == DriverKind::mqtt) {
    check_broker(s, ends);
    return ends;
  }
  ends.listen = s.text("listen");
  ends.greet = s.text("greet");
  ends.senders = static_cast<std::size_t>(s.whole("senders"));
  if (ends.to.empty() == ends.listen.empty()) {
    s.problem(
        "driver",
        ends.to.empty() ? "a tcp source needs \"to\" or \"listen\""
                        : "a tcp source has \"to\" or \"listen\", not both",
        "write to = \"192.0.2.7:30005\" to connect, or listen = \"0.0.0.0:10110\" to wait for "
        "others");
  }
  check_targets(s, ends.to);
  if (!ends.listen.empty()) {
    check_end(s, "listen", ends.listen);
  }
  if (ends.greet.size() > limits::kGreetingBytes) {
    s.problem("greet", "\"greet\" has " + std::to_string(ends.greet.size()) +
                           " bytes, the limit is " + std::to_string(limits::kGreetingBytes));
  }
  if (ends.tls && !ends.listen.empty()) {
    s.problem("tls", "a source that listens has no TLS yet",
              "leave the key out, or connect with \"to\"");
  }
  if (!ends.greet.empty() && !ends.listen.empty()) {
    s.problem("greet", "a source that listens greets nobody", "leave the key out");
  }
  return ends;
}

// Playback speed of a recording.
struct Speed {
  double factor = 1.0;
  bool max = false;  // as fast as the node can
};

Speed speed_of(Section& s, DriverKind driver, SourcesTogether& all) {
  const std::string text = s.text("speed");
  const bool max = text == "max";
  const auto speed = parse_decimal(text);
  if (!max && (!speed || *speed <= 0.0 || *speed > 10000.0)) {
    s.problem("speed", "\"" + text + "\" is not a speed", "write a number up to 10000, or \"max\"");
  }
  if (driver != DriverKind::recording) {
    all.live = true;
  } else if (all.first_speed.empty()) {
    all.recorded = true;
    all.first_speed = text;
  } else if (all.first_speed != text) {
    s.problem("speed", "all recordings of a site run at the same speed, not at " + all.first_speed +
                           " and " + text);
  }
  if (all.recorded && all.live && !all.first_speed.empty() && all.first_speed != "1") {
    s.problem("driver", "live sources cannot run beside recordings at another speed than 1",
              "set speed = 1, or make them all recordings in an [env] section");
  }
  return {speed.value_or(1.0), max};
}

}  // namespace

Offsets<Source> SiteCompiler::compile_sources() {
  Offsets<Source> list;
  const auto named = children("source");
  bound(named, limits::kSources, "source");
  SourcesTogether all;
  for (const Named& n : named) {
    Section s = section("source", n);
    const auto driver = static_cast<DriverKind>(s.choice("driver"));
    s.choice("codec");  // reports the error
    const CodecKind codec = codec_of(s);
    const SourceTexts texts{s.text("device"), s.text("port"), s.text("file"), s.text("group")};
    std::uint32_t address = 0, group = 0;
    std::uint16_t port = 0;
    if (driver == DriverKind::udp) {
      need_endpoint(s, "listen", address, port);
      group = multicast_group(s, texts.group);
    }
    check_driver(s, driver, texts, all);
    if (driver == DriverKind::can && board_ != nullptr) {
      check_bus(s, *board_);
    }
    const Speed speed = speed_of(s, driver, all);
    const auto senders = compile_senders(s, driver);
    const Ends ends = ends_of(s, driver);
    const auto listen = ends.listen.empty() ? 0 : b_.CreateString(ends.listen);
    // Playback at a higher speed leaves that much less of our time.
    const double pace = driver == DriverKind::recording ? std::max(1.0, speed.factor) : 1.0;
    list.push_back(CreateSource(
        b_, b_.CreateString(n.name), driver, static_cast<std::uint8_t>(codec),
        static_cast<std::uint8_t>(s.choice("class")),
        static_cast<std::uint32_t>(s.whole("credits")), driver == DriverKind::recording, address,
        port, group, b_.CreateString(texts.device), static_cast<std::uint32_t>(s.whole("baud")),
        b_.CreateString(texts.port), static_cast<std::uint16_t>(s.whole("udp_port")),
        b_.CreateString(texts.file), speed.factor, speed.max,
        s.has("interval") ? to_ns(s.quantity("interval")) : 0, to_ns(s.quantity("start")),
        static_cast<std::uint8_t>(s.choice("format")), 0.0, to_ns(s.quantity("retry")),
        to_ns(s.quantity("horizon") * pace), static_cast<std::uint32_t>(s.whole("sample")), senders,
        s.flag("own"), b_.CreateVectorOfStrings(ends.to), listen, b_.CreateString(ends.greet),
        static_cast<std::uint8_t>(ends.senders),
        driver == DriverKind::tcp ? to_ns(s.quantity("silence")) : 0,
        b_.CreateVectorOfStrings(ends.topics), static_cast<std::uint8_t>(s.whole("qos")),
        b_.CreateString(ends.user), b_.CreateString(ends.password_file), s.choice("align") == 1,
        b_.CreateString(s.text("interface")), static_cast<std::uint32_t>(s.whole("bitrate")),
        ends.tls, b_.CreateString(ends.ca_file), b_.CreateString(ends.certificate_file),
        b_.CreateString(ends.key_file), b_.CreateString(ends.server_name)));
  }
  if (named.empty()) {
    problems_.add(0, 0, "the site has no source", "add a [source.NAME]");
  }
  return list;
}

Offsets<Sensor> SiteCompiler::compile_sensors() {
  Offsets<Sensor> list;
  const auto named = children("sensor");
  bound(named, limits::kSensors, "sensor");
  std::vector<std::pair<std::uint32_t, std::string>> identified;
  for (const Named& n : named) {
    Section s = section("sensor", n);
    const std::uint16_t source = reference(s, "source", source_names_, 0);
    const auto id = static_cast<std::uint16_t>(s.whole("sac") * 256 + s.whole("sic"));
    const std::uint32_t who = std::uint32_t{source} << 16 | id;
    for (const auto& [other, name] : identified) {
      if (other == who) {
        s.problem(
            "sic",
            "sensor." + n.name + " and sensor." + name + " look the same: same source, sac and sic",
            "give each a sac and sic, or a source, of its own");
      }
    }
    identified.emplace_back(who, n.name);
    const bool on_own = s.choice("mount") == 1;
    std::vector<double> position = s.numbers("position");
    if (on_own == s.has("position") || (!on_own && position.size() != 2)) {
      s.problem(s.has("position") ? "position" : "mount",
                on_own ? "a sensor with mount = \"own\" has no \"position\""
                       : "a fixed sensor needs a \"position\"",
                "write position = [latitude, longitude], or mount = \"own\"");
    }
    check_places(s, "position", position);
    position.resize(2);
    const std::vector<double> sector = s.numbers("sector");
    const bool in_range =
        std::all_of(sector.begin(), sector.end(), [](double v) { return v >= 0.0 && v <= 360.0; });
    if (s.has("sector") && (sector.size() != 2 || !in_range || sector[0] == sector[1])) {
      s.problem("sector", "\"sector\" must be two different azimuths from 0 to 360 degrees",
                "write sector = [from, to], clockwise");
    }
    const bool all_round = sector.size() != 2;
    const double from = all_round ? 0.0 : sector[0];
    const double width = all_round ? 360.0 : sector[1] - from + (sector[1] < from ? 360.0 : 0.0);
    const double range = s.quantity("range");
    const double range_min = s.quantity("range_min");
    if (range_min >= range && s.has("range_min")) {
      s.problem("range_min", "\"range_min\" must be less than \"range\"");
    }
    const double coast = s.quantity("coast");
    const double gone = s.quantity("delete");
    if (coast > gone) {
      s.problem("delete", "\"delete\" must not be shorter than \"coast\"");
    }
    std::vector<std::uint16_t> mask;
    for (const std::string& zone : s.texts("mask")) {
      const auto at = std::find(zone_names_.begin(), zone_names_.end(), zone);
      if (at == zone_names_.end()) {
        const std::string best = nearest(zone, zone_names_);
        s.problem("mask", "there is no zone \"" + zone + "\"",
                  best.empty() ? "" : "did you mean \"" + best + "\"?");
      } else {
        mask.push_back(static_cast<std::uint16_t>(at - zone_names_.begin()));
      }
    }
    list.push_back(CreateSensor(
        b_, b_.CreateString(n.name), source, id, on_own, s.choice("scan") == 1, position[0],
        position[1], range_min, range, from, width, s.quantity("update"), s.quantity("range_sigma"),
        s.quantity("azimuth_sigma"), s.quantity("extent"), s.quantity("near_side"),
        s.quantity("resolution"), s.quantity("detection"), s.quantity("hidden"),
        s.quantity("clutter"), s.quantity("delay"), s.quantity("window"), coast, gone,
        static_cast<std::uint32_t>(s.whole("confirm")), b_.CreateVector(mask)));
  }
  return list;
}

}  // namespace vedette::plan
