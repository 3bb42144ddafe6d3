// What a thing says of itself, from its bytes to the conditions on it.
#include <algorithm>
#include <cctype>
#include <cstring>

#include "core/assess/condition.hpp"
#include "edge/codec/codec.hpp"
#include "load_site.hpp"
#include "plan/expression_compiler.hpp"
#include "shard_in_memory.hpp"
#include "test.hpp"

using namespace vedette;

namespace {

constexpr std::array<FieldReader, kSubjectKinds> kReaders{read_track, read_track, read_source,
                                                          read_sink, read_node};

// The one condition of a site about vessels.
class Asked {
 public:
  // Its single quotes become double ones.
  explicit Asked(std::string condition) {
    std::replace(condition.begin(), condition.end(), '\'', '"');
    compiled_ = plan::compile_site(
        "site = \"s\"\n[source.in]\ndriver = \"udp\"\nlisten = \"127.0.0.1:1\"\ncodec = "
        "\"ais\"\n[assess.a]\nof = \"track\"\nwhen = '" +
            condition + "'\n",
        "");
    for (const plan::Problem& problem : compiled_.problems) {
      said_ += problem.message + "; " + problem.help + "\n";
      column_ = problem.column;
    }
    std::string error;
    plan_ = said_.empty() ? plan::load_plan(compiled_.buffer, error) : nullptr;
    REQUIRE_MESSAGE((plan_ != nullptr || !said_.empty()), error);
  }

  // 1, 0, or -1 for unknown.
  int of(const Track& track, const Track* own = nullptr) const {
    REQUIRE_MESSAGE(plan_ != nullptr, said_);
    const plan::Expression* when = plan_->assessments()->Get(0)->when();
    const assess::World world{{0, trackers_}, own, Mode::normal, {}, kReaders, plan_};
    assess::View view;
    view.world = &world;
    view.set(SubjectKind::track, &track);
    view.set(SubjectKind::own, own);
    const double value = assess::evaluate(
        {reinterpret_cast<const plan::Op*>(when->ops()->Data()), when->ops()->size()}, view);
    return value != value ? -1 : static_cast<int>(value);
  }
  const std::string& said() const { return said_; }
  std::size_t column() const { return column_; }

 private:
  plan::Compiled compiled_;
  const plan::Plan* plan_ = nullptr;
  std::array<Tracker, static_cast<std::size_t>(IdentityKind::count)> trackers_{};
  std::string said_;
  std::size_t column_ = 0;
};

template <std::size_t N>
void set(char (&to)[N], std::string_view text) {
  std::memset(to, 0, N);
  std::memcpy(to, text.data(), text.size());
}

// The definition of a pattern, as short as it can be said.
bool fits(std::string_view text, std::string_view pattern) {
  if (pattern.empty()) {
    return text.empty();
  }
  if (pattern[0] == '*') {
    return fits(text, pattern.substr(1)) || (!text.empty() && fits(text.substr(1), pattern));
  }
  return !text.empty() &&
         (pattern[0] == '?' || std::toupper(pattern[0]) == std::toupper(text[0])) &&
         fits(text.substr(1), pattern.substr(1));
}

}  // namespace

TEST_CASE("a pattern fits the texts that its definition says, and long ones take no longer") {
  std::uint64_t state = 1;
  const auto below = [&](std::uint64_t n) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state >> 33) % n;
  };
  const auto word = [&](std::string_view alphabet, std::size_t most) {
    std::string made;
    for (std::size_t n = below(most + 1); n > 0; --n) {
      made += alphabet[below(alphabet.size())];
    }
    return made;
  };
  std::size_t fitted = 0;
  for (int i = 0; i < 30'000; ++i) {
    const std::string text = word("aAb ", 7), pattern = word("aAb*?*", 6);
    const bool fit = assess::fits_pattern(text, pattern);
    CHECK_MESSAGE(fit == fits(text, pattern), (text + " | " + pattern));
    fitted += fit ? 1 : 0;
  }
  CHECK(fitted > 3000);
  CHECK(fitted < 27'000);
  // A search that backtracks over every star would take years.
  CHECK(!assess::fits_pattern(std::string(4000, 'a'), "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b"));
}

