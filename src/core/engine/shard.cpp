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
  return align_up(sizeof(BatchHeader) + events * event_bytes(kPayloadBytes) +
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
  Admission admission(state_, lanes);
  worked_ = now_ns >= next_tick_ns() || unfinished() || !admission.empty() || seal_quiet_ ||
            state_.waiting.overdue(now_ns) != Waiting::kNone || state_.delivery.any_due(now_ns);
  const bool by_itself = worked_ && goes_by_itself(admission, now_ns);
  const std::int64_t at_ns = by_itself ? time_by_itself() : now_ns;
  worked_ = worked_ && step_.batch.begin(batches, max_batch_bytes_, admission.inputs(),
                                         state_.progress, state_.epoch, at_ns, arrival_ns);
  if (!worked_) {
    return {};
  }
  const bool tick_due = at_ns >= state_.agenda.next_tick_ns();
  begin_run(urgency, effects);
  for (std::size_t left = by_itself ? 0 : state_.plan().limits()->batch_events(); left > 0;) {
    const Taken taken = take_next(admission);
    if (taken == Taken::none) {
      break;
    }
    left -= taken == Taken::worked ? 1 : 0;
  }
  observing_.finish();
  if (tick_due && !step_.cut) {
    tick();
  }
  finish_run();
  return end_step(by_itself, batches);
}

// When a step without input takes place: it goes on with the last one, or its time has come.
std::int64_t Shard::time_by_itself() const {
  const std::int64_t last_ns =
      state_.quiet.steps != 0 ? state_.quiet.at_ns : state_.progress.admitted_ns;
  return unfinished() ? last_ns : std::max(last_ns, next_tick_ns());
}

// Whether the step takes no input, so that it may be quiet. Not when it is too late for a time of
// its own, nor once a batch is due.
bool Shard::goes_by_itself(const Admission& admission, std::int64_t now_ns) const {
  const std::int64_t at_ns = time_by_itself();
  return state_.progress.batch_number != 0 && !seal_quiet_ && admission.empty() &&
         (state_.held || state_.waiting.size() == 0) &&
         state_.waiting.overdue(now_ns) == Waiting::kNone && !state_.delivery.any_due(now_ns) &&
         now_ns - at_ns <= limits::kQuietNs &&
         at_ns - state_.progress.admitted_ns <= limits::kQuietNs;
}

// Seals the batch, unless the step was quiet.
Bytes Shard::end_step(bool by_itself, Lane& batches) {
  const std::uint64_t belief = state_.digest(step_.belief.value());
  Digest digest(state_.quiet.digest);
  // The end of a round of the self-check is told, because a difference has to show in time.
  const bool told = step_.batch.derived() != 0 || state_.self_check.rounds() != step_.rounds_before;
  if (by_itself && !told && !step_.cut) {
    digest.mix(belief);
    digest.mix(static_cast<std::uint64_t>(step_.now_ns()) << 1 | (step_.batch.ticked() ? 1U : 0U));
    state_.quiet = {digest.value(), step_.now_ns(), state_.quiet.steps + 1};
    return {};
  }
  digest.mix(belief);
  const auto steps = static_cast<std::uint32_t>(state_.quiet.steps);
  state_.quiet = {};
  seal_quiet_ = false;
  return step_.batch.seal(batches, state_.progress, digest.value(), steps);
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

Bytes Shard::replay_quiet(const BatchHeader& recorded, Lane& batches) {
  Bytes made;
  step_.replaying = true;
  step_.recorded_cut = kNotCut;
  while (made.empty() && quiet_replayed_ < recorded.quiet) {
    const std::int64_t at_ns = time_by_itself();
    if (at_ns > recorded.admitted_ns ||
        !step_.batch.begin(batches, max_batch_bytes_, 0, state_.progress, state_.epoch, at_ns, 0)) {
      break;
    }
    const bool tick_due = at_ns >= state_.agenda.next_tick_ns();
    begin_run({}, {});
    observing_.finish();
    if (tick_due) {
      tick();
    }
    finish_run();
    made = end_step(true, batches);
    ++quiet_replayed_;
  }
  step_.replaying = false;
  return made;
}

Bytes Shard::replay(Bytes recorded, Lane& batches) {
  BatchHeader header;
  std::memcpy(&header, recorded.data(), sizeof header);
  replay_quiet(header, batches);
  quiet_replayed_ = 0;
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
    wait_until(state_.sources.key_of(event));
    left -= left > 0 ? 1 : 0;
    work(*step_.batch.add_input(event, payload));
  });
  observing_.finish();
  wait_until(Admission::kNothing);
  if (header.ticked != 0) {
    tick();
  }
  finish_run();
  step_.replaying = false;
  return end_step(false, batches);
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
  step_.rounds_before = state_.self_check.rounds();
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
