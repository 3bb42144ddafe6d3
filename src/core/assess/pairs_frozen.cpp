// Pairs of tracks as bytes, and back, also under another plan.
#include <algorithm>

#include "base/plausible.hpp"
#include "core/assess/pairs.hpp"

namespace vedette::assess {
namespace {

struct FrozenHead {
  std::uint64_t entries, refused;
  std::uint32_t rules;   // 0: nothing else follows
  std::uint32_t tracks;  // in use; each with its place
};
struct FrozenPlace {
  std::uint64_t cube;
  std::uint32_t slot;
  std::uint32_t due;
};

}  // namespace

std::size_t Pairs::frozen_bytes_bound(const plan::Plan& plan) {
  return sizeof(FrozenHead) + (bytes_needed(plan) == 0
                                   ? 0
                                   : plan.limits()->tracks() * sizeof(FrozenPlace) +
                                         plan.limits()->pairs() * sizeof(Entry));
}

void Pairs::freeze(Freezer& out, const TrackTable& tracks) const {
  FrozenHead head{count_, refused_, static_cast<std::uint32_t>(rules_.size()), 0};
  head.tracks = none() ? 0 : static_cast<std::uint32_t>(tracks.size());
  out.put(head);
  for (std::uint32_t slot = 0; !none() && slot < tracks.high_water(); ++slot) {
    if (tracks.in_use(slot)) {
      out.put(FrozenPlace{neighbours_.cube(slot), slot,
                          static_cast<std::uint32_t>(due_[slot / 64] >> (slot % 64) & 1)});
    }
  }
  for (std::size_t i = 0; i < count_; ++i) {
    Entry entry = entries_[i];
    entry.rule = rules_[entry.rule].assessment;  // as other rooms name it
    out.put(entry);
  }
}

void Pairs::slice(std::size_t at, const TrackTable& tracks, SliceDigest& out) const {
  if (at == 0) {
    out.mix(refused_);
    out.mix(std::uint64_t{raised_} << 32 | parted_);
    return;
  }
  if (at <= count_) {
    out.mix(entries_[at - 1]);
    return;
  }
  const auto first = static_cast<std::uint32_t>(at - 1 - count_) * kSlotsASlice;
  const std::uint32_t end = std::min(first + kSlotsASlice, tracks.high_water());
  out.mix(due_[first / 64]);
  for (std::uint32_t slot = first; slot < end; ++slot) {
    out.mix(neighbours_.cube(slot));
  }
}

bool Pairs::thaw(Thawer& in, Thawing& with) {
  count_ = parted_ = due_count_ = raised_ = 0;
  const auto head = in.get<FrozenHead>();
  const bool same = with.carry.same();
  if (!in.ok() || head.rules > limits::kAssessments || head.entries > limits::kPairs ||
      head.tracks > limits::kTracks ||
      (same && (head.rules != rules_.size() || head.entries > entries_.size() ||
                (head.rules != 0 && head.tracks != with.tracks.size())))) {
    return false;
  }
  refused_ = none() ? 0 : head.refused;
  if (!none()) {
    neighbours_.clear();
    std::fill(held_.begin(), held_.end(), std::uint16_t{0});
    std::fill(due_.begin(), due_.end(), std::uint64_t{0});
  }
  for (std::uint32_t i = 0; head.rules != 0 && i < head.tracks; ++i) {
    const auto place = in.get<FrozenPlace>();
    if (!in.ok() || place.due > 1) {
      return false;
    }
    if (!same) {
      continue;
    }
    if (place.slot >= with.tracks.high_water() || !with.tracks.in_use(place.slot) ||
        !neighbours_.put(place.slot, place.cube)) {
      return false;
    }
    mark_due(place.slot, place.due != 0);
  }
  // Another plan's cubes are of another size.
  for (std::uint32_t slot = 0; !none() && !same && slot < with.tracks.high_water(); ++slot) {
    if (with.tracks.in_use(slot) && placed(&with.tracks[slot])) {
      neighbours_.place(slot, with.tracks[slot].ecef);
    }
  }
  for (std::uint64_t i = 0; i < head.entries; ++i) {
    if (!thaw_entry(in, with)) {
      return false;
    }
  }
  return in.ok();
}

bool Pairs::thaw_entry(Thawer& in, Thawing& with) {
  auto entry = in.get<Entry>();
  if (!in.ok() || entry.a >= entry.b || !Assess::plausible(entry.instance) ||
      entry.instance.state == Assess::State::idle ||
      (entry.at_a == kNone) != (entry.at_b == kNone)) {
    return false;
  }
  const bool raised = entry.instance.state >= Assess::State::active;
  const std::uint16_t assessment = with.carry.assessment(entry.rule);
  const auto rule = std::find_if(rules_.begin(), rules_.end(),
                                 [&](const Rule& r) { return r.assessment == assessment; });
  const std::uint32_t a = with.tracks.find(entry.a);
  const std::uint32_t b = with.tracks.find(entry.b);
  const bool together = entry.at_a != kNone;
  const bool both = a != kNone && b != kNone && a < held_.size() && b < held_.size();
  if (with.carry.same() && (rule == rules_.end() ||
                            (together ? !both || a != entry.at_a || b != entry.at_b : !raised))) {
    return false;
  }
  const bool stays = rule != rules_.end() && count_ < entries_.size() &&
                     (together ? both && held_[a] < kMostHeld && held_[b] < kMostHeld : raised);
  with.carry.report.raised.kept += stays && raised ? 1 : 0;
  with.carry.report.raised.left += !stays && raised ? 1 : 0;
  if (!stays) {
    return !with.carry.same();
  }
  entry.rule = static_cast<std::uint16_t>(rule - rules_.begin());
  if (together) {
    entry.at_a = a;
    entry.at_b = b;
    ++held_[a];
    ++held_[b];
  }
  parted_ += together ? 0 : 1;
  raised_ += raised ? 1 : 0;
  entries_[count_++] = entry;
  return true;
}

}  // namespace vedette::assess
