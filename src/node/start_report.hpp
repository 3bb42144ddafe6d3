// Purpose: what a start found in the data folder and does without, for lines, `status` and fault
// events. Bound: kFindings, which the faults lane holds twice. Runs on: the main thread writes it
// before the others run; all may read it then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "model/derived.hpp"

namespace vedette::node {

struct StartReport {
  static constexpr std::size_t kFindings = 8;

  struct Finding {
    Stage stage;
    std::uint64_t count;  // the first batch, of suspect ones
    std::string text;
    std::uint64_t last_batch = 0;  // of suspect ones
  };
  std::vector<Finding> findings;
  std::vector<std::string> without;  // what the machine or the data folder lacks
  std::string plan_told;             // what was carried from another plan; empty: no change
  std::size_t standing = 0;          // alarms from before whose condition still holds

  void found(Stage stage, std::uint64_t count, std::string text, std::uint64_t last_batch = 0) {
    if (findings.size() < kFindings) {
      findings.push_back({stage, count, std::move(text), last_batch});
    }
  }
};

}  // namespace vedette::node
