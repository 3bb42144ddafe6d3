// Purpose: turns a change of an assessment into choices: condition, confidence, deadline, fallback.
// In: AssessmentChange with its lateness. Out: DecisionMade, by callback, in the plan's order.
// Bound: the plan's decisions, each in a known number of operations. Stateless. Fails as:
// confidence too low or deadline passed: the fallback. Runs on: the engine thread.
#pragma once

#include <cstdint>
#include <span>

#include "model/derived.hpp"
#include "model/plan_generated.h"
#include "model/stage.hpp"

namespace vedette::decide {

class Decide {
 public:
  using Emit = void (*)(void* context, const DecisionMade& decision);
  // Evaluates over the subject of the change; NaN is unknown and not true.
  using Evaluate = double (*)(void* context, std::span<const plan::Op> ops);

  static std::size_t bytes_needed(const plan::Plan& plan);
  void init(Arena& arena, const Site& site);
  // At most each decision once for each subject.
  static DerivedBound derived_bound(const plan::Plan& plan) {
    return {plan.decisions()->size() * event_bytes(sizeof(DecisionMade)), 0};
  }

  // `late_ns`: from the newest observation behind the change to the batch's admission.
  void consider(const AssessmentChange& change, std::int64_t late_ns, Evaluate evaluate, Emit emit,
                void* context) const;

 private:
  struct Choice {
    std::span<const plan::Op> condition;
    double min_confidence;
    std::int64_t deadline_ns;
    std::uint16_t assessment, action, fallback;
    plan::Trigger trigger;
  };
  std::span<Choice> choices_;
};

}  // namespace vedette::decide
