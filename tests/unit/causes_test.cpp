#include <limits>
#include <vector>

#include "load_site.hpp"
#include "model/cause.hpp"
#include "node/replay.hpp"
#include "node/standing.hpp"
#include "shard_in_memory.hpp"
#include "test.hpp"

namespace vedette::tests {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kNow = 1'795'000'000 * kSecond;

const plan::Plan* quiet_site(std::vector<std::uint8_t>& bytes) {
  return load_site(R"(site = "quiet"
[source.in]
driver = "udp"
listen = "127.0.0.1:10110"
codec = "ais"
[assess.seen]
of = "track"
when = "track.updates >= 1"
[decide.tell]
on = "seen"
run = "tell"
[action.tell]
sink = "out"
format = "json"
[sink.out]
driver = "udp"
to = "127.0.0.1:9"
)",
                   bytes);
}

std::vector<CauseChange> changes_in(const std::vector<std::uint8_t>& batch) {
  std::vector<CauseChange> changes;
  for_each_event(batch, [&](const EventHeader& e, Bytes payload) {
    if (e.kind == EventKind::cause) {
      changes.push_back(payload_as<CauseChange>(payload));
    }
  });
  return changes;
}

TEST_CASE(
    "what keeps the engine from being whole is an event once when it comes and once when it goes") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = quiet_site(bytes);
  REQUIRE(plan != nullptr);
  ShardInMemory engine(*plan);
  node::Stepped again;
  again.init(*plan, 1, 1);
  Causes held;
  held.set(Cause::held);
  std::vector<std::size_t> told;
  std::int64_t now = kNow;
  for (const CommandKind kind : {CommandKind::hold, CommandKind::hold, CommandKind::resume}) {
    engine.put_command(kind, now);
    for (int i = 0; i < 4; ++i, now += kSecond) {
      const auto batch = engine.step(now);
      CHECK(engine.shard().causes().has(Cause::held) == (kind == CommandKind::hold));
      for (const CauseChange& change : changes_in(batch)) {
        told.push_back(change.causes == held.bits ? 1 : 0);
        CHECK((change.causes ^ change.before) == held.bits);
      }
      CHECK((batch.empty() || again.apply(batch) == ""));
      // A state thawed after it reports nothing new.
      std::vector<std::uint8_t> state(engine::frozen_bytes_bound(*plan));
      Freezer freezer(state);
      again.shard().freeze(freezer);
      REQUIRE(again.restart(Bytes(state.data(), freezer.used())));
    }
  }
  CHECK(told == std::vector<std::size_t>{1, 0});
}

TEST_CASE("the mode is the worst that the causes stand for, and each is said when it lasts") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = quiet_site(bytes);
  REQUIRE(plan != nullptr);
  node::CauseBook book;
  book.init(*plan);
  std::vector<std::string> lines;
  const auto look = [&](const node::CauseBook::Seen& seen, std::int64_t at_ns) {
    book.look(
        seen, kNow + at_ns, kSecond + at_ns, [](Cause, std::size_t) { return std::string("seen"); },
        [&](const node::CauseLine& line) {
          lines.push_back((line.there ? "+" : "-") + std::string(line.name));
        });
  };
  const auto members = [&] {
    std::string text;
    JsonWriter<std::string> json(text);
    json.begin_object();
    book.members(json);
    json.end_object();
    return text;
  };
  look({}, 0);
  CHECK(members() == R"({"mode":"normal","causes":[]})");
  CHECK(book.lasting().empty());
  node::CauseBook::Seen seen;
  seen.sinks = 1;
  look(seen, kSecond);
  CHECK(members() ==
        R"({"mode":"degraded","causes":[{"name":"sink.out","since":"2026-11-18T11:06:41.000Z"}]})");
  CHECK(lines.empty());  // it may be short
  seen.causes.set(Cause::safe);
  look(seen, 2 * kSecond);
  CHECK(book.standing() == Standing::safe);
  REQUIRE(book.lasting().size() == 2);
  CHECK(book.lasting()[0].name == "safe");
  CHECK(book.lasting()[1].name == "sink.out");
  seen.causes.set(Cause::safe, false);
  seen.causes.set(Cause::overload);
  look(seen, 3 * kSecond);
  CHECK(book.standing() == Standing::overload);
  look({}, 4 * kSecond);
  look({}, 5 * kSecond);
  CHECK(book.standing() == Standing::normal);
  CHECK(lines == std::vector<std::string>{"+sink.out", "-sink.out"});
  // A flapping cause gives at most one line a second.
  lines.clear();
  for (int i = 0; i < 100; ++i) {
    seen.sources = static_cast<std::uint64_t>(i / 3 % 2);
    seen.sinks = 0;
    seen.causes = {};
    look(seen, 10 * kSecond + i * kSecond / 10);
  }
  CHECK(lines.size() <= 10);
  CHECK(lines.size() >= 2);
}

TEST_CASE("a recorded batch whose times have no place is refused by name and not worked") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = quiet_site(bytes);
  REQUIRE(plan != nullptr);
  for (const std::int64_t time :
       {std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min(),
        limits::kTimeMostNs + 1, std::int64_t{-1}}) {
    for (const bool of_event : {false, true}) {
      CAPTURE(time);
      CAPTURE(of_event);
      ShardInMemory engine(*plan);
      engine.put_command(CommandKind::hold, of_event ? time : kNow);
      auto batch = engine.step(kNow);
      REQUIRE(!batch.empty());
      BatchHeader header;
      std::memcpy(&header, batch.data(), sizeof header);
      header.admitted_ns = of_event ? kNow : time;
      std::memcpy(batch.data(), &header, sizeof header);
      node::Stepped again;
      again.init(*plan, 1, 1);
      CHECK(again.apply(batch).find("before 1970 or after 2200") != std::string::npos);
      CHECK(again.shard().progress().batch_number == 0);
    }
  }
}

}  // namespace
}  // namespace vedette::tests
