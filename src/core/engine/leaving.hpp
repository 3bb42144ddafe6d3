// Purpose: events without a place in a changed plan, until each has its exit in the journal; and
// the event that reports the change. In: leavers, as a state is carried over. Out: a few exits a
// batch. Bound: one entry for each action under way and each waiting event of the new plan, and
// kMore. When full: further ones leave at once and appear only in the change's counts. Runs on: the
// engine thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>

#include "model/derived.hpp"
#include "model/stage.hpp"

namespace vedette::engine {

class Leaving {
 public:
  static constexpr SectionName kSection{"leaving", 1};
  static constexpr std::size_t kPerBatch = 64;

  static std::size_t bytes_needed(const plan::Plan& plan) {
    return arena_bytes<Leaver>(places(plan));
  }
  void init(Arena& arena, const Site& site) { leavers_ = arena.make<Leaver>(places(*site.plan)); }
  static DerivedBound derived_bound(const plan::Plan&) {
    return {0, kPerBatch * event_bytes(sizeof(Resolution)) + event_bytes(sizeof(PlanChange))};
  }

  // False when full: the event leaves at once.
  bool add(const Leaver& leaver) {
    if (count_ == leavers_.size()) {
      return false;
    }
    leavers_[count_++] = leaver;
    under_way_ += leaver.transient;
    return true;
  }
  void change(const PlanChange& change) {
    change_ = change;
    changed_ = 1;
  }
  // True once after each change of the plan.
  bool changed(PlanChange& out) {
    out = change_;
    const bool was = changed_ != 0;
    changed_ = 0;
    return was;
  }
  void clear() { count_ = under_way_ = changed_ = 0; }  // call before a thaw
  std::size_t size() const { return count_; }
  std::size_t under_way() const { return under_way_; }  // of them; the others waited
  Leaver take() {
    const Leaver leaver = leavers_[--count_];
    under_way_ -= leaver.transient;
    return leaver;
  }

  static std::size_t frozen_bytes_bound(const plan::Plan& plan) {
    return 16 + sizeof(PlanChange) + places(plan) * sizeof(Leaver);
  }
  void freeze(Freezer& out, const TrackTable&) const {
    out.put(changed_);
    out.put(change_);
    out.put(static_cast<std::uint64_t>(count_));
    for (const Leaver& leaver : leavers_.first(count_)) {
      out.put(leaver);
    }
  }
  bool thaw(Thawer& in, Thawing& with) {
    changed_ = in.get<std::uint64_t>();
    change_ = in.get<PlanChange>();
    const auto count = in.get<std::uint64_t>();
    if (changed_ > 1 || (with.carry.same() && count > leavers_.size())) {
      return false;
    }
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto leaver = in.get<Leaver>();
      if (!in.ok() || leaver.transient > 1 || leaver.sequence > with.newest) {
        return false;
      }
      with.leave(with.context, leaver);
    }
    return in.ok();
  }
  void digest(WordsDigest& digest) const { digest.mix(std::uint64_t{count_}); }
  std::size_t slices(const TrackTable&) const { return 1 + (count_ + kPerBatch - 1) / kPerBatch; }
  void slice(std::size_t at, const TrackTable&, SliceDigest& out) const {
    if (at == 0) {
      out.mix(changed_);
      out.mix(change_);
      return;
    }
    const std::size_t end = std::min(at * kPerBatch, count_);
    for (std::size_t i = (at - 1) * kPerBatch; i < end; ++i) {
      out.mix(leavers_[i]);
    }
  }
  bool unfinished() const { return count_ != 0 || changed_ != 0; }

 private:
  static constexpr std::size_t kMore = 1024;
  static std::size_t places(const plan::Plan& plan) {
    return std::size_t{plan.limits()->pending_actions()} + plan.limits()->waiting_events() + kMore;
  }

  std::span<Leaver> leavers_;
  std::size_t count_ = 0;
  std::size_t under_way_ = 0;
  std::uint64_t changed_ = 0;
  PlanChange change_{};
};

}  // namespace vedette::engine
