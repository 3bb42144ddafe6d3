// Purpose: the only place that reads a clock, and the node's own time made of it.
#pragma once

#include <atomic>
#include <cstdint>

namespace vedette::platform {

std::int64_t monotonic_ns();  // CLOCK_MONOTONIC
std::int64_t realtime_ns();   // CLOCK_REALTIME

// Node time: Unix ns that never goes back. Live, it is the wall clock at start plus monotonic time,
// so a stepped wall clock cannot disorder events. For recordings it starts at the recording's own
// time and runs `speed` times as fast, or stands still and is advanced by the node ("max").
class NodeClock {
 public:
  void start_live() { start_scaled(realtime_ns(), 1.0); }
  void start_scaled(std::int64_t base_ns, double speed) {
    base_ns_ = base_ns;
    speed_ = speed;
    origin_ns_ = monotonic_ns();
  }
  void start_stepped(std::int64_t base_ns) {
    base_ns_ = base_ns;
    stepped_ = true;
  }
  void advance_to(std::int64_t ns) { base_ns_ = ns > base_ns_ ? ns : base_ns_; }
  // Node time, and a monotonic reading for latency, 0 where node time stands still, because nothing
  // there depends on the machine.
  struct Reading {
    std::int64_t now_ns;
    std::int64_t arrival_ns;
  };
  Reading read() const { return stepped_ ? Reading{base_ns_, 0} : at(monotonic_ns()); }
  Reading at(std::int64_t monotonic) const {
    if (stepped_) {
      return {base_ns_, 0};
    }
    const std::int64_t elapsed = monotonic - origin_ns_;
    return {base_ns_ + (speed_ == 1.0
                            ? elapsed
                            : static_cast<std::int64_t>(static_cast<double>(elapsed) * speed_)),
            monotonic};
  }
  std::int64_t now_ns() const { return read().now_ns; }
  bool stepped() const { return stepped_; }

 private:
  std::int64_t base_ns_ = 0;
  std::int64_t origin_ns_ = 0;
  double speed_ = 1.0;
  bool stepped_ = false;
};

}  // namespace vedette::platform
