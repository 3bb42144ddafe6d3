#include "model/shard_id.hpp"

#include <string>

#include "load_site.hpp"
#include "shard_in_memory.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::tests;

namespace {

constexpr std::int64_t kBegin = 1'800'000'000'000'000'000;
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::uint8_t kOther = 3;

constexpr const char* kSite =
    "site = \"shards\"\n"
    "[limits]\ntracks = 16\nbatch_events = 8\n"
    "[source.in]\ndriver = \"udp\"\nlisten = \"127.0.0.1:1\"\ncodec = \"ais\"\n"
    "[assess.seen]\nof = \"track\"\nwhen = \"track.updates >= 1\"\n"
    "[decide.tell]\non = \"seen\"\nrun = \"tell\"\n"
    "[action.tell]\nsink = \"log\"\nretries = 3\nhorizon = \"900 s\"\nbackoff = \"1 s\"\n"
    "[sink.log]\ndriver = \"log\"\n";

Observation vessel(std::uint64_t mmsi) {
  Observation o;
  o.kind = IdentityKind::vessel;
  o.identity = mmsi;
  o.set(Field::position);
  o.latitude_e7 = o.longitude_e7 = 50'000'000;
  return o;
}

// Vessels, actions that fail and are tried again; `each` sees every event.
template <typename Each>
void watch(ShardInMemory& engine, std::int64_t begin_ns, Each&& each) {
  for (int second = 0; second < 6; ++second) {
    const std::int64_t now_ns = begin_ns + second * kSecond;
    engine.put(vessel(219000000 + static_cast<std::uint64_t>(second)), now_ns);
    for (auto batch = engine.step(now_ns); !batch.empty(); batch = engine.step(now_ns)) {
      for_each_event(batch, [&](const EventHeader& event, Bytes payload) {
        each(event, payload);
        if (event.kind == EventKind::action && event.state.phase() == Phase::transient) {
          engine.put_outcome(event.sequence, now_ns,
                             second < 3 ? Exit::abandonment : Exit::success);
        }
      });
    }
  }
}

std::vector<std::uint8_t> frozen(ShardInMemory& engine, const plan::Plan& plan) {
  std::vector<std::uint8_t> state(engine::frozen_bytes_bound(plan));
  Freezer freezer(state);
  engine.shard().freeze(freezer);
  state.resize(freezer.used());
  return state;
}

}  // namespace

TEST_CASE("a shard's number stands in the sequence of each of its events, and nowhere else") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = load_site(kSite, bytes);
  REQUIRE(plan != nullptr);
  ShardInMemory first(*plan);
  ShardInMemory other(*plan, 1, 1, Lane::Ends::together, kOther);
  std::vector<EventHeader> events;
  watch(first, kBegin, [&](const EventHeader& event, Bytes) { events.push_back(event); });
  REQUIRE(events.size() > 30);
  CHECK(events.front().sequence == 1);
  std::size_t at = 0;
  bool same = true;
  watch(other, kBegin, [&](const EventHeader& event, Bytes payload) {
    const EventHeader& here = events[at++ % events.size()];
    same = same && event.sequence == here.sequence + sequence_before_first(kOther) &&
           shard_of(event.sequence) == kOther && count_of(event.sequence) == here.sequence &&
           event.cause == (here.cause == 0 ? 0 : here.cause + sequence_before_first(kOther)) &&
           event.kind == here.kind && event.state.bits == here.state.bits;
    if (event.kind == EventKind::action) {
      const auto intent = payload_as<ActionIntent>(payload);
      same = same && (intent.root == 0 || shard_of(intent.root) == kOther);
    }
  });
  CHECK(same);
  CHECK(at == events.size());
}

TEST_CASE("a shard takes up its own state, and refuses that of another") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = load_site(kSite, bytes);
  REQUIRE(plan != nullptr);
  ShardInMemory one(*plan, 1, 1, Lane::Ends::together, kOther);
  std::uint64_t last = 0;
  watch(one, kBegin, [&](const EventHeader& event, Bytes) { last = event.sequence; });
  const auto state = frozen(one, *plan);
  ShardInMemory again(*plan, 1, 2, Lane::Ends::together, kOther);
  REQUIRE(!again.shard().thaw(state));
  std::uint64_t next = 0;
  watch(again, kBegin + 60 * kSecond,
        [&](const EventHeader& event, Bytes) { next = next == 0 ? event.sequence : next; });
  CHECK(next == last + 1);
  ShardInMemory first(*plan);
  CHECK(first.shard().thaw(state));
}

TEST_CASE("each shard has a folder of its own in a data folder") {
  CHECK(shard_folder("data") == "data/shard-0");
  CHECK(journal_folder("data", 7) == "data/shard-7/journal");
}
