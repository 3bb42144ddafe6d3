// Purpose: puts fast packets together from their frames (NMEA 2000 main document 2.3.2.7): the
// first byte is a sequence number (3 bits) and the frame's number (5 bits), the second byte of
// frame 0 the message's length. In: frames. Out: whole messages. Bound: kPlaces messages at once.
// When full: the oldest is replaced, which is counted. Runs on: the ingress thread; no allocation.
#pragma once

#include <cstdint>

#include "edge/codec/n2k_lines.hpp"

namespace vedette::codec {

class FastPackets {
 public:
  static constexpr std::size_t kPlaces = 64;
  // Frames of a message follow one another within 0.75 s on a bus; logs without times are coarser.
  static constexpr std::int64_t kTimeoutNs = 5'000'000'000;

  enum class Taken : std::uint8_t { kept, whole, missing, timeout, malformed };

  // `frame` becomes the whole message with the last of its frames, in any order behind the first.
  Taken take(N2kLine& frame, std::int64_t now_ns);
  // Of the frame taken last.
  std::uint8_t part() const { return part_; }
  std::uint8_t parts() const { return parts_; }

  // Incomplete messages that were replaced while their last frame could still arrive.
  std::uint64_t unfinished() const { return unfinished_; }
  void reset();

 private:
  // Scanned for every frame, so apart from what it holds.
  struct Waiting {
    std::int64_t started_ns;
    std::uint32_t pgn;
    std::uint32_t missing;  // a bit a frame; 0: the place is free
    std::uint8_t source, destination, sequence, size;
  };

  std::size_t find(const N2kLine& frame) const;
  std::size_t start(const N2kLine& frame, std::int64_t now_ns);

  Waiting waiting_[kPlaces] = {};
  std::uint8_t bytes_[kPlaces][kN2kBytes] = {};
  std::uint64_t unfinished_ = 0;
  std::uint8_t part_ = 0, parts_ = 0;
};

}  // namespace vedette::codec
