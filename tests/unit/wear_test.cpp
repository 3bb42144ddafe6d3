// The steps by which a node spares its flash.
#include "node/wear.hpp"

#include "test.hpp"

using namespace vedette;
using node::Wear;

namespace {

constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kS = 1000 * kMs;
constexpr std::uint64_t kBudget = std::uint64_t{2} << 30;

struct Flash {
  Wear wear;
  std::int64_t now_ns = kS;
  std::uint64_t bytes = 0;

  explicit Flash(std::uint64_t budget = kBudget, std::int64_t commit_ns = 2 * kMs,
                 std::int64_t image_ns = 5 * kS) {
    wear.init(budget, commit_ns, image_ns);
    wear.look(now_ns, bytes);
  }
  // A window in which this many bytes a day are written.
  bool window(double a_day) {
    now_ns += Wear::kWindowNs;
    bytes += static_cast<std::uint64_t>(a_day * static_cast<double>(Wear::kWindowNs) / 86400e9);
    return wear.look(now_ns, bytes);
  }
  void windows(int count, double a_day) {
    for (int i = 0; i < count; ++i) {
      window(a_day);
    }
  }
};

}  // namespace

TEST_CASE("beyond the wear budget batches and images wait longer, then blocks are packed") {
  Flash flash;
  CHECK(flash.wear.steps() == 4);
  const Wear::Step expected[] = {{20 * kMs, 50 * kS, false},
                                 {200 * kMs, 500 * kS, false},
                                 {500 * kMs, 600 * kS, false},
                                 {500 * kMs, 600 * kS, true}};
  for (const Wear::Step& step : expected) {
    CHECK(flash.window(3e9));
    CHECK(flash.wear.step() == step);
  }
  CHECK_FALSE(flash.window(3e9));  // the last one holds
  CHECK(flash.wear.number() == 4);
  CHECK(flash.wear.rate().value() == doctest::Approx(3e9));
}

TEST_CASE("within the wear budget nothing changes, and without one only the rate is told") {
  Flash within;
  within.windows(100, 2.1e9);
  CHECK(within.wear.number() == 0);
  Flash none(0);
  CHECK_FALSE(none.wear.rate());
  none.windows(10, 1e15);
  CHECK(none.wear.number() == 0);
  CHECK(none.wear.rate().value() == doctest::Approx(1e15));
}

TEST_CASE("a step back needs fifteen minutes below half of the wear budget") {
  Flash flash;
  flash.windows(2, 3e9);
  REQUIRE(flash.wear.number() == 2);
  flash.windows(20, 1.5e9);  // within the budget, and not calm
  CHECK(flash.wear.number() == 2);
  flash.windows(2, 0.5e9);
  flash.window(1.5e9);
  flash.windows(2, 0.5e9);
  CHECK(flash.wear.number() == 2);
  CHECK(flash.window(0.5e9));
  CHECK(flash.wear.number() == 1);
  flash.windows(3, 0.5e9);
  CHECK(flash.wear.number() == 0);
  CHECK(flash.wear.step() == Wear::Step{2 * kMs, 5 * kS, false});
}

TEST_CASE("a step back that was premature is tried more and more rarely") {
  Flash flash;
  int changes = 0;
  for (int i = 0; i < 5 * 288; ++i) {  // five days: too much without the step, little with it
    changes += flash.window(flash.wear.number() == 0 ? 3e9 : 0.3e9) ? 1 : 0;
  }
  CHECK(changes > 10);
  CHECK(changes < 30);
}

TEST_CASE("what a site asks for beyond a step's bound stays") {
  Flash slow(kBudget, 2 * kS, 3600 * kS);
  CHECK(slow.wear.steps() == 1);
  slow.window(3e9);
  CHECK(slow.wear.step() == Wear::Step{2 * kS, 3600 * kS, true});
  Flash at_once(kBudget, 0, kS / 20);
  CHECK(at_once.wear.steps() <= Wear::kMostSteps);
  at_once.window(3e9);
  CHECK(at_once.wear.step() == Wear::Step{20 * kMs, kS / 2, false});
  at_once.windows(10, 3e9);
  CHECK(at_once.wear.step() == Wear::Step{500 * kMs, 600 * kS, true});
}

TEST_CASE("a clock that is corrected begins the window of wear again") {
  Flash flash;
  flash.now_ns += 90LL * 86400 * kS;
  flash.bytes += 1 << 20;
  CHECK_FALSE(flash.wear.look(flash.now_ns, flash.bytes));
  CHECK_FALSE(flash.wear.rate());
  CHECK(flash.window(3e9));
}
