// Promise 6: an unconfirmed message is retried until confirmed or its horizon; a requeued one is
// sent once, however many requeue it.
#include <string>
#include <vector>

#include "plan/plan.hpp"
#include "shard_in_memory.hpp"
#include "small_site.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::tests;

namespace {

const plan::Plan* one_sink(std::vector<std::uint8_t>& bytes, const std::string& more) {
  return load_site(R"(
site = "unconfirmed"
[limits]
pending_actions = 8
[source.a]
driver = "udp"
listen = "127.0.0.1:1"
codec = "ais"
[assess.seen]
of = "track"
when = "track.updates >= 1"
[decide.a]
on = "seen"
run = "tell"
[action.tell]
sink = "log"
backoff = "1 s"
horizon = "60 s"
[sink.log]
driver = "log"
)" + more,
                   bytes);
}

struct Went {
  std::vector<std::uint64_t> out;  // attempts sent
  std::vector<Reason> left;        // of requeue commands
  ActionIntent intent{};           // the newest
};

Went run(ShardInMemory& engine, std::int64_t now_ns) {
  Went went;
  for (auto b = engine.step(now_ns); !b.empty(); b = engine.step(now_ns)) {
    for_each_event(b, [&](const EventHeader& e, Bytes payload) {
      if (e.kind == EventKind::action) {
        went.intent = payload_as<ActionIntent>(payload);
      }
      if (e.kind == EventKind::action && e.state.phase() == Phase::transient) {
        went.out.push_back(e.sequence);
      } else if (e.kind == EventKind::dispatch) {
        went.out.push_back(payload_as<Dispatch>(payload).sequence);
      } else if (e.kind == EventKind::command) {
        went.left.push_back(e.state.reason());
      }
    });
  }
  return went;
}

}  // namespace

TEST_CASE("an attempt lost with its connection does not use up retries, nor do those behind it") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = one_sink(bytes, "");
  REQUIRE(plan != nullptr);
  ShardInMemory engine(*plan);
  engine.put(ship(1, 0), kStart);
  std::size_t attempts = 0;
  std::int64_t last_ns = kStart;
  for (std::int64_t t = 0; t < 700; ++t) {
    const std::int64_t now = kStart + t * kSecond / 10;
    for (const std::uint64_t sequence : run(engine, now).out) {
      CHECK(now - last_ns < 21 * kSecond);  // 16 s plus a quarter at most
      last_ns = now;
      // Lost once, then without a connection for long.
      engine.put_outcome(sequence, now, Exit::abandonment,
                         attempts++ == 0 ? Reason::unconfirmed : Reason::sink_failed);
    }
  }
  CHECK(attempts >= 6);
  CHECK(last_ns - kStart < 60 * kSecond);
  CHECK(engine.shard().delivery().size() == 0);
  CHECK(engine.shard().progress().transient + engine.shard().progress().waiting == 0);
}

TEST_CASE("one that failed otherwise still ends with its retries") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = one_sink(bytes, "");
  REQUIRE(plan != nullptr);
  ShardInMemory engine(*plan);
  engine.put(ship(1, 0), kStart);
  const Went first = run(engine, kStart);
  REQUIRE(first.out.size() == 1);
  engine.put_outcome(first.out[0], kStart, Exit::abandonment, Reason::sink_failed);
  run(engine, kStart);
  CHECK(engine.shard().delivery().size() == 0);
}

TEST_CASE("a dead letter that several order again goes out once, also when the first is done") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = one_sink(bytes, "");
  REQUIRE(plan != nullptr);
  ShardInMemory engine(*plan);
  engine.put(ship(1, 0), kStart);
  const Went first = run(engine, kStart);
  REQUIRE(first.out.size() == 1);
  engine.put_outcome(first.out[0], kStart, Exit::abandonment, Reason::sink_failed);
  run(engine, kStart);
  ActionIntent intent = first.intent;
  intent.root = first.out[0];
  for (int i = 0; i < 3; ++i) {
    engine.put_requeue(first.out[0], intent, kStart);
  }
  const Went again = run(engine, kStart + kSecond);
  CHECK(again.left == std::vector<Reason>{Reason::applied, Reason::superseded, Reason::superseded});
  REQUIRE(again.out.size() == 1);
  CHECK(again.intent.root == first.out[0]);
  // Its retry has another number and succeeded: a requeue by the old number is refused.
  engine.put_requeue(first.out[0], intent, kStart + kSecond);
  CHECK(run(engine, kStart + kSecond).left == std::vector<Reason>{Reason::superseded});
  engine.put_outcome(again.out[0], kStart + kSecond, Exit::success);
  run(engine, kStart + kSecond);
  engine.put_requeue(first.out[0], intent, kStart + 2 * kSecond);
  const Went late = run(engine, kStart + 2 * kSecond);
  CHECK(late.left == std::vector<Reason>{Reason::superseded});
  CHECK(late.out.empty());
}

