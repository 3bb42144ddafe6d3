#include <algorithm>
#include <cmath>

#include "base/math.hpp"
#include "base/text.hpp"
#include "model/derived.hpp"
#include "model/limits.hpp"
#include "plan/address.hpp"
#include "plan/expression_compiler.hpp"
#include "plan/plan.hpp"
#include "plan/seal.hpp"
#include "plan/section.hpp"
#include "plan/toml_text.hpp"
#include "plan/zone_outline.hpp"

namespace vedette::plan {
namespace {

using Builder = flatbuffers::FlatBufferBuilder;
template <typename T>
using Offsets = std::vector<flatbuffers::Offset<T>>;

std::int64_t to_ns(double seconds) {
  return to_int64(seconds * 1e9 + 0.5);
}

class SiteCompiler {
 public:
  SiteCompiler(const toml::table& root, const Board* board, Problems& problems)
      : root_(root), board_(board), problems_(problems) {}

  std::vector<std::uint8_t> run() {
    check_sections();
    Section top("", "", &root_, root_.source(), problems_);
    site_ = top.text("site");
    if (site_.size() > limits::kNameBytes) {
      top.problem("site", "the site's name is longer than 63 bytes");
    }
    collect_names();
    const auto own = compile_own();
    const auto sources = compile_sources();
    const auto sensors = compile_sensors();
    const auto zones = compile_zones();
    const auto trackers = compile_trackers();
    const auto assessments = compile_assessments();
    const auto sinks = compile_sinks();
    const auto actions = compile_actions();
    const auto decisions = compile_decisions();
    const auto limits_table = compile_limits();
    const auto cores = compile_cores();
    const auto site = b_.CreateString(site_);
    const auto plan =
        CreatePlan(b_, kPlanVersion, site, own, b_.CreateVector(sources), b_.CreateVector(sensors),
                   b_.CreateVector(zones), b_.CreateVector(trackers), b_.CreateVector(assessments),
                   b_.CreateVector(decisions), b_.CreateVector(actions), b_.CreateVector(sinks),
                   limits_table, cores);
    FinishPlanBuffer(b_, plan);
    if (!problems_.empty()) {
      return {};
    }
    return {b_.GetBufferPointer(), b_.GetBufferPointer() + b_.GetSize()};
  }

 private:
  struct Named {
    std::string name;
    const toml::table* table;
  };

  std::vector<Named> children(std::string_view section) {
    std::vector<Named> found;
    const toml::table* parent = root_.get_as<toml::table>(section);
    if (parent == nullptr) {
      return found;
    }
    for (const auto& [key, value] : *parent) {
      const auto at = key.source().begin;
      const std::string name(key.str());
      if (!value.is_table()) {
        problems_.add(at.line, at.column, "[" + std::string(section) + "] holds named tables only",
                      "write [" + std::string(section) + ".NAME] above it");
        continue;
      }
      const bool word = !name.empty() && name.size() <= limits::kNameBytes &&
                        std::all_of(name.begin(), name.end(), [](char c) {
                          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                 (c >= '0' && c <= '9') || c == '_';
                        });
      if (!word) {
        problems_.add(at.line, at.column, "\"" + name + "\" is not a name",
                      "names are letters, digits and _, 63 at most");
      }
      found.push_back({name, value.as_table()});
    }
    // In the order of the file: what comes first is considered first.
    std::stable_sort(found.begin(), found.end(), [](const Named& a, const Named& b) {
      return a.table->source().begin.line < b.table->source().begin.line;
    });
    return found;
  }

  Section section(std::string_view title, const Named& n) {
    return Section(title, n.name, n.table, n.table->source(), problems_);
  }
  Section section(std::string_view title) {
    const toml::table* table = root_.get_as<toml::table>(title);
    return Section(title, "", table, table != nullptr ? table->source() : root_.source(),
                   problems_);
  }