TEST_CASE("a text is compared whatever its case; unknown is equal to nothing but the empty text") {
  Track named{}, silent{};
  set(named.name, "PANDORA 2");
  struct Expected {
    std::string_view condition;
    int named, silent;
  };
  for (const Expected& e :
       {Expected{"track.name == \"Pandora 2\"", 1, -1}, Expected{"track.name == 'PANDORA'", 0, -1},
        Expected{"track.name != 'ULLA'", 1, -1}, Expected{"track.name == ''", 0, 1},
        Expected{"track.name != ''", 1, 0}, Expected{"track.name in ['ULLA', 'pandora 2']", 1, -1},
        Expected{"track.name in ['ULLA']", 0, -1}, Expected{"track.name matches 'pan*'", 1, -1},
        Expected{"track.name matches 'PAN?ORA ?'", 1, -1},
        Expected{"track.name matches 'PAN'", 0, -1},
        Expected{"not track.name matches 'PAN*' or track.name == ''", 0, 1},
        Expected{"track.name matches 'U*' or track.name in ['A', 'B'] or track.updates == 0", 1, 1},
        Expected{"own.name == 'PANDORA 2'", -1, -1}}) {
    const Asked asked{std::string(e.condition)};
    CHECK_MESSAGE(asked.of(named) == e.named, e.condition);
    CHECK_MESSAGE(asked.of(silent) == e.silent, e.condition);
  }
  CHECK(Asked("own.name matches 'P*' and track.name == ''").of(silent, &named) == 1);
}

TEST_CASE("codes are asked by name or number, sizes with units, and each while it is unknown") {
  Track t{}, silent{};
  silent.nav_status = 15;
  t.ship_type = 84;
  t.nav_status = 1;
  t.particulars.length_dm = 1835;
  t.particulars.beam_dm = 320;
  t.particulars.draught_cm = 770;
  t.particulars.imo = 9074729;
  t.particulars.squawk_next = 7701;
  t.particulars.emergency_next = 6;
  t.particulars.category = 39;
  set(t.particulars.destination, "TALLINN");
  set(t.callsign, "OHAB");
  for (const std::string_view holds : {"track.ship_type == 'tanker'",
                                       "track.ship_type == 84",
                                       "track.ship_type >= 80",
                                       "track.ship_type != 'cargo'",
                                       "track.ship_type in ['cargo', 'tanker']",
                                       "track.ship_type in [70, 84]",
                                       "track.nav_status == 'at anchor'",
                                       "track.nav_status in ['moored', 'at anchor']",
                                       "track.length > 180 m",
                                       "track.length in [183.5 m]",
                                       "track.beam == 32 m",
                                       "track.draught > 7.6 m",
                                       "track.imo == 9074729",
                                       "track.squawk in [7500, 7600, 7700]",
                                       "track.emergency == 'unlawful interference'",
                                       "track.emergency != 'none'",
                                       "track.category == 'rotorcraft'",
                                       "track.destination matches '*LINN'",
                                       "track.callsign == 'ohab'",
                                       "track.kind == 'vessel' or track.length != ''"}) {
    CHECK_MESSAGE(Asked(std::string(holds)).of(t) == 1, holds);
  }
  for (const std::string_view unknown :
       {"track.ship_type", "track.nav_status", "track.length", "track.beam", "track.draught",
        "track.imo", "track.squawk", "track.emergency", "track.category", "track.destination",
        "track.callsign", "track.name"}) {
    CHECK(Asked(std::string(unknown) + " == ''").of(silent) == 1);
    const bool known = unknown != "track.name";
    CHECK_MESSAGE(Asked(std::string(unknown) + " == ''").of(t) == (known ? 0 : 1), unknown);
  }
  CHECK(Asked("track.ship_type != 'tanker'").of(silent) == -1);
  CHECK(Asked("track.nav_status == 1").of(silent) == -1);
  CHECK(Asked("track.length < 20 m").of(silent) == -1);
}

