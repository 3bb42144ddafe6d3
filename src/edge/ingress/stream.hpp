// Purpose: one stream of a source: the bytes of a serial line, a pipe or a TCP connection, or the
// datagrams of an MQTT subscription or a CAN bus. Framing is its own, so a new one begins clean,
// and what a broken one left is not joined with it. Bound: kBytes a read. Runs on: the ingress
// thread; the main thread reads the atomics.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "edge/codec/codec.hpp"
#include "model/limits.hpp"
#include "model/plan_generated.h"

namespace vedette::ingress {

// How many streams a source has; 0: it brings datagrams or a recording.
inline std::size_t streams_of(const plan::Source& source) {
  switch (source.driver()) {
    case plan::DriverKind::udp:
    case plan::DriverKind::dpdk:
    case plan::DriverKind::recording:
      return 0;
    case plan::DriverKind::tcp:
      return source.listen() != nullptr ? source.most_senders() : 1;
    default:
      return 1;
  }
}

struct Stream {
  static constexpr std::size_t kBytes = limits::kReceiveBytes;
  // A request's tag in the ring: the source's number, and above it the stream's.
  static constexpr unsigned kSourceBits = 8;
  static constexpr std::uint64_t kSourceMask = (1U << kSourceBits) - 1;

  std::size_t slot = 0;  // of the device keeper
  int fd = -1;
  bool armed = false;        // a request in the ring completes when data arrives
  std::int64_t full_ns = 0;  // monotonic: since when the lane has had no room; 0: it has
  codec::Decoder decoder;
  std::atomic<std::int64_t> since_ns{0};  // node time of its opening; 0: closed
  std::atomic<std::int64_t> heard_ns{0};  // monotonic: of its newest bytes
  std::int64_t bus_error_ns = 0;    // CAN, node time: of the newest error frame; 0: all is well
  std::atomic<bool> silent{false};  // ended because of its silence
  std::uint8_t buffer[kBytes];
};

}  // namespace vedette::ingress
