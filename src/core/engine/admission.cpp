#include "core/engine/admission.hpp"

#include <algorithm>

namespace vedette::engine {
namespace {

// A track is prefetched so many events ahead of its own, and its place in the table at twice as
// many: a track is eight lines, and takes longer to come than an event to be worked.
constexpr std::size_t kExpectAhead = 3;

const EventHeader& event_at(std::span<std::uint8_t> record) {
  return *reinterpret_cast<const EventHeader*>(record.data());
}

}  // namespace

Admission::Admission(const State& state, std::span<Lane* const> lanes)
    : state_(state), far_(state.tracks.high_water() > limits::kNearTracks) {
  CHECK(lanes.size() <= heads_.size(), "a lane for each source, outcomes, commands and faults");
  for (Lane* lane : lanes) {
    if (const auto record = lane->peek(); !record.empty()) {
      heads_[count_++] = {state_.sources.key_of(event_at(record)), lane};
      expect(event_at(record));
      inputs_ += lane->size();
    }
  }
}

Admission::Head* Admission::first() {
  Head* best = nullptr;
  for (std::size_t i = 0; i < count_; ++i) {
    best = best == nullptr || heads_[i].key < best->key ? &heads_[i] : best;
  }
  return best;
}

const EventHeader& Admission::event_of(const Head& head) {
  return event_at(head.lane->peek());
}

void Admission::taken(Head& head) {
  head.lane->release();
  const auto next = head.lane->peek();
  if (next.empty()) {
    pass_over(head);
    return;
  }
  head.key = state_.sources.key_of(event_at(next));
  if (far_) {
    if (const auto soon = head.lane->peek(kExpectAhead); !soon.empty()) {
      expect(event_at(soon));
    }
    if (const auto later = head.lane->peek(2 * kExpectAhead); !later.empty()) {
      expect_later(event_at(later));
    }
  }
}

void Admission::pass_over(Head& head) {
  std::copy(&head + 1, heads_.data() + count_, &head);
  --count_;
}

void Admission::expect(const EventHeader& event) const {
  if (event.kind != EventKind::observation || event.payload_bytes < sizeof(Observation)) {
    return;
  }
  const auto* o = reinterpret_cast<const Observation*>(payload_of(&event));
  const std::uint64_t key = track_key(o->kind, o->identity);
  const std::uint32_t track = state_.tracks.find(key);
  if (track != TrackTable::kNone) {
    state_.tracks.remember(key, track);
    state_.tracks.prefetch(track);
    state_.assess.prefetch(track);
  }
}

void Admission::expect_later(const EventHeader& event) const {
  if (event.kind == EventKind::observation && event.payload_bytes >= sizeof(Observation)) {
    const auto* o = reinterpret_cast<const Observation*>(payload_of(&event));
    state_.tracks.prefetch_find(track_key(o->kind, o->identity));
  }
}

}  // namespace vedette::engine
