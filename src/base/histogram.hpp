// Purpose: log-linear histogram of nanoseconds; one hot thread adds, any thread reads.
// Bound: 16 sub-buckets an octave (6 % resolution), 1 ns to 2^40 ns. When beyond: the last bucket.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

namespace vedette {

class Histogram {
 public:
  void add(std::int64_t ns) {
    const std::uint64_t value = ns < 0 ? 0 : static_cast<std::uint64_t>(ns);
    bump(buckets_[bucket_of(value)]);
    bump(count_);
    if (value > max_.load(std::memory_order_relaxed)) {
      max_.store(value, std::memory_order_relaxed);
    }
  }
  std::uint64_t count() const { return count_.load(std::memory_order_relaxed); }
  std::uint64_t max_ns() const { return max_.load(std::memory_order_relaxed); }

  // Upper edge of the bucket that holds the quantile (0..1); 0 when empty.
  std::uint64_t quantile_ns(double q) const {
    const std::uint64_t total = count();
    if (total == 0) {
      return 0;
    }
    auto wanted = static_cast<std::uint64_t>(q * static_cast<double>(total));
    wanted = wanted >= total ? total - 1 : wanted;
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
      seen += buckets_[i].load(std::memory_order_relaxed);
      if (seen > wanted) {
        const std::uint64_t edge = upper_edge(i);
        return edge < max_ns() ? edge : max_ns();
      }
    }
    return max_ns();
  }

 private:
  static constexpr std::size_t kSub = 16;
  static constexpr std::size_t kBuckets = kSub * 38;

  // One writer, so a plain add is enough; the atomic only makes concurrent reads defined.
  static void bump(std::atomic<std::uint64_t>& at) {
    at.store(at.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  static std::size_t bucket_of(std::uint64_t value) {
    if (value < kSub) {
      return static_cast<std::size_t>(value);
    }
    const auto octave = static_cast<std::size_t>(std::bit_width(value)) - 5;
    const std::size_t at = kSub * octave + static_cast<std::size_t>(value >> octave);
    return at < kBuckets ? at : kBuckets - 1;
  }
  static std::uint64_t upper_edge(std::size_t bucket) {
    if (bucket < 2 * kSub) {
      return bucket;
    }
    const std::size_t octave = bucket / kSub - 1;
    return ((bucket % kSub + kSub + 1) << octave) - 1;
  }

  std::array<std::atomic<std::uint64_t>, kBuckets> buckets_{};
  std::atomic<std::uint64_t> count_{0};
  std::atomic<std::uint64_t> max_{0};
};

}  // namespace vedette