  void check_sections() {
    std::vector<std::string> known;
    for (const SectionText& s : sections()) {
      known.emplace_back(s.section);
    }
    for (const auto& [key, value] : root_) {
      if (value.is_table() && std::find(known.begin(), known.end(), key.str()) == known.end()) {
        const std::string best = nearest(key.str(), known);
        problems_.add(key.source().begin.line, key.source().begin.column,
                      "unknown section [" + std::string(key.str()) + "]",
                      best.empty() ? "" : "did you mean [" + best + "]?");
      }
    }
  }

  void collect_names() {
    for (const Named& n : children_quietly("zone")) {
      zone_names_.push_back(n.name);
      const toml::array* points = n.table->get_as<toml::array>("points");
      zone_costs_.push_back(points != nullptr ? static_cast<std::uint32_t>(points->size()) : 1U);
    }
    const auto names = [this](std::string_view s, std::vector<std::string>& out) {
      for (const Named& n : children_quietly(s)) {
        out.push_back(n.name);
      }
    };
    names("source", source_names_);
    names("assess", assessment_names_);
    names("action", action_names_);
    names("sink", sink_names_);
  }
  std::vector<Named> children_quietly(std::string_view title) {
    std::vector<Named> found;
    if (const toml::table* parent = root_.get_as<toml::table>(title)) {
      for (const auto& [key, value] : *parent) {
        if (value.is_table()) {
          found.push_back({std::string(key.str()), value.as_table()});
        }
      }
    }
    std::stable_sort(found.begin(), found.end(), [](const Named& a, const Named& b) {
      return a.table->source().begin.line < b.table->source().begin.line;
    });
    return found;
  }

  template <typename List>
  void bound(const List& list, std::size_t limit, std::string_view what) {
    if (list.size() > limit) {
      problems_.add(0, 0,
                    std::to_string(list.size()) + " " + std::string(what) + "s, the limit is " +
                        std::to_string(limit));
    }
  }

  std::uint16_t reference(Section& s, std::string_view key, const std::vector<std::string>& names,
                          std::uint16_t none) {
    const std::string name = s.text(key);
    if (name.empty()) {
      return none;
    }
    const auto at = std::find(names.begin(), names.end(), name);
    if (at != names.end()) {
      return static_cast<std::uint16_t>(at - names.begin());
    }
    const std::string best = nearest(name, names);
    s.problem(key, "there is no \"" + name + "\" for \"" + std::string(key) + "\"",
              best.empty() ? "" : "did you mean \"" + best + "\"?");
    return none;
  }

  flatbuffers::Offset<Expression> expression(Section& s, std::string_view key, Dimension wanted,
                                             SubjectKind subject, bool in_decision) {
    const std::string text = s.text(key);
    if (text.empty()) {
      if (s.has(key)) {
        s.problem(key, "\"" + std::string(key) + "\" is empty",
                  "write a condition or leave the key out");
      }
      return 0;
    }
    const CompileContext context{subject, in_decision, &zone_names_, &zone_costs_};
    const CompiledExpression compiled = compile_expression(text, wanted, context);
    if (!compiled.error.empty()) {
      s.problem_in(key, compiled.error_at, compiled.error, compiled.help);
      return 0;
    }
    last_cost_ = compiled.cost;
    const auto ops = b_.CreateVectorOfStructs(compiled.ops);
    return CreateExpression(b_, b_.CreateString(text), ops, compiled.stack, compiled.cost);
  }

  void need_endpoint(Section& s, std::string_view key, std::uint32_t& address,
                     std::uint16_t& port) {
    const std::string text = s.text(key);
    if (!parse_endpoint(text, address, port)) {
      s.problem(key,
                "\"" + text + "\" is not an address and a port for \"" + std::string(key) + "\"",
                "write numbers, as in \"192.0.2.7:10110\"");
    }
  }

