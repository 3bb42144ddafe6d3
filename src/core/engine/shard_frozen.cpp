// The whole state of an engine as bytes, and back. Bytes may come from a damaged disk, or from
// whoever can reckon a checksum: whatever indexes, counts or names a state is looked at before it
// is used, and times and numbers are kept to where sums and products of them are defined.
#include <algorithm>

#include "base/plausible.hpp"
#include "core/engine/shard.hpp"

namespace vedette::engine {
namespace {

// What the frozen state begins with; its tracks follow.
struct FrozenHead {
  Progress progress;
  std::int64_t next_tick_ns;
  std::uint64_t late_outcomes;
  std::uint32_t sweep_at;
  std::uint32_t epoch;
  std::uint32_t high_water;
  std::uint32_t tracks;
  std::uint8_t sweep_again;
  std::uint8_t held;
  std::uint8_t reserved[6];
};
static_assert(std::has_unique_object_representations_v<FrozenHead>,
              "the same state, the same bytes");
static_assert(sizeof(FrozenHead) % alignof(FrozenTrack) == 0, "tracks are read where they stand");

bool plausible(const Progress& p) {
  return p.accepted == p.waiting + p.transient + p.exits[0] + p.exits[1] + p.exits[2];
}

}  // namespace

std::size_t frozen_bytes_bound(const plan::Plan& plan) {
  const std::size_t tracks = plan.limits()->tracks();
  const std::size_t places = tracks + 1 + plan.sources()->size();
  return sizeof(FrozenHead) + 4096 + tracks * (sizeof(FrozenTrack) + 1) +
         places * plan.assessments()->size() * 32 +
         plan.sources()->size() * (sizeof(assess::SourceFacts) + 8) +
         sizeof(perceive::OwnPosition) + perceive::SecondPlaces::frozen_bytes_bound(tracks) +
         deliver::Delivery::frozen_bytes_bound(plan) +
         perceive::Contacts::frozen_bytes_bound(plan.limits()->contacts(), plan.sensors()->size()) +
         Waiting::frozen_bytes_bound(plan.limits()->waiting_events()) +
         2 * limits::kBatchEvents * 32;
}

std::span<const FrozenTrack> frozen_tracks(Bytes frozen) {
  Thawer in(frozen);
  const auto head = in.get<FrozenHead>();
  const Bytes tracks = in.get_bytes(head.tracks * sizeof(FrozenTrack));
  CHECK(reinterpret_cast<std::uintptr_t>(tracks.data()) % alignof(FrozenTrack) == 0,
        "a frozen state begins where memory does");
  return {reinterpret_cast<const FrozenTrack*>(tracks.data()), tracks.size() / sizeof(FrozenTrack)};
}

void Shard::freeze(Freezer& out) const {
  out.put(FrozenHead{progress_,
                     next_tick_ns_,
                     late_outcomes_,
                     sweep_at_,
                     epoch_,
                     tracks_.high_water(),
                     static_cast<std::uint32_t>(tracks_.size()),
                     static_cast<std::uint8_t>(sweep_again_ ? 1 : 0),
                     static_cast<std::uint8_t>(held_ ? 1 : 0),
                     {}});
  tracks_.freeze(out);
  contacts_.freeze(out);
  own_position_.freeze(out);
  second_places_.freeze(out);
  assess_.freeze(out, tracks_);
  delivery_.freeze(out);
  waiting_.freeze(out);
  load_.freeze(out);
  out.put(causes_told_);
  eviction_.freeze(out, tracks_);
  out.put(crowding_);
  out.put(crowds_);
  out.put(crowded_);
  out.put(static_cast<std::uint64_t>(touched_count_ - judged_));
  for (std::size_t i = judged_; i < touched_count_; ++i) {
    out.put(touched_[i]);
  }
  for (std::size_t s = 0; s < sources_.size(); ++s) {
    out.put(sources_[s]);
    out.put(records_[s]);
  }
}

bool Shard::thaw_causes(Thawer& in) {
  causes_told_ = in.get<Causes>();
  return causes_told_.bits >> static_cast<unsigned>(Cause::count) == 0;
}

bool Shard::thaw_room(Thawer& in) {
  const bool good = eviction_.thaw(in, tracks_);
  crowding_ = in.get<Crowding>();
  crowds_ = in.get<decltype(crowds_)>();
  crowded_ = in.get<Causes>();
  return good && crowded_.bits >> static_cast<unsigned>(Cause::count) == 0 &&
         std::all_of(crowds_.begin(), crowds_.end(),
                     [](const Crowd& crowd) { return plausible_ns(crowd.grew_ns); });
}

bool Shard::thaw_touched(Thawer& in) {
  const auto left = in.get<std::uint64_t>();
  if (left > limits::kBatchEvents) {
    return false;
  }
  touched_count_ = left;
  judged_ = 0;
  released_ = true;
  for (std::size_t i = 0; i < left; ++i) {
    touched_[i] = in.get<Touched>();
    const Touched& t = touched_[i];
    const bool gone = t.track == TrackTable::kNone;
    const bool twice =
        std::any_of(touched_.begin(), touched_.begin() + static_cast<std::ptrdiff_t>(i),
                    [&](const Touched& other) { return other.track == t.track; });
    if (t.event_class > EventClass::bulk || !plausible_ns(t.arrival_ns) ||
        (!gone && (twice || t.track >= tracks_.capacity() || !tracks_.in_use(t.track)))) {
      return false;
    }
  }
  return true;
}

bool Shard::thaw_sources(Thawer& in) {
  for (std::size_t s = 0; s < sources_.size(); ++s) {
    sources_[s] = in.get<assess::SourceFacts>();
    records_[s] = in.get<std::uint64_t>();
    if (sources_[s].status > SourceStatus::ended || !plausible_ns(sources_[s].last_ns) ||
        !plausible_ns(sources_[s].since_ns)) {
      return false;
    }
  }
  return true;
}

bool Shard::thaw(Thawer& in) {
  const auto head = in.get<FrozenHead>();
  progress_ = head.progress;
  next_tick_ns_ = head.next_tick_ns;
  late_outcomes_ = head.late_outcomes;
  sweep_at_ = head.sweep_at;
  sweep_again_ = head.sweep_again != 0;
  epoch_ = head.epoch;
  held_ = head.held != 0;
  return plausible(progress_) && plausible_ns(next_tick_ns_) &&
         (sweep_at_ == kNoSweep || sweep_at_ <= tracks_.capacity()) &&
         tracks_.thaw(in, head.high_water, head.tracks) && contacts_.thaw(in, tracks_) &&
         own_position_.thaw(in) && second_places_.thaw(in, tracks_) && assess_.thaw(in, tracks_) &&
         delivery_.thaw(in, progress_.last_sequence) &&
         waiting_.thaw(in, progress_.last_sequence, sources_.size()) && load_.thaw(in) &&
         thaw_causes(in) && thaw_room(in) && thaw_touched(in) && thaw_sources(in) && in.at_end() &&
         // Between two batches nothing else is under way, and nothing else waits.
         progress_.transient == delivery_.sent() &&
         progress_.waiting == delivery_.size() - delivery_.sent() + waiting_.size();
}

}  // namespace vedette::engine