TEST_CASE("a sink that answers nothing leaves room for the others") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = one_sink(bytes, R"([decide.b]
on = "seen"
run = "also"
[action.also]
sink = "other"
[sink.other]
driver = "log"
)");
  REQUIRE(plan != nullptr);
  ShardInMemory engine(*plan);
  std::size_t answered = 0;
  std::size_t silent = 0;
  for (std::uint64_t mmsi = 1; mmsi <= 20; ++mmsi) {
    engine.put(ship(mmsi, 0), kStart);
    for (auto b = engine.step(kStart); !b.empty(); b = engine.step(kStart)) {
      for_each_event(b, [&](const EventHeader& e, Bytes payload) {
        if (e.kind == EventKind::action && e.state.phase() == Phase::transient) {
          const bool other = payload_as<ActionIntent>(payload).sink == 1;
          (other ? answered : silent) += 1;
          if (other) {
            engine.put_outcome(e.sequence, kStart, Exit::success);
          }
        }
      });
    }
  }
  CHECK(answered == 20);
  CHECK(silent == 6);  // of 8: less than three times what is free
}

TEST_CASE("an order from outside that names what nothing has is refused") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = one_sink(bytes, "");
  REQUIRE(plan != nullptr);
  ShardInMemory engine(*plan);
  engine.put(ship(1, 0), kStart);
  const ActionIntent good = run(engine, kStart).intent;
  std::vector<ActionIntent> bad(7, good);
  bad[0].action = 1;
  bad[1].sink = 99;
  bad[2].assessment = 5;
  bad[3].decision = 7;
  bad[4].kind = static_cast<IdentityKind>(255);
  bad[5].transition = static_cast<Transition>(200);
  bad[6].subject.kind = static_cast<SubjectKind>(9);
  for (std::size_t i = 0; i < bad.size(); ++i) {
    bad[i].root = 1'000 + i;
    engine.put_requeue(1'000 + i, bad[i], kStart);
  }
  const Went went = run(engine, kStart);
  CHECK(went.left == std::vector<Reason>(bad.size(), Reason::unknown_subject));
  CHECK(went.out.empty());
}

TEST_CASE("an alarm that cleared while its sink was away is not raised late") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = load_site(R"(
site = "late"
[source.a]
driver = "udp"
listen = "127.0.0.1:1"
codec = "ais"
[assess.first]
of = "track"
when = "track.updates == 1"
[decide.a]
on = "first"
trigger = "both"
run = "tell"
[action.tell]
sink = "log"
retries = 3
horizon = "60 s"
[sink.log]
driver = "log"
breaker = 1
)",
                                     bytes);
  REQUIRE(plan != nullptr);
  ShardInMemory engine(*plan);
  engine.put(ship(1, 0), kStart);
  const Went raised = run(engine, kStart);
  REQUIRE(raised.out.size() == 1);
  engine.put_outcome(raised.out[0], kStart, Exit::abandonment, Reason::sink_failed);
  CHECK(run(engine, kStart).out.empty());
  CHECK(engine.shard().delivery().size() == 1);
  engine.put(ship(1, 1), kStart + kSecond);
  const Went cleared = run(engine, kStart + kSecond);
  CHECK(cleared.intent.transition == Transition::cleared);
  CHECK(engine.shard().delivery().size() == 1);  // the newer one alone
  CHECK(engine.shard().progress().exits[static_cast<std::size_t>(Exit::retraction) - 1] == 1);
  const Went late = run(engine, kStart + 6 * kSecond);
  REQUIRE(late.out.size() == 1);
  CHECK(late.out[0] != raised.out[0]);
  engine.put_outcome(late.out[0], kStart + 6 * kSecond, Exit::success);
  CHECK(run(engine, kStart + 7 * kSecond).out.empty());
  CHECK(engine.shard().delivery().size() == 0);
}