  // Null: everybody.
  flatbuffers::Offset<flatbuffers::Vector<const Network*>> compile_senders(Section& s,
                                                                           DriverKind driver) {
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
                  "write numbers, as in [\"192.0.2.0/24\", \"198.51.100.7\"]");
      }
      senders.emplace_back(address, mask);
    }
    if (senders.empty() || senders.size() > limits::kSenders) {
      s.problem("from",
                "\"from\" names " + std::to_string(senders.size()) + " senders, it takes 1 to " +
                    std::to_string(limits::kSenders),
                senders.empty() ? "leave the key out and everybody may send"
                                : "write networks, as in \"192.0.2.0/24\"");
    }
    if (driver == DriverKind::serial) {
      s.problem("from", "a serial line does not tell who sends", "leave the key out");
    }
    return b_.CreateVectorOfStructs(senders);
  }

  flatbuffers::Offset<Own> compile_own() {
    Section s = section("own");
    std::vector<std::uint64_t> identities;
    for (const std::int64_t mmsi : s.wholes("mmsi")) {
      identities.push_back(static_cast<std::uint64_t>(mmsi));
    }
    if (identities.size() > limits::kOwnIdentities) {
      s.problem("mmsi", "more than 8 transponders of our own");
    }
    return CreateOwn(b_, b_.CreateVector(identities), s.quantity("agree"), s.quantity("apart"),
                     s.quantity("sudden_within"), s.quantity("sudden_after"));
  }

  Offsets<Source> compile_sources() {
    Offsets<Source> list;
    const auto named = children("source");
    bound(named, limits::kSources, "source");
    struct PortReader {
      std::string name, eal;
      std::int64_t udp_port;
    };
    std::vector<PortReader> readers;
    std::string first_speed;
    bool live = false;
    bool recorded = false;
    for (const Named& n : named) {
      Section s = section("source", n);
      const auto driver = static_cast<DriverKind>(s.choice("driver"));
      const std::size_t codec_choice = s.choice("codec");
      const auto codec = static_cast<std::uint8_t>(codec_choice == 0 ? 0 : codec_choice - 1);
      std::uint32_t address = 0, group = 0;
      std::uint16_t port = 0;
      const std::string device = s.text("device");
      const std::string eal = s.text("port");
      const std::string file = s.text("file");
      const std::string group_text = s.text("group");
      if (driver == DriverKind::udp) {
        need_endpoint(s, "listen", address, port);
        if (!group_text.empty() && (!parse_ipv4(group_text, group) || group >> 28 != 14)) {
          s.problem("group", "\"" + group_text + "\" is not a multicast address",
                    "224.0.0.0 to 239.255.255.255");
        }
      }
      const auto need = [&](std::string_view key, const std::string& value) {
        if (value.empty()) {
          s.problem("driver",
                    "a " + s.text("driver") + " source needs \"" + std::string(key) + "\"");
        }
      };
      if (driver == DriverKind::serial) {
        need("device", device);
        if (s.text("codec") == "asterix") {
          s.problem("codec", "asterix comes in datagrams, a serial line has none",
                    "use driver udp, dpdk or recording");
        }
      } else if (driver == DriverKind::dpdk) {
        need("port", eal);
        const std::int64_t udp_port = s.whole("udp_port");
        for (const PortReader& other : readers) {
          if (other.eal == eal &&
              (udp_port == 0 || other.udp_port == udp_port || other.udp_port == 0)) {
            s.problem("udp_port",
                      "source." + n.name + " and source." + other.name + " read the same datagrams",
                      "sources that share a port each need a udp_port of their own");
          }
        }
        readers.push_back({n.name, eal, udp_port});
      } else if (driver == DriverKind::recording) {
        need("file", file);
      }
      const std::string speed_text = s.text("speed");
      const bool max = speed_text == "max";
      const auto speed = parse_decimal(speed_text);
      if (!max && (!speed || *speed <= 0.0 || *speed > 10000.0)) {
        s.problem("speed", "\"" + speed_text + "\" is not a speed",
                  "a number up to 10000, or \"max\"");
      }
      if (driver == DriverKind::recording) {
        recorded = true;
        if (first_speed.empty()) {
          first_speed = speed_text;
        } else if (first_speed != speed_text) {
          s.problem("speed", "recordings of one site run at one speed: " + first_speed + " and " +
                                 speed_text);
        }
      } else {
        live = true;
      }
      if (recorded && live && !first_speed.empty() && first_speed != "1") {
        s.problem("driver", "live sources and recordings at another speed than 1 do not mix",
                  "set speed = 1, or make them all recordings in an [env] section");
      }
      const auto senders = compile_senders(s, driver);
      list.push_back(CreateSource(
          b_, b_.CreateString(n.name), driver, codec, static_cast<std::uint8_t>(s.choice("class")),
          static_cast<std::uint32_t>(s.whole("credits")), driver == DriverKind::recording, address,
          port, group, b_.CreateString(device), static_cast<std::uint32_t>(s.whole("baud")),
          b_.CreateString(eal), static_cast<std::uint16_t>(s.whole("udp_port")),
          b_.CreateString(file), speed.value_or(1.0), max, to_ns(s.quantity("interval")),
          to_ns(s.quantity("start")), static_cast<std::uint8_t>(s.choice("format")), 0.0,
          to_ns(s.quantity("retry")),
          // A recording at another speed has that much less of our time for it.
          to_ns(s.quantity("horizon") *
                (driver == DriverKind::recording ? std::max(1.0, speed.value_or(1.0)) : 1.0)),
          static_cast<std::uint32_t>(s.whole("sample")), senders, s.flag("own")));
    }
    if (named.empty()) {
      problems_.add(0, 0, "the site has no source", "add a [source.NAME]");
    }
    return list;
  }

  Offsets<Sensor> compile_sensors() {
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
          s.problem("sic", "sensor." + n.name + " and sensor." + name + " are the same one",
                    "give each its own sac and sic, or source");
        }
      }
      identified.emplace_back(who, n.name);
      const bool on_own = s.choice("mount") == 1;
      std::vector<double> position = s.numbers("position");
      if (on_own == s.has("position") || (!on_own && position.size() != 2)) {
        s.problem(s.has("position") ? "position" : "mount",
                  on_own ? "a sensor on own ship has no position of its own"
                         : "a fixed sensor needs \"position\"",
                  "write position = [latitude, longitude], or mount = \"own\"");
      }
      check_places(s, "position", position);
      position.resize(2);
      const std::vector<double> sector = s.numbers("sector");
      const bool in_range = std::all_of(sector.begin(), sector.end(),
                                        [](double v) { return v >= 0.0 && v <= 360.0; });
      if (s.has("sector") && (sector.size() != 2 || !in_range || sector[0] == sector[1])) {
        s.problem("sector", "a sector is two different azimuths of 0 to 360 degrees",
                  "write sector = [from, to], clockwise");
      }
      const bool all_round = sector.size() != 2;
      const double from = all_round ? 0.0 : sector[0];
      const double width = all_round ? 360.0 : sector[1] - from + (sector[1] < from ? 360.0 : 0.0);
      const double range = s.quantity("range");
      const double range_min = s.quantity("range_min");
      if (range_min >= range && s.has("range_min")) {
        s.problem("range_min", "range_min must be less than range");
      }
      const double coast = s.quantity("coast");
      const double gone = s.quantity("delete");
      if (coast > gone) {
        s.problem("delete", "delete must not be sooner than coast");
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
          position[1], range_min, range, from, width, s.quantity("update"),
          s.quantity("range_sigma"), s.quantity("azimuth_sigma"), s.quantity("extent"),
          s.quantity("near_side"), s.quantity("resolution"), s.quantity("detection"),
          s.quantity("hidden"), s.quantity("clutter"), s.quantity("delay"), s.quantity("window"),
          coast, gone, static_cast<std::uint32_t>(s.whole("confirm")), b_.CreateVector(mask)));
    }
    return list;
  }

  Offsets<Zone> compile_zones() {
    Offsets<Zone> list;
    const auto named = children("zone");
    bound(named, limits::kZones, "zone");
    for (const Named& n : named) {
      Section s = section("zone", n);
      std::vector<double> points = s.numbers("points");
      const std::vector<double> centre = s.numbers("centre");
      const double radius = s.quantity("radius");
      const int forms =
          (s.has("points") ? 1 : 0) + (s.has("centre") ? 1 : 0) + (s.has("around") ? 1 : 0);
      ZoneKind kind = ZoneKind::polygon;
      if (forms != 1) {
        problems_.add(n.table->source().begin.line, n.table->source().begin.column,
                      "[zone." + n.name + "] must say one of points, centre or around");
      } else if (s.has("points")) {
        if (points.size() < 6 || points.size() > 2 * limits::kZonePoints) {
          s.problem("points",
                    "a zone has 3 to 512 corners, this one " + std::to_string(points.size() / 2));
        } else if (const ShapeProblem shape = check_outline(points); !shape.message.empty()) {
          s.problem("points", shape.message, shape.help);
        }
      } else {
        s.choice("around");
        kind = s.has("centre") ? ZoneKind::circle : ZoneKind::around_own;
        if (!s.has("radius")) {
          s.problem(s.has("centre") ? "centre" : "around", "a circle needs \"radius\"");
        }
        if (kind == ZoneKind::circle && centre.size() != 2) {
          s.problem("centre", "the centre is [latitude, longitude]");
        }
        points = centre;
      }
      check_places(s, s.has("points") ? "points" : "centre", points);
      list.push_back(
          CreateZone(b_, b_.CreateString(n.name), kind, b_.CreateVector(points), radius));
    }
    return list;
  }
  void check_places(Section& s, std::string_view key, const std::vector<double>& points) {
    for (std::size_t i = 0; i + 1 < points.size(); i += 2) {
      if (!(std::abs(points[i]) <= 90.0) || !(std::abs(points[i + 1]) <= 180.0)) {
        s.problem(key, "a place is outside the globe: latitude -90 to 90, longitude -180 to 180",
                  "latitude comes first");
        return;
      }
    }
  }

  Offsets<Tracker> compile_trackers() {
    Offsets<Tracker> list;
    const auto named = children("tracker");
    for (const Named& n : named) {
      std::vector<std::string> kinds;
      for (const TrackerDefault& d : tracker_defaults()) {
        kinds.emplace_back(d.name);
      }
      if (std::find(kinds.begin(), kinds.end(), n.name) == kinds.end()) {
        const std::string best = nearest(n.name, kinds);
        problems_.add(n.table->source().begin.line, n.table->source().begin.column,
                      "there is no kind \"" + n.name + "\" to track",
                      best.empty() ? "" : "did you mean \"" + best + "\"?");
      }
    }
    for (const TrackerDefault& d : tracker_defaults()) {
      const toml::table* table = nullptr;
      for (const Named& n : named) {
        table = n.name == d.name ? n.table : table;
      }
      Section s("tracker", d.name, table, table != nullptr ? table->source() : root_.source(),
                problems_);
      const auto value = [&](std::string_view key, double usual) {
        return s.has(key) ? s.quantity(key) : usual;
      };
      const double coast = value("coast", d.coast);
      const double lost = value("lost", d.lost);
      const double retire = value("retire", d.retire);
      if (coast > lost || lost > retire) {
        s.problem("lost", "coast, lost and retire must not decrease");
      }
      list.push_back(
          CreateTracker(b_, static_cast<std::uint8_t>(d.kind),
                        value("acceleration", d.acceleration), value("max_speed", d.max_speed),
                        value("gate", 5.0), value("position_sigma", d.position_sigma),
                        value("half_life", d.half_life), value("halving_sigma", d.halving_sigma),
                        coast, lost, retire, static_cast<std::uint32_t>(s.whole("confirm")),
                        static_cast<std::uint32_t>(s.whole("most"))));
    }
    return list;
  }

  Offsets<Assessment> compile_assessments() {
    Offsets<Assessment> list;
    const auto named = children("assess");
    bound(named, limits::kAssessments, "assessment");
    for (const Named& n : named) {
      Section s = section("assess", n);
      const std::string of = s.text("of");
      auto subject = SubjectKind::track;
      std::uint16_t source = 0;
      if (of == "own") {
        subject = SubjectKind::own;
      } else if (of.starts_with("source.")) {
        subject = SubjectKind::source;
        const auto at = std::find(source_names_.begin(), source_names_.end(), of.substr(7));
        if (at == source_names_.end()) {
          const std::string best = nearest(of.substr(7), source_names_);
          s.problem("of", "there is no source \"" + of.substr(7) + "\"",
                    best.empty() ? "" : "did you mean \"source." + best + "\"?");
        } else {
          source = static_cast<std::uint16_t>(at - source_names_.begin());
        }
      } else if (of != "track" && !of.empty()) {
        s.problem("of", "\"" + of + "\" is not a subject", "write track, own or source.NAME");
      }
      subjects_.push_back(subject);
      std::uint32_t kinds = 0;
      for (const std::string& kind : s.texts("kinds")) {
        std::uint32_t bit = 0;
        std::vector<std::string> names;
        for (const TrackerDefault& d : tracker_defaults()) {
          names.emplace_back(d.name);
          bit |= d.name == kind ? 1U << static_cast<unsigned>(d.kind) : 0U;
        }
        if (bit == 0) {
          const std::string best = nearest(kind, names);
          s.problem("kinds", "there is no kind \"" + kind + "\"",
                    best.empty() ? "" : "did you mean \"" + best + "\"?");
        }
        kinds |= bit;
      }
      if (kinds == 0) {
        kinds = 1U << static_cast<unsigned>(IdentityKind::vessel) |
                1U << static_cast<unsigned>(IdentityKind::aircraft) |
                1U << static_cast<unsigned>(IdentityKind::vehicle);
      }
      auto when = expression(s, "when", Dimension::boolean, subject, false);
      if (when.IsNull()) {  // a problem was noted; the builder needs the field to go on
        when =
            CreateExpression(b_, b_.CreateString(""), b_.CreateVectorOfStructs(std::vector<Op>{}));
      }
      const std::uint32_t cost = last_cost_;
      const auto cheap = expression(s, "cheap_when", Dimension::boolean, subject, false);
      if (!cheap.IsNull() && last_cost_ >= cost) {
        s.problem(
            "cheap_when",
            "it costs " + std::to_string(last_cost_) + ", `when` costs " + std::to_string(cost),
            "leave out what is dear: cpa and tcpa cost 200, a zone 4 and its points");
      }
      const auto alarm = expression(s, "alarm_when", Dimension::boolean, subject, false);
      const auto confidence = expression(s, "confidence", Dimension::ratio, subject, false);
      list.push_back(CreateAssessment(
          b_, b_.CreateString(n.name), static_cast<std::uint8_t>(subject), source, kinds, when,
          alarm, confidence, to_ns(s.quantity("hold")), to_ns(s.quantity("clear")),
          s.quantity("warn"), s.quantity("alarm"), s.flag("safe"), cheap));
    }
    return list;
  }

  Offsets<Sink> compile_sinks() {
    Offsets<Sink> list;
    const auto named = children("sink");
    bound(named, limits::kSinks, "sink");
    for (const Named& n : named) {
      Section s = section("sink", n);
      const auto kind = static_cast<SinkKind>(s.choice("driver"));
      std::uint32_t address = 0;
      std::uint16_t port = 0;
      const std::string device = s.text("device");
      const std::int64_t connections = s.whole("connections");
      const std::int64_t most = s.has("connections_most") ? s.whole("connections_most")
                                                          : std::max<std::int64_t>(2, connections);
      if (connections > most) {
        s.problem("connections",
                  std::to_string(connections) + " connections are kept open and " +
                      std::to_string(most) + " are allowed",
                  "raise connections_most");
      }
      if (kind == SinkKind::udp || kind == SinkKind::tcp) {
        need_endpoint(s, "to", address, port);
      } else if (kind == SinkKind::serial && device.empty()) {
        s.problem("driver", "a serial sink needs \"device\"");
      }
      const auto confirm = static_cast<Confirm>(s.choice("confirm"));
      for (const char* key : {"confirm", "confirm_within"}) {
        if (kind != SinkKind::tcp && s.has(key)) {
          s.problem(key, "only a tcp sink can know that a message arrived",
                    "leave it out, or say driver = \"tcp\"");
        }
      }
      sinks_answer_.push_back(kind == SinkKind::tcp && confirm == Confirm::answer);
      list.push_back(CreateSink(
          b_, b_.CreateString(n.name), kind, address, port, b_.CreateString(device),
          static_cast<std::uint32_t>(s.whole("baud")),
          static_cast<std::uint32_t>(s.whole("breaker")), to_ns(s.quantity("breaker_rest")),
          static_cast<std::uint16_t>(connections), static_cast<std::uint16_t>(most), confirm,
          to_ns(s.quantity("confirm_within"))));
    }
    return list;
  }

  Offsets<Action> compile_actions() {
    Offsets<Action> list;
    const auto named = children("action");
    bound(named, limits::kActions, "action");
    for (const Named& n : named) {
      Section s = section("action", n);
      const bool before = s.choice("durable") == 0;
      if (!before && !s.flag("idempotent")) {
        s.problem("durable", "an action done before it is on disk may be done again after a crash",
                  "say idempotent = true if that does no harm, else durable = \"before\"");
      }
      const std::string message = s.text("message");
      if (message.size() > limits::kMessageBytes) {
        s.problem("message", "the message is longer than 200 bytes");
      }
      const std::uint16_t sink = reference(s, "sink", sink_names_, 0);
      const auto format = static_cast<FormatKind>(s.choice("format"));
      if (format == FormatKind::nmea && sink < sinks_answer_.size() && sinks_answer_[sink]) {
        s.problem("format",
                  "sink \"" + sink_names_[sink] +
                      "\" waits for answers to a key, which an NMEA sentence does not carry",
                  "say format = \"json\" or \"cot\", or confirm = \"acknowledged\" at the sink");
      }
      list.push_back(
          CreateAction(b_, b_.CreateString(n.name), sink, format, before,
                       to_ns(s.quantity("horizon")), static_cast<std::uint8_t>(EventClass::high),
                       b_.CreateString(message), static_cast<std::uint32_t>(s.whole("retries")),
                       to_ns(s.quantity("backoff")), s.flag("safe")));
    }
    return list;
  }

  Offsets<Decision> compile_decisions() {
    Offsets<Decision> list;
    const auto named = children("decide");
    bound(named, limits::kDecisions, "decision");
    for (const Named& n : named) {
      Section s = section("decide", n);
      const std::uint16_t on = reference(s, "on", assessment_names_, kNoAction);
      const SubjectKind subject = on < subjects_.size() ? subjects_[on] : SubjectKind::track;
      const auto condition = expression(s, "if", Dimension::boolean, subject, true);
      list.push_back(CreateDecision(
          b_, b_.CreateString(n.name), on == kNoAction ? std::uint16_t{0} : on,
          static_cast<Trigger>(s.choice("trigger")), condition, s.quantity("confidence"),
          to_ns(s.quantity("deadline")), reference(s, "run", action_names_, 0),
          reference(s, "fallback", action_names_, kNoAction)));
    }
    return list;
  }

  flatbuffers::Offset<Limits> compile_limits() {
    Section s = section("limits");
    const auto journal = static_cast<std::uint64_t>(s.quantity("journal"));
    const auto segment = static_cast<std::uint64_t>(s.quantity("segment"));
    if (journal < 4 * segment) {
      s.problem("journal", "the journal must hold at least four segments");
    }
    if (s.quantity("trial_within") <= s.quantity("trial")) {
      s.problem("trial_within",
                "a new version could never confirm itself: trial_within must be longer than trial");
    }
    const std::uint64_t evidence =
        s.has("evidence") ? static_cast<std::uint64_t>(s.quantity("evidence"))
                          : std::min<std::uint64_t>(journal / 16, limits::kEvidenceBytes);
    return CreateLimits(b_, static_cast<std::uint32_t>(s.whole("tracks")),
                        board_ != nullptr && !s.has("batch_events")
                            ? batch_bound(*board_)
                            : static_cast<std::uint32_t>(s.whole("batch_events")),
                        static_cast<std::uint32_t>(s.whole("pending_actions")), journal, segment,
                        static_cast<std::uint64_t>(s.quantity("image")), to_ns(s.quantity("tick")),
                        to_ns(s.quantity("checkpoint")), to_ns(s.quantity("commit")), 8U << 20,
                        static_cast<std::uint32_t>(s.whole("waiting_events")),
                        static_cast<std::uint32_t>(s.whole("contacts")),
                        to_ns(s.quantity("recover")), to_ns(s.quantity("turn")),
                        to_ns(s.quantity("trial")), to_ns(s.quantity("trial_within")), evidence);
  }

  flatbuffers::Offset<Cores> compile_cores() {
    Section s = section("cores");
    // What the site leaves open the board answers: its first watching core is the engine's, a
    // second one ingress'.
    const bool board = board_ != nullptr;
    const bool second = board && board_->watch.size() > 1 && !s.has("engine");
    const auto engine = static_cast<std::int32_t>(
        board && !s.has("engine") ? std::int64_t{board_->watch[0]} : s.whole("engine"));
    const auto ingress = static_cast<std::int32_t>(s.has("ingress") ? s.whole("ingress")
                                                   : second         ? std::int64_t{board_->watch[1]}
                                                                    : -1);
    const auto device = b_.CreateString(
        board && !s.has("watchdog_device") ? board_->watchdog : s.text("watchdog_device"));
    return CreateCores(b_, engine, ingress, static_cast<std::int32_t>(s.whole("priority")),
                       s.choice("idle") == 1, s.flag("huge_pages"), !s.has("ingress") && !second,
                       to_ns(s.quantity("watchdog")), device);
  }

  const toml::table& root_;
  const Board* board_;  // null: the site says all of it
  Problems& problems_;
  Builder b_;
  std::string site_;
  std::vector<std::string> zone_names_, source_names_, assessment_names_, action_names_,
      sink_names_;
  std::vector<bool> sinks_answer_;
  std::vector<std::uint32_t> zone_costs_;
  std::uint32_t last_cost_ = 0;  // of the expression compiled last
  std::vector<SubjectKind> subjects_;
};

