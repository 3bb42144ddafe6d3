#include "core/engine/admission.hpp"

#include <algorithm>

namespace vedette::engine {
namespace {

const EventHeader& event_at(std::span<std::uint8_t> record) {
  return *reinterpret_cast<const EventHeader*>(record.data());
}

}  // namespace

Admission::Admission(const State& state, std::span<Lane* const> lanes)
    : state_(state), lookahead_(state) {
  CHECK(lanes.size() <= heads_.size(), "a lane for each source, outcomes, commands and faults");
  for (Lane* lane : lanes) {
    if (const auto record = lane->peek(); !record.empty()) {
      heads_[count_++] = {state_.sources.key_of(event_at(record)), lane};
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
  lookahead_.at(*head.lane);
}

void Admission::pass_over(Head& head) {
  std::copy(&head + 1, heads_.data() + count_, &head);
  --count_;
}

}  // namespace vedette::engine
