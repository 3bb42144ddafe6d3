// Promise 6: a failing sink is left alone and retried, without effect on other sinks.
#include <map>
#include <string>

#include "plan/plan.hpp"
#include "shard_in_memory.hpp"
#include "small_site.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::tests;

namespace {

const plan::Plan* two_sinks(std::vector<std::uint8_t>& bytes) {
  return load_site(R"(
site = "faults"
[source.a]
driver = "udp"
listen = "127.0.0.1:1"
codec = "ais"
[assess.seen]
of = "track"
when = "track.updates >= 1"
[decide.a]
on = "seen"
run = "shaky"
[decide.b]
on = "seen"
run = "steady"
[action.shaky]
sink = "shaky"
retries = 3
backoff = "1 s"
horizon = "60 s"
[action.steady]
sink = "steady"
[sink.shaky]
driver = "log"
breaker = 3
breaker_rest = "10 s"
[sink.steady]
driver = "log"
)",
                   bytes);
}

struct Attempt {
  std::uint64_t sequence;
  std::uint64_t root;
  std::int64_t at_ns;
  std::uint16_t sink;
};

// Steps until nothing is left, recording what is sent.
class Watch {
 public:
  explicit Watch(const plan::Plan& plan) : engine(plan) {}

  std::vector<Attempt> at(std::int64_t now_ns) {
    std::vector<Attempt> out;
    for (auto b = engine.step(now_ns); !b.empty(); b = engine.step(now_ns)) {
      for_each_event(b, [&](const EventHeader& e, Bytes payload) {
        const deliver::Delivery& delivery = engine.shard().delivery();
        if (e.kind == EventKind::action && e.state.phase() == Phase::transient) {
          out.push_back({e.sequence, e.sequence, now_ns, payload_as<ActionIntent>(payload).sink});
        } else if (e.kind == EventKind::dispatch) {
          const auto sequence = payload_as<Dispatch>(payload).sequence;
          const ActionIntent& intent = delivery.intent(delivery.find(sequence));
          out.push_back({sequence, intent.root, now_ns, intent.sink});
        } else if (e.kind == EventKind::sink_state) {
          breaker.push_back(payload_as<SinkState>(payload).breaker);
        } else if (e.kind == EventKind::action && e.state.phase() == Phase::resolved) {
          ++refused[e.state.reason()];
        }
      });
    }
    return out;
  }

  ShardInMemory engine;
  std::vector<BreakerState> breaker;
  std::map<Reason, int> refused;
};

}  // namespace

TEST_CASE("an action that fails is tried again under its key, each time after a longer pause") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = two_sinks(bytes);
  REQUIRE(plan != nullptr);
  Watch watch(*plan);
  watch.engine.put(ship(1, 0), kStart);
  std::vector<Attempt> attempts;
  std::uint64_t steady = 0;
  for (std::int64_t t = 0; t < 400; ++t) {
    const std::int64_t now = kStart + t * kSecond / 10;
    for (const Attempt& a : watch.at(now)) {
      steady += a.sink == 1 ? 1 : 0;
      if (a.sink == 0) {
        attempts.push_back(a);
      }
      watch.engine.put_outcome(a.sequence, now, a.sink == 0 ? Exit::abandonment : Exit::success);
    }
  }
  CHECK(steady == 1);
  REQUIRE(attempts.size() == 4);  // the first and three retries
  for (const Attempt& a : attempts) {
    CHECK(a.root == attempts[0].sequence);
  }
  const auto pause = [&](std::size_t i) { return attempts[i].at_ns - attempts[i - 1].at_ns; };
  CHECK(pause(1) >= kSecond * 3 / 4);
  CHECK(pause(1) <= kSecond * 3 / 2);
  CHECK(pause(2) >= 2 * kSecond * 3 / 4);
  CHECK(pause(3) >= 10 * kSecond);  // the third failure opened the breaker
  using enum BreakerState;
  CHECK(watch.breaker == std::vector<BreakerState>{open, half_open, open});
  CHECK(watch.engine.shard().progress().transient == 0);
  CHECK(watch.engine.shard().progress().waiting == 0);
}

TEST_CASE("an open breaker lets one probe through after its rest, and closes when that succeeds") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = two_sinks(bytes);
  Watch watch(*plan);
  for (std::uint64_t mmsi = 1; mmsi <= 3; ++mmsi) {
    watch.engine.put(ship(mmsi, 0), kStart);
  }
  for (const Attempt& a : watch.at(kStart)) {
    watch.engine.put_outcome(a.sequence, kStart, a.sink == 0 ? Exit::abandonment : Exit::success);
  }
  watch.at(kStart + kSecond / 100);
  REQUIRE(watch.breaker == std::vector<BreakerState>{BreakerState::open});
  int probes = 0;
  bool closed = false;
  for (std::int64_t t = 1; t < 400; ++t) {
    const std::int64_t now = kStart + t * kSecond / 10;
    const auto attempts = watch.at(now);
    if (!closed) {
      CHECK(attempts.size() <= 1);
    }
    for (const Attempt& a : attempts) {
      probes += closed ? 0 : 1;
      CHECK(a.at_ns >= kStart + 10 * kSecond);
      watch.engine.put_outcome(a.sequence, now, Exit::success);
    }
    closed = watch.breaker.back() == BreakerState::closed;
  }
  CHECK(probes == 1);
  CHECK(closed);
  CHECK(watch.engine.shard().progress().transient == 0);
  CHECK(watch.engine.shard().progress().waiting == 0);  // the other two after the probe
}

TEST_CASE("an attempt that nobody answers for is not made again") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = two_sinks(bytes);
  Watch watch(*plan);
  watch.engine.put(ship(1, 0), kStart);
  std::size_t attempts = watch.at(kStart).size();
  for (std::int64_t t = 1; t < 100; ++t) {
    attempts += watch.at(kStart + t * kSecond).size();
  }
  CHECK(attempts == 2);  // one to each sink
  CHECK(watch.engine.shard().progress().transient == 0);
}
