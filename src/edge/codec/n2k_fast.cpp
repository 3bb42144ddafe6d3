#include "edge/codec/n2k_fast.hpp"

#include <algorithm>
#include <cstring>

namespace vedette::codec {
namespace {

constexpr std::size_t kInFirst = 6;  // bytes of the message
constexpr std::size_t kInNext = 7;

std::uint8_t sequence_of(const N2kLine& frame) {
  return static_cast<std::uint8_t>(frame.payload[0] >> 5);
}
std::size_t number_of(const N2kLine& frame) {
  return frame.payload[0] & 31U;
}
std::size_t frames_of(std::size_t size) {
  return size <= kInFirst ? 1 : 1 + (size - kInFirst + kInNext - 1) / kInNext;
}

}  // namespace

std::size_t FastPackets::find(const N2kLine& frame) const {
  for (std::size_t i = 0; i < kPlaces; ++i) {
    const Waiting& w = waiting_[i];
    if (w.missing != 0 && w.pgn == frame.pgn && w.source == frame.source &&
        w.destination == frame.destination && w.sequence == sequence_of(frame)) {
      return i;
    }
  }
  return kPlaces;
}

std::size_t FastPackets::start(const N2kLine& frame, std::int64_t now_ns) {
  std::size_t place = find(frame);
  for (std::size_t i = 0; place == kPlaces && i < kPlaces; ++i) {
    place = waiting_[i].missing == 0 ? i : kPlaces;
  }
  if (place == kPlaces) {
    place = 0;
    for (std::size_t i = 1; i < kPlaces; ++i) {
      place = waiting_[i].started_ns < waiting_[place].started_ns ? i : place;
    }
  }
  Waiting& w = waiting_[place];
  unfinished_ += w.missing != 0 && now_ns - w.started_ns <= kTimeoutNs ? 1 : 0;
  const std::size_t size = frame.payload[1];
  const auto all = static_cast<std::uint32_t>((1ULL << frames_of(size)) - 1);
  w = {now_ns,
       frame.pgn,
       all,
       frame.source,
       frame.destination,
       sequence_of(frame),
       static_cast<std::uint8_t>(size)};
  return place;
}

FastPackets::Taken FastPackets::take(N2kLine& frame, std::int64_t now_ns) {
  if (frame.size < 2) {
    return Taken::malformed;
  }
  const std::size_t number = number_of(frame);
  if (number == 0 && (frame.payload[1] == 0 || frame.payload[1] > kN2kBytes)) {
    return Taken::malformed;
  }
  const std::size_t place = number == 0 ? start(frame, now_ns) : find(frame);
  if (place == kPlaces) {
    return Taken::missing;
  }
  Waiting& w = waiting_[place];
  if (now_ns - w.started_ns > kTimeoutNs) {
    w.missing = 0;
    return Taken::timeout;
  }
  const std::size_t frames = frames_of(w.size);
  if (number >= frames) {
    return Taken::malformed;
  }
  const std::size_t header = number == 0 ? 2 : 1;
  const std::size_t at = number == 0 ? 0 : kInFirst + (number - 1) * kInNext;
  const std::size_t wanted = std::min(number == 0 ? kInFirst : kInNext, w.size - at);
  if (frame.size < header + wanted) {
    w.missing = 0;
    return Taken::malformed;
  }
  std::memcpy(bytes_[place] + at, frame.payload + header, wanted);
  w.missing &= ~(1U << number);
  part_ = static_cast<std::uint8_t>(number + 1);
  parts_ = static_cast<std::uint8_t>(frames);
  if (w.missing != 0) {
    return Taken::kept;
  }
  frame.size = w.size;
  std::memcpy(frame.payload, bytes_[place], w.size);
  return Taken::whole;
}

void FastPackets::reset() {
  for (Waiting& w : waiting_) {
    w.missing = 0;
  }
}

}  // namespace vedette::codec
