// Purpose: a source's last refused frame of one cause, for whoever wants to know why. In: the
// frame, by the thread that refuses. Out: a copy, to any thread. Bound: kRawBytes of the frame; the
// rest is cut. When full: the newer frame replaces the older. Runs on: ingress, and readers that
// never hold it up.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <optional>

#include "base/bytes.hpp"
#include "model/limits.hpp"

namespace vedette::ingress {

class LastRefused {
 public:
  struct Frame {
    std::uint64_t record = 0;
    std::int64_t at_ns = 0;
    std::uint64_t length = 0;  // of the whole frame
    std::uint8_t bytes[limits::kRawBytes] = {};

    Bytes kept() const {
      return {bytes, length < sizeof bytes ? static_cast<std::size_t>(length) : sizeof bytes};
    }
  };

  void keep(Bytes raw, std::uint64_t record, std::int64_t at_ns) {
    // Odd while the words change: a reader that saw the same even number before and after has read
    // one frame, and no mixture of two. Releasing each word tells who reads it of the odd number.
    const std::uint64_t version = version_.load(std::memory_order_relaxed);
    version_.store(version + 1, std::memory_order_relaxed);
    record_.store(record, std::memory_order_release);
    at_ns_.store(at_ns, std::memory_order_release);
    length_.store(raw.size(), std::memory_order_release);
    const std::size_t kept = raw.size() < limits::kRawBytes ? raw.size() : limits::kRawBytes;
    for (std::size_t at = 0; at < kept; at += sizeof(std::uint64_t)) {
      std::uint64_t word = 0;
      const std::size_t left = kept - at;
      std::memcpy(&word, raw.data() + at, left < sizeof word ? left : sizeof word);
      words_[at / sizeof word].store(word, std::memory_order_release);
    }
    version_.store(version + 2, std::memory_order_release);
  }

  // Nothing before the first, and while a newer one is being written.
  std::optional<Frame> read() const {
    const std::uint64_t version = version_.load(std::memory_order_acquire);
    if (version == 0 || version % 2 != 0) {
      return std::nullopt;
    }
    Frame frame;
    frame.record = record_.load(std::memory_order_acquire);
    frame.at_ns = at_ns_.load(std::memory_order_acquire);
    frame.length = length_.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < kWords; ++i) {
      const std::uint64_t word = words_[i].load(std::memory_order_acquire);
      std::memcpy(frame.bytes + i * sizeof word, &word, sizeof word);
    }
    return version_.load(std::memory_order_relaxed) == version ? std::optional(frame)
                                                               : std::nullopt;
  }

 private:
  static constexpr std::size_t kWords = limits::kRawBytes / sizeof(std::uint64_t);
  static_assert(limits::kRawBytes % sizeof(std::uint64_t) == 0);

  std::atomic<std::uint64_t> version_{0};
  std::atomic<std::uint64_t> record_{0};
  std::atomic<std::int64_t> at_ns_{0};
  std::atomic<std::uint64_t> length_{0};
  std::atomic<std::uint64_t> words_[kWords] = {};
};

}  // namespace vedette::ingress
