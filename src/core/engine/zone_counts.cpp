#include "core/engine/zone_counts.hpp"

#include <algorithm>
#include <bit>

namespace vedette::engine {

void ZoneCounts::note(Track& track, const Track* own) {
  const auto* counted = plan_->counts();
  if (counted == nullptr || counted->size() == 0) {
    return;
  }
  const bool there = track.state != TrackState::lost &&
                     (track.kind != IdentityKind::contact || track.state != TrackState::tentative);
  std::uint64_t in = 0;
  for (flatbuffers::uoffset_t i = 0; there && i < counted->size(); ++i) {
    const plan::ZoneCount& count = *counted->Get(i);
    const bool is_in = count.kind() == static_cast<std::uint8_t>(track.kind) &&
                       assess::inside_zone(&track, zones_[count.zone()], own) == 1.0;
    in |= is_in ? std::uint64_t{1} << i : 0;
  }
  set(track, in);
}

void ZoneCounts::set(Track& track, std::uint64_t counted) {
  for (std::uint64_t come = counted & ~track.counted; come != 0; come &= come - 1) {
    ++counts_[static_cast<std::size_t>(std::countr_zero(come))];
  }
  for (std::uint64_t gone = track.counted & ~counted; gone != 0; gone &= gone - 1) {
    --counts_[static_cast<std::size_t>(std::countr_zero(gone))];
  }
  track.counted = counted;
}

// Another plan counts anew, as its first sweep comes by.
bool ZoneCounts::thaw(Thawer& in, Thawing& with) {
  counts_ = in.get<decltype(counts_)>();
  if (with.carry.same()) {
    return in.ok() && std::all_of(counts_.begin(), counts_.end(),
                                  [&](std::uint32_t count) { return count <= with.tracks.size(); });
  }
  counts_ = {};
  for (std::uint32_t i = 0; i < with.tracks.high_water(); ++i) {
    with.tracks[i].counted = 0;
  }
  return in.ok();
}

}  // namespace vedette::engine
