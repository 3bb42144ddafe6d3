// Purpose: the byte streams of one sink: a serial line, or a few TCP connections, opened ahead of
// need: as many as were in use at once plus one, within declared bounds. In: whole messages, and
// the other end's input. Out: each message whole on one stream, or an error; with await(), which
// arrived and which were lost with their stream. Bound: kConnections; one partly sent message per
// stream; the unconfirmed messages. When all streams are busy or too many messages unconfirmed:
// EAGAIN. Fails as: the device keeper reopens a broken stream. Runs on: the engine thread; never
// waits.
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
  // How long an idle extra connection is kept, in node time.
  static constexpr std::int64_t kWindowNs = 60'000'000'000;

  // One keeper slot for each possible stream; the first `least` are always wanted.
  void init(platform::DeviceKeeper& devices, std::span<const std::size_t> slots, std::size_t least,
            bool peer_may_close);

  // Keeps every sent message until it is confirmed. One unconfirmed for `within_ns` (monotonic) is
  // lost, together with its stream and all its messages, unless the other end has answered another
  // since. Without this call, or with `sent`, nothing waits.
  void await(plan::Confirm confirm, std::int64_t within_ns, std::span<Unconfirmed::Message> room);
  bool awaits() const { return confirm_ != plan::Confirm::sent; }

  // 0, or errno: ENODEV or ENOTCONN when none is open, EAGAIN when none takes more now. `sequence`
  // and `key` identify the message when it is confirmed.
  int send(std::string_view message, std::int64_t now_ns, std::uint64_t sequence = 0,
           const MessageKey& key = {});
  // Reads acknowledgements and answers since the last call; `now_ns` is monotonic.
  void look(std::int64_t now_ns);
  Unconfirmed& unconfirmed() { return unconfirmed_; }
  const Unconfirmed& unconfirmed() const { return unconfirmed_; }
  // Periodic: takes over opened streams and closes those that the other end closed, so that they
  // reopen before they are needed.
  void tend();
  // Continues partly sent messages.
  void flush();
  bool unfinished() const { return unfinished_ != 0; }
  // Any thread may read these.
  std::size_t open() const { return open_.load(std::memory_order_relaxed); }
  // Lines that were no answer, or answered no waiting message.
  std::uint64_t strange_answers() const { return strange_.load(std::memory_order_relaxed); }
  // Messages refused because too many were unconfirmed.
  std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  struct Stream {
    int fd = -1;
    std::size_t slot = 0;
    // The unsent rest of its last message: goes first, so that no message is torn.
    std::uint16_t rest_bytes = 0;
    char rest[limits::kTextBytes] = {};
    std::uint64_t given_bytes = 0;  // since opening, including the rest
    Answers answers;
    std::int64_t answered_ns = 0;  // monotonic: the last answer to a message
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
  std::size_t used_at_once_ = 0;  // maximum in this window
  std::int64_t window_ns_ = 0;
  plan::Confirm confirm_ = plan::Confirm::sent;
  std::int64_t within_ns_ = 0;
  Unconfirmed unconfirmed_;
  std::atomic<std::size_t> open_{0};
  std::atomic<std::uint64_t> strange_{0}, refused_{0};
};

}  // namespace vedette::sink
