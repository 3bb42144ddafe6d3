// Purpose: observations of a batch to belief: whether the node has time for one, who perceives it,
// and that its track is judged afterwards. Observations of named tracks that follow each other are
// perceived together, which gives the same tracks in less time.
// In: observations in the order in which they are worked. Out: tracks, and the agenda.
// Runs on: the engine thread.
#pragma once

#include <array>
#include <cstdint>

#include "core/engine/state.hpp"
#include "core/engine/step.hpp"

namespace vedette::engine {

class Observing {
 public:
  Observing(State& state, Step& step) : state_(state), step_(step) {}

  // False when the node is behind and does without this one, which has then left.
  bool takes(EventHeader& event);
  // Now, or with those that follow: then finish() must come before anything else is done.
  void take(EventHeader& event);
  void finish();
  // One by itself: of those that waited.
  void observe(EventHeader& event);
  std::size_t pending() const { return together_count_; }

 private:
  void perceived(EventHeader& event, const Observation& observation, const perceive::Perceived& p);
  bool sudden(const Track& track, const EventHeader& event) const;

  State& state_;
  Step& step_;
  std::array<std::size_t, perceive::kTogether> together_;  // places in the batch
  std::size_t together_count_ = 0;
};

}  // namespace vedette::engine
