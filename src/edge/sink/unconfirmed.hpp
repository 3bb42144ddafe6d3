// Purpose: the messages that a TCP sink has sent and does not yet know to have arrived, by the
// stream that each went into and by its key. In: what was sent, how far a stream's other end has
// acknowledged, answers, streams that ended. Out: each message once, as confirmed or as lost.
// Bound: the room that init() is given (limits::kUnconfirmed); when full() the sink takes no more.
// Runs on: the engine thread; no allocation. size() may be asked by any.
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
    std::uint64_t end_bytes;  // of the stream, behind it
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

  // The other end has all of the stream up to there.
  void confirm_through(std::size_t stream, std::uint64_t bytes);
  // The other end says that it has it; false: nobody waits to hear that.
  bool confirm(const MessageKey& key);
  // What the stream carried before that time and nobody confirmed.
  void lose(std::size_t stream, std::int64_t sent_before_ns = kNever);
  // Its outcome is known otherwise.
  void withdraw(std::uint64_t sequence);

  bool waits(std::size_t stream) const { return oldest_ns(stream) != kNever; }
  // When the oldest of those that wait was sent; kNever: none does.
  std::int64_t oldest_ns(std::size_t stream) const;

  // Those that are confirmed or lost, in the order in which they were sent; `told` says whether it
  // could be passed on, and ends it where not.
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
  std::atomic<std::size_t> count_{0};  // in the order in which they were sent
  std::size_t settled_ = 0;            // of them confirmed or lost
};

}  // namespace vedette::sink
