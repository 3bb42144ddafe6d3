// Purpose: prefetches the tracks of events that a step takes soon. With 100,000 tracks an event
// costs a sixth less by it; in tables up to limits::kNearTracks it would only cost. In: lanes. Out:
// nothing that a replay could see. Runs on: the engine thread.
#pragma once

#include "base/lane.hpp"
#include "core/engine/state.hpp"

namespace vedette::engine {

class Lookahead {
 public:
  explicit Lookahead(const State& state)
      : state_(state), far_(state.tracks.high_water() > limits::kNearTracks) {}

  // The lane's next event is about to be worked.
  void at(Lane& lane) const {
    if (!far_) {
      return;
    }
    if (const Observation* o = observation(lane.peek(kTrackAhead)); o != nullptr) {
      const std::uint32_t track = state_.tracks.find(track_key(o->kind, o->identity));
      if (track != TrackTable::kNone) {
        state_.tracks.prefetch(track);
        state_.assess.prefetch(track);
      }
    }
    if (const Observation* o = observation(lane.peek(2 * kTrackAhead)); o != nullptr) {
      state_.tracks.prefetch_find(track_key(o->kind, o->identity));
    }
  }

 private:
  // A track is ten cache lines, which take as long to come as three events to be worked; its place
  // in the table is prefetched as long before that.
  static constexpr std::size_t kTrackAhead = 3;

  static const Observation* observation(std::span<std::uint8_t> record) {
    if (record.empty()) {
      return nullptr;
    }
    const auto* event = reinterpret_cast<const EventHeader*>(record.data());
    const bool whole =
        event->kind == EventKind::observation && event->payload_bytes >= sizeof(Observation);
    return whole ? reinterpret_cast<const Observation*>(payload_of(event)) : nullptr;
  }

  const State& state_;
  bool far_;  // the table is larger than the near caches
};

}  // namespace vedette::engine
