// How much a watch is alarmed, in the measures of EEMUA 191.
#include "cli/alarm_rates.hpp"

#include <string>
#include <vector>

#include "load_site.hpp"
#include "model/event.hpp"
#include "model/track.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::tests;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
// At the beginning of a window.
constexpr std::int64_t kStart = 1'700'000'400LL * kSecond;
static_assert(kStart % cli::AlarmRates::kWindowNs == 0);

const plan::Plan& site() {
  static std::vector<std::uint8_t> bytes;
  static const plan::Plan* plan = load_site(R"(
site = "rates"
[source.in]
driver = "udp"
listen = "127.0.0.1:1"
codec = "ais"
[assess.close]
of = "track"
when = "track.speed > 1 kn"
priority = "high"
[assess.odd]
of = "track"
when = "track.speed > 9 kn"
priority = "low"
[decide.a]
on = "close"
run = "tell"
[decide.b]
on = "odd"
run = "tell"
[action.tell]
sink = "log"
[sink.log]
driver = "log"
)",
                                            bytes);
  REQUIRE(plan != nullptr);
  return *plan;
}

AlarmChange change(std::uint64_t id, std::uint16_t assessment,
                   AlarmEvent event = AlarmEvent::raised) {
  AlarmChange c{};
  c.alarm.id = id;
  c.alarm.assessment = assessment;
  c.alarm.active = 1;
  c.alarm.told = AlarmTold::raised;
  c.alarm.subject = {track_key(IdentityKind::vessel, 7), kNoSource, SubjectKind::track, {}};
  c.change = event;
  return c;
}

}  // namespace

TEST_CASE("alarms of an hour: average, busiest ten minutes, flood, priorities, most frequent") {
  cli::AlarmRates rates;
  rates.covers(kStart, kStart + 3599 * kSecond);
  for (std::uint64_t i = 0; i < 11; ++i) {  // a flood in the third window
    rates.take(change(10 + i, 0), kStart + (1200 + static_cast<std::int64_t>(i)) * kSecond, site());
  }
  rates.take(change(50, 1), kStart + 3000 * kSecond, site());
  CHECK(rates.announced() == 12);
  CHECK(rates.average() == doctest::Approx(2.0).epsilon(0.01));
  CHECK(rates.busiest().announced == 11);
  CHECK(rates.busiest().from_ns == kStart + 1200 * kSecond);
  CHECK(rates.flood_share() == doctest::Approx(1.0 / 6));
  CHECK(rates.of(AlarmPriority::high) == 11);
  CHECK(rates.of(AlarmPriority::low) == 1);
  REQUIRE(rates.frequent().size() == 2);
  CHECK(rates.frequent()[0].name == "close");
  CHECK(rates.frequent()[0].count == 11);
  CHECK(rates.chattering().empty());
  CHECK(rates.text().find("manageable") != std::string::npos);
}

TEST_CASE("a few minutes give no average of ten") {
  cli::AlarmRates rates;
  for (std::uint64_t i = 0; i < 11; ++i) {
    rates.take(change(10 + i, 0), kStart + static_cast<std::int64_t>(i) * kSecond, site());
  }
  CHECK(rates.text().find("too short for the average") != std::string::npos);
  CHECK(rates.text().find("on average") == std::string::npos);
}

TEST_CASE("only what people are told of counts") {
  AlarmChange quiet = change(1, 0);
  quiet.alarm.told = AlarmTold::never;
  AlarmChange shelved = change(2, 0, AlarmEvent::repeated);
  shelved.alarm.shelved_until_ns = kStart;
  AlarmChange released = change(3, 0, AlarmEvent::released);
  CHECK(!cli::announces(quiet));
  CHECK(!cli::announces(shelved));
  CHECK(cli::announces(released));
  for (const AlarmEvent event : {AlarmEvent::cleared, AlarmEvent::acknowledged, AlarmEvent::shelved,
                                 AlarmEvent::suppressed}) {
    CHECK(!cli::announces(change(4, 0, event)));
  }
  cli::AlarmRates rates;
  rates.take(quiet, kStart, site());
  CHECK(rates.announced() == 0);
}

TEST_CASE("an alarm that comes three times within a minute chatters") {
  cli::AlarmRates rates;
  for (const int second : {0, 20, 59}) {
    rates.take(change(9, 0, second == 0 ? AlarmEvent::raised : AlarmEvent::repeated),
               kStart + second * kSecond, site());
    rates.take(change(8, 0), kStart + second * 3 * kSecond, site());
  }
  REQUIRE(rates.chattering().size() == 1);
  CHECK(rates.chattering()[0].name == "9 close, vessel 7");
  CHECK(rates.chattering()[0].count == 3);
}
