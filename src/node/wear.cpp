#include "node/wear.hpp"

#include <algorithm>
#include <utility>

namespace vedette::node {

void Wear::init(std::uint64_t budget, std::int64_t commit_ns, std::int64_t image_ns) {
  *this = {};
  budget_ = budget;
  steps_[0] = {commit_ns, image_ns, false};
  // First both wait longer, up to their bounds, which a site may exceed; then blocks are packed.
  for (Step last = steps_[0]; count_ < kMostSteps;) {
    const std::int64_t commit = std::max(last.commit_ns, kLeastCommitNs) * kLonger;
    const Step next{std::max(last.commit_ns, std::min(commit, kLongestCommitNs)),
                    std::max(last.image_ns, std::min(last.image_ns * kLonger, kLongestImageNs)),
                    false};
    if (next == last) {
      break;
    }
    steps_[count_++] = last = next;
  }
  steps_[count_] = steps_[count_ - 1];
  steps_[count_++].packs = true;
}

bool Wear::look(std::int64_t now_ns, std::uint64_t bytes) {
  const std::int64_t passed_ns = now_ns - since_ns_;
  // A window that the clock's correction stretched or shrank says nothing.
  if (since_ns_ == 0 || passed_ns < 0 || passed_ns > 2 * kWindowNs) {
    since_ns_ = now_ns;
    before_ = bytes;
    return false;
  }
  if (passed_ns < kWindowNs) {
    return false;
  }
  constexpr double kDayNs = 86400e9;
  rate_ = static_cast<std::uint64_t>(static_cast<double>(bytes - before_) * kDayNs /
                                     static_cast<double>(passed_ns));
  since_ns_ = now_ns;
  before_ = bytes;
  const std::size_t before = at_;
  at_ = budget_ == 0 ? 0 : judge(*rate_);
  return at_ != before;
}

std::size_t Wear::judge(std::uint64_t rate) {
  since_back_ = std::min(since_back_ + 1, kMostCalmWindows);
  if (rate > budget_) {
    calm_ = 0;
    if (std::exchange(went_back_, false)) {
      calm_needed_ = since_back_ < kMostCalmWindows ? std::min(2 * calm_needed_, kMostCalmWindows)
                                                    : kCalmWindows;
    }
    return std::min(at_ + 1, count_ - 1);
  }
  calm_ = rate < budget_ / 2 ? calm_ + 1 : 0;
  if (at_ == 0 || calm_ < calm_needed_) {
    return at_;
  }
  calm_ = 0;
  since_back_ = 0;
  went_back_ = true;
  return at_ - 1;
}

}  // namespace vedette::node
