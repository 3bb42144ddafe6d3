#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "core/assess/prefilter.hpp"
#include "plan/expression_compiler.hpp"
#include "test.hpp"

using namespace vedette;

namespace {

const double kNothing = std::bit_cast<double>(0x7FF8000000000000ULL);

plan::CompiledExpression compile(std::string_view text) {
  static const std::vector<std::string> zones{"ring", "field", "guard"};
  static const std::vector<std::uint32_t> costs{1, 1, 1};
  return plan::compile_expression(text, Dimension::boolean,
                                  {SubjectKind::track, false, &zones, &costs});
}

constexpr std::array<FieldReader, kSubjectKinds> kReaders{read_track, read_track, read_source};

// One track and own ship, as conditions read them, at node time 0.
struct Scene {
  explicit Scene(std::span<const Zone> zones = {})
      : world{{0, trackers}, &own, Mode::normal, zones, kReaders} {
    view.world = &world;
    view.set(SubjectKind::track, &track);
    view.set(SubjectKind::own, &own);
  }

  Track track{}, own{};
  std::array<Tracker, static_cast<std::size_t>(IdentityKind::count)> trackers{};
  assess::World world;
  assess::View view;
};

// Tests the prefilter against the evaluator, with conditions as the rules of one kind of track.
class Prefiltered {
 public:
  // `exact`: every condition passed on holds or is unknown, as for single comparisons.
  Prefiltered(const std::vector<std::string>& texts, std::span<const Zone> zones, bool exact)
      : texts_(texts), exact_(exact), memory_(assess::Prefilter::bytes_needed(texts.size()) / 8) {
    Arena arena(memory_.data(), memory_.size() * 8);
    prefilter_.init(arena, texts.size());
    for (std::size_t r = 0; r < texts.size(); ++r) {
      compiled_.push_back(compile(texts[r]));
      REQUIRE_MESSAGE(compiled_.back().error.empty(), compiled_.back().error);
      prefilter_.add(r, compiled_.back().ops, zones);
    }
  }

  void compare(const assess::View& view) {
    view.approach_known = false;
    const assess::RuleSet may_hold = prefilter_.may_hold(view);
    CHECK((may_hold & ~prefilter_.rules()) == 0);
    for (std::size_t r = 0; r < texts_.size(); ++r) {
      const double value = assess::evaluate(compiled_[r].ops, view);
      const bool may = (may_hold >> r & 1) != 0;
      ++(value == 1.0 ? held_ : may ? passed_ : refused_);
      CHECK_MESSAGE((may ? !exact_ || value != 0.0 : value == 0.0), texts_[r]);
    }
  }
  // How often a condition held, was passed on without holding, and was filtered out.
  std::size_t held() const { return held_; }
  std::size_t passed() const { return passed_; }
  std::size_t refused() const { return refused_; }

 private:
  std::vector<std::string> texts_;
  bool exact_;
  std::vector<plan::CompiledExpression> compiled_;
  std::vector<std::uint64_t> memory_;
  assess::Prefilter prefilter_;
  std::size_t held_ = 0, passed_ = 0, refused_ = 0;
};

// 1, 0 or -1 for unknown. `heading`: the track's.
int answer(std::string_view text, double heading) {
  Scene scene;
  scene.track.heading = heading;
  scene.view.set(SubjectKind::own, nullptr);
  const plan::CompiledExpression compiled = compile(text);
  REQUIRE_MESSAGE(compiled.error.empty(), compiled.error);
  const double value = assess::evaluate(compiled.ops, scene.view);
  return value != value ? -1 : static_cast<int>(value);
}

}  // namespace

