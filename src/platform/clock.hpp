// Purpose: the only place that reads a clock; derives node time from it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "base/math.hpp"

namespace vedette::platform {

std::int64_t monotonic_ns();  // CLOCK_MONOTONIC
std::int64_t realtime_ns();   // CLOCK_REALTIME
// Whether the kernel reports that NTP, GNSS or PTP disciplines CLOCK_REALTIME.
bool realtime_is_synchronised();

// Node time: Unix ns that never goes back. Live, it is the wall clock at start plus monotonic time,
// so a stepped wall clock cannot disorder events; only the node moves it forward
// (node/timekeeper.hpp). For a recording it starts at the recording's time and runs at `speed`, or
// the node steps it ("max").
class NodeClock {
 public:
  void start_scaled(std::int64_t base_ns, double speed) {
    base_ns_.store(base_ns, std::memory_order_relaxed);
    speed_ = speed;
    origin_ns_ = monotonic_ns();
  }
  void start_stepped(std::int64_t base_ns) {
    base_ns_.store(base_ns, std::memory_order_relaxed);
    stepped_ = true;
  }
  // When the node steps it.
  void advance_to(std::int64_t ns) {
    base_ns_.store(std::max(ns, base_ns_.load(std::memory_order_relaxed)),
                   std::memory_order_relaxed);
  }
  // While it runs: called by the main thread, visible to others at their next reading.
  void go_on_by(std::int64_t ns) {
    base_ns_.store(base_ns_.load(std::memory_order_relaxed) + std::max<std::int64_t>(ns, 0),
                   std::memory_order_relaxed);
  }
  // Node time, and a monotonic reading for latency. The latter is 0 when node time is stepped, so
  // that nothing depends on the machine.
  struct Reading {
    std::int64_t now_ns;
    std::int64_t arrival_ns;
  };
  Reading read() const { return at(stepped_ ? 0 : monotonic_ns()); }
  Reading at(std::int64_t monotonic) const {
    const std::int64_t base_ns = base_ns_.load(std::memory_order_relaxed);
    if (stepped_) {
      return {base_ns, 0};
    }
    const std::int64_t elapsed = monotonic - origin_ns_;
    return {base_ns + (speed_ == 1.0 ? elapsed : to_int64(static_cast<double>(elapsed) * speed_)),
            monotonic};
  }
  std::int64_t now_ns() const { return read().now_ns; }
  bool stepped() const { return stepped_; }

 private:
  std::atomic<std::int64_t> base_ns_{0};
  std::int64_t origin_ns_ = 0;
  double speed_ = 1.0;
  bool stepped_ = false;
};

}  // namespace vedette::platform
