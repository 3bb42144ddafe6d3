// Purpose: how far the self-check has come: the step digests the whole state in slices, so that a
// bit that changes in memory shows in a batch's digest, although nothing touches it. A mirror's or
// a replay's step does the same. In: node time, the number of slices. Out: which slices this step
// digests, and what they gave, in the batch's digest. Bound: limits::kSlicesStepBytes per step,
// limits::kSlicesPerStint slices a stint; a larger state takes several stints. Runs on: the
// engine's step.
#pragma once

#include <cstdint>

#include "base/math.hpp"
#include "base/plausible.hpp"
#include "model/stage.hpp"

namespace vedette::engine {

class SelfCheck {
 public:
  static constexpr SectionName kSection{"self-check", 1};

  static std::size_t bytes_needed(const plan::Plan&) { return 0; }
  void init(Arena&, const Site&) {}
  static DerivedBound derived_bound(const plan::Plan&) { return {}; }

  // A round of all slices takes one stint, or several if there are more than kSlicesPerStint. A
  // stint begins at its time; steps follow each other until it ends.
  bool due(std::int64_t now_ns) const { return now_ns >= at_.next_ns; }
  std::int64_t next_ns() const { return at_.next_ns; }
  void begin_batch() { found_ = 0; }
  // `slices`: of the whole state.
  void begin_stint(std::int64_t now_ns, std::size_t slices) {
    at_.next_ns = add_ns(now_ns, limits::kStintNs);
    if (unfinished()) {  // urgent events come first; the stint goes on
      return;
    }
    if (at_.stints == 0) {  // a new round
      at_.stage = at_.slice = 0;
      at_.stints = static_cast<std::uint32_t>(slices / limits::kSlicesPerStint + 1);
    }
    // The last one goes on to the end, however much that is by now.
    at_.left = --at_.stints == 0 ? kToTheEnd : limits::kSlicesPerStint;
  }
  void end_round() { at_ = {at_.next_ns, 0, 0, 0, 0, at_.rounds + 1}; }
  std::uint32_t rounds() const { return at_.rounds; }  // that have ended

  // Where the next slice is. next_slice() and next_stage() move on.
  std::uint32_t stage() const { return at_.stage; }
  std::uint32_t slice() const { return at_.slice; }
  void next_slice() {
    ++at_.slice;
    at_.left -= at_.left == kToTheEnd ? 0 : 1;
  }
  void next_stage() {
    ++at_.stage;
    at_.slice = 0;
  }
  void found(std::uint64_t digest) { found_ = digest; }

  static std::size_t frozen_bytes_bound(const plan::Plan&) { return sizeof(Position); }
  void freeze(Freezer& out, const TrackTable&) const { out.put(at_); }
  bool thaw(Thawer& in, Thawing&) {
    at_ = in.get<Position>();
    return plausible_ns(at_.next_ns);
  }
  void digest(WordsDigest& digest) const {
    digest.mix(found_);
    digest.mix(static_cast<std::uint64_t>(at_.next_ns));
    digest.mix(at_.left);
    digest.mix(std::uint64_t{at_.stage} << 32 | at_.slice);
    digest.mix(std::uint64_t{at_.stints} << 32 | at_.rounds);
  }
  std::size_t slices(const TrackTable&) const { return 0; }  // digest() has all of it
  void slice(std::size_t, const TrackTable&, SliceDigest&) const {}
  bool unfinished() const { return at_.left != 0; }

 private:
  static constexpr std::uint64_t kToTheEnd = ~std::uint64_t{0};
  struct Position {
    std::int64_t next_ns;  // when the next stint begins
    std::uint64_t left;    // slices of this stint
    std::uint32_t stage;   // in StageList
    std::uint32_t slice;   // of that stage
    std::uint32_t stints;  // still to come in this round
    std::uint32_t rounds;  // that have ended
  };

  Position at_{};
  std::uint64_t found_ = 0;  // by this step
};

}  // namespace vedette::engine