TEST_CASE("and, or, not follow Kleene's tables in any order of their operands") {
  // Each operand's value with a heading of 90 degrees, and without.
  struct Operand {
    std::string text;
    int known, unknown;
  };
  const Operand operands[] = {{"track.heading > 10 deg", 1, -1},
                              {"track.heading > 100 deg", 0, -1},
                              {"track.updates == 0", 1, 1},
                              {"track.updates > 5", 0, 0},
                              {"cpa(track, own) < 1 nmi", -1, -1}};
  const auto both = [](int a, int b) { return a == 0 || b == 0 ? 0 : a == -1 || b == -1 ? -1 : 1; };
  const auto either = [](int a, int b) {
    return a == 1 || b == 1 ? 1 : a == -1 || b == -1 ? -1 : 0;
  };
  for (const double heading : {90.0, kNothing}) {
    const bool known = heading == heading;
    for (const Operand& a : operands) {
      for (const Operand& b : operands) {
        for (const Operand& c : operands) {
          const int va = known ? a.known : a.unknown;
          const int vb = known ? b.known : b.unknown;
          const int vc = known ? c.known : c.unknown;
          const std::string and_or = a.text + " and " + b.text + " or " + c.text;
          CHECK_MESSAGE(answer(and_or, heading) == either(both(va, vb), vc), and_or);
          const std::string nested = a.text + " and (" + b.text + " or not (" + c.text + "))";
          CHECK_MESSAGE(answer(nested, heading) == both(va, either(vb, vc == -1 ? -1 : 1 - vc)),
                        nested);
          const std::string chain = a.text + " and " + b.text + " and " + c.text;
          CHECK_MESSAGE(answer(chain, heading) == both(both(va, vb), vc), chain);
        }
      }
    }
  }
}

TEST_CASE("each field is read by the reader of its kind of subject, and by its name's number") {
  // A distinct number for each kind and field.
  static constexpr auto kNumber = [](std::size_t kind, std::uint16_t field) {
    return static_cast<double>(100 * (kind + 1) + field);
  };
  const std::array<FieldReader, kSubjectKinds> readers{
      [](const void*, std::uint16_t field, const FieldContext&) { return kNumber(0, field); },
      [](const void*, std::uint16_t field, const FieldContext&) { return kNumber(1, field); },
      [](const void*, std::uint16_t field, const FieldContext&) { return kNumber(2, field); },
      [](const void*, std::uint16_t field, const FieldContext&) { return kNumber(3, field); },
      [](const void*, std::uint16_t field, const FieldContext&) { return kNumber(4, field); },
      [](const void*, std::uint16_t field, const FieldContext&) { return kNumber(5, field); }};
  Scene scene;
  scene.world.readers = readers;
  const std::vector<std::string> zones;
  const std::vector<std::uint32_t> costs;
  std::size_t asked = 0;
  for (std::size_t kind = 0; kind < kSubjectKinds; ++kind) {
    const FieldsOfKind& of = kFieldsOfKinds[kind];
    for (std::size_t n = 0; n < of.fields.size(); ++n) {
      REQUIRE(of.fields[n].index == n);
      const std::string name(of.fields[n].name), object(of.name);
      for (const std::string& text : {object + "." + name, name + "(" + object + ")"}) {
        const auto compiled = plan::compile_expression(
            text, of.fields[n].dimension, {static_cast<SubjectKind>(kind), false, &zones, &costs});
        REQUIRE_MESSAGE(compiled.error.empty(), text, ": ", compiled.error);
        CHECK(assess::evaluate(compiled.ops, scene.view) ==
              kNumber(kind, static_cast<std::uint16_t>(n)));
        ++asked;
      }
    }
  }
  CHECK(asked == 2 * (3 * kTrackFields.size() + kSourceFields.size() + kSinkFields.size() +
                      kNodeFields.size()));
}

