#include "core/decide/decide.hpp"

namespace vedette::decide {
namespace {

// A change of level is an event of a raised assessment; rising counts as raising.
bool triggers(plan::Trigger trigger, Transition transition) {
  switch (trigger) {
    case plan::Trigger::raised:
      return transition != Transition::cleared;
    case plan::Trigger::cleared:
      return transition == Transition::cleared;
    case plan::Trigger::both:
      return true;
  }
  return false;
}

}  // namespace

std::size_t Decide::bytes_needed(const plan::Plan& plan) {
  return arena_bytes<Choice>(plan.decisions()->size());
}

void Decide::init(Arena& arena, const Site& site) {
  const plan::Plan& plan = *site.plan;
  choices_ = arena.make<Choice>(plan.decisions()->size());
  std::size_t at = 0;
  for (const plan::Decision* d : *plan.decisions()) {
    Choice& c = choices_[at++];
    if (d->condition() != nullptr && d->condition()->ops()->size() != 0) {
      c.condition = {reinterpret_cast<const plan::Op*>(d->condition()->ops()->Data()),
                     d->condition()->ops()->size()};
    }
    c.min_confidence = d->min_confidence();
    c.deadline_ns = d->deadline_ns();
    c.assessment = d->assessment();
    c.action = d->action();
    c.fallback = d->fallback();
    c.trigger = d->trigger();
  }
}

void Decide::consider(const AssessmentChange& change, std::int64_t late_ns, Evaluate evaluate,
                      Emit emit, void* context) const {
  for (std::size_t i = 0; i < choices_.size(); ++i) {
    const Choice& c = choices_[i];
    if (c.assessment != change.assessment || !triggers(c.trigger, change.transition)) {
      continue;
    }
    if (!c.condition.empty() && evaluate(context, c.condition) != 1.0) {
      continue;
    }
    DecisionMade made{};
    made.subject = change.subject;
    made.confidence = change.confidence;
    made.late_ns = late_ns;
    made.decision = static_cast<std::uint16_t>(i);
    made.level = change.level;
    made.choice = late_ns > c.deadline_ns                ? DecisionChoice::fallback_deadline
                  : change.confidence < c.min_confidence ? DecisionChoice::fallback_confidence
                                                         : DecisionChoice::action;
    made.action = made.choice == DecisionChoice::action ? c.action : c.fallback;
    emit(context, made);
  }
}

}  // namespace vedette::decide
