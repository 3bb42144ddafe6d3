// Purpose: opens a node's data folder for reading, with the plan that its journal was written
// under.
#pragma once

#include <string>

#include "cli/command.hpp"
#include "edge/journal/format.hpp"
#include "node/replay.hpp"

namespace vedette::cli {

// On failure prints the problem and returns its exit code, else kOk.
int open_data(const JournalCommand& command, const std::string& schema, node::KeptPlan& kept,
              journal::SegmentHeader& header);
// The plan of each segment read, because a site file may change.
class PlanInReading {
 public:
  PlanInReading(const std::string& data, const plan::Plan& first) : plans_(data), plan_(&first) {}
  void enter(const std::uint8_t (&hash)[32]) {
    std::string problem;  // when a plan is missing, names come from the one before
    const plan::Plan* plan = plans_.find(node::plan_hash_of(hash), problem);
    plan_ = plan == nullptr ? plan_ : plan;
  }
  const plan::Plan& operator*() const { return *plan_; }

 private:
  node::KeptPlans plans_;
  const plan::Plan* plan_;
};
// Prints one line on stderr where the journal is damaged, because the output skips that part.
void say_damage(const JournalCommand& command, const journal::ReadResult& read);
// The same, and the exit code: kFound where the journal is damaged.
int end_reading(const JournalCommand& command, const journal::ReadResult& read);

}  // namespace vedette::cli
