// Purpose: a node's data folder opened for reading: the plan that its journal was written with.
#pragma once

#include <functional>
#include <string>

#include "cli/command.hpp"
#include "edge/journal/format.hpp"
#include "node/replay.hpp"

namespace vedette::cli {

// Prints what is wrong and returns its exit code, or kOk.
int open_data(const JournalCommand& command, const std::string& schema, node::KeptPlan& kept,
              journal::SegmentHeader& header);
// The plan by which what is read was written, segment by segment: a site file may change.
class PlanInReading {
 public:
  PlanInReading(const std::string& data, const plan::Plan& first) : plans_(data), plan_(&first) {}
  void enter(const std::uint8_t (&hash)[32]) {
    std::string problem;  // one that is gone leaves names as the plan before has them
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
// What is kept of segments that are gone, batch by batch, before what the journal has. The last
// event in it.
std::uint64_t read_kept_evidence(const JournalCommand& command, PlanInReading& plan,
                                 const std::function<bool(Bytes batch)>& visit);
// One line on stderr where the journal is not whole: what was printed goes around that.
void say_damage(const JournalCommand& command, const journal::ReadResult& read);

}  // namespace vedette::cli
