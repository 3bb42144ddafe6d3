// Purpose: opens a node's data folder for reading, with the plan that its journal was written
// under.
#pragma once

#include <functional>
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
  void follow(journal::Visit& visit) {
    visit.segment = [this](const journal::SegmentHeader& header, Bytes, std::uint64_t) {
      enter(header.plan_hash);
      return true;
    };
  }
  const plan::Plan& operator*() const { return *plan_; }

 private:
  node::KeptPlans plans_;
  const plan::Plan* plan_;
};
// Visits the evidence of dropped segments, batch by batch, before the journal's batches. Returns
// its last event.
std::uint64_t read_kept_evidence(const JournalCommand& command, PlanInReading& plan,
                                 const std::function<bool(Bytes batch)>& visit);
// Prints each event of a batch as a JSON line.
void print_batch(std::uint64_t number, Bytes batch, const plan::Plan& plan, bool evidence = false,
                 bool suspect = false);
// Prints new events as they become durable, until it is interrupted.
int follow_journal(const JournalCommand& command, const plan::Plan& plan);
// Prints one line on stderr where the journal is damaged, because the output skips that part.
void say_damage(const JournalCommand& command, const journal::ReadResult& read);

}  // namespace vedette::cli
