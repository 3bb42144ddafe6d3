#include "node/timekeeper.hpp"

#include <limits>

#include "base/math.hpp"
#include "base/text.hpp"
#include "model/limits.hpp"
#include "test.hpp"

namespace vedette::node {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kYear = 31'557'600 * kSecond;
constexpr std::int64_t kNow = 1'795'000'000 * kSecond;  // in November 2026

TEST_CASE(
    "a clock that leaps by years at a start is not believed, and time goes on from the last "
    "record") {
  for (const std::int64_t clock :
       {kNow + 10 * kYear, kNow + 92 * kYear, kNow + 90 * 86'400 * kSecond + kSecond,
        std::numeric_limits<std::int64_t>::max()}) {
    CAPTURE(clock);
    Timekeeper keeper;
    CHECK(keeper.begin(clock, kNow) == kNow);
    CHECK(!keeper.believed());
    CHECK(keeper.what().ends_with("does not follow it"));
  }
  Timekeeper keeper;
  keeper.begin(kNow + 10 * kYear, kNow);
  CHECK(keeper.what() == "jumped by +10 y; node time does not follow it");
  keeper.begin(kNow - 10 * kYear, kNow);
  CHECK(keeper.what() == "says 2016-11-17T23:06:40.000Z; node time does not follow it");
}

TEST_CASE(
    "a clock behind the last record does not take node time back, and one that is right again is "
    "believed") {
  Timekeeper keeper;
  CHECK(keeper.begin(kNow - 10 * kYear, kNow) == kNow);
  CHECK(!keeper.believed());
  CHECK(keeper.begin(std::numeric_limits<std::int64_t>::min(), kNow) == kNow);
  CHECK(!keeper.believed());
  CHECK(keeper.begin(kNow - kSecond, kNow) == kNow);
  CHECK(keeper.believed());
  CHECK(keeper.begin(kNow + 60 * kSecond, kNow) == kNow + 60 * kSecond);
  CHECK(keeper.believed());
}

TEST_CASE("without a record a clock that can be is believed, and one that cannot begins at 2000") {
  for (const std::int64_t clock :
       {std::int64_t{0}, std::int64_t{-56} * kYear, 146 * kYear, 230 * kYear}) {
    CAPTURE(clock);
    Timekeeper keeper;
    CHECK(keeper.begin(clock, 0) == limits::kClockUnsetNs);
    CHECK(!keeper.believed());
    // The first credible clock moves node time, even in a running node.
    CHECK(keeper.look(kNow, limits::kClockUnsetNs + kSecond, kSecond, false) == kNow);
    CHECK(keeper.believed());
    CHECK(keeper.begin(kNow, limits::kClockUnsetNs + 60 * kSecond) == kNow);
    CHECK(keeper.believed());
  }
  Timekeeper keeper;
  CHECK(keeper.begin(kNow, 0) == kNow);
  CHECK(keeper.believed());
}

TEST_CASE("a clock set while the node runs moves nothing until it was synchronised for an hour") {
  for (const bool synchronised : {false, true}) {
    CAPTURE(synchronised);
    Timekeeper keeper;
    keeper.begin(kNow, kNow - kSecond);
    std::int64_t gone_on = 0;
    for (std::int64_t s = 1; s < 3 * 3600 && gone_on == 0; ++s) {
      const auto to = keeper.look(kNow + s * kSecond + 600 * kSecond, kNow + s * kSecond,
                                  s * kSecond, synchronised);
      gone_on = to ? s : 0;
      CHECK(keeper.believed() == to.has_value());
    }
    CHECK(gone_on == (synchronised ? 3601 : 0));
  }
  // Never moves back; an unsteady or impossible clock is not followed.
  Timekeeper keeper;
  keeper.begin(kNow, kNow);
  for (std::int64_t s = 1; s < 3 * 3600; ++s) {
    CHECK(!keeper.look(kNow + s * kSecond - 600 * kSecond, kNow + s * kSecond, s * kSecond, true));
  }
  for (std::int64_t s = 1; s < 3 * 3600; ++s) {
    const std::int64_t far = (s / 1000 % 2 + 1) * 600 * kSecond;
    CHECK(!keeper.look(kNow + s * kSecond + far, kNow + s * kSecond, s * kSecond, true));
    CHECK(!keeper.look(kNow + 92 * kYear, kNow + s * kSecond, s * kSecond, true));
  }
}

TEST_CASE("a time is admitted by command forwards, within what a clock can say") {
  Timekeeper keeper;
  keeper.begin(kNow + 10 * kYear, kNow);
  CHECK(keeper.admit(kNow - kSecond, kNow).find("never goes back") != std::string::npos);
  CHECK(!keeper.admit(kNow + 92 * kYear, kNow).empty());
  CHECK(!keeper.believed());
  CHECK(keeper.admit(kNow + 10 * kYear, kNow).empty());
  CHECK(keeper.believed());
}

TEST_CASE("sums of times end at the last that has a place") {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  CHECK(add_ns(kMost, 1) == kMost);
  CHECK(add_ns(kLeast, -1) == kLeast);
  CHECK(sub_ns(kLeast, 1) == kLeast);
  CHECK(sub_ns(kMost, -1) == kMost);
  CHECK(add_ns(3, -5) == -2);
  CHECK(limits::kTimeMostNs + 2 * (std::int64_t{10000} * 86'400 * kSecond) > limits::kTimeMostNs);
  for (const std::int64_t ns : {kLeast, kMost}) {
    std::string text;
    append_time(text, ns);
    CHECK(text.size() == 24);
  }
}

}  // namespace
}  // namespace vedette::node
