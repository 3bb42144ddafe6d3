// Promise 2 with as many events as one node can hold: all are accepted before any is worked, and
// each leaves once. VEDETTE_EVENTS sets their number; ten million need 4 GiB.
#include <cstdlib>
#include <map>
#include <string>

#include "plan/plan.hpp"
#include "shard_in_memory.hpp"
#include "small_site.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::tests;

namespace {

const plan::Plan* crowd_site(std::size_t events, std::vector<std::uint8_t>& bytes) {
  return load_site(
      "site = \"crowd\"\n[limits]\ntracks = 65536\nbatch_events = 256\nwaiting_events = " +
          std::to_string(events) +
          "\n[source.a]\ndriver = \"udp\"\nlisten = \"127.0.0.1:1\"\ncodec = \"ais\"\n"
          "class = \"high\"\nhorizon = \"600 s\"\n"
          "[source.b]\ndriver = \"udp\"\nlisten = \"127.0.0.1:2\"\ncodec = \"ais\"\n"
          "class = \"bulk\"\nhorizon = \"900 s\"\n",
      bytes);
}

struct Outcome {
  std::uint64_t digest = 0;
  std::map<Reason, std::uint64_t> reasons;
  std::uint64_t left_twice = 0;
  std::uint64_t out_of_order = 0;
  std::uint64_t late = 0;
  engine::Progress progress;
};

Outcome run(const plan::Plan& plan, std::size_t events) {
  Outcome result;
  ShardInMemory engine(plan);
  std::vector<std::uint8_t> left(events + 1);
  std::vector<std::int64_t> deadline(events + 1);
  std::vector<std::uint8_t> event_class(events + 1);
  std::uint64_t last_worked = 0;
  std::int64_t now = kStart;
  const auto step = [&] {
    engine.step_into_nothing(now, {}, [&](const EventHeader& e, Bytes payload) {
      if (e.kind == EventKind::observation && e.state.phase() == Phase::accepted) {
        deadline[e.sequence - 1] = e.received_ns + (e.source == 0 ? 600 : 900) * kSecond;
        event_class[e.sequence - 1] = static_cast<std::uint8_t>(e.event_class);
      }
      if (e.kind != EventKind::resolution) {
        return;
      }
      const auto r = payload_as<Resolution>(payload);
      ++result.reasons[r.reason];
      result.left_twice += left[r.sequence - 1]++ != 0 ? 1 : 0;
      result.late += now > deadline[r.sequence - 1] + 10 * kSecond ? 1 : 0;
      if (r.reason != Reason::cancelled && r.reason != Reason::horizon) {
        // Worked by class, then by deadline, to the calendar's grain.
        const auto grain = static_cast<std::uint64_t>(900 * kSecond / 4000 + 1);
        const std::uint64_t place = std::uint64_t{event_class[r.sequence - 1]} << 56 |
                                    static_cast<std::uint64_t>(deadline[r.sequence - 1]) / grain;
        result.out_of_order += place < last_worked ? 1 : 0;
        last_worked = place;
      }
    });
  };
  engine.put_command(CommandKind::hold, now);
  step();
  const std::uint64_t before = engine.shard().progress().accepted;
  REQUIRE(before == 2);  // the hold, and the cause "held"
  left.resize(events + 16);
  deadline.resize(events + 16);
  event_class.resize(events + 16);
  for (std::size_t i = 0; i < events;) {
    // The horizon of one in a hundred passes before the hold ends.
    const bool old = i % 100 == 7;
    const auto source = static_cast<std::uint16_t>(i % 3 == 0 ? 0 : 1);
    const std::int64_t age =
        old ? (source == 0 ? 299 : 449) : static_cast<std::int64_t>(i % (source == 0 ? 100 : 400));
    Observation o = ship(1, 0);
    o.identity = 1 + i % 60'000;
    o.latitude_e7 = static_cast<std::int32_t>(10'000 * (i % 60'000) + i / 60'000);
    if (engine.put(o, now - age * kSecond, source,
                   source == 0 ? EventClass::high : EventClass::bulk)) {
      ++i;
    } else {
      step();
    }
  }
  while (engine.backlog() != 0) {
    step();
  }
  CHECK(engine.shard().progress().waiting == events);
  CHECK(result.reasons.empty());
  for (std::size_t i = 0; i < events / 100;) {
    if (engine.put_command(CommandKind::cancel, now, before + 1 + i * 100 + 50)) {
      ++i;
    } else {
      step();
    }
  }
  while (engine.backlog() != 0) {
    step();
  }
  for (int i = 0; i < 48; ++i) {
    now += 10 * kSecond;
    do {
      step();
    } while (engine.shard().waiting().overdue(now) != engine::Waiting::kNone);
  }
  engine.put_command(CommandKind::resume, now);
  do {
    step();
  } while (engine.shard().unfinished());
  result.progress = engine.shard().progress();
  result.digest = result.progress.digest;
  return result;
}

}  // namespace

TEST_CASE("a crowd of events accepted before any is worked: each leaves once, by its horizon") {
  const char* wanted = std::getenv("VEDETTE_EVENTS");
  const std::size_t events = wanted == nullptr ? 50'000 : std::strtoull(wanted, nullptr, 10);
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = crowd_site(events, bytes);
  REQUIRE(plan != nullptr);
  const Outcome first = run(*plan, events);
  CHECK(first.left_twice == 0);
  CHECK(first.out_of_order == 0);
  CHECK(first.late == 0);
  std::uint64_t left = 0;
  for (const auto& [reason, count] : first.reasons) {
    MESSAGE(name_of(reason), ": ", count);
    left += count;
  }
  CHECK(left == events);
  CHECK(first.reasons.at(Reason::cancelled) == events / 100);
  CHECK(first.reasons.at(Reason::horizon) == events / 100);
  const engine::Progress& p = first.progress;
  CHECK(p.waiting == 0);
  CHECK(p.accepted == p.exits[0] + p.exits[1] + p.exits[2]);
  CHECK(run(*plan, events).digest == first.digest);
}
