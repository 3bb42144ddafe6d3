// Purpose: decides between two turns of a hot loop whether it spins or sleeps. In: whether the turn
// found work, and when it ended. Runs on: a hot thread; made before it is sealed.
#pragma once

#include <cstdint>

#include "platform/clock.hpp"
#include "platform/hot_thread.hpp"

namespace vedette::node {

// With RT throttling on, the kernel suspends a FIFO thread that never sleeps for up to 50 ms each
// second, so it sleeps 60 us in each ms instead.
class Pace {
 public:
  Pace(bool fifo, bool rest_when_idle)
      : throttled_(fifo && platform::fifo_is_throttled()), rest_when_idle_(rest_when_idle) {}

  // True when it slept.
  bool turn(bool busy, std::int64_t now_ns) {
    if ((throttled_ && now_ns - last_rest_ns_ > kThrottleRestEveryNs) ||
        (rest_when_idle_ && !busy)) {
      platform::rest_ns(kRestNs);
      last_rest_ns_ = platform::monotonic_ns();
      return true;
    }
    return false;
  }

 private:
  static constexpr std::int64_t kRestNs = 60'000;
  static constexpr std::int64_t kThrottleRestEveryNs = 1'000'000;

  bool throttled_;
  bool rest_when_idle_;
  std::int64_t last_rest_ns_ = platform::monotonic_ns();
};

}  // namespace vedette::node