TEST_CASE("a prefilter leaves out exactly what cannot hold, to the last bit of a bound") {
  // Numbers on both sides of each bound, and adjacent to it.
  std::vector<double> numbers{kNothing, 0.0, 5.0, 25.0};
  for (const double bound : {5.0, 25.0, 0.3 * 0.3 / 3.0}) {
    double below = bound * bound, above = bound * bound;
    for (int i = 0; i < 3; ++i) {
      numbers.push_back(below = std::nextafter(below, -1.0));
      numbers.push_back(above = std::nextafter(above, 1e9));
    }
  }
  std::vector<std::string> alone, chains;
  for (const std::string operand : {"track.speed", "track.sigma", "distance(track, own)",
                                    "track.altitude", "track.heading", "track.age"}) {
    for (const std::string op : {"<", "<=", ">", ">=", "==", "!="}) {
      for (const std::string bound : {"0", "5", "25"}) {
        const std::string unit = operand == "track.heading" ? " deg"
                                 : operand == "track.speed" ? " m/s"
                                 : operand == "track.age"   ? " s"
                                                            : " m";
        const std::string text = operand + " " + op + " " + bound + unit;
        // The prefilter has no test for equality of a root.
        const bool root = operand == "track.speed" || operand == "track.sigma" ||
                          operand == "distance(track, own)";
        (root && op == "==" ? chains : alone).push_back(text);
        chains.push_back(text + " and track.updates > 3");
      }
    }
  }
  for (const std::vector<std::string>* texts : {&alone, &chains}) {
    std::size_t held = 0, passed = 0, refused = 0;
    // An odd number of rules, and the maximum.
    for (const std::size_t count : {std::size_t{1}, std::size_t{43}, limits::kAssessments}) {
      for (std::size_t first = 0; first < texts->size(); first += count) {
        const std::size_t end = std::min(first + count, texts->size());
        Prefiltered prefiltered({texts->data() + first, texts->data() + end}, {}, texts == &alone);
        for (const double number : numbers) {
          for (const std::uint32_t updates : {0U, 1U}) {
            Scene scene;
            for (Tracker& tracker : scene.trackers) {
              tracker.acceleration = 0.3;
            }
            Track& track = scene.track;
            scene.own.updates = 1;
            track.updates = updates;
            track.altitude = track.heading = number;
            track.velocity_north = std::sqrt(number);
            track.ecef[0] = std::sqrt(number);
            track.variance_position = number;
            // An age is in whole nanoseconds: set it by an observation in the past.
            if (number == number) {
              track.observed_ns = -std::llround(number * 1e9);
            }
            // The filter's time may lie in the future.
            track.filter_ns = number > 20.0 ? 1'000'000'000 : 0;
            track.variance_velocity = 3.0;
            prefiltered.compare(scene.view);
          }
        }
        held += prefiltered.held();
        passed += prefiltered.passed();
        refused += prefiltered.refused();
      }
    }
    CHECK(refused > 1000);
    CHECK(passed > 1000);
    CHECK((texts == &chains || held > 1000));
  }
}

TEST_CASE("a prefilter agrees on zones, counts and bytes, on both sides of a bound") {
  const Place middle{59.0, 24.0};
  std::vector<Vector3> corners;
  for (const Place& corner : {Place{59.0, 24.0}, Place{59.2, 24.0}, Place{59.1, 24.5}}) {
    corners.push_back(normal_of(corner));
  }
  Zone around{};
  around.around_own = true;
  around.radius_m = 5000.0;
  const Zone zones[] = {make_circle(middle, 1000.0), make_polygon(corners), around};
  Scene scene(zones);
  Track& track = scene.track;
  Track& own = scene.own;
  const Vector3 own_place = ecef_of(middle);
  own.ecef[0] = own_place.x, own.ecef[1] = own_place.y, own.ecef[2] = own_place.z;
  Prefiltered exact(
      {"inside(track, ring)", "inside(track, guard)", "track.updates > 3", "track.gated >= 2",
       "track.elsewhere < 2", "track.denied == 2", "track.nav_status == 2", "track.ship_type != 3",
       "track.kind == vessel", "lost(track)", "own.speed > 5 m/s"},
      zones, true);
  Prefiltered others(
      {"inside(track, ring) and track.updates > 3", "inside(track, field)",
       "not inside(track, ring)", "lost(track) and track.updates > 1", "track.latitude > 59.1 deg",
       "lost(track) or track.updates > 1", "track.longitude != 24 deg and track.updates > 1",
       "track.updates > 2 and (lost(track) or track.gated > 3)"},
      zones, false);
  const auto at = [&](Vector3 ecef, Vector3 normal) {
    track.ecef[0] = ecef.x, track.ecef[1] = ecef.y, track.ecef[2] = ecef.z;
    track.normal[0] = normal.x, track.normal[1] = normal.y, track.normal[2] = normal.z;
    for (std::uint32_t count = 0; count < 5; ++count) {
      track.updates = count;
      track.gated_in_row = (count + 1) % 5;
      track.elsewhere = (count + 2) % 5;
      track.denied = (count + 3) % 5;
      track.nav_status = static_cast<std::uint8_t>(count);
      track.ship_type = static_cast<std::uint8_t>(count + 1);
      track.kind = static_cast<IdentityKind>(count);
      track.state = static_cast<TrackState>((count + 4) % 5);
      own.updates = count;
      own.velocity_east = static_cast<double>(2 * count);
      exact.compare(scene.view);
      others.compare(scene.view);
    }
  };
  // Adjacent to the circle's edge, then far away.
  const Vector3 centre = zones[0].centre_ecef;
  double outward = centre.x + 1000.0;
  for (int i = 0; i < 5; ++i) {
    outward = std::nextafter(outward, 0.0);
  }
  for (int i = 0; i < 10; ++i, outward = std::nextafter(outward, 1e9)) {
    at({outward, centre.y, centre.z}, normal_of(middle));
  }
  for (int i = 0; i < 2000; ++i) {
    const Place place{58.99 + 0.0002 * (i % 1100), 23.98 + 0.0004 * (i * 7 % 1400)};
    track.latitude = place.latitude;
    track.longitude = place.longitude;
    at(ecef_of(place), normal_of(place));
  }
  for (const Prefiltered* some : {&exact, &others}) {
    CHECK(some->held() > 500);
    CHECK(some->passed() > 500);
    CHECK(some->refused() > 500);
  }
}

