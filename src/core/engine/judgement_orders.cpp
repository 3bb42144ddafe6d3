// Orders the actions that decisions choose, with all that their messages need.
#include <cstring>
#include <limits>

#include "base/math.hpp"
#include "core/assess/message.hpp"
#include "core/engine/judgement.hpp"

namespace vedette::engine {

ActionIntent Judgement::intent_of(const DecisionMade& decision, const AssessmentChange& change,
                                  const assess::View& view) const {
  const double unknown = canonical(std::numeric_limits<double>::quiet_NaN());
  ActionIntent intent{};
  intent.subject = decision.subject;
  intent.node = state_.node_id;
  intent.epoch = state_.epoch;
  intent.action = decision.action;
  intent.sink = state_.plan().actions()->Get(decision.action)->sink();
  intent.assessment = change.assessment;
  intent.decision = decision.decision;
  intent.transition = change.transition;
  intent.level = change.level;
  intent.confidence = change.confidence;
  intent.own_in_doubt = change.own_in_doubt;
  intent.possible_duplicate = state_.delivery.doubts(intent.action, step_.now_ns()) ? 1 : 0;
  intent.altitude = intent.speed = intent.course = intent.sigma = intent.cpa = intent.tcpa =
      unknown;
  const Track* subject = decision.subject.kind == SubjectKind::own ? view.own() : view.track();
  if (subject != nullptr) {
    describe_subject(intent, *subject, view);
  }
  const auto* pieces = state_.plan().actions()->Get(decision.action)->pieces();
  if (pieces != nullptr && pieces->size() != 0) {
    assess::View changed = view;
    changed.level = static_cast<double>(change.level);
    changed.confidence = change.confidence;
    assess::write_message(*pieces, changed, intent.message);
  }
  return intent;
}

void Judgement::describe_subject(ActionIntent& intent, const Track& subject,
                                 const assess::View& view) const {
  intent.kind = subject.kind;
  const bool named = subject.name[0] != '\0';
  std::memcpy(intent.name, named ? subject.name : subject.callsign,
              named ? sizeof intent.name : sizeof subject.callsign);
  if (subject.updates == 0) {
    return;
  }
  intent.has_position = 1;
  intent.latitude = subject.latitude;
  intent.longitude = subject.longitude;
  intent.altitude = subject.altitude;
  intent.speed = det_sqrt(speed_squared(subject));
  intent.course = wrap_360(det_atan2(subject.velocity_east, subject.velocity_north) / kDegree);
  intent.sigma =
      det_sqrt(variance_now(subject, state_.tracker_of(subject.kind), view.world->at.now_ns));
  if (assess::may_approach(view)) {
    const Approach approach = assess::approach_of(view);
    intent.cpa = approach.cpa;
    intent.tcpa = approach.tcpa;
  }
}

std::span<const std::uint16_t> Judgement::actions_of(
    const DecisionMade& decision, std::array<std::uint16_t, limits::kRunActions>& room) const {
  std::size_t count = 0;
  const auto add = [&](std::uint16_t action) {
    const bool off =
        state_.load.mode() == Mode::safe && !state_.plan().actions()->Get(action)->safe();
    if (!off) {
      room[count++] = action;
    }
  };
  if (decision.action != kNoAction) {
    add(decision.action);
  }
  const plan::Decision& of = *state_.plan().decisions()->Get(decision.decision);
  if (decision.choice == DecisionChoice::action && of.also() != nullptr) {
    for (const std::uint16_t action : *of.also()) {
      add(action);
    }
  }
  return std::span<const std::uint16_t>(room).first(count);
}

void Judgement::order(const ActionIntent& intent, std::uint64_t cause,
                      std::int64_t newest_arrival_ns) {
  const plan::Action& action = *state_.plan().actions()->Get(intent.action);
  BatchBuilder& batch = step_.batch;
  EventHeader& event =
      step_.derive(EventKind::action, static_cast<EventClass>(action.event_class()), cause, intent);
  switch (state_.delivery.start(event.sequence, event.event_class, intent, step_.now_ns(),
                                step_.now_ns())) {
    case deliver::Delivery::Start::dispatched:
      batch.dispatch(event);
      if (step_.effects.act != nullptr) {
        step_.effects.act(step_.effects.context, event, intent, newest_arrival_ns);
      }
      break;
    case deliver::Delivery::Start::waits:
      break;
    case deliver::Delivery::Start::no_room:
      ++state_.crowds.counts().orders_refused;
      batch.resolve(event, Exit::abandonment, Reason::sink_full);
      return;
    case deliver::Delivery::Start::sink_open:
      batch.resolve(event, Exit::abandonment, Reason::sink_open);
      return;
  }
  retract_superseded(intent, cause);
}

// People are told the newest of what waited for a sink, not all of it. What the same cause ordered
// stays.
void Judgement::retract_superseded(const ActionIntent& by, std::uint64_t cause) {
  deliver::Delivery& delivery = state_.delivery;
  for (std::size_t i = delivery.superseded(by, cause); i != deliver::Delivery::kNone;
       i = delivery.superseded(by, cause)) {
    const std::uint64_t old = delivery.orders()[i].sequence;
    delivery.give_up(i, step_.now_ns());
    step_.batch.resolve_waiting(Exit::retraction);
    step_.resolved({old, Exit::retraction, Reason::superseded, {}});
  }
}

}  // namespace vedette::engine
