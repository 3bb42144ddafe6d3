// Purpose: admission control: whether an event would wait in its lane past its horizon, at the rate
// at which the engine drains that lane's backlog. In: the lane's depth and its records taken so
// far, monotonic ns. Out: hopeless or not. Bound: none. Runs on: the ingress thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vedette::ingress {

class Admission {
 public:
  // A shallower lane has no backlog.
  static constexpr std::size_t kBacklog = 16;
  // The shortest span over which the rate is measured.
  static constexpr std::int64_t kWindowNs = 10'000'000;

  bool hopeless(std::size_t depth, std::uint64_t taken, std::int64_t horizon_ns,
                std::int64_t now_ns) {
    if (depth < kBacklog) {
      since_ns_ = 0;
      each_ns_ = 0;
      return false;
    }
    if (since_ns_ == 0) {
      since_ns_ = now_ns;
      taken_then_ = taken;
    } else if (now_ns - since_ns_ >= kWindowNs) {
      const std::uint64_t took = taken - taken_then_;
      each_ns_ = (now_ns - since_ns_) / static_cast<std::int64_t>(took > 0 ? took : 1);
      since_ns_ = now_ns;
      taken_then_ = taken;
    }
    return each_ns_ > 0 && each_ns_ > horizon_ns / static_cast<std::int64_t>(depth);
  }

 private:
  std::int64_t since_ns_ = 0;  // 0: no backlog
  std::uint64_t taken_then_ = 0;
  std::int64_t each_ns_ = 0;  // 0: not known yet
};

}  // namespace vedette::ingress