TEST_CASE("a prefilter reads each field of a track where it is stored") {
  Scene scene;
  Track& track = scene.track;
  double* const fields[] = {&track.heading,     &track.altitude,   &track.vertical_speed,
                            &track.water_speed, &track.wind_speed, &track.wind_angle,
                            &track.battery,     &track.turning};
  const std::vector<std::string> said{
      "track.heading > 90 deg",     "track.altitude > 90 m",     "track.vertical_speed > 90 m/s",
      "track.water_speed > 90 m/s", "track.wind_speed > 90 m/s", "track.wind_angle > 90 deg",
      "track.battery > 90",         "track.turning > 90"};
  for (std::size_t holds = 0; holds < std::size(fields); ++holds) {
    for (double* field : fields) {
      *field = field == fields[holds] ? 100.0 : 1.0;
    }
    Prefiltered prefiltered(said, {}, true);
    prefiltered.compare(scene.view);
    CHECK(prefiltered.held() == 1);
    CHECK(prefiltered.refused() == std::size(fields) - 1);
  }
}

TEST_CASE("the cheap operand is asked first, whichever was written first") {
  const plan::CompiledExpression compiled =
      compile("cpa(track, own) < 1 nmi and track.updates > 5");
  REQUIRE(!compiled.ops.empty());
  CHECK(static_cast<OpCode>(compiled.ops.front().code()) == OpCode::compare_track);
  bool skips = false;
  for (const plan::Op& op : compiled.ops) {
    skips = skips || static_cast<OpCode>(op.code()) == OpCode::skip_if_false;
  }
  CHECK(skips);
}

TEST_CASE("a skip that leaves the expression or changes the stack is refused") {
  const plan::CompiledExpression good =
      compile("track.updates > 5 and track.heading > 10 deg and track.ship_type == 3");
  std::uint16_t stack = 0;
  REQUIRE(plan::check_ops(good.ops.data(), good.ops.size(), {}, stack).empty());
  std::size_t refused = 0, tried = 0;
  for (std::size_t i = 0; i < good.ops.size(); ++i) {
    if (static_cast<OpCode>(good.ops[i].code()) != OpCode::skip_if_false) {
      continue;
    }
    for (std::uint32_t count = 0; count < 300; ++count) {
      std::vector<plan::Op> ops = good.ops;
      ops[i] = plan::Op(0.0, good.ops[i].code(), 0, count);
      ++tried;
      refused += plan::check_ops(ops.data(), ops.size(), {}, stack).empty() ? 0 : 1;
    }
  }
  CHECK(tried == 600);
  CHECK(refused > 590);  // the rest end at the same stack height
  CHECK(refused < 600);
}
