// Purpose: the byte streams that lead to one sink: a serial line, or a few TCP connections, opened
// before they are needed and as many as are in use at once, and one more, within declared bounds.
// In: whole messages. Out: each message whole on one stream, or an error. Bound: kConnections; of
// each stream at most one message that it has taken only a part of. When all are busy: EAGAIN.
// Fails as: a stream that breaks is opened again by the device keeper. Runs on: the engine thread;
// never waits.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>

#include "model/limits.hpp"
#include "platform/device_keeper.hpp"

namespace vedette::act {

class StreamPool {
 public:
  // How long a connection more than now are in use is kept, in node time.
  static constexpr std::int64_t kWindowNs = 60'000'000'000;

  // One slot of the keeper for each stream there may be; the first `least` are always wanted.
  void init(platform::DeviceKeeper& devices, std::span<const std::size_t> slots, std::size_t least,
            bool peer_may_close);

  // 0, or errno: ENODEV or ENOTCONN when none is open, EAGAIN when those open take no more now.
  int send(std::string_view message, std::int64_t now_ns);
  // The heartbeat: takes over what was opened, gives up what the other end has closed, so that it
  // is open again before it is needed. From time to time.
  void tend();
  // Goes on with what is begun.
  void flush();
  bool unfinished() const { return unfinished_ != 0; }
  // Any thread may ask.
  std::size_t open() const { return open_.load(std::memory_order_relaxed); }

 private:
  struct Stream {
    int fd = -1;
    std::size_t slot = 0;
    // What it has not taken of its last message: that goes first, so that none is torn.
    std::uint16_t rest_bytes = 0;
    char rest[limits::kTextBytes] = {};
  };

  bool ready(Stream& stream);
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
  std::atomic<std::size_t> open_{0};
};

}  // namespace vedette::act
