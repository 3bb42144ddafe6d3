// Purpose: a TCP sink's messages sent but not confirmed, by stream and key. In: what was sent, how
// far a stream's other end has acknowledged, answers, streams that ended. Out: each message once,
// as confirmed or lost. Bound: the space given to init() (limits::kUnconfirmed); when full() the
// sink takes no more. Runs on: the engine thread; no allocation. Any thread may call size().
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "edge/sink/answer.hpp"

namespace vedette::sink {

class Unconfirmed {
 public:
  enum class State : std::uint8_t { waits = 0, confirmed, lost };
  struct Message {
    std::uint64_t sequence;  // of the attempt
    MessageKey key;
    std::uint64_t end_bytes;  // stream position after it
    std::int64_t sent_ns;     // monotonic
    std::uint32_t bytes;
    std::uint16_t stream;
    State state;
  };
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  void init(std::span<Message> room) { room_ = room; }
  bool full() const { return size() == room_.size(); }
  std::size_t size() const { return count_.load(std::memory_order_relaxed); }
  void add(const Message& message);

  // The other end has received the stream up to `bytes`.
  void confirm_through(std::size_t stream, std::uint64_t bytes);
  // The other end confirms the message; false: it is not waiting.
  bool confirm(const MessageKey& key);
  // Messages sent on the stream before that time and not confirmed are lost.
  void lose(std::size_t stream, std::int64_t sent_before_ns = kNever);
  // The message's outcome is known otherwise.
  void withdraw(std::uint64_t sequence);

  bool waits(std::size_t stream) const { return oldest_ns(stream) != kNever; }
  // When the oldest waiting message was sent; kNever: none.
  std::int64_t oldest_ns(std::size_t stream) const;

  // Passes confirmed and lost messages to `told` in the order of sending, until it returns false.
  template <typename Told>
  void settle(Told&& told) {
    if (settled_ == 0) {
      return;
    }
    std::size_t kept = 0;
    bool going = true;
    for (std::size_t i = 0; i < size(); ++i) {
      if (going && room_[i].state != State::waits) {
        going = told(room_[i]);
        if (going) {
          --settled_;
          continue;
        }
      }
      room_[kept++] = room_[i];
    }
    count_.store(kept, std::memory_order_relaxed);
  }

 private:
  void settled(Message& message, State state);

  std::span<Message> room_;
  std::atomic<std::size_t> count_{0};  // in the order of sending
  std::size_t settled_ = 0;            // of these, confirmed or lost
};

}  // namespace vedette::sink
