// Purpose: prefetches the tracks of upcoming events. With 100,000 tracks an event takes 1.29 times
// as long without it; in tables up to limits::kNearTracks it would only cost. In: lanes. Out:
// nothing visible to a replay. Runs on: the engine thread.
#pragma once

#include "base/lane.hpp"
#include "core/engine/state.hpp"

namespace vedette::engine {

class Lookahead {
 public:
  explicit Lookahead(const State& state)
      : state_(state), far_(state.tracks.high_water() > limits::kNearTracks) {}

  // Call before working the lane's next event.
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
  // Fetching a track (ten cache lines) takes as long as working three events; its place in the
  // table is prefetched three events earlier still.
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
