#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "assess/assess.hpp"
#include "assess/operand.hpp"
#include "plan/expression_compiler.hpp"
#include "test.hpp"

using namespace vedette;

namespace {

plan::CompiledExpression compile(std::string_view text) {
  static const std::vector<std::string> zones;
  static const std::vector<std::uint32_t> costs;
  return plan::compile_expression(text, Dimension::boolean,
                                  {plan::Scope::track, false, &zones, &costs});
}

// 1, 0 or -1 for unknown. `heading` is what is known of the track's heading.
int answer(std::string_view text, double heading) {
  Track track{};
  track.heading = heading;
  Tracker tracker{};
  assess::View view;
  view.track = &track;
  view.tracker = &tracker;
  const plan::CompiledExpression compiled = compile(text);
  REQUIRE_MESSAGE(compiled.error.empty(), compiled.error);
  const double value = assess::evaluate(compiled.ops, {}, view);
  // As the terms of a chain, where it is one, the answer is the same.
  std::vector<assess::Term> terms(compiled.ops.size());
  terms.resize(assess::terms_of(compiled.ops, terms));
  const double by_terms = assess::evaluate(assess::Condition{compiled.ops, terms}, {}, view);
  REQUIRE(std::bit_cast<std::uint64_t>(by_terms) == std::bit_cast<std::uint64_t>(value));
  return value != value ? -1 : static_cast<int>(value);
}

const double kNothing = std::bit_cast<double>(0x7FF8000000000000ULL);

}  // namespace

