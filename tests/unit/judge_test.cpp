// Assess::judge() against the evaluator alone: random conditions, random tracks.
#include <array>
#include <bit>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/assess/assess.hpp"
#include "load_site.hpp"
#include "unit/test.hpp"

using namespace vedette;

namespace {

constexpr std::array<FieldReader, kSubjectKinds> kReaders{read_track, read_track, read_source};
constexpr std::size_t kTracks = 5;

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::size_t below(std::size_t n) { return engine_() % n; }
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <typename T, std::size_t N>
  const T& of(const T (&list)[N]) {
    return list[below(N)];
  }

 private:
  std::mt19937_64 engine_;
};

std::string comparison(Random& random) {
  struct Quantity {
    std::vector<std::string> fields;
    std::string unit;
  };
  static const Quantity quantities[] = {
      {{"track.speed", "track.speed", "own.speed", "track.vertical_speed", "track.water_speed"},
       " m/s"},
      {{"track.altitude", "track.sigma", "distance(track, own)", "cpa(track, own)"}, " m"},
      {{"track.heading", "track.course", "bearing(track, own)", "track.latitude"}, " deg"},
      {{"track.age", "track.age", "tcpa(track, own)"}, " s"},
      {{"track.updates", "track.gated", "track.denied"}, ""},
      {{"track.ship_type"}, ""},
      {{"track.nav_status"}, ""},
  };
  static const char* const relations[] = {" < ", " <= ", " > ", " >= ", " == ", " != "};
  const Quantity& q = random.of(quantities);
  const auto value = [&] {
    return random.one_in(5) ? q.fields[random.below(q.fields.size())]
                            : std::to_string(1 + random.below(7)) + q.unit;
  };
  std::string left = q.fields[random.below(q.fields.size())];
  if (random.one_in(6)) {
    left = "min(" + left + ", " + value() + ")";
  } else if (random.one_in(6)) {
    left += " + " + value();
  }
  return left + random.of(relations) + value();
}

std::string condition(Random& random, int depth) {
  static const char* const truths[] = {
      "lost(track)",          "track.identified",     "track.sudden",      "inside(track, ring)",
      "inside(track, field)", "inside(track, guard)", "inside(own, ring)", "track.kind == vessel"};
  if (depth == 0 || random.one_in(4)) {
    return random.one_in(3) ? random.of(truths) : comparison(random);
  }
  const auto part = [&] { return "(" + condition(random, depth - 1) + ")"; };
  switch (random.below(4)) {
    case 0:
      return "not " + part();
    case 1:
      return part() + " or " + part();
    case 2:
      return part() + " ? " + part() + " : " + part();
    default:
      return part() + " and " + part();
  }
}

std::string site_of(Random& random) {
  std::string text = R"(
site = "judge"
[limits]
tracks = 8
[source.traffic]
driver = "udp"
listen = "127.0.0.1:1"
codec = "ais"
[zone.ring]
centre = [59.0, 24.0]
radius = "3 km"
[zone.field]
points = [[59.0, 24.0], [59.1, 24.0], [59.05, 24.2]]
[zone.guard]
around = "own"
radius = "4 km"
)";
  for (std::size_t i = 0; i < limits::kAssessments; ++i) {
    text += "[assess.r" + std::to_string(i) + "]\nof = \"track\"\nkinds = [\"vessel\"]\nwhen = \"" +
            condition(random, static_cast<int>(random.below(3))) +
            "\"\nconfidence = \"1.0\"\nhold = \"0 s\"\nclear = \"0 s\"\n";
  }
  return text;
}

