// Purpose: measures how often and how long the host or the kernel deschedules a hot thread's core
// (steal): idle turns of its loop that take long. Interruptions within busy turns are not seen, and
// count as the node's own time. In: the times of idle turns. Out: sums for `status`, the latest
// kKept with their times. Bound: kKept. When full: overwrites the oldest. Runs on: one hot thread;
// read by the link thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace vedette::node {

class Interruptions {
 public:
  static constexpr std::int64_t kLeastNs = 10'000;  // an idle turn takes some hundred
  static constexpr std::size_t kKept = 4096;

  void idle_turn(std::int64_t from_ns, std::int64_t to_ns) {
    const std::int64_t took_ns = to_ns - from_ns;
    if (took_ns < kLeastNs) {
      return;
    }
    const std::uint64_t n = count_.load(std::memory_order_relaxed);
    kept_[n % kKept].from_ns.store(from_ns, std::memory_order_relaxed);
    kept_[n % kKept].took_ns.store(took_ns, std::memory_order_relaxed);
    total_ns_.store(total_ns_.load(std::memory_order_relaxed) + took_ns, std::memory_order_relaxed);
    if (took_ns > longest_ns_.load(std::memory_order_relaxed)) {
      longest_ns_.store(took_ns, std::memory_order_relaxed);
    }
    // Pairs with the acquire load in count(): counted entries are complete.
    count_.store(n + 1, std::memory_order_release);
  }

  std::uint64_t count() const { return count_.load(std::memory_order_acquire); }
  std::int64_t total_ns() const { return total_ns_.load(std::memory_order_relaxed); }
  std::int64_t longest_ns() const { return longest_ns_.load(std::memory_order_relaxed); }
  // Calls visit(start in monotonic ns, duration in ns), oldest first. An entry overwritten
  // meanwhile shows the newer one.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    const std::uint64_t end = count();
    for (std::uint64_t n = end > kKept ? end - kKept : 0; n < end; ++n) {
      visit(kept_[n % kKept].from_ns.load(std::memory_order_relaxed),
            kept_[n % kKept].took_ns.load(std::memory_order_relaxed));
    }
  }

 private:
  struct Kept {
    std::atomic<std::int64_t> from_ns{0}, took_ns{0};
  };
  std::array<Kept, kKept> kept_{};
  std::atomic<std::uint64_t> count_{0};
  std::atomic<std::int64_t> total_ns_{0}, longest_ns_{0};
};

}  // namespace vedette::node
