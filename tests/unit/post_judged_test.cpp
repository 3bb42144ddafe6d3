// The node judges its own sinks, and itself by what the node around the engine sees.
#include <string>
#include <vector>

#include "edge/sink/render.hpp"
#include "node/stepped.hpp"
#include "shard_in_memory.hpp"
#include "small_site.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::tests;

namespace {

const plan::Plan* judging_site(std::vector<std::uint8_t>& bytes) {
  return load_site(R"(
site = "judged"
[source.in]
driver = "udp"
listen = "127.0.0.1:1"
codec = "ais"
[assess.seen]
of = "track"
when = "track.updates >= 1"
[assess.mute]
of = "sink.horn"
when = "sink.failures >= 2 or sink.open"
[assess.silent]
of = "sink.horn"
when = "sink.age > 30 s"
[assess.disk]
of = "node"
when = "node.journal > 5 s"
[assess.down]
of = "node"
when = "node.mode >= 1"
[decide.tell]
on = "seen"
run = "tell"
[decide.mute]
on = "mute"
trigger = "both"
run = "log"
[decide.disk]
on = "disk"
run = "log"
[action.tell]
sink = "horn"
retries = 5
[action.log]
sink = "log"
[sink.horn]
driver = "log"
breaker = 4
[sink.log]
driver = "log"
)",
                   bytes);
}

// Steps once; `name kind` of each change and the messages of each order.
struct Judged {
  explicit Judged() : plan(judging_site(bytes)) {
    REQUIRE(plan != nullptr);
    engine.emplace(*plan);
    again.init(*plan, 1, 1);
  }
  std::string step(std::int64_t now_ns) {
    std::string said;
    for (auto batch = engine->step(now_ns); !batch.empty(); batch = engine->step(now_ns)) {
      REQUIRE(again.apply(batch) == "");
      for_each_event(batch, [&](const EventHeader& e, Bytes payload) {
        if (e.kind == EventKind::assessment) {
          const auto change = payload_as<AssessmentChange>(payload);
          said += plan->assessments()->Get(change.assessment)->name()->str() + " " +
                  std::string(name_of(change.transition)) + " ";
        } else if (e.kind == EventKind::action && e.state.phase() == Phase::transient) {
          const auto intent = payload_as<ActionIntent>(payload);
          if (intent.sink == 0) {
            attempts.push_back(e.sequence);
          }
          char room[sink::kRenderBytes];
          message = std::string(sink::render(*plan, e, intent, room));
        } else if (e.kind == EventKind::dispatch) {
          attempts.push_back(payload_as<Dispatch>(payload).sequence);
        }
      });
    }
    return said;
  }
  bool see(Causes causes, std::int64_t now_ns) {
    EventHeader header{};
    header.observed_ns = header.received_ns = now_ns;
    header.kind = EventKind::node_seen;
    header.event_class = EventClass::high;
    header.source = kNoSource;
    return engine->put_input(header, NodeSeen{causes.bits});
  }

  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan;
  std::optional<ShardInMemory> engine;
  node::Stepped again;
  std::vector<std::uint64_t> attempts;
  std::string message;
};

}  // namespace

TEST_CASE("a sink that fails twice, or has long taken nothing, is judged by its name") {
  Judged j;
  CHECK(j.step(kStart) == "");
  j.engine->put(ship(1, 0), kStart + kSecond);
  CHECK(j.step(kStart + kSecond) == "seen raised ");
  std::string said;
  std::int64_t now = kStart + 2 * kSecond;
  for (std::size_t failed = 0; failed < 2; now += kSecond / 10) {
    for (; failed < j.attempts.size() && failed < 2; ++failed) {
      j.engine->put_outcome(j.attempts[failed], now, Exit::abandonment);
    }
    said += j.step(now);
  }
  said += j.step(now + 2 * kSecond);
  CHECK(said == "mute raised ");
  CHECK(j.message.find("\"sink\":\"horn\"") != std::string::npos);
  CHECK(j.step(kStart + 40 * kSecond).find("silent raised") != std::string::npos);
}

TEST_CASE("the node is judged by how long a cause stands, and by its mode") {
  Judged j;
  Causes causes;
  causes.set(Cause::journal);
  REQUIRE(j.see(causes, kStart));
  CHECK(j.step(kStart) + j.step(kStart + kSecond) == "down raised ");
  CHECK(j.step(kStart + 5 * kSecond) == "");
  CHECK(j.step(kStart + 7 * kSecond) == "disk raised ");
  CHECK(j.message.find("\"node\":true") != std::string::npos);
  REQUIRE(j.see({}, kStart + 8 * kSecond));
  CHECK(j.step(kStart + 8 * kSecond) + j.step(kStart + 9 * kSecond) ==
        "disk cleared down cleared ");
}

TEST_CASE("a subject that the site lacks is refused with the nearest name") {
  std::vector<std::uint8_t> bytes;
  const auto problem = [&](const std::string& of) {
    const plan::Compiled compiled = plan::compile_site(
        "site = \"s\"\n[source.in]\ndriver = \"udp\"\nlisten = \"127.0.0.1:1\"\ncodec = "
        "\"ais\"\n[sink.horn]\ndriver = \"log\"\n[assess.a]\nof = \"" +
            of + "\"\nwhen = \"sink.failures > 1\"\n",
        "");
    return compiled.problems.empty() ? std::string() : compiled.problems[0].message;
  };
  CHECK(problem("sink.horn") == "");
  CHECK(problem("sink.hron") == "there is no sink \"hron\"");
  CHECK(problem("node").find("there is no sink in this assessment") != std::string::npos);
}
