// Purpose: judgements over pairs of tracks: which are near each other, and what stands between
// them. In: a track that has just been judged. Out: AssessmentChange about pairs, by callback.
// Bound: the kMostNear nearest neighbours of a track; [limits] pairs entries that are not idle,
// kMostHeld of one track; kChanges a step. When full: a neighbour beyond the nearest is not
// compared and a pair without an entry is not raised, both counted (cause pairs-full); a change
// beyond kChanges comes in the next step. Runs on: the engine thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/assess/assess.hpp"
#include "core/assess/neighbours.hpp"
#include "model/track_table.hpp"

namespace vedette::assess {

class Pairs {
 public:
  static constexpr SectionName kSection{"pairs", 1};
  static constexpr std::size_t kMostNear = 64;
  static constexpr std::size_t kMostHeld = 128;
  static constexpr std::size_t kChanges = 16;

  static std::size_t bytes_needed(const plan::Plan& plan);
  void init(Arena& arena, const Site& site);
  static DerivedBound derived_bound(const plan::Plan& plan);

  bool none() const { return rules_.empty(); }  // the plan has no assessment of pairs
  void begin_step() { budget_ = kChanges; }
  // Clears pairs of which one is gone. Call before the step's first judgement.
  void part(Assess& assess, const World& world, const TrackTable& tracks,
            const Assess::Listener& listener);
  // Judges a track with its neighbours. `listener`: only `changed` is called.
  void judge(Assess& assess, const World& world, const TrackTable& tracks, std::uint32_t track,
             const Assess::Listener& listener);
  // A track whose judgement the step's bound cut short; kNone: none, or no change is left.
  std::uint32_t due() const;
  // Call before releasing its slot.
  void retire(std::uint32_t track);

  std::size_t size() const { return count_; }
  std::uint64_t refused() const { return refused_; }  // pairs without an entry, neighbours beyond
  bool alarm_stands(std::uint32_t track) const;
  std::size_t raised() const { return raised_; }

  static std::size_t frozen_bytes_bound(const plan::Plan& plan);
  void freeze(Freezer& out, const TrackTable& tracks) const;
  bool thaw(Thawer& in, Thawing& with);
  void digest(WordsDigest& digest) const {
    digest.mix(std::uint64_t{count_} << 32 | due_count_);
    digest.mix(refused_);
  }
  std::size_t slices(const TrackTable& tracks) const {
    return none() ? 0 : 1 + count_ + (tracks.high_water() + kSlotsASlice - 1) / kSlotsASlice;
  }
  void slice(std::size_t at, const TrackTable& tracks, SliceDigest& out) const;
  bool unfinished() const { return due_count_ != 0 || parted_ != 0; }

 private:
  static constexpr std::uint32_t kNone = TrackTable::kNone;
  static constexpr std::uint32_t kSlotsASlice = 64;
  struct Rule {
    double within_squared;  // m^2
    std::uint32_t kinds;
    std::uint16_t assessment;
  };
  // A pair whose instance is not idle.
  struct Entry {
    std::uint64_t a, b;        // keys, a < b
    std::uint32_t at_a, at_b;  // slots; kNone: one of the tracks is gone
    Assess::Instance instance;
    std::uint16_t rule;  // index of rules_
    std::uint8_t reserved[6];
  };
  struct Near {
    double squared;  // m^2
    std::uint32_t track;
  };
  // What one judge() works with.
  struct Turn {
    Pairs* self;
    Assess& assess;
    const World& world;
    const TrackTable& tracks;
    const Assess::Listener& listener;
  };

  bool applies(const Rule& rule, const Track& one, const Track& other, double squared) const {
    return squared <= rule.within_squared &&
           (rule.kinds >> static_cast<unsigned>(one.kind) & 1) != 0 &&
           (rule.kinds >> static_cast<unsigned>(other.kind) & 1) != 0;
  }
  std::size_t nearest(const TrackTable& tracks, std::uint32_t track,
                      std::array<Near, kMostNear>& out);
  bool judge_held(const Turn& turn, std::uint32_t track);
  bool judge_near(const Turn& turn, std::uint32_t track);
  bool judge_new(const Turn& turn, std::size_t rule, std::uint32_t track, std::uint32_t other);
  void judge_entry(const Turn& turn, Entry& entry, bool near);
  bool holds(std::size_t rule, std::uint32_t track, std::uint32_t other) const;
  void remove(std::size_t at);
  void mark_due(std::uint32_t track, bool due);
  Subject subject_of(const Entry& entry) const {
    return {entry.a, kNoSource, SubjectKind::pair, {}, entry.b};
  }
  static void on_change(void* turn, const View& view, const AssessmentChange& change);
  bool thaw_entry(Thawer& in, Thawing& with);

  std::span<Rule> rules_;
  std::span<Entry> entries_;
  std::span<std::uint16_t> held_;  // entries of each track
  std::span<std::uint64_t> due_;   // a bit a track
  Neighbours neighbours_;
  std::size_t count_ = 0;
  std::size_t parted_ = 0;  // entries of which a track is gone
  std::size_t due_count_ = 0;
  std::size_t raised_ = 0;
  std::size_t budget_ = 0;  // changes that this step may still make
  std::uint64_t refused_ = 0;
};

}  // namespace vedette::assess
