// The self-check: the step digests the whole state in slices.
#include <map>
#include <random>
#include <string>

#include "base/sections.hpp"
#include "busy_watch.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::tests;

namespace {

constexpr std::int64_t kPromisedNs = 1'000'000'000;
constexpr std::int64_t kTurnNs = 50'000'000;

std::vector<std::uint8_t> frozen(const engine::Shard& shard, const plan::Plan& plan) {
  std::vector<std::uint8_t> state(engine::frozen_bytes_bound(plan));
  Freezer out(state);
  shard.freeze(out);
  state.resize(out.used());
  return state;
}

// One engine that goes on from a state with time alone, for as long as a difference may stay
// unseen.
struct Going {
  bool thawed = false;
  std::vector<std::uint8_t> begin, end;  // frozen
  std::vector<std::uint64_t> digests;

  Going(const plan::Plan& plan, Bytes state, std::int64_t then_ns,
        std::int64_t for_ns = kPromisedNs) {
    ShardInMemory engine(plan);
    thawed = !engine.shard().thaw(state);
    if (!thawed) {
      return;
    }
    begin = frozen(engine.shard(), plan);
    for (std::int64_t ns = 0; ns <= for_ns; ns += kTurnNs) {
      for (int steps = 0; steps < 100'000; ++steps) {
        const auto batch = engine.step(then_ns + ns);
        if (batch.empty()) {
          break;
        }
        digests.push_back(payload_as<BatchHeader>(Bytes(batch).first(sizeof(BatchHeader))).digest);
      }
    }
    end = frozen(engine.shard(), plan);
  }
};

// Many ships in a site whose tick is long.
std::vector<std::uint8_t> crowd(const plan::Plan& plan, std::uint64_t ships, std::int64_t at_ns) {
  ShardInMemory engine(plan);
  for (std::uint64_t n = 0; n < ships;) {
    for (int i = 0; i < 200 && n < ships; ++i, ++n) {
      engine.put(vessel(n + 1, TrackingWorld::place_of(static_cast<double>(n), 0.0)), at_ns);
    }
    while (engine.backlog() != 0 || engine.shard().unfinished()) {
      engine.step(at_ns);
    }
  }
  CHECK(engine.shard().tracks().size() == ships);
  return frozen(engine.shard(), plan);
}

}  // namespace

TEST_CASE("any track of 2,000 is seen within a second, of 100,000 within ten, whatever the tick") {
  for (const auto& [count, within_ns] :
       {std::pair{2'000, kPromisedNs}, {100'000, 10 * kPromisedNs}}) {
    const int ships = count;
    CAPTURE(ships);
    std::vector<std::uint8_t> bytes;
    const plan::Plan* plan = load_site(
        "site = \"crowd\"\n[limits]\ntick = \"60 s\"\ntracks = " + std::to_string(ships * 5 / 4) +
            "\n[source.ais]\ndriver = \"udp\"\nlisten = "
            "\"127.0.0.1:2\"\ncodec = \"ais\"\n",
        bytes);
    REQUIRE(plan != nullptr);
    constexpr std::int64_t kThen = TrackingWorld::kStartNs;
    auto state = crowd(*plan, static_cast<std::uint64_t>(ships), kThen);
    const Going whole(*plan, state, kThen, within_ns);
    const FrozenTrack& last = engine::frozen_tracks(state).back();
    for (const void* field : {static_cast<const void*>(&last.track.callsign[3]),
                              static_cast<const void*>(&last.track.normal[2])}) {
      const auto at =
          static_cast<std::size_t>(static_cast<const std::uint8_t*>(field) - state.data());
      state[at] ^= 1;
      const Going flipped(*plan, state, kThen, within_ns);
      state[at] ^= 1;
      REQUIRE(flipped.thawed);
      CHECK(flipped.digests.size() == whole.digests.size());
      CHECK(flipped.digests != whole.digests);
    }
  }
}

TEST_CASE("a flipped bit of any stage's state shows in a digest within a second, or is gone") {
  BusyWatch watch;
  const plan::Plan& plan = watch.plan();
  const Going whole(plan, watch.state(), watch.then_ns());
  REQUIRE(whole.thawed);
  REQUIRE(whole.begin == watch.state());  // the same state, the same bytes
  std::mt19937_64 random(27);
  const SectionReader sections(watch.state());
  sections.for_each([&](std::string_view room, std::uint32_t, Bytes bytes) {
    CAPTURE(std::string(room));
    const auto at = static_cast<std::size_t>(bytes.data() - watch.state().data());
    int seen = 0;
    for (std::size_t n = 0; n < 250 && !bytes.empty(); ++n) {
      auto state = watch.state();
      const std::size_t byte = random() % bytes.size();
      CAPTURE(byte);
      state[at + byte] ^= static_cast<std::uint8_t>(1U << random() % 8);
      const Going flipped(plan, state, watch.then_ns());
      if (flipped.thawed && flipped.begin != whole.begin) {
        const bool differs = flipped.digests != whole.digests;
        CHECK((differs || flipped.end == whole.end));
        seen += differs ? 1 : 0;
      }
    }
    CHECK(seen > 10);
  });
}