TEST_CASE("what no text, code or list can mean is refused at its place, with what to write") {
  struct Wrong {
    std::string_view condition, said;
    std::size_t column;
  };
  for (const Wrong& w : {Wrong{"track.ship_type == 'tankr'", "did you mean \"tanker\"?", 20},
                         Wrong{"track.nav_status == 'x'", "one of: under way using engine", 21},
                         Wrong{"track.name == track.callsign", "write the text in quotes", 15},
                         Wrong{"track.name == 5", "write the text in quotes", 15},
                         Wrong{"track.name < 'A'", "a text has no order", 14},
                         Wrong{"track.speed == 'A'", "units of speed", 16},
                         Wrong{"track.name", "but a true/false is needed", 1},
                         Wrong{"track.name == 'A", "this text does not end", 15},
                         Wrong{"track.name == 'ABCDEFGHIJKLMNOPQRSTUVWX'", "is longer than 23", 15},
                         Wrong{"track.speed matches 'A'", "only a text matches a pattern", 21},
                         Wrong{"track.name matches 5", "needs a pattern in quotes", 20},
                         Wrong{"track.name in 'A'", "\"in\" needs a list", 15},
                         Wrong{"track.name in ['A'", "expected \",\" or \"]\"", 19},
                         Wrong{"track.squawk in [7500, 5 m]", "cannot be compared", 24},
                         Wrong{"track.ship_type == 0", "compare it with \"\"", 20},
                         Wrong{"track.nav_status != 15", "compare it with \"\"", 21},
                         Wrong{"track.draugt > 5 m", "did you mean \"draught\"?", 7}}) {
    const Asked asked{std::string(w.condition)};
    CHECK_MESSAGE(asked.said().find(w.said) != std::string::npos,
                  (std::string(w.condition) + ": " + asked.said()));
    CHECK_MESSAGE(asked.column() == 8 + w.column, std::string(w.condition));
  }
}

namespace {

// What a codec reads from a text, all together.
Observation said_in(CodecKind kind, std::string_view text) {
  Observation all;
  const codec::Output out{&all,
                          [](void* to, const codec::Message& message, Bytes) {
                            Observation one;
                            if (codec::to_observation(message, one)) {
                              auto& known = *static_cast<Observation*>(to);
                              known.particulars.update(one.particulars);
                              known.fields |= one.fields;
                            }
                          },
                          [](void*, RefusalCause, Bytes) {}};
  codec::Decoder(kind).datagram(as_bytes(text), 1, out);
  return all;
}

}  // namespace

TEST_CASE("the particulars of AIS, NMEA 2000 and ADS-B are those that others read") {
  const Observation ship =
      said_in(CodecKind::nmea0183,
              "!AIVDM,2,1,1,A,55?MbV02;H;s<HtKR20EHE:0@T4@Dn2222222216L961O5Gf0NSQEp6ClRp8,0*1C\r\n"
              "!AIVDM,2,2,1,A,88888888880,2*25\r\n");
  CHECK(ship.has(Field::particulars));
  CHECK(ship.particulars.imo == 9134270);
  CHECK(ship.particulars.length_dm == 2950);
  CHECK(ship.particulars.beam_dm == 320);
  CHECK(ship.particulars.draught_cm == 1220);
  CHECK(std::string_view(ship.particulars.destination) == "NEW YORK");
  const Observation bus = said_in(
      CodecKind::n2k,
      "2014-08-15T19:00:04.857Z,6,129794,43,255,75,05,c8,27,16,0e,82,ec,8d,00,5a,44,48,4d,34,20,20,"
      "48,4f,4f,47,45,20,20,20,20,20,20,20,20,20,20,20,20,20,20,20,47,4a,06,fa,00,50,00,64,05,aa,"
      "3f,00,37,05,0f,fc,03,53,54,2e,50,45,54,45,52,53,42,55,52,47,20,20,20,20,20,20,20,00,e0\n");
  CHECK(bus.particulars.imo == 9301122);
  CHECK(bus.particulars.length_dm == 1610);
  CHECK(bus.particulars.beam_dm == 250);
  CHECK(bus.particulars.draught_cm == 1020);
  CHECK(std::string_view(bus.particulars.destination) == "ST.PETERSBURG");
  const Observation aircraft =
      said_in(CodecKind::adsb, "*8DA2C1B6E112B600000000760759;\n*8D4840D6202CC371C32CE0576098;\n");
  CHECK(aircraft.particulars.squawk_next == 6513 + 1);
  CHECK(aircraft.particulars.emergency_next == 0 + 1);
  CHECK(aircraft.particulars.category == 0);
}
