#include "core/perceive/tracks.hpp"

#include <algorithm>

#include "model/derived.hpp"

namespace vedette::perceive {
namespace {

struct FrozenHead {
  std::uint32_t high_water;
  std::uint32_t count;
};
static_assert(sizeof(FrozenHead) % alignof(FrozenTrack) == 0, "tracks are read where they stand");

// Own ship first, then acknowledged, then confirmed tracks, each by last heard.
std::uint64_t worth_of(const Track& t) {
  const std::uint64_t rank = t.kind == IdentityKind::own                               ? 3
                             : t.acknowledged != 0 || t.state == TrackState::confirmed ? 2
                             : t.state == TrackState::coasting                         ? 1
                                                                                       : 0;
  return rank << 62 | static_cast<std::uint64_t>(std::max<std::int64_t>(t.heard_ns, 0)) >> 2;
}

bool stays(const Track& track, const Carry& carry) {
  return track.kind != IdentityKind::contact || carry.contacts_stay();
}

// The worth above which at most `room` tracks fit. Bisection, because this must not allocate, and
// tables rarely shrink.
std::uint64_t least_worth(std::span<const FrozenTrack> tracks, const Carry& carry,
                          std::size_t room) {
  std::uint64_t least = 0;
  for (std::uint64_t bit = std::uint64_t{1} << 63; bit != 0; bit >>= 1) {
    const std::uint64_t lower = least | (bit - 1);  // largest value with this bit clear
    const auto above = std::count_if(tracks.begin(), tracks.end(), [&](const FrozenTrack& t) {
      return stays(t.track, carry) && worth_of(t.track) > lower;
    });
    least |= static_cast<std::size_t>(above) > room ? bit : 0;
  }
  return least;
}

}  // namespace

// Eight changes of a judged track and its eviction; two more when own ship is swept.
DerivedBound Tracks::derived_bound(const plan::Plan&) {
  return {10 * event_bytes(sizeof(TrackChange)), 0};
}

std::size_t Tracks::frozen_bytes_bound(const plan::Plan& plan) {
  return sizeof(FrozenHead) + plan.limits()->tracks() * sizeof(FrozenTrack);
}

void Tracks::freeze(Freezer& out, const TrackTable&) const {
  out.put(FrozenHead{table_.high_water(), static_cast<std::uint32_t>(table_.size())});
  for (std::uint32_t i = 0; i < table_.high_water(); ++i) {
    if (table_.in_use(i)) {
      out.put(FrozenTrack{i, table_[i]});
    }
  }
}

std::span<const FrozenTrack> Tracks::frozen(Bytes section) {
  Thawer in(section);
  const auto head = in.get<FrozenHead>();
  const Bytes tracks = in.get_bytes(head.count * sizeof(FrozenTrack));
  if (!in.at_end()) {
    return {};
  }
  CHECK(reinterpret_cast<std::uintptr_t>(tracks.data()) % alignof(FrozenTrack) == 0,
        "a frozen state begins where memory does");
  return {reinterpret_cast<const FrozenTrack*>(tracks.data()), head.count};
}

// In their former slots, so that a sweep visits the same slots as before.
bool Tracks::thaw_in_place(std::span<const FrozenTrack> tracks, std::uint32_t high_water) {
  for (const FrozenTrack& at : tracks) {
    if (at.slot >= high_water || !table_.put(static_cast<std::uint32_t>(at.slot), at.track)) {
      return false;
    }
  }
  table_.used_up_to(high_water);
  return true;
}

bool Tracks::carry_over(std::span<const FrozenTrack> tracks, std::uint32_t high_water,
                        Carry& carry) {
  std::size_t staying = 0;
  for (const FrozenTrack& at : tracks) {
    staying += stays(at.track, carry) ? 1 : 0;
  }
  const bool all_fit = high_water <= table_.capacity();
  const std::uint64_t least =
      staying <= table_.capacity() ? 0 : least_worth(tracks, carry, table_.capacity());
  std::size_t above = 0;
  for (const FrozenTrack& at : tracks) {
    above += stays(at.track, carry) && worth_of(at.track) > least ? 1 : 0;
  }
  std::size_t ties = staying <= table_.capacity() ? staying : table_.capacity() - above;
  if (!all_fit) {
    if (carry.slots().size() < high_water) {
      return false;
    }
    std::fill(carry.slots().begin(), carry.slots().end(), Carry::kGoneSlot);
    carry.move_tracks();
  }
  std::uint32_t next = 0;
  for (const FrozenTrack& at : tracks) {
    if (at.slot >= high_water) {
      return false;
    }
    const bool contact = at.track.kind == IdentityKind::contact;
    const std::uint64_t worth = worth_of(at.track);
    const bool kept = stays(at.track, carry) && (worth > least || (worth == least && ties > 0));
    ties -= kept && worth == least ? 1 : 0;
    Carried& counted = contact ? carry.report.contacts : carry.report.tracks;
    ++(kept ? counted.kept : counted.left);
    if (!kept) {
      continue;
    }
    const auto slot = all_fit ? static_cast<std::uint32_t>(at.slot) : next++;
    Track track = at.track;
    track.source_mask = carry.source_mask(track.source_mask);
    if (!carry.contacts_stay()) {  // without contacts there are no partners
      track.partner = 0;
      track.partner_slot = 0;
      track.misfits = 0;
      track.denied = 0;
    }
    if (!table_.put(slot, track)) {
      return false;
    }
    if (!all_fit) {
      carry.slots()[at.slot] = slot;
    }
  }
  table_.used_up_to(all_fit ? high_water : next);
  return true;
}

bool Tracks::thaw(Thawer& in, Thawing& with) {
  table_.clear();
  const auto head = in.get<FrozenHead>();
  const Bytes bytes = in.get_bytes(head.count * sizeof(FrozenTrack));
  if (!in.ok() || head.count > head.high_water || head.high_water > limits::kTracks ||
      reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(FrozenTrack) != 0) {
    return false;
  }
  const std::span<const FrozenTrack> tracks{reinterpret_cast<const FrozenTrack*>(bytes.data()),
                                            head.count};
  if (with.carry.same()) {
    return head.high_water <= table_.capacity() && thaw_in_place(tracks, head.high_water);
  }
  return carry_over(tracks, head.high_water, with.carry);
}

}  // namespace vedette::perceive