// "source.bus.driver" = value: set at that path; every part but the last must exist.
void apply_environment(toml::table& root, std::string_view environment, Problems& problems) {
  if (environment.empty()) {
    return;
  }
  toml::table* all = root.get_as<toml::table>("env");
  const toml::table* chosen = all == nullptr ? nullptr : all->get_as<toml::table>(environment);
  if (chosen == nullptr) {
    std::vector<std::string> names;
    for (std::size_t i = 0; all != nullptr && i < 1; ++i) {
      for (const auto& [key, value] : *all) {
        names.emplace_back(key.str());
      }
    }
    const std::string best = nearest(environment, names);
    problems.add(0, 0, "there is no [env." + std::string(environment) + "]",
                 best.empty() ? "" : "did you mean \"" + best + "\"?");
    return;
  }
  for (const auto& [key, value] : *chosen) {
    std::string_view path = key.str();
    toml::table* at = &root;
    const std::size_t dot = path.rfind('.');
    std::string_view parents =
        dot == std::string_view::npos ? std::string_view{} : path.substr(0, dot);
    while (at != nullptr && !parents.empty()) {
      at = at->get_as<toml::table>(next_field(parents, '.'));
    }
    if (at == nullptr) {
      problems.add(key.source().begin.line, key.source().begin.column,
                   "\"" + std::string(path) + "\" overrides something that the site does not have");
      continue;
    }
    const std::string last(dot == std::string_view::npos ? path : path.substr(dot + 1));
    value.visit([&](const auto& v) { at->insert_or_assign(last, v); });
  }
}

}  // namespace

Compiled compile_site(std::string_view text, std::string_view environment, const Board* board) {
  Compiled result;
  Problems problems;
  if (text.size() > limits::kSiteFileBytes) {
    problems.add(0, 0, "the site file is larger than 1 MiB");
    result.problems = problems.sorted();
    return result;
  }
  if (auto root = parse_toml(text, problems)) {
    apply_environment(*root, environment, problems);
    result.buffer = SiteCompiler(*root, board, problems).run();
    if (!result.buffer.empty()) {
      seal_plan(result.buffer);
    }
  }
  result.problems = problems.sorted();
  return result;
}

}  // namespace vedette::plan
