// Purpose: selects the event that a step takes next: the most urgent at the heads of the lanes, of
// equals the first lane's.
// In: lanes, in the order of admission. Out: one event after the other. Bound: limits::kSources + 4
// lanes. Runs on: the engine thread, for one step.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/lane.hpp"
#include "core/engine/lookahead.hpp"
#include "core/engine/state.hpp"

namespace vedette::engine {

class Admission {
 public:
  static constexpr std::uint64_t kNothing = ~std::uint64_t{0};  // key of an empty lane
  struct Head {
    std::uint64_t key;
    Lane* lane;
  };

  Admission(const State& state, std::span<Lane* const> lanes);

  bool empty() const { return count_ == 0; }
  std::size_t inputs() const { return inputs_; }  // in the lanes at the start
  // The most urgent; null when every lane is empty.
  Head* first();
  static const EventHeader& event_of(const Head& head);
  // Call after taking the head: moves to the lane's next event.
  void taken(Head& head);
  // Leaves the lane's events and their credits for a later step.
  void pass_over(Head& head);

 private:
  const State& state_;
  std::array<Head, limits::kSources + 4> heads_;
  std::size_t count_ = 0;
  std::size_t inputs_ = 0;
  Lookahead lookahead_;
};

}  // namespace vedette::engine
