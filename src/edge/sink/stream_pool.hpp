// Purpose: the byte streams that lead to one sink: a serial line, or a few TCP connections, opened
// before they are needed and as many as are in use at once, and one more, within declared bounds.
// In: whole messages, and what the other end says. Out: each message whole on one stream, or an
// error; with await(), which of them arrived and which were lost with their stream. Bound:
// kConnections; of each stream at most one message that it has taken only a part of; those that
// nobody has confirmed. When all are busy, or too many are unconfirmed: EAGAIN. Fails as: a stream
// that breaks is opened again by the device keeper. Runs on: the engine thread; never waits.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>

#include "edge/sink/answer.hpp"
#include "edge/sink/unconfirmed.hpp"
#include "model/limits.hpp"
#include "model/plan_generated.h"
#include "platform/device_keeper.hpp"

namespace vedette::sink {

class StreamPool {
 public:
  // How long a connection more than now are in use is kept, in node time.
  static constexpr std::int64_t kWindowNs = 60'000'000'000;

  // One slot of the keeper for each stream there may be; the first `least` are always wanted.
  void init(platform::DeviceKeeper& devices, std::span<const std::size_t> slots, std::size_t least,
            bool peer_may_close);

  // Every message sent is kept until it is confirmed. One that waits longer than `within_ns` of
  // monotonic time is lost, and so is its stream with all others, unless the other end has answered
  // one since. Without this, or as `sent`, nothing is waited for.
  void await(plan::Confirm confirm, std::int64_t within_ns, std::span<Unconfirmed::Message> room);
  bool awaits() const { return confirm_ != plan::Confirm::sent; }

  // 0, or errno: ENODEV or ENOTCONN when none is open, EAGAIN when those open take no more now.
  // `sequence` and `key` are the message's, for when it is confirmed.
  int send(std::string_view message, std::int64_t now_ns, std::uint64_t sequence = 0,
           const MessageKey& key = {});
  // What the other ends have acknowledged and answered since the last time; at `now_ns`, monotonic.
  void look(std::int64_t now_ns);
  Unconfirmed& unconfirmed() { return unconfirmed_; }
  const Unconfirmed& unconfirmed() const { return unconfirmed_; }
  // The heartbeat: takes over what was opened, gives up what the other end has closed, so that it
  // is open again before it is needed. From time to time.
  void tend();
  // Goes on with what is begun.
  void flush();
  bool unfinished() const { return unfinished_ != 0; }
  // Any thread may ask.
  std::size_t open() const { return open_.load(std::memory_order_relaxed); }
  // Lines that were no answer, or to nothing that waits.
  std::uint64_t strange_answers() const { return strange_.load(std::memory_order_relaxed); }
  // Messages refused because too many were unconfirmed.
  std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  struct Stream {
    int fd = -1;
    std::size_t slot = 0;
    // What it has not taken of its last message: that goes first, so that none is torn.
    std::uint16_t rest_bytes = 0;
    char rest[limits::kTextBytes] = {};
    std::uint64_t given_bytes = 0;  // since it was opened, with the rest
    Answers answers;
    std::int64_t answered_ns = 0;  // monotonic: when the last answer to something came
  };

  std::size_t number_of(const Stream& stream) const {
    return static_cast<std::size_t>(&stream - streams_.data());
  }
  bool ready(Stream& stream);
  bool hear(Stream& stream);
  void see_acknowledged(const Stream& stream);
  int flush(Stream& stream);
  int put(Stream& stream, std::string_view message);
  void lose(Stream& stream);
  void resize(std::int64_t now_ns);

  platform::DeviceKeeper* devices_ = nullptr;
  std::array<Stream, limits::kConnections> streams_;
  std::size_t least_ = 0;
  std::size_t most_ = 0;
  std::size_t wanted_ = 0;  // the first of streams_
  bool peer_may_close_ = false;
  std::size_t unfinished_ = 0;
  std::size_t used_at_once_ = 0;  // most in this window
  std::int64_t window_ns_ = 0;
  plan::Confirm confirm_ = plan::Confirm::sent;
  std::int64_t within_ns_ = 0;
  Unconfirmed unconfirmed_;
  std::atomic<std::size_t> open_{0};
  std::atomic<std::uint64_t> strange_{0}, refused_{0};
};

}  // namespace vedette::sink
