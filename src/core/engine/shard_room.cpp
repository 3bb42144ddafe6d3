// What makes room in a full track table, and whether a table has run full. The rest of the step is
// in shard.cpp.
#include "base/geo.hpp"
#include "core/engine/shard.hpp"

namespace vedette::engine {
namespace {

constexpr std::array kCrowds{Cause::tracks_full, Cause::contacts_full, Cause::deliveries_full};

}  // namespace

// Those must not go: an alarm stands, or a judgement is still due.
bool Shard::keeps(void* context, std::uint32_t track) {
  const auto& self = *static_cast<const Shard*>(context);
  for (std::size_t i = self.judged_; i < self.touched_count_; ++i) {
    if (self.touched_[i].track == track) {
      return true;
    }
  }
  return self.assess_.alarm_stands(track);
}

// Behind what the step brought: newcomers of the next one find their places free. Where the batch
// was cut too, and the same in a replay, which may learn of the cut later.
void Shard::make_room() {
  if (tracks_.size() == tracks_before_ && !newcomers_refused_) {
    return;
  }
  Vector3 here{};
  bool known = world_.own != nullptr && world_.own->updates != 0;
  if (known) {
    here = {world_.own->ecef[0], world_.own->ecef[1], world_.own->ecef[2]};
  }
  for (std::size_t s = 0; s < sensors_.size() && !known; ++s) {
    known = !sensors_[s].on_own;
    here = known ? ecef_of(sensors_[s].place) : here;
  }
  const perceive::Eviction::View view{
      &config_, &tracks_, batch_.admitted_ns(), known ? &here : nullptr, keeps, this};
  for (std::size_t n = 0; n < limits::kEvictions; ++n) {
    const auto victim = eviction_.next(view);
    if (!victim) {
      return;
    }
    const Track& track = tracks_[victim->track];
    ++crowding_.evicted[static_cast<std::size_t>(victim->why)];
    retire(victim->track, TrackChangeKind::evicted, victim->why,
           track.position_event != 0 ? track.position_event : track.first_event);
    batch_.settle();
  }
}

// A table counts as full while it turned somebody away, or gave somebody up, not long ago.
void Shard::settle_crowds() {
  const std::array<std::uint64_t, kCrowds.size()> now{
      crowding_.tracks_refused + crowding_.evicted[1] + crowding_.evicted[2] + crowding_.evicted[3],
      contacts_.reached_bound(perceive::TrackerBound::contacts) +
          contacts_.reached_bound(perceive::TrackerBound::evicted),
      crowding_.orders_refused};
  for (std::size_t i = 0; i < kCrowds.size(); ++i) {
    Crowd& crowd = crowds_[i];
    crowd.grew_ns = now[i] != crowd.seen ? batch_.admitted_ns() : crowd.grew_ns;
    crowd.seen = now[i];
    crowded_.set(kCrowds[i],
                 crowd.grew_ns != 0 && batch_.admitted_ns() - crowd.grew_ns < limits::kCrowdedNs);
  }
}

}  // namespace vedette::engine
