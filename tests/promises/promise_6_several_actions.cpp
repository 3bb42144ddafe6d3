// Promise 6: a decision with several actions orders each by itself: its own key, its own retries,
// one exit; a fault of one stays with it.
#include <map>

#include "shard_in_memory.hpp"
#include "small_site.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::tests;

namespace {

const plan::Plan* two_sinks(std::vector<std::uint8_t>& bytes, const std::string& more = "") {
  return load_site(R"(
site = "several"
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
run = ["show", "call", "write"]
[action.call]
sink = "phone"
retries = 3
backoff = "1 s"
horizon = "60 s"
[action.show]
sink = "screen"
safe = false
[action.write]
sink = "screen"
retries = 3
[sink.phone]
driver = "log"
[sink.screen]
driver = "log"
breaker = 1
breaker_rest = "5 s"
)" + more,
                   bytes);
}

struct Ordered {
  std::string action;
  std::uint64_t sequence, cause, root;
  std::uint16_t attempt;
};

std::vector<Ordered> run(ShardInMemory& engine, const plan::Plan& plan, std::int64_t now_ns,
                         std::vector<Resolution>* ended = nullptr) {
  std::vector<Ordered> orders;
  for (auto b = engine.step(now_ns); !b.empty(); b = engine.step(now_ns)) {
    for_each_event(b, [&](const EventHeader& e, Bytes payload) {
      if (e.kind == EventKind::action) {
        const auto i = payload_as<ActionIntent>(payload);
        orders.push_back({plan.actions()->Get(i.action)->name()->str(), e.sequence, e.cause,
                          i.root != 0 ? i.root : e.sequence, i.attempt});
      } else if (e.kind == EventKind::resolution && ended != nullptr) {
        ended->push_back(payload_as<Resolution>(payload));
      }
    });
  }
  return orders;
}

}  // namespace

TEST_CASE("each action of a decision is ordered once, in the order of the site, with its own key") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = two_sinks(bytes);
  REQUIRE(plan != nullptr);
  ShardInMemory engine(*plan);
  engine.put(ship(1, 0), kStart);
  const std::vector<Ordered> first = run(engine, *plan, kStart);
  REQUIRE(first.size() == 3);
  CHECK(first[0].action == "show");
  CHECK(first[1].action == "call");
  CHECK(first[2].action == "write");
  CHECK(first[0].root != first[1].root);
  CHECK(first[1].root != first[2].root);
  for (const Ordered& order : first) {
    CHECK(order.cause == first[0].cause);  // the one decision
  }
  // The call fails; the others are done. Only the call comes again, under its key.
  engine.put_outcome(first[0].sequence, kStart, Exit::success);
  engine.put_outcome(first[1].sequence, kStart, Exit::abandonment);
  engine.put_outcome(first[2].sequence, kStart, Exit::success);
  std::vector<Ordered> later;
  for (int s = 0; s < 5; ++s) {
    for (const Ordered& order : run(engine, *plan, kStart + s * kSecond)) {
      later.push_back(order);
    }
  }
  REQUIRE(later.size() == 1);
  CHECK(later[0].action == "call");
  CHECK(later[0].root == first[1].root);
  CHECK(later[0].attempt == 1);
}

TEST_CASE("what one decision ordered for the same sink does not supersede itself") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = two_sinks(bytes,
                                     "[decide.b]\non = \"seen\"\ntrigger = \"cleared\"\n"
                                     "run = [\"write\"]\n");
  REQUIRE(plan != nullptr);
  ShardInMemory engine(*plan);
  engine.put(ship(1, 0), kStart);
  std::vector<Ordered> orders = run(engine, *plan, kStart);
  REQUIRE(orders.size() == 3);
  // The screen's breaker opens; both orders for it wait or go out, and none is retracted.
  std::vector<Resolution> ended;
  engine.put_outcome(orders[0].sequence, kStart, Exit::abandonment);
  engine.put_outcome(orders[2].sequence, kStart, Exit::success);
  run(engine, *plan, kStart, &ended);
  engine.put(ship(2, 0), kStart + kSecond);
  orders = run(engine, *plan, kStart + kSecond, &ended);
  CHECK(orders.size() == 3);
  for (const Resolution& r : ended) {
    CHECK(r.reason != Reason::superseded);
  }
}

TEST_CASE("a list that is empty, too long or names an action twice is refused") {
  struct Wrong {
    std::string run, said;
  };
  for (const Wrong& w :
       {Wrong{"[]", "1 to 8 names"}, Wrong{"[\"a\", \"a\"]", "twice"},
        Wrong{"[\"a\", \"b\"]", "does not have"}, Wrong{"[\"a\", 5]", "not a text"}}) {
    const plan::Compiled c = plan::compile_site(
        "site = \"s\"\n[source.in]\ndriver = \"udp\"\nlisten = \"127.0.0.1:1\"\ncodec = "
        "\"ais\"\n[assess.x]\nof = \"node\"\nwhen = \"node.mode == 0\"\n[decide.d]\non = "
        "\"x\"\nrun = " +
            w.run + "\n[action.a]\nsink = \"l\"\n[sink.l]\ndriver = \"log\"\n",
        "");
    REQUIRE_MESSAGE(!c.problems.empty(), w.run);
    CHECK_MESSAGE(c.problems[0].message.find(w.said) != std::string::npos, c.problems[0].message);
  }
}
