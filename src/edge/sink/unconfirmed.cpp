#include "edge/sink/unconfirmed.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace vedette::sink {

void Unconfirmed::add(const Message& message) {
  const std::size_t at = size();
  CHECK(at < room_.size(), "a sink that is full takes no more");
  room_[at] = message;
  count_.store(at + 1, std::memory_order_relaxed);
}

void Unconfirmed::settled(Message& message, State state) {
  message.state = state;
  ++settled_;
}

void Unconfirmed::confirm_through(std::size_t stream, std::uint64_t bytes) {
  for (Message& m : room_.first(size())) {
    if (m.stream == stream && m.state == State::waits && m.end_bytes <= bytes) {
      settled(m, State::confirmed);
    }
  }
}

bool Unconfirmed::confirm(const MessageKey& key) {
  bool waited = false;
  for (Message& m : room_.first(size())) {
    if (m.state == State::waits && m.key == key) {
      settled(m, State::confirmed);
      waited = true;
    }
  }
  return waited;
}

void Unconfirmed::lose(std::size_t stream, std::int64_t sent_before_ns) {
  for (Message& m : room_.first(size())) {
    if (m.stream == stream && m.state == State::waits && m.sent_ns < sent_before_ns) {
      settled(m, State::lost);
    }
  }
}

void Unconfirmed::withdraw(std::uint64_t sequence) {
  Message* const end = room_.data() + size();
  Message* const at =
      std::find_if(room_.data(), end, [&](const Message& m) { return m.sequence == sequence; });
  if (at != end) {
    settled_ -= at->state != State::waits ? 1 : 0;
    std::copy(at + 1, end, at);
    count_.store(size() - 1, std::memory_order_relaxed);
  }
}

std::int64_t Unconfirmed::oldest_ns(std::size_t stream) const {
  std::int64_t oldest = kNever;
  for (const Message& m : room_.first(size())) {
    if (m.stream == stream && m.state == State::waits) {
      oldest = std::min(oldest, m.sent_ns);
    }
  }
  return oldest;
}

}  // namespace vedette::sink
