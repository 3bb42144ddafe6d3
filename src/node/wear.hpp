// Purpose: spares the flash: says from the bytes written how long batches and images may wait, and
// whether blocks are packed, so that a day takes no more than [limits] wear. Pure.
// In: node time and all bytes written so far. Out: the step that holds, and the rate.
// Bound: one step a window; kMostSteps. When full: the last step holds, though the rate is above
// the budget. Runs on: the journal's writing thread; tests.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace vedette::node {

class Wear {
 public:
  // Over which the rate is measured: long enough for a segment's zeros to count no more than its
  // batches, short enough that a day with eight steps stays near its budget.
  static constexpr std::int64_t kWindowNs = 300'000'000'000;
  // A step back raises the rate up to tenfold. So it needs this many windows in a row below half of
  // the budget; twice as many each time that one held for less than a day, a day at most.
  static constexpr std::uint32_t kCalmWindows = 3;
  static constexpr std::uint32_t kMostCalmWindows = 288;
  // Each step makes both times this many times as long. A batch that waited longer than half a
  // second would reach the mirror late, which names a changed bit within a second.
  static constexpr std::int64_t kLonger = 10;
  static constexpr std::int64_t kLeastCommitNs = 2'000'000;
  static constexpr std::int64_t kLongestCommitNs = 500'000'000;
  static constexpr std::int64_t kLongestImageNs = 600'000'000'000;
  static constexpr std::size_t kMostSteps = 8;

  struct Step {
    std::int64_t commit_ns = 0;  // for which a batch waits for others
    std::int64_t image_ns = 0;   // between belief images
    bool packs = false;          // blocks of batches, always
    friend bool operator==(const Step&, const Step&) = default;
  };

  // `budget`: bytes a day; 0: none, and only the rate is measured.
  void init(std::uint64_t budget, std::int64_t commit_ns, std::int64_t image_ns);
  // True when another step holds than before.
  bool look(std::int64_t now_ns, std::uint64_t bytes);

  const Step& step() const { return steps_[at_]; }
  std::size_t number() const { return at_; }  // 0: as the site says
  std::size_t steps() const { return count_ - 1; }
  std::uint64_t budget() const { return budget_; }
  // Of the last whole window, in bytes a day.
  std::optional<std::uint64_t> rate() const { return rate_; }

 private:
  std::size_t judge(std::uint64_t rate);

  std::uint64_t budget_ = 0;
  std::array<Step, kMostSteps + 1> steps_{};
  std::size_t count_ = 1;
  std::size_t at_ = 0;
  std::int64_t since_ns_ = 0;  // the window; 0: none has begun
  std::uint64_t before_ = 0;   // bytes at its start
  std::optional<std::uint64_t> rate_;
  std::uint32_t calm_ = 0;  // windows in a row
  std::uint32_t calm_needed_ = kCalmWindows;
  std::uint32_t since_back_ = 0;  // windows since the last step back
  bool went_back_ = false;        // it was the last step
};

}  // namespace vedette::node
