#include "core/engine/shard.hpp"

#include <algorithm>
#include <cstring>

#include "base/math.hpp"

namespace vedette::engine {

std::size_t batch_bytes_bound(const plan::Plan& plan) {
  const std::size_t events = plan.limits()->batch_events();
  // This batch's, those left over from a cut, the sweep's, contacts, evictions, sources, sinks,
  // node.
  const std::size_t subjects = 2 * events + 2 * limits::kSweepTracks + limits::kEvictions + 1 +
                               plan.sources()->size() + plan.sinks()->size() + 1;
  const DerivedBound derived = Stages::derived_bound(plan);
  return align_up(sizeof(BatchHeader) + (events + 1) * event_bytes(kPayloadBytes) +
                      subjects * derived.per_subject + derived.per_batch,
                  64);
}

std::size_t Shard::bytes_needed(const plan::Plan& plan) {
  return Site::bytes_needed(plan) + Stages::bytes_needed(plan) +
         arena_bytes<Resolution>(limits::kBatchEvents) +
         arena_bytes<std::uint16_t>(limits::kBatchEvents);
}

void Shard::init(Arena& arena, const plan::Plan& plan, std::uint64_t node_id, std::uint32_t epoch,
                 ReleaseKernel kernel, std::uint8_t number) {
  state_.node_id = node_id;
  state_.progress.last_sequence = sequence_before_first(number);
  state_.epoch = epoch;
  state_.site.init(arena, plan);
  state_.agenda.release_by(kernel);
  state_.stages.for_all([&](auto& stage) { stage.init(arena, state_.site); });
  step_.left = arena.make<Resolution>(limits::kBatchEvents);
  step_.touched_sources = arena.make<std::uint16_t>(limits::kBatchEvents);
  max_batch_bytes_ = batch_bytes_bound(plan);
}

bool Shard::unfinished() const {
  bool unfinished = !state_.held && state_.waiting.size() != 0;
  state_.stages.for_each([&](const auto& stage) { unfinished = unfinished || stage.unfinished(); });
  return unfinished;
}

bool Shard::stop_before(EventClass next) {
  return step_.stop_before(next, state_.agenda.left().size() + observing_.pending(),
                           state_.plan().limits()->batch_events());
}

Bytes Shard::step(std::span<Lane* const> lanes, Lane& batches, std::int64_t now_ns,
                  std::int64_t arrival_ns, const Urgency& urgency, const Effects& effects) {
  const bool tick_due = now_ns >= state_.agenda.next_tick_ns();
  Admission admission(state_, lanes);
  const bool any = now_ns >= next_tick_ns() || unfinished() || !admission.empty() ||
                   state_.waiting.overdue(now_ns) != Waiting::kNone ||
                   state_.delivery.any_due(now_ns);
  if (!any || !step_.batch.begin(batches, max_batch_bytes_, admission.inputs(), state_.progress,
                                 state_.epoch, now_ns, arrival_ns)) {
    return {};
  }
  begin_run(urgency, effects);
  for (std::size_t left = state_.plan().limits()->batch_events(); left > 0;) {
    const Taken taken = take_next(admission);
    if (taken == Taken::none) {
      break;
    }
    left -= taken == Taken::worked ? 1 : 0;
  }
  observing_.finish();
  if (tick_due && !step_.cut) {
    start_tick(now_ns);
  }
  finish_run();
  return step_.batch.seal(batches, state_.progress, state_.digest(step_.belief.value()));
}

Shard::Taken Shard::take_next(Admission& admission) {
  Admission::Head* head = admission.first();
  if (state_.waiting.size() != 0) {
    observing_.finish();
    const std::uint64_t key =
        head == nullptr ? Admission::kNothing : state_.sources.key_of(Admission::event_of(*head));
    if (take_waiting(key)) {
      return Taken::worked;
    }
  }
  if (head == nullptr || step_.cut) {
    return Taken::none;
  }
  const EventHeader& event = Admission::event_of(*head);
  if (state_.held && event.kind == EventKind::observation && state_.waiting.full()) {
    admission.pass_over(*head);
    return Taken::passed;
  }
  // The first input is always taken, so that every step progresses.
  if (step_.batch.inputs() != 0 && stop_before(event.event_class)) {
    return Taken::none;
  }
  EventHeader* input = step_.batch.add_input(event, Bytes(payload_of(&event), event.payload_bytes));
  admission.taken(*head);
  work(*input);
  return Taken::worked;
}

void Shard::start_tick(std::int64_t now_ns) {
  EventHeader tick{};
  tick.observed_ns = tick.received_ns = now_ns;
  tick.kind = EventKind::tick;
  tick.event_class = EventClass::normal;
  tick.source = kNoSource;
  this->tick(*step_.batch.add_input(tick, {}));
  step_.batch.settle();
}

Bytes Shard::replay(Bytes recorded, Lane& batches) {
  BatchHeader header;
  std::memcpy(&header, recorded.data(), sizeof header);
  state_.epoch = header.epoch;
  if (!step_.batch.begin(batches, max_batch_bytes_, header.input_count, state_.progress,
                         state_.epoch, header.admitted_ns, header.admitted_arrival_ns)) {
    return {};
  }
  step_.recorded_cut = header.cut;
  step_.batch.cut_at(header.cut);
  step_.replaying = true;
  begin_run({}, {});
  std::uint32_t seen = 0;
  std::size_t left = state_.plan().limits()->batch_events();
  // Repeats the live order: inputs and waiting events by urgency, the tick last.
  const auto wait_until = [&](std::uint64_t key) {
    if (state_.waiting.size() != 0) {
      observing_.finish();
    }
    for (; left > 0 && take_waiting(key); --left) {
    }
  };
  for_each_event(recorded, [&](const EventHeader& event, Bytes payload) {
    if (seen++ >= header.input_count) {
      return;
    }
    const bool tick = event.kind == EventKind::tick;
    wait_until(tick ? Admission::kNothing : state_.sources.key_of(event));
    left -= !tick && left > 0 ? 1 : 0;
    work(*step_.batch.add_input(event, payload));
  });
  observing_.finish();
  wait_until(Admission::kNothing);
  finish_run();
  step_.replaying = false;
  return step_.batch.seal(batches, state_.progress, state_.digest(step_.belief.value()));
}

bool Shard::take_waiting(std::uint64_t key) {
  Waiting& waiting = state_.waiting;
  std::uint32_t slot = waiting.overdue(step_.now_ns());
  const bool overdue = slot != Waiting::kNone;
  slot = overdue || state_.held ? slot : waiting.first();
  if (slot == Waiting::kNone || step_.cut) {
    return false;
  }
  Waiting::Event event = waiting[slot];
  if (urgency_key(event.header.event_class, waiting.deadline_ns(slot)) > key ||
      stop_before(event.header.event_class)) {
    return false;
  }
  ++step_.items;
  waiting.remove(slot);
  if (overdue) {
    leave(event.header, Exit::abandonment, Reason::horizon);
    return true;
  }
  observing_.observe(event.header);
  step_.leaves(event.header.sequence, event.header.state.exit(), event.header.state.reason());
  return true;
}

void Shard::begin_run(const Urgency& urgency, const Effects& effects) {
  step_.begin(urgency, effects, state_.tracks.size());
  state_.agenda.begin_batch();
  state_.waiting.advance(step_.now_ns());
  state_.self_check.begin_batch();
  if (step_.batch.header().number == 1) {
    state_.sources.start(step_.now_ns());
    state_.delivery.begin(step_.now_ns());
  }
}

void Shard::finish_run() {
  for (std::size_t i = 0; i < step_.left_count; ++i) {
    step_.resolved(step_.left[i]);
  }
  resolve_leavers();
  deliver();
  judgement_.begin();
  judgement_.part_pairs();
  judgement_.judge_agenda();
  judgement_.judge_contacts();
  if (state_.agenda.sweeps()) {
    judgement_.sweep();
  }
  judgement_.judge_pairs_left();
  judgement_.make_room();
  judgement_.tend_alarms();
  record_changes();
  check_slices();
}

// Records changes of the node's condition: load, causes, sinks.
void Shard::record_changes() {
  using perceive::TrackerBound;
  state_.crowds.counts().alarms_refused = state_.alarms.refused();
  state_.crowds.counts().pairs_refused = state_.pairs.refused();
  state_.crowds.settle(state_.contacts.reached_bound(TrackerBound::contacts) +
                           state_.contacts.reached_bound(TrackerBound::evicted),
                       step_.now_ns());
  state_.load.settle(step_.now_ns(), state_.plan().limits()->recover_ns());
  ModeChange mode{};
  if (state_.load.changed(mode)) {
    step_.tell(EventKind::mode, EventClass::high, mode.cause, mode);
  }
  state_.crowds.stand(state_.causes(), step_.now_ns());
  CauseChange causes{};
  if (state_.crowds.changed(state_.causes(), causes)) {
    step_.tell(EventKind::cause, EventClass::high, 0, causes);
  }
  for (std::size_t s = state_.delivery.changed_sink(); s != deliver::Delivery::kNone;
       s = state_.delivery.changed_sink()) {
    step_.tell(EventKind::sink_state, EventClass::high, 0, state_.delivery.sink_state(s));
  }
}

// Tracks left over from a cut enter the digest of the batch that judges them.
std::uint64_t State::digest(std::uint64_t of_judged_tracks) const {
  WordsDigest words;
  stages.for_each([&](const auto& stage) { stage.digest(words); });
  words.mix(std::uint64_t{held ? 1U : 0U});
  Digest digest(of_judged_tracks);
  digest.mix(words.value());
  return digest.value();
}

}  // namespace vedette::engine
