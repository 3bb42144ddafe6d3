// Purpose: a recorded night under another plan: which decisions differ. In: a data folder, whose
// plans may have changed on the way. Runs on: cold threads; needs no io_uring, no privileges, no
// DPDK.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plan/plan.hpp"

namespace vedette::node {

// A decision that only one of the two plans made.
struct DecisionDifference {
  bool in_journal;  // else in the rehearsal
  std::int64_t time_ns;
  std::uint64_t event;  // of the journal; 0 for the rehearsal's
  std::string decision, subject, choice;
};
struct Rehearsal {
  std::string problem;
  std::uint64_t batches = 0;
  std::uint64_t same = 0;
  std::vector<DecisionDifference> differences;  // by time
};
// Runs the recorded inputs under another plan. Matches sources by name and omits those that the
// other plan lacks. Omits outcomes, what was sent unrecorded, cancellations and requeues, which
// answer the recorded actions.
Rehearsal rehearse(const std::string& data, const plan::Plan& other);

}  // namespace vedette::node