void change(Random& random, Track& t, std::int64_t now_ns) {
  const auto number = [&] {
    return random.one_in(4) ? kUnknown : static_cast<double>(random.below(9));
  };
  t.kind = IdentityKind::vessel;
  t.updates = static_cast<std::uint32_t>(random.below(8));
  t.observed_ns = t.filter_ns = now_ns - static_cast<std::int64_t>(random.below(8)) * 1'000'000'000;
  const Place place{58.97 + 0.01 * static_cast<double>(random.below(12)),
                    23.95 + 0.01 * static_cast<double>(random.below(12))};
  t.latitude = place.latitude;
  t.longitude = place.longitude;
  const Vector3 normal = normal_of(place), ecef = ecef_of(place);
  t.normal[0] = normal.x, t.normal[1] = normal.y, t.normal[2] = normal.z;
  t.ecef[0] = ecef.x, t.ecef[1] = ecef.y, t.ecef[2] = ecef.z;
  t.parallel = parallel_at(place.latitude);
  t.velocity_east = static_cast<double>(random.below(5));
  t.velocity_north = static_cast<double>(random.below(5));
  t.variance_position = static_cast<double>(random.below(40));
  t.variance_velocity = 0.01;
  t.altitude = number();
  t.vertical_speed = number();
  t.water_speed = number();
  t.heading = number();
  t.gated_in_row = static_cast<std::uint32_t>(random.below(8));
  t.denied = static_cast<std::uint32_t>(random.below(8));
  t.ship_type = static_cast<std::uint8_t>(random.below(8));
  t.nav_status = static_cast<std::uint8_t>(random.below(8));
  t.state = static_cast<TrackState>(1 + random.below(4));
  t.partner = random.below(2);
  set_doubt(t, Doubt::sudden, random.one_in(2));
}

struct Raised {
  std::set<std::pair<std::uint64_t, std::size_t>> rules;  // by track key
  std::size_t left;                                       // cases judged before the stop
};

}  // namespace

TEST_CASE("judging a span of cases raises and clears what the evaluator says of each") {
  std::size_t raised_ever = 0, cleared_ever = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    Random random(seed);
    std::vector<std::uint8_t> bytes;
    const plan::Plan* plan = tests::load_site(site_of(random), bytes);
    REQUIRE(plan != nullptr);
    std::vector<std::uint64_t> memory(
        (Site::bytes_needed(*plan) + assess::Assess::bytes_needed(*plan)) / 8 + 8);
    Arena arena(memory.data(), memory.size() * 8);
    Site site;
    site.init(arena, *plan);
    assess::Assess assess;
    assess.init(arena, site);
    std::array<Track, kTracks> tracks{};
    Track own{};
    Raised raised{};
    std::set<std::pair<std::uint64_t, std::size_t>> expected;
    for (std::int64_t now_ns = 1'000'000'000; now_ns < 60'000'000'000; now_ns += 1'000'000'000) {
      change(random, own, now_ns);
      const assess::World world{{now_ns, site.rules.trackers},
                                random.one_in(5) ? nullptr : &own,
                                Mode::normal,
                                site.zones,
                                kReaders};
      std::array<assess::Assess::Case, kTracks> cases;
      for (std::uint32_t i = 0; i < kTracks; ++i) {
        change(random, tracks[i], now_ns);
        tracks[i].key = i + 1;
        cases[i] = {{i + 1, kNoSource, SubjectKind::track, {}}, i, &tracks[i], nullptr, false};
      }
      raised.left = random.one_in(3) ? random.below(kTracks) : kTracks;
      const std::size_t judged = assess.judge(
          world, cases,
          {[](void* to, std::size_t at) { return at < static_cast<Raised*>(to)->left; },
           [](void* to, const assess::View& view, const AssessmentChange& c) {
             auto& rules = static_cast<Raised*>(to)->rules;
             CHECK(view.track()->key == c.subject.key);
             const std::pair<std::uint64_t, std::size_t> rule{c.subject.key, c.assessment};
             c.transition == Transition::cleared ? rules.erase(rule) : rules.insert(rule).second;
           },
           nullptr, &raised});
      REQUIRE(judged == raised.left);
      for (std::size_t i = 0; i < judged; ++i) {
        assess::View view;
        view.world = &world;
        view.set(SubjectKind::track, &tracks[i]);
        view.set(SubjectKind::own, world.own);
        for (flatbuffers::uoffset_t r = 0; r < plan->assessments()->size(); ++r) {
          const auto* ops = plan->assessments()->Get(r)->when()->ops();
          const double when =
              assess::evaluate({reinterpret_cast<const plan::Op*>(ops->Data()), ops->size()}, view);
          if (when == 1.0) {
            raised_ever += expected.insert({i + 1, r}).second ? 1 : 0;
          } else if (when == 0.0) {
            cleared_ever += expected.erase({i + 1, r});
          }
        }
      }
      REQUIRE_MESSAGE(raised.rules == expected, "seed ", seed, " at ", now_ns);
      REQUIRE(assess.raised() == expected.size());
    }
  }
  CHECK(raised_ever > 5000);
  CHECK(cleared_ever > 5000);
}