TEST_CASE("and, or, not follow Kleene's tables in any order of their operands") {
  // What each operand gives with a heading of 90 degrees known, and with none.
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

TEST_CASE("what screens a condition says what the whole condition says, to the last bit") {
  Tracker tracker{};
  tracker.acceleration = 0.3;
  // Numbers on both sides of each bound and as near to it as numbers are.
  std::vector<double> numbers{kNothing, 0.0, 5.0, 25.0};
  for (const double bound : {5.0, 25.0, 0.3 * 0.3 / 3.0}) {
    double below = bound * bound, above = bound * bound;
    for (int i = 0; i < 3; ++i) {
      numbers.push_back(below = std::nextafter(below, -1.0));
      numbers.push_back(above = std::nextafter(above, 1e9));
    }
  }
  const std::string operators[] = {"<", "<=", ">", ">=", "==", "!="};
  const std::string operands[] = {"track.speed",    "track.sigma",   "distance(track, own)",
                                  "track.altitude", "track.heading", "track.age"};
  std::array<std::size_t, 4> said{};
  for (const std::string& operand : operands) {
    for (const std::string& op : operators) {
      for (const std::string bound : {"0", "5", "25"}) {
        const std::string unit = operand == "track.heading" ? " deg"
                                 : operand == "track.speed" ? " m/s"
                                 : operand == "track.age"   ? " s"
                                                            : " m";
        for (const std::string rest : {"", " and track.updates > 3"}) {
          const std::string text = operand + " " + op + " " + bound + unit + rest;
          const plan::CompiledExpression compiled = compile(text);
          REQUIRE_MESSAGE(compiled.error.empty(), compiled.error);
          std::vector<assess::Term> terms(compiled.ops.size());
          terms.resize(assess::terms_of(compiled.ops, terms));
          const assess::Screen screen = assess::screen_of(terms, 0);
          for (const double number : numbers) {
            for (const std::uint32_t updates : {0U, 1U}) {
              Track own{}, track{};
              own.updates = 1;
              track.updates = updates;
              track.altitude = track.heading = number;
              track.velocity_north = std::sqrt(number);
              track.ecef[0] = std::sqrt(number);
              track.variance_position = number;
              assess::View view;
              view.track = &track;
              view.tracker = &tracker;
              view.own = &own;
              if (operand == "track.age" && number == number) {
                view.now_ns = std::llround(number * 1e9);
              }
              const double value = assess::evaluate(compiled.ops, {}, view);
              const assess::Screened says = assess::ask(
                  screen, assess::numbers_of(view, assess::bit_of(screen.of)), {}, view);
              ++said[static_cast<std::size_t>(says)];
              switch (says) {
                case assess::Screened::refuses:
                  CHECK_MESSAGE(value == 0.0, text);
                  break;
                case assess::Screened::holds:
                  CHECK_MESSAGE(value == 1.0, text);
                  break;
                case assess::Screened::unknown:
                  CHECK_MESSAGE(value != value, text);
                  break;
                case assess::Screened::more_to_ask:
                  CHECK_MESSAGE(!rest.empty(), text);
                  break;
              }
            }
          }
        }
      }
    }
  }
  for (const std::size_t count : said) {
    CHECK(count > 500);
  }
}

TEST_CASE("a field that stands in the track is screened where it stands") {
  Track track{};
  double* const fields[] = {&track.heading,     &track.altitude,   &track.vertical_speed,
                            &track.water_speed, &track.wind_speed, &track.wind_angle,
                            &track.battery,     &track.turning};
  const std::string said[] = {
      "track.heading > 90 deg",     "track.altitude > 90 m",     "track.vertical_speed > 90 m/s",
      "track.water_speed > 90 m/s", "track.wind_speed > 90 m/s", "track.wind_angle > 90 deg",
      "track.battery > 90",         "track.turning > 90"};
  assess::View view;
  view.track = &track;
  for (std::size_t holds = 0; holds < std::size(fields); ++holds) {
    for (double* field : fields) {
      *field = field == fields[holds] ? 100.0 : 1.0;
    }
    for (std::size_t i = 0; i < std::size(said); ++i) {
      const plan::CompiledExpression compiled = compile(said[i]);
      REQUIRE_MESSAGE(compiled.error.empty(), compiled.error);
      std::vector<assess::Term> terms(compiled.ops.size());
      terms.resize(assess::terms_of(compiled.ops, terms));
      const assess::Screen screen = assess::screen_of(terms, 0);
      CHECK_MESSAGE(screen.of == assess::Screen::Of::stored, said[i]);
      CHECK_MESSAGE((assess::ask(screen, {}, {}, view) == assess::Screened::holds) == (i == holds),
                    said[i]);
    }
  }
}

TEST_CASE("a chain of and is taken apart into its terms, anything else is not") {
  const auto count = [](std::string_view text) {
    const plan::CompiledExpression compiled = compile(text);
    REQUIRE_MESSAGE(compiled.error.empty(), compiled.error);
    std::vector<assess::Term> terms(compiled.ops.size());
    return assess::terms_of(compiled.ops, terms);
  };
  CHECK(count("track.heading > 10 deg") == 1);
  CHECK(count("lost(track)") == 1);
  CHECK(count("cpa(track, own) < 1 nmi and lost(track) and own.speed > 1 kn") == 3);
  CHECK(count("lost(track) or track.updates > 3") == 0);
  CHECK(count("not (lost(track))") == 0);
  CHECK(count("lost(track) and (track.updates > 3 or track.heading > 10 deg)") == 0);
  CHECK(count("track.updates > 1 + 2 and lost(track)") == 0);
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
  REQUIRE(plan::check_ops(good.ops.data(), good.ops.size(), 0, stack).empty());
  std::size_t refused = 0, tried = 0;
  for (std::size_t i = 0; i < good.ops.size(); ++i) {
    if (static_cast<OpCode>(good.ops[i].code()) != OpCode::skip_if_false) {
      continue;
    }
    for (std::uint32_t count = 0; count < 300; ++count) {
      std::vector<plan::Op> ops = good.ops;
      ops[i] = plan::Op(0.0, good.ops[i].code(), 0, count);
      ++tried;
      refused += plan::check_ops(ops.data(), ops.size(), 0, stack).empty() ? 0 : 1;
    }
  }
  CHECK(tried == 600);
  CHECK(refused > 590);  // left are those that end where the stack is as high
  CHECK(refused < 600);
}
