#include "core/engine/load.hpp"

#include <cstddef>
#include <string_view>

#include "one_stage.hpp"
#include "test.hpp"

using namespace vedette;
using engine::Load;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::string_view kSite = R"(
site = "load"
[source.in]
driver = "udp"
listen = "127.0.0.1:1"
codec = "ais"
)";
constexpr std::int64_t kHorizon = 8 * kSecond;

EventHeader event(EventClass event_class, std::int64_t received_ns, std::uint64_t record = 1) {
  EventHeader header{};
  header.sequence = record;
  header.record = record;
  header.received_ns = received_ns;
  header.event_class = event_class;
  return header;
}

}  // namespace

TEST_CASE("what is late by half its horizon makes overload, or safe mode when it is urgent") {
  Load load;
  CHECK(load.admit(event(EventClass::normal, 0), kHorizon, 1, kHorizon / 2) == Load::Verdict::work);
  CHECK(load.mode() == Mode::normal);
  load.admit(event(EventClass::normal, 0), kHorizon, 1, kHorizon / 2 + 1);
  CHECK(load.mode() == Mode::overload);
  ModeChange told{};
  REQUIRE(load.changed(told));
  CHECK(told.mode == Mode::overload);
  CHECK(told.previous == Mode::normal);
  CHECK(told.late_ns == kHorizon / 2 + 1);
  CHECK(told.cause == 1);
  CHECK_FALSE(load.changed(told));  // reported once
  load.admit(event(EventClass::high, 0, 2), kHorizon, 1, kHorizon);
  CHECK(load.mode() == Mode::safe);
  load.admit(event(EventClass::normal, 0, 3), kHorizon, 1, kHorizon);
  CHECK(load.mode() == Mode::safe);  // less urgent classes do not improve it
}

TEST_CASE("overload sheds what is bulk and late, and samples; safe mode sheds what is normal too") {
  Load load;
  const std::int64_t now = 100 * kSecond;
  const auto admit = [&](EventClass c, std::int64_t late_ns, std::uint32_t sample = 1,
                         std::uint64_t record = 1) {
    return load.admit(event(c, now - late_ns, record), kHorizon, sample, now);
  };
  CHECK(admit(EventClass::bulk, kHorizon / 3) == Load::Verdict::work);  // no overload yet
  admit(EventClass::bulk, kHorizon);
  CHECK(admit(EventClass::bulk, kHorizon / 4) == Load::Verdict::work);
  CHECK(admit(EventClass::bulk, kHorizon / 4 + 1) == Load::Verdict::shed);
  CHECK(admit(EventClass::normal, kHorizon) == Load::Verdict::work);
  CHECK(admit(EventClass::normal, 0, 4, 8) == Load::Verdict::work);
  CHECK(admit(EventClass::normal, 0, 4, 9) == Load::Verdict::sampled_out);
  admit(EventClass::critical, kHorizon);
  CHECK(admit(EventClass::normal, kHorizon / 4 + 1) == Load::Verdict::shed);
  CHECK(admit(EventClass::high, kHorizon) == Load::Verdict::work);
  CHECK(admit(EventClass::critical, kHorizon) == Load::Verdict::work);
}

TEST_CASE("it recovers one step at a time, each after a quiet while, also behind a restart") {
  tests::OneStage<Load> of(kSite);
  Load& load = of.stage();
  load.admit(event(EventClass::critical, 0), kHorizon, 1, kHorizon);
  load.settle(kHorizon + 4 * kSecond, 5 * kSecond);
  CHECK(load.mode() == Mode::safe);
  // A delay of more than an eighth restarts the recovery time.
  load.admit(event(EventClass::high, kHorizon + 2 * kSecond), kHorizon, 1, kHorizon + 4 * kSecond);
  load.settle(kHorizon + 6 * kSecond, 5 * kSecond);
  CHECK(load.mode() == Mode::safe);
  auto state = of.frozen();
  tests::OneStage<Load> other(kSite);
  REQUIRE(other.thaw(state));
  Load& thawed = other.stage();
  thawed.settle(kHorizon + 9 * kSecond, 5 * kSecond);
  CHECK(thawed.mode() == Mode::overload);
  thawed.settle(kHorizon + 10 * kSecond, 5 * kSecond);
  CHECK(thawed.mode() == Mode::overload);
  thawed.settle(kHorizon + 14 * kSecond, 5 * kSecond);
  CHECK(thawed.mode() == Mode::normal);
  state[offsetof(ModeChange, mode)] = static_cast<std::uint8_t>(Mode::safe) + 1;
  CHECK_FALSE(other.thaw(state));
}
