// count(KIND, ZONE) against a count of all tracks by hand.
#include <algorithm>
#include <memory>

#include "promises/small_site.hpp"
#include "shard_in_memory.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::tests;

namespace {

constexpr std::string_view kSite = R"(
site = "counts"
[limits]
tracks = 64
[source.a]
driver = "udp"
listen = "127.0.0.1:1"
codec = "ais"
[zone.ring]
centre = [59.0, 24.0]
radius = "2 km"
[zone.near]
around = "own"
radius = "5 km"
[tracker.vessel]
coast = "5 s"
lost = "20 s"
retire = "60 s"
[assess.many]
of = "node"
when = "count(vessel, ring) >= 3"
[assess.with_aircraft]
of = "node"
when = "count(aircraft, ring) >= 1 and count(vessel, near) > 0"
[decide.many]
on = "many"
trigger = "both"
run = "tell"
[action.tell]
sink = "log"
[sink.log]
driver = "log"
)";

Observation at(IdentityKind kind, std::uint64_t identity, double north_m) {
  Observation o;
  o.kind = kind;
  o.identity = identity;
  o.set(Field::position);
  o.latitude_e7 = static_cast<std::int32_t>(590'000'000 + north_m * 90.0);
  o.longitude_e7 = 240'000'000;
  return o;
}

// A post with its time; what it tells is the changes of the assessment "many".
class Post {
 public:
  explicit Post(const plan::Plan& plan) : plan_(plan), engine_(plan) {}

  void hear(std::uint64_t identity, double north_m, IdentityKind kind = IdentityKind::vessel) {
    engine_.put(at(kind, identity, north_m), now_);
  }
  std::vector<Transition> told_after(int seconds) {
    std::vector<Transition> told;
    for (int tick = 0; tick < 4 * seconds; ++tick) {
      now_ += kSecond / 4;
      for (auto batch = engine_.step(now_); !batch.empty(); batch = engine_.step(now_)) {
        for_each_event(batch, [&](const EventHeader& e, Bytes payload) {
          const auto change = payload_as<AssessmentChange>(payload);
          if (e.kind == EventKind::assessment && change.assessment == 0) {
            told.push_back(change.transition);
          }
        });
      }
    }
    return told;
  }
  // Goes on in another engine, from the frozen state.
  std::unique_ptr<Post> restarted() const {
    auto next = std::make_unique<Post>(plan_);
    std::vector<std::uint64_t> room(engine::frozen_bytes_bound(plan_) / 8 + 8);
    const std::span into{reinterpret_cast<std::uint8_t*>(room.data()), room.size() * 8};
    Freezer out(into);
    engine_.shard().freeze(out);
    REQUIRE(!next->engine_.shard().thaw(Bytes(into).first(out.used())));
    next->now_ = now_;
    return next;
  }

 private:
  const plan::Plan& plan_;
  mutable ShardInMemory engine_;
  std::int64_t now_ = kStart;
};

}  // namespace

TEST_CASE("the third vessel in a zone raises, and one that is lost there clears") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = load_site(kSite, bytes);
  REQUIRE(plan != nullptr);
  REQUIRE(plan->counts()->size() == 3);
  auto post = std::make_unique<Post>(*plan);
  post->hear(1, 0);
  post->hear(2, 500);
  post->hear(3, 9000);
  post->hear(7, 100, IdentityKind::aircraft);
  CHECK(post->told_after(2).empty());
  post->hear(4, 1000);
  CHECK(post->told_after(1) == std::vector{Transition::raised});
  post = post->restarted();
  post->hear(1, 10);
  post->hear(2, 510);
  CHECK(post->told_after(10).empty());  // number 4 coasts, and still counts
  post->hear(1, 20);
  post->hear(2, 520);
  CHECK(post->told_after(10) == std::vector{Transition::cleared});
  post->hear(4, 1100);
  CHECK(post->told_after(1) == std::vector{Transition::raised});
  post->hear(2, 5000);
  CHECK(post->told_after(1).empty());  // a jump that it cannot have made
}

TEST_CASE("the counts are those of all tracks, whatever comes, goes and moves") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = load_site(kSite, bytes);
  REQUIRE(plan != nullptr);
  std::vector<std::uint64_t> memory(1 << 12);
  engine::ZoneCounts counts;
  Arena site_memory(memory.data(), memory.size() * 8);
  Site site;
  site.init(site_memory, *plan);
  counts.init(site_memory, site);
  std::vector<Track> tracks(40);
  std::uint64_t state = 7;
  const auto below = [&](std::uint64_t n) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state >> 33) % n;
  };
  Track own{};
  own.updates = 1;
  std::size_t most = 0;
  for (int round = 0; round < 5000; ++round) {
    Track& t = tracks[below(tracks.size())];
    t.kind = below(2) != 0 ? IdentityKind::vessel : IdentityKind::aircraft;
    t.state = static_cast<TrackState>(1 + below(4));
    t.updates = below(10) != 0 ? 1 : 0;
    const Place place{58.98 + 0.0001 * static_cast<double>(below(400)), 24.0};
    const Vector3 ecef = ecef_of(place), up = normal_of(place);
    t.ecef[0] = ecef.x, t.ecef[1] = ecef.y, t.ecef[2] = ecef.z;
    t.normal[0] = up.x, t.normal[1] = up.y, t.normal[2] = up.z;
    own.ecef[0] = ecef.x, own.ecef[1] = ecef.y, own.ecef[2] = ecef.z;
    below(8) == 0 ? counts.leave(t) : counts.note(t, &own);
    for (flatbuffers::uoffset_t c = 0; c < plan->counts()->size(); ++c) {
      std::size_t by_hand = 0;
      for (const Track& other : tracks) {
        by_hand += other.counted >> c & 1;
      }
      REQUIRE(counts.counts()[c] == by_hand);
      most = std::max(most, by_hand);
    }
    const bool ring = t.state != TrackState::lost && t.updates != 0 &&
                      assess::inside_zone(&t, site.zones[0], &own) == 1.0;
    const std::uint64_t bit = t.kind == IdentityKind::vessel ? 1 : 2;
    if (t.counted != 0) {
      CHECK(((t.counted & bit) != 0) == ring);
    }
  }
  CHECK(most > 5);
}
