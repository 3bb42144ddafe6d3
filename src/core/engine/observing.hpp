// Purpose: a batch's observations to belief: sheds or takes each, perceives it, and puts its track
// on the agenda. Consecutive observations of named tracks are perceived as a group, which gives the
// same tracks in less time. In: observations in the order of work. Out: tracks, and the agenda.
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

  // False when the node is behind and sheds the event, which then has its exit.
  bool takes(EventHeader& event);
  // Works it now or groups it with those that follow; call finish() before any other work.
  void take(EventHeader& event);
  void finish();
  // Works a single one, such as one that waited.
  void observe(EventHeader& event);
  std::size_t pending() const { return together_count_; }

 private:
  void perceived(EventHeader& event, const Observation& observation, const perceive::Perceived& p);
  bool sudden(const Track& track, const EventHeader& event) const;

  State& state_;
  Step& step_;
  std::array<std::size_t, perceive::kTogether> together_;  // offsets in the batch
  std::size_t together_count_ = 0;
};

}  // namespace vedette::engine
