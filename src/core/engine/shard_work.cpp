// Works each admitted input and the actions under way. observing.cpp turns observations into
// tracks.
#include <algorithm>

#include "base/math.hpp"
#include "core/engine/shard.hpp"

namespace vedette::engine {

void Shard::work(EventHeader& event) {
  if (event.kind == EventKind::observation) {
    state_.sources.heard(event);
    if (!observing_.takes(event)) {
      return;
    }
    // A live step never admits an event without a slot; a replayed record of another plan can.
    if (state_.held && !state_.waiting.full()) {
      EventHeader kept = event;
      kept.payload_bytes = sizeof(Observation);
      kept.event_class = std::min(kept.event_class, EventClass::bulk);
      state_.waiting.add(kept, payload_as<Observation>(event), state_.sources.deadline_ns(event));
    } else {
      observing_.take(event);
    }
    return;
  }
  observing_.finish();
  other_work(event);
  step_.batch.settle();
}

void Shard::other_work(EventHeader& event) {
  switch (event.kind) {
    case EventKind::command:
      command(event);
      return;
    case EventKind::source_full:
    case EventKind::wear:
    case EventKind::fault:  // only for the log and readers of the journal
      step_.batch.resolve(event, Exit::success, Reason::applied);
      return;
    case EventKind::outcome:
      outcome(event);
      return;
    case EventKind::unrecorded:
      unrecorded(event);
      return;
    case EventKind::node_seen:
      state_.crowds.see(payload_as<NodeSeen>(event).causes);
      step_.batch.resolve(event, Exit::success, Reason::applied);
      return;
    case EventKind::source_state: {
      const auto state = payload_as<SourceState>(event);
      if (event.source < state_.sources.size()) {
        state_.sources.turned(event.source, state.status, event.sequence);
        step_.touched_sources[step_.touched_source_count++] = event.source;
      }
      step_.batch.resolve(event, Exit::success, Reason::applied);
      return;
    }
    default:
      step_.batch.resolve(event, Exit::abandonment, Reason::no_position);
  }
}

// Keep this short: ticks are rare, so this code is usually out of the instruction cache.
void Shard::tick() {
  step_.batch.tick();
  state_.agenda.tick(add_ns(step_.now_ns(), state_.plan().limits()->tick_ns()));
  if (state_.contacts.has_sensors()) {
    state_.contacts.tick(step_.now_ns(), state_.tracks);
  }
}

void Shard::leave(const EventHeader& event, Exit exit, Reason reason) {
  step_.batch.resolve_waiting(exit);
  step_.leaves(event.sequence, exit, reason);
}

void Shard::command(EventHeader& event) {
  const auto command = payload_as<Command>(event);
  BatchBuilder& batch = step_.batch;
  if (command.denied != 0) {
    batch.resolve(event, Exit::retraction, Reason::not_allowed);
    return;
  }
  switch (command.kind) {
    case CommandKind::hold:
    case CommandKind::resume:
      state_.held = command.kind == CommandKind::hold;
      batch.resolve(event, Exit::success, Reason::applied);
      return;
    case CommandKind::requeue:
      requeue(event);
      return;
    case CommandKind::time:  // the batch's time carries it
      batch.resolve(event, Exit::success, Reason::applied);
      return;
    case CommandKind::acknowledge: {
      const std::uint32_t track = state_.tracks.find(command.target);
      if (track == TrackTable::kNone) {
        batch.resolve(event, Exit::abandonment, Reason::unknown_subject);
        return;
      }
      state_.tracks[track].acknowledged = 1;
      AlarmOrder order = payload_as<AlarmOrder>(event);
      order.command = command;
      state_.alarms.acknowledge_all(command.target, order, event.sequence, step_.now_ns());
      batch.resolve(event, Exit::success, Reason::applied);
      return;
    }
    case CommandKind::acknowledge_alarm:
    case CommandKind::shelve:
    case CommandKind::unshelve:
      alarm_command(event);
      return;
    case CommandKind::note:  // for readers of the journal
      batch.resolve(event, Exit::success, Reason::applied);
      return;
    case CommandKind::cancel:
      cancel(command.target) ? batch.resolve(event, Exit::success, Reason::applied)
                             : batch.resolve(event, Exit::retraction, Reason::superseded);
      return;
  }
  batch.resolve(event, Exit::abandonment, Reason::unknown_subject);
}

void Shard::alarm_command(EventHeader& event) {
  const auto order = payload_as<AlarmOrder>(event);
  const std::int64_t now_ns = step_.now_ns();
  const Reason reason = order.command.kind == CommandKind::shelve
                            ? state_.alarms.shelve(order, event.sequence, now_ns)
                        : order.command.kind == CommandKind::unshelve
                            ? state_.alarms.unshelve(order, event.sequence, now_ns)
                            : state_.alarms.acknowledge(order, event.sequence, now_ns);
  const Exit exit = reason == Reason::applied      ? Exit::success
                    : reason == Reason::superseded ? Exit::retraction
                                                   : Exit::abandonment;
  step_.batch.resolve(event, exit, reason);
}

// False: it has left already, or never existed.
bool Shard::cancel(std::uint64_t sequence) {
  if (const std::uint32_t slot = state_.waiting.find(sequence); slot != Waiting::kNone) {
    leave(state_.waiting[slot].header, Exit::retraction, Reason::cancelled);
    state_.waiting.remove(slot);
    return true;
  }
  using Stage = deliver::Delivery::Stage;
  const Stage stage = state_.delivery.cancel(sequence, step_.now_ns());
  if (stage == Stage::free) {
    return false;
  }
  stage == Stage::sent ? step_.batch.resolve_earlier(Exit::retraction)
                       : step_.batch.resolve_waiting(Exit::retraction);
  step_.leaves(sequence, Exit::retraction, Reason::cancelled);
  return true;
}

// Appends the order as an event after the inputs: the abandoned one's next attempt.
void Shard::requeue(EventHeader& event) {
  const auto requeue = payload_as<Requeue>(event);
  BatchBuilder& batch = step_.batch;
  if (!state_.delivery.fits_plan(requeue.intent)) {
    batch.resolve(event, Exit::abandonment, Reason::unknown_subject);
    return;
  }
  switch (state_.delivery.requeue(requeue.command.target, requeue.intent, step_.now_ns())) {
    case deliver::Delivery::Requeued::ordered:
      batch.resolve(event, Exit::success, Reason::applied);
      return;
    case deliver::Delivery::Requeued::before:
      batch.resolve(event, Exit::retraction, Reason::superseded);
      return;
    case deliver::Delivery::Requeued::no_room:
      ++state_.crowds.counts().orders_refused;
      batch.resolve(event, Exit::abandonment, Reason::sink_full);
      return;
  }
}

void Shard::outcome(EventHeader& event) {
  const auto outcome = payload_as<ActionOutcome>(event);
  const Exit exit = outcome.exit == Exit::none || outcome.exit > Exit::abandonment
                        ? Exit::abandonment
                        : outcome.exit;
  const deliver::Delivery::End end =
      state_.delivery.ended(outcome.action_sequence, exit, outcome.reason, step_.now_ns());
  if (end != deliver::Delivery::End::unknown) {
    step_.batch.resolve_earlier(exit);
    step_.batch.resolve(event, Exit::success, Reason::applied);
  } else {
    ++state_.late_outcomes;
    step_.batch.resolve(event, Exit::retraction, Reason::superseded);
  }
}

void Shard::unrecorded(EventHeader& event) {
  const std::uint64_t sequence = payload_as<Unrecorded>(event).sequence;
  if (sequence == 0) {
    state_.delivery.doubt(step_.now_ns());
  }
  sequence == 0 || state_.delivery.left_unrecorded(sequence)
      ? step_.batch.resolve(event, Exit::success, Reason::applied)
      : step_.batch.resolve(event, Exit::retraction, Reason::superseded);
}

// Turns the next attempt of each failed action into an event.
void Shard::retry_failed() {
  deliver::Delivery& delivery = state_.delivery;
  for (std::size_t i = delivery.failed(); i != deliver::Delivery::kNone; i = delivery.failed()) {
    const deliver::Delivery::Order order = delivery.orders()[i];
    ActionIntent intent = delivery.intent(i);
    ++intent.attempt;
    const EventHeader& event =
        step_.derive(EventKind::action, order.event_class, order.sequence, intent);
    delivery.next_attempt(i, event.sequence);
  }
}

// Retries failed actions, abandons expired ones, dispatches due ones.
void Shard::deliver() {
  retry_failed();
  deliver::Delivery& delivery = state_.delivery;
  const std::int64_t now_ns = step_.now_ns();
  if (!delivery.any_due(now_ns)) {
    return;
  }
  for (std::size_t i = delivery.overdue(now_ns); i != deliver::Delivery::kNone;
       i = delivery.overdue(now_ns)) {
    const deliver::Delivery::Order order = delivery.orders()[i];
    order.stage == deliver::Delivery::Stage::sent ? step_.batch.resolve_earlier(Exit::abandonment)
                                                  : step_.batch.resolve_waiting(Exit::abandonment);
    delivery.give_up(i, now_ns);
    step_.resolved({order.sequence, Exit::abandonment, Reason::horizon, {}});
  }
  for (std::size_t i = delivery.due(now_ns); i != deliver::Delivery::kNone;
       i = delivery.due(now_ns)) {
    const deliver::Delivery::Order& order = delivery.orders()[i];
    step_.batch.dispatch_waiting();
    step_.tell(EventKind::dispatch, order.event_class, order.sequence, Dispatch{order.sequence});
  }
}

void Shard::send_again(std::uint64_t sequence) {
  if (state_.delivery.send_again(sequence, state_.progress.admitted_ns)) {
    --state_.progress.transient;
    ++state_.progress.waiting;
  }
}

// Gives events without a place in the new plan their exits, a few per batch.
void Shard::resolve_leavers() {
  PlanChange change{};
  if (state_.leaving.changed(change)) {
    step_.tell(EventKind::plan, EventClass::high, 0, change);
  }
  for (std::size_t n = 0; n < Leaving::kPerBatch && state_.leaving.size() != 0; ++n) {
    const Leaver leaver = state_.leaving.take();
    leaver.transient != 0 ? step_.batch.resolve_earlier(Exit::abandonment)
                          : step_.batch.resolve_waiting(Exit::abandonment);
    step_.resolved({leaver.sequence, Exit::abandonment, Reason::plan_changed, {}});
  }
}

}  // namespace vedette::engine
