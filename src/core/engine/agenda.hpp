// Purpose: what the engine judges next: tracks that this batch touched, by class and slot, those
// left over from a preempted batch, and the sweep of all tracks that a tick begins. In: touched
// tracks, ticks. Out: one item after the other. Bound: twice the batch bound of touched tracks: one
// batch's, and one batch's left over. When full: the batch is not cut, so the left-over never
// exceeds one batch. Runs on: the engine thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/engine/ready_pages.hpp"
#include "core/engine/release_kernel.hpp"
#include "model/stage.hpp"

namespace vedette::engine {

class Agenda {
 public:
  static constexpr SectionName kSection{"agenda", 1};
  static constexpr std::uint32_t kNoSweep = 0xFFFFFFFF;
  // A track to be judged.
  struct Touched {
    std::uint32_t track;     // kNone: retired since
    std::uint16_t changes;   // bit of TrackChangeKind
    EventClass event_class;  // most urgent of the events that touched it
    std::uint8_t reserved;
    std::uint64_t cause;
    std::int64_t arrival_ns;
  };

  static std::size_t bytes_needed(const plan::Plan& plan);
  // Call before init(): selects the vector instructions for a release.
  void release_by(ReleaseKernel kernel) { kernel_ = kernel; }
  void init(Arena& arena, const Site& site);
  static DerivedBound derived_bound(const plan::Plan&) { return {}; }

  // Items left over from a preempted batch become ready, except retired tracks.
  void begin_batch();
  void touch(std::uint32_t track, const EventHeader& event, std::uint32_t changes);
  // From here on items come in order: by class, then by slot. The order of the batch's events does
  // not affect what is judged.
  void order();
  bool empty() const { return judged_ == count_; }
  const Touched& next() const { return touched_[judged_]; }
  void done() { ++judged_; }
  std::span<const Touched> left() const { return touched_.subspan(judged_, count_ - judged_); }
  // Removes a released track.
  void forget(std::uint32_t track);
  bool has(std::uint32_t track) const;

  // A tick: one sweep of all tracks follows; a sweep under way is followed by another.
  void tick(std::int64_t next_ns);
  std::int64_t next_tick_ns() const { return next_tick_ns_; }
  // A batch has room for the start of a sweep or for the tick's other work, not for both.
  bool sweeps() const { return sweeping() && !ticked_; }
  bool sweeping() const { return sweep_at_ != kNoSweep; }
  bool sweep_begins() const { return sweep_at_ == 0; }
  // The next track of the sweep, or kNone at its end. Skips free slots.
  std::uint32_t sweep_place(const TrackTable& tracks);
  void swept() { ++sweep_at_; }

  static std::size_t frozen_bytes_bound(const plan::Plan&) {
    return sizeof(FrozenHead) + limits::kBatchEvents * sizeof(Touched);
  }
  void freeze(Freezer& out, const TrackTable&) const;
  bool thaw(Thawer& in, Thawing& with);
  void digest(WordsDigest& digest) const {
    digest.mix(std::uint64_t{sweep_at_} << 1 | (sweep_again_ ? 1 : 0));
    digest.mix(static_cast<std::uint64_t>(next_tick_ns_));
  }
  // digest() has all of it but what a cut batch left over, which the next step judges.
  std::size_t slices(const TrackTable&) const { return 0; }
  void slice(std::size_t, const TrackTable&, SliceDigest&) const {}
  bool unfinished() const { return sweeping() || !empty(); }

 private:
  static constexpr std::uint32_t kNone = TrackTable::kNone;
  static constexpr std::size_t kTouched = 2 * limits::kBatchEvents;
  struct FrozenHead {
    std::int64_t next_tick_ns;
    std::uint32_t sweep_at;
    std::uint32_t sweep_again;
    std::uint64_t left;
  };

  void mark_ready(std::size_t place);
  bool plausible(const Touched& t, std::size_t place, const TrackTable& tracks) const;

  ReleaseKernel kernel_ = ReleaseKernel::scalar;
  std::span<Touched> touched_, ordered_;
  std::array<ReadyPages, kEventClasses> ready_;  // tracks to judge, by class
  std::span<std::uint16_t> place_of_;            // by track: its index in touched_, if ready
  std::span<std::uint16_t> queue_;
  std::size_t count_ = 0;
  std::size_t judged_ = 0;    // of these, the first ones
  bool ordered_now_ = false;  // in order of judging, and removed from ready_
  bool ticked_ = false;       // in this batch
  std::int64_t next_tick_ns_ = 0;
  std::uint32_t sweep_at_ = kNoSweep;
  bool sweep_again_ = false;
};

}  // namespace vedette::engine
