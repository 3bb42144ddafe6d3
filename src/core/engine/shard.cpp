#include "core/engine/shard.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "base/math.hpp"

namespace vedette::engine {
namespace {

// Derived events that one judged subject can cause at most: seven changes of the track, and for
// each assessment its change with every decision on it, each decision with an action.
std::size_t derived_bytes_per_subject(const plan::Plan& plan) {
  std::size_t bytes = 8 * event_bytes(sizeof(TrackChange)) +
                      plan.assessments()->size() * event_bytes(sizeof(AssessmentChange));
  bytes += plan.decisions()->size() *
           (event_bytes(sizeof(DecisionMade)) + event_bytes(sizeof(ActionIntent)));
  return bytes;
}

Sensor sensor_of(const plan::Sensor& s) {
  Sensor sensor{};
  sensor.source = s.source();
  sensor.id = s.id();
  sensor.on_own = s.on_own();
  sensor.turns = s.turns();
  sensor.place = {s.latitude(), s.longitude()};
  sensor.range_min = s.range_min();
  sensor.range_max = s.range_max();
  sensor.sector_from = s.sector_from();
  sensor.sector_width = s.sector_width();
  sensor.update_s = s.update_s();
  sensor.range_sigma = s.range_sigma();
  sensor.azimuth_sigma = s.azimuth_sigma() * kDegree;
  sensor.extent_sigma = s.extent_sigma();
  sensor.near_side_m = s.near_side();
  sensor.resolution = s.resolution();
  sensor.detection = s.detection();
  sensor.hidden = s.hidden();
  sensor.clutter = s.clutter() * 1e-6;
  sensor.delay_s = s.delay_s();
  sensor.window_s = s.window_s();
  sensor.coast_s = s.coast_s();
  sensor.delete_s = s.delete_s();
  sensor.confirm = s.confirm();
  if (s.mask() != nullptr) {
    for (const std::uint16_t zone : *s.mask()) {
      sensor.mask[zone / 64] |= std::uint64_t{1} << zone % 64;
    }
  }
  return sensor;
}

}  // namespace

std::size_t batch_bytes_bound(const plan::Plan& plan) {
  const std::size_t events = plan.limits()->batch_events();
  // Those of this batch, those a cut left, a sweep's, contacts, and what makes room.
  const std::size_t subjects =
      2 * events + 2 * limits::kSweepTracks + limits::kEvictions + 1 + plan.sources()->size();
  // Each turn of the step ends one earlier event at most; beside these, actions past their horizon.
  const std::size_t exits =
      events + std::size_t{2} * plan.limits()->pending_actions() + limits::kSinks + 2;
  return align_up(sizeof(BatchHeader) + (events + 1) * event_bytes(kPayloadBytes) +
                      exits * event_bytes(sizeof(Resolution)) +
                      events * event_bytes(sizeof(ActionIntent)) +  // next attempts
                      subjects * derived_bytes_per_subject(plan),
                  64);
}

std::size_t Shard::bytes_needed(const plan::Plan& plan) {
  return TrackTable::bytes_needed(plan.limits()->tracks()) + assess::Assess::bytes_needed(plan) +
         arena_bytes<Sensor>(plan.sensors()->size()) +
         perceive::Eviction::bytes_needed(plan.limits()->tracks()) +
         perceive::SecondPlaces::bytes_needed(plan.limits()->tracks()) +
         perceive::Contacts::bytes_needed(plan.limits()->contacts(), plan.sensors()->size()) +
         decide::Decide::bytes_needed(plan) + deliver::Delivery::bytes_needed(plan) +
         Waiting::bytes_needed(plan.limits()->waiting_events()) +
         arena_bytes<Resolution>(limits::kBatchEvents) +
         arena_bytes<assess::SourceFacts>(plan.sources()->size()) +
         arena_bytes<SourceLimits>(plan.sources()->size()) +
         arena_bytes<std::uint64_t>(plan.sources()->size()) + 2 * arena_bytes<Touched>(kTouched) +
         kEventClasses * ReadyPages::bytes_needed(plan.limits()->tracks()) +
         arena_bytes<std::uint16_t>(plan.limits()->tracks()) +
         arena_bytes<std::uint16_t>(kTouched + ReadySet::kSlack) +
         arena_bytes<std::uint16_t>(limits::kBatchEvents);
}

void Shard::init(Arena& arena, const plan::Plan& plan, std::uint64_t node_id, std::uint32_t epoch,
                 ReleaseKernel kernel) {
  plan_ = &plan;
  node_id_ = node_id;
  epoch_ = epoch;
  for (const plan::Tracker* t : *plan.trackers()) {
    config_.trackers[t->kind()] = {t->acceleration(),     t->max_speed(),   t->gate_sigma(),
                                   t->position_sigma_m(), t->half_life_s(), t->halving_sigma_m(),
                                   t->coast_s(),          t->lost_s(),      t->retire_s(),
                                   t->confirm_updates()};
    config_.room.most[t->kind()] = t->most();
  }
  config_.own_agree_s = plan.own()->agree_s();
  config_.own_apart_m = plan.own()->apart_m();
  sudden_within_m_ = plan.own()->sudden_within_m();
  sudden_after_s_ = plan.own()->sudden_after_s();
  config_.own_sources = 0;
  for (flatbuffers::uoffset_t i = 0; i < plan.sources()->size(); ++i) {
    config_.own_sources |= plan.sources()->Get(i)->own() ? 1U << i : 0U;
  }
  if (plan.own()->identities() != nullptr) {
    for (const std::uint64_t mmsi : *plan.own()->identities()) {
      config_.own_mmsi[config_.own_count++] = mmsi;
    }
  }
  tracks_.init(arena, plan.limits()->tracks());
  second_places_.init(arena, plan.limits()->tracks());
  eviction_.init(arena, config_.trackers, plan.limits()->tracks());
  assess_.init(arena, plan);
  sensors_ = arena.make<Sensor>(plan.sensors()->size());
  for (std::size_t i = 0; i < sensors_.size(); ++i) {
    sensors_[i] = sensor_of(*plan.sensors()->Get(static_cast<flatbuffers::uoffset_t>(i)));
  }
  contacts_.init(arena, sensors_, assess_.zones(),
                 config_.trackers[static_cast<std::size_t>(IdentityKind::contact)], config_.room,
                 plan.limits()->contacts());
  decide_.init(arena, plan);
  delivery_.init(arena, plan);
  limits_ = arena.make<SourceLimits>(plan.sources()->size());
  std::int64_t longest_ns = 0;
  for (std::size_t i = 0; i < limits_.size(); ++i) {
    const plan::Source* s = plan.sources()->Get(static_cast<flatbuffers::uoffset_t>(i));
    limits_[i] = {s->horizon_ns(), s->sample()};
    longest_ns = std::max(longest_ns, s->horizon_ns());
  }
  waiting_.init(arena, plan.limits()->waiting_events(), longest_ns);
  left_ = arena.make<Resolution>(limits::kBatchEvents);
  sources_ = arena.make<assess::SourceFacts>(plan.sources()->size());
  records_ = arena.make<std::uint64_t>(plan.sources()->size());
  touched_ = arena.make<Touched>(kTouched);
  ordered_ = arena.make<Touched>(kTouched);
  for (ReadyPages& ready : ready_) {
    ready.init(arena, plan.limits()->tracks(), kernel);
  }
  touch_of_ = arena.make<std::uint16_t>(plan.limits()->tracks());
  queue_ = arena.make<std::uint16_t>(kTouched + ReadySet::kSlack);
  touched_sources_ = arena.make<std::uint16_t>(limits::kBatchEvents);
  max_batch_bytes_ = batch_bytes_bound(plan);
}

void Shard::start_sources(std::int64_t now_ns) {
  for (assess::SourceFacts& s : sources_) {
    s.last_ns = now_ns;
  }
}

// Its order is made an event behind the inputs, as the next attempt of the one that was given up.
void Shard::requeue(EventHeader& event) {
  const auto requeue = payload_as<Requeue>(event);
  if (!delivery_.fits_plan(requeue.intent)) {
    batch_.resolve(event, Exit::abandonment, Reason::unknown_subject);
    return;
  }
  switch (delivery_.requeue(requeue.command.target, requeue.intent, batch_.admitted_ns())) {
    case deliver::Delivery::Requeued::ordered:
      batch_.resolve(event, Exit::success, Reason::applied);
      return;
    case deliver::Delivery::Requeued::before:
      batch_.resolve(event, Exit::retraction, Reason::superseded);
      return;
    case deliver::Delivery::Requeued::no_room:
      ++crowding_.orders_refused;
      batch_.resolve(event, Exit::abandonment, Reason::sink_full);
      return;
  }
}

inline std::int64_t Shard::deadline_ns(const EventHeader& event) const {
  const bool horizon = event.kind == EventKind::observation && event.source < sources_.size();
  // A record that was made elsewhere may hold any number.
  const std::int64_t received = std::clamp<std::int64_t>(event.received_ns, 0, limits::kTimeMostNs);
  return received + (horizon ? limits_[event.source].horizon_ns : 0);
}

namespace {

constexpr std::uint64_t kNothing = ~std::uint64_t{0};
// So many events ahead of its own a far track is asked from memory, and at twice as many where it
// stands: a track is eight lines, and takes longer to come than an event to be worked.
constexpr std::size_t kExpectAhead = 3;

// The lanes that have something, each with the key of its oldest event.
struct Heads {
  struct Head {
    std::uint64_t key;
    Lane* lane;
  };
  std::array<Head, limits::kSources + 4> heads;
  std::size_t count = 0;

  // The most urgent; of equals the lane that comes first.
  Head* first() {
    Head* best = nullptr;
    for (std::size_t i = 0; i < count; ++i) {
      best = best == nullptr || heads[i].key < best->key ? &heads[i] : best;
    }
    return best;
  }
  void drop(Head* head) {
    std::copy(head + 1, heads.data() + count, head);
    --count;
  }
};

const EventHeader& event_at(std::span<std::uint8_t> record) {
  return *reinterpret_cast<const EventHeader*>(record.data());
}

}  // namespace

Bytes Shard::step(std::span<Lane* const> lanes, Lane& batches, std::int64_t now_ns,
                  std::int64_t arrival_ns, const Urgency& urgency, const Effects& effects) {
  const bool tick_due = now_ns >= next_tick_ns_;
  Heads heads;
  std::size_t inputs = 0;
  CHECK(lanes.size() <= heads.heads.size(),
        "a lane for each source, outcomes, commands and faults");
  for (Lane* lane : lanes) {
    if (const auto record = lane->peek(); !record.empty()) {
      heads.heads[heads.count++] = {key_of(event_at(record)), lane};
      expect(event_at(record));
      inputs += lane->size();
    }
  }
  const bool any = tick_due || unfinished() || heads.count != 0 ||
                   waiting_.overdue(now_ns) != Waiting::kNone || delivery_.any_due(now_ns);
  if (!any ||
      !batch_.begin(batches, max_batch_bytes_, inputs, progress_, epoch_, now_ns, arrival_ns)) {
    return {};
  }
  begin_run(urgency, effects);
  const bool far = tracks_.high_water() > limits::kNearTracks;
  for (std::size_t left = plan_->limits()->batch_events(); left > 0; --left) {
    Heads::Head* head = heads.first();
    if (waiting_.size() != 0) {
      observe_together();
      const auto next = head == nullptr ? std::span<std::uint8_t>() : head->lane->peek();
      if (take_waiting(head == nullptr ? kNothing : key_of(event_at(next)))) {
        continue;
      }
    }
    if (head == nullptr || cut_) {
      break;
    }
    const auto record = head->lane->peek();
    const EventHeader& event = event_at(record);
    if (held_ && event.kind == EventKind::observation && waiting_.full()) {
      heads.drop(head);  // it stays in its lane, and the source's credits with it
      ++left;
      continue;
    }
    // Every step gets something done.
    if (batch_.inputs() != 0 && stop_before(event.event_class)) {
      break;
    }
    EventHeader* input = batch_.add_input(event, Bytes(payload_of(&event), event.payload_bytes));
    head->lane->release();
    if (const auto next = head->lane->peek(); next.empty()) {
      heads.drop(head);
    } else {
      if (heads.count > 1) {
        head->key = key_of(event_at(next));
      }
      if (far) {
        if (const auto soon = head->lane->peek(kExpectAhead); !soon.empty()) {
          expect(event_at(soon));
        }
        if (const auto later = head->lane->peek(2 * kExpectAhead); !later.empty()) {
          expect_later(event_at(later));
        }
      }
    }
    work(*input);
  }
  observe_together();
  if (tick_due && !cut_) {
    EventHeader tick{};
    tick.observed_ns = tick.received_ns = now_ns;
    tick.kind = EventKind::tick;
    tick.event_class = EventClass::normal;
    tick.source = kNoSource;
    this->tick(*batch_.add_input(tick, {}));
    batch_.settle();
  }
  finish_run();
  return batch_.seal(batches, progress_, digest_of_belief());
}

Bytes Shard::replay(Bytes recorded, Lane& batches) {
  BatchHeader header;
  std::memcpy(&header, recorded.data(), sizeof header);
  epoch_ = header.epoch;
  if (!batch_.begin(batches, max_batch_bytes_, header.input_count, progress_, epoch_,
                    header.admitted_ns, header.admitted_arrival_ns)) {
    return {};
  }
  recorded_cut_ = header.cut;
  batch_.cut_at(header.cut);
  replaying_ = true;
  begin_run({}, {});
  std::uint32_t seen = 0;
  std::size_t left = plan_->limits()->batch_events();
  // The step took whichever was more urgent, the next input or what waited; the tick came last.
  const auto wait_until = [&](std::uint64_t key) {
    if (waiting_.size() != 0) {
      observe_together();
    }
    for (; left > 0 && take_waiting(key); --left) {
    }
  };
  for_each_event(recorded, [&](const EventHeader& event, Bytes payload) {
    if (seen++ >= header.input_count) {
      return;
    }
    const bool tick = event.kind == EventKind::tick;
    wait_until(tick ? kNothing : key_of(event));
    left -= !tick && left > 0 ? 1 : 0;
    work(*batch_.add_input(event, payload));
  });
  observe_together();
  wait_until(kNothing);
  finish_run();
  replaying_ = false;
  return batch_.seal(batches, progress_, digest_of_belief());
}

void Shard::expect(const EventHeader& event) {
  if (event.kind != EventKind::observation || event.payload_bytes < sizeof(Observation)) {
    return;
  }
  const auto* o = reinterpret_cast<const Observation*>(payload_of(&event));
  const std::uint64_t key = track_key(o->kind, o->identity);
  const std::uint32_t track = tracks_.find(key);
  if (track != TrackTable::kNone) {
    tracks_.remember(key, track);
    tracks_.prefetch(track);
    assess_.prefetch(track);
  }
}

// Where its track stands is asked from memory, so that expect() finds that out without waiting.
void Shard::expect_later(const EventHeader& event) const {
  if (event.kind == EventKind::observation && event.payload_bytes >= sizeof(Observation)) {
    const auto* o = reinterpret_cast<const Observation*>(payload_of(&event));
    tracks_.prefetch_find(track_key(o->kind, o->identity));
  }
}

bool Shard::take_waiting(std::uint64_t key) {
  std::uint32_t slot = waiting_.overdue(batch_.admitted_ns());
  const bool overdue = slot != Waiting::kNone;
  slot = overdue || held_ ? slot : waiting_.first();
  if (slot == Waiting::kNone || cut_) {
    return false;
  }
  Waiting::Event event = waiting_[slot];
  if (urgency_key(event.header.event_class, waiting_.deadline_ns(slot)) > key ||
      stop_before(event.header.event_class)) {
    return false;
  }
  ++items_;
  waiting_.remove(slot);
  if (overdue) {
    leave(event.header, Exit::abandonment, Reason::horizon);
    return true;
  }
  observe(event.header);
  left_[left_count_++] = {
      event.header.sequence, event.header.state.exit(), event.header.state.reason(), {}};
  return true;
}

void Shard::leave(const EventHeader& event, Exit exit, Reason reason) {
  batch_.resolve_waiting(exit);
  left_[left_count_++] = {event.sequence, exit, reason, {}};
}

void Shard::command(EventHeader& event) {
  const auto command = payload_as<Command>(event);
  switch (command.kind) {
    case CommandKind::hold:
    case CommandKind::resume:
      held_ = command.kind == CommandKind::hold;
      batch_.resolve(event, Exit::success, Reason::applied);
      return;
    case CommandKind::requeue:
      requeue(event);
      return;
    case CommandKind::time:  // the batch's own time says it
      batch_.resolve(event, Exit::success, Reason::applied);
      return;
    case CommandKind::acknowledge: {
      const std::uint32_t track = tracks_.find(command.target);
      if (track == TrackTable::kNone) {
        batch_.resolve(event, Exit::abandonment, Reason::unknown_subject);
        return;
      }
      tracks_[track].acknowledged = 1;
      batch_.resolve(event, Exit::success, Reason::applied);
      return;
    }
    case CommandKind::cancel: {
      const std::uint32_t slot = waiting_.find(command.target);
      if (slot != Waiting::kNone) {
        leave(waiting_[slot].header, Exit::retraction, Reason::cancelled);
        waiting_.remove(slot);
      } else if (const auto stage = delivery_.cancel(command.target, batch_.admitted_ns());
                 stage != deliver::Delivery::Stage::free) {
        stage == deliver::Delivery::Stage::sent ? batch_.resolve_earlier(Exit::retraction)
                                                : batch_.resolve_waiting(Exit::retraction);
        left_[left_count_++] = {command.target, Exit::retraction, Reason::cancelled, {}};
      } else {  // it has left already, or never was
        batch_.resolve(event, Exit::retraction, Reason::superseded);
        return;
      }
      batch_.resolve(event, Exit::success, Reason::applied);
      return;
    }
  }
  batch_.resolve(event, Exit::abandonment, Reason::unknown_subject);
}

bool Shard::cuts_before(EventClass next) {
  if (replaying_) {
    cut_ = items_ == recorded_cut_;
    return cut_;
  }
  // A cut leaves at most one batch's subjects behind: beyond that they are judged first.
  const bool may = next != EventClass::critical &&
                   touched_count_ + together_count_ - judged_ <= plan_->limits()->batch_events();
  cut_ = may && urgency_.waiting(urgency_.context);
  if (cut_) {
    batch_.cut_at(items_);
  }
  return cut_;
}

void Shard::begin_run(const Urgency& urgency, const Effects& effects) {
  urgency_ = urgency;
  effects_ = effects;
  // What a cut left is ready again; a track that was retired since is not.
  if (released_) {
    const std::size_t end = touched_count_;
    touched_count_ = 0;
    for (std::size_t i = judged_; i < end; ++i) {
      if (touched_[i].track != TrackTable::kNone) {
        touched_[touched_count_] = touched_[i];
        mark_ready(touched_count_++);
      }
    }
    judged_ = 0;
    released_ = false;
  }
  touched_source_count_ = 0;
  left_count_ = 0;
  items_ = 0;
  belief_ = RoundsDigest();
  cut_ = false;
  newcomers_refused_ = false;
  tracks_before_ = tracks_.size();
  ticked_ = false;
  waiting_.advance(batch_.admitted_ns());
  if (batch_.header().number == 1) {
    start_sources(batch_.admitted_ns());
  }
}

Causes Shard::causes() const {
  Causes causes = crowded_;
  causes.set(Cause::overload, load_.mode() == Mode::overload);
  causes.set(Cause::safe, load_.mode() == Mode::safe);
  causes.set(Cause::held, held_);
  causes.set(Cause::own_in_doubt, own_position_.in_doubt());
  return causes;
}

// An event for each batch that changes them; those of the load have one of their own.
void Shard::tell_causes() {
  Causes now = causes();
  now.set(Cause::overload, false);
  now.set(Cause::safe, false);
  if (now == causes_told_) {
    return;
  }
  const CauseChange change{now.bits, causes_told_.bits};
  causes_told_ = now;
  EventHeader* event = batch_.add_derived(EventKind::cause, EventClass::high, 0, change);
  CHECK(event != nullptr, "derived events within the plan's bound");
  batch_.resolve(*event, Exit::success, Reason::applied);
}

void Shard::finish_run() {
  for (std::size_t i = 0; i < left_count_; ++i) {
    resolved(left_[i]);
  }
  deliver();
  world_ = world();
  judge_touched();
  judge_contacts();
  if (sweeping() && !ticked_) {
    sweep();
  }
  make_room();
  settle_crowds();
  load_.settle(batch_.admitted_ns(), plan_->limits()->recover_ns());
  ModeChange mode{};
  if (load_.changed(mode)) {
    EventHeader* event = batch_.add_derived(EventKind::mode, EventClass::high, mode.cause, mode);
    CHECK(event != nullptr, "derived events within the plan's bound");
    batch_.resolve(*event, Exit::success, Reason::applied);
  }
  tell_causes();
  for (std::size_t s = delivery_.changed_sink(); s != deliver::Delivery::kNone;
       s = delivery_.changed_sink()) {
    EventHeader* event =
        batch_.add_derived(EventKind::sink_state, EventClass::high, 0, delivery_.sink_state(s));
    CHECK(event != nullptr, "derived events within the plan's bound");
    batch_.resolve(*event, Exit::success, Reason::applied);
  }
}

inline void Shard::heard(const EventHeader& event) {
  if (event.source < sources_.size()) {
    assess::SourceFacts& source = sources_[event.source];
    // Silent for longer than a vessel needs to come near, it cannot say what was there before.
    const bool deaf = seconds_between(source.last_ns, event.received_ns) > sudden_after_s_;
    source.since_ns = source.accepted == 0 || deaf ? event.received_ns : source.since_ns;
    source.last_ns = event.received_ns;
    source.last_event = event.sequence;
    ++source.accepted;
    records_[event.source] = std::max(records_[event.source], event.record);
  }
}

// False when the node is behind and does without this one, which has then left.
inline bool Shard::takes(EventHeader& event) {
  if (event.source >= sources_.size()) {
    return true;
  }
  const SourceLimits& source = limits_[event.source];
  switch (load_.admit(event, source.horizon_ns, source.sample, batch_.admitted_ns())) {
    case Load::Verdict::work:
      return true;
    case Load::Verdict::sampled_out:
      batch_.resolve(event, Exit::retraction, Reason::sampled_out);
      return false;
    case Load::Verdict::shed:
      batch_.resolve(event, Exit::abandonment, Reason::shed);
      return false;
  }
  return true;
}

inline void Shard::observe_soon(EventHeader& event) {
  const auto* o = reinterpret_cast<const Observation*>(payload_of(&event));
  // Which name a contact gets may depend on the tracks beside it.
  if (event.payload_bytes < sizeof(Observation) || o->kind == IdentityKind::contact ||
      contacts_.size() != 0) {
    observe_together();
    observe(event);
    batch_.settle();
    return;
  }
  // What own ship's sources make of each other depends on their order, and on no other track.
  if (perceive::OwnPosition::concerns(config_, *o)) {
    observe(event);
    return;
  }
  together_[together_count_++] = batch_.place_of(event);
  if (together_count_ == together_.size()) {
    observe_together();
    batch_.settle();
  }
}

void Shard::work(EventHeader& event) {
  if (event.kind == EventKind::observation) {
    heard(event);
    if (!takes(event)) {
      return;
    }
    // The step admits none that has no place; another plan's record, replayed, may.
    if (held_ && !waiting_.full()) {
      EventHeader kept = event;
      kept.payload_bytes = sizeof(Observation);
      kept.event_class = std::min(kept.event_class, EventClass::bulk);
      waiting_.add(kept, payload_as<Observation>(event), deadline_ns(event));
    } else {
      observe_soon(event);
    }
    return;
  }
  observe_together();
  other_work(event);
  batch_.settle();
}

// In few lines of code, which are used so seldom that they come from afar.
inline void Shard::tick(EventHeader& event) {
  next_tick_ns_ = add_ns(event.observed_ns, plan_->limits()->tick_ns());
  // One under way goes on, and another follows: ticks that come with every step put it off once.
  sweep_again_ = sweeping() && sweep_at_ != 0;
  if (!sweeping()) {
    sweep_at_ = 0;
    ticked_ = true;
  }
  if (contacts_.has_sensors()) {
    contacts_.tick(event.observed_ns, tracks_);
  }
  batch_.resolve(event, Exit::success, Reason::applied);
}

void Shard::other_work(EventHeader& event) {
  switch (event.kind) {
    case EventKind::command:
      command(event);
      return;
    case EventKind::source_full:
    case EventKind::fault:  // for whoever reads the journal, and the log
      batch_.resolve(event, Exit::success, Reason::applied);
      return;
    case EventKind::outcome:
      outcome(event);
      return;
    case EventKind::tick:
      tick(event);
      return;
    case EventKind::source_state: {
      const auto state = payload_as<SourceState>(event);
      if (event.source < sources_.size()) {
        sources_[event.source].status = state.status;
        sources_[event.source].last_event = event.sequence;
        touched_sources_[touched_source_count_++] = event.source;
      }
      batch_.resolve(event, Exit::success, Reason::applied);
      return;
    }
    default:
      batch_.resolve(event, Exit::abandonment, Reason::no_position);
  }
}

inline void Shard::mark_ready(std::size_t touched) {
  const Touched& t = touched_[touched];
  touch_of_[t.track] = static_cast<std::uint16_t>(touched);
  ready_[static_cast<std::size_t>(t.event_class)].set(t.track);
}

inline void Shard::touch(std::uint32_t track, const EventHeader* event,
                         const perceive::Perceived& p) {
  std::uint32_t changes = 0;
  for (std::size_t i = 0; i < p.change_count; ++i) {
    changes |= 1U << static_cast<unsigned>(p.changes[i]);
  }
  const EventClass event_class = std::min(event->event_class, EventClass::bulk);
  // None of this step's is judged yet.
  if (const std::size_t at = touch_of_[track]; at < touched_count_ && touched_[at].track == track) {
    Touched& t = touched_[at];
    t.cause = event->sequence;
    t.arrival_ns = event->arrival_ns;
    t.changes = static_cast<std::uint16_t>(t.changes | changes);
    if (event_class < t.event_class) {
      ready_[static_cast<std::size_t>(t.event_class)].clear(track);
      t.event_class = event_class;
      mark_ready(at);
    }
    return;
  }
  touched_[touched_count_] = {track,           static_cast<std::uint16_t>(changes),
                              event_class,     0,
                              event->sequence, event->arrival_ns};
  mark_ready(touched_count_++);
}

inline void Shard::perceived(EventHeader& event, const Observation& observation,
                             const perceive::Perceived& p) {
  batch_.resolve(event, p.exit, p.reason);
  if (p.track == TrackTable::kNone) {
    const bool refused = p.reason == Reason::belief_full || p.reason == Reason::kind_full;
    crowding_.tracks_refused += refused ? 1 : 0;
    newcomers_refused_ = newcomers_refused_ || refused;
    return;
  }
  Track& track = tracks_[p.track];
  if (p.change_count != 0 || track.updates <= 1) {
    eviction_.note(p.track, track);
  }
  if (contacts_.has_sensors() && p.exit == Exit::success && observation.has(Field::position) &&
      track.kind != IdentityKind::own) {
    contacts_.identify(track, tracks_);
  }
  if (track.updates == 1 && p.exit == Exit::success && observation.has(Field::position)) {
    set_doubt(track, Doubt::sudden, sudden(track, event));
  }
  touch(p.track, &event, p);
}

// Does its first position lie so near own ship that its source, which has listened for long, ought
// to have heard it come?
bool Shard::sudden(const Track& track, const EventHeader& event) const {
  const Track* own_ship = own();
  if (own_ship == nullptr || own_ship == &track || own_ship->updates == 0 ||
      track.kind == IdentityKind::contact || event.source >= sources_.size()) {
    return false;
  }
  const bool listened =
      seconds_between(sources_[event.source].since_ns, event.received_ns) >= sudden_after_s_ &&
      seconds_between(own_ship->created_ns, event.observed_ns) >= sudden_after_s_;
  return listened && assess::chord_squared(*own_ship, track) <= sudden_within_m_ * sudden_within_m_;
}

void Shard::observe_together() {
  if (together_count_ == 0) {
    return;
  }
  std::array<perceive::Sighting, perceive::kTogether> sightings;
  std::array<perceive::Perceived, perceive::kTogether> made;
  std::size_t count = 0;
  for (std::size_t i = 0; i < together_count_; ++i) {
    EventHeader& event = batch_.event_at(together_[i]);
    if (deadline_ns(event) <= batch_.admitted_ns()) {
      batch_.resolve(event, Exit::abandonment, Reason::horizon);
      continue;
    }
    together_[count] = together_[i];
    sightings[count++] = {&event, reinterpret_cast<const Observation*>(payload_of(&event))};
  }
  together_count_ = 0;
  perceive::perceive(config_, tracks_, second_places_, std::span(sightings).first(count), made);
  for (std::size_t i = 0; i < count; ++i) {
    perceived(batch_.event_at(together_[i]), *sightings[i].observation, made[i]);
  }
}

void Shard::observe(EventHeader& event) {
  if (deadline_ns(event) <= batch_.admitted_ns()) {
    batch_.resolve(event, Exit::abandonment, Reason::horizon);
    return;
  }
  // Where it stands, but for one of another plan that is shorter.
  Observation copy;
  const auto* in_place = reinterpret_cast<const Observation*>(payload_of(&event));
  if (event.payload_bytes < sizeof(Observation)) {
    copy = payload_as<Observation>(event);
    in_place = &copy;
  }
  const Observation& observation = *in_place;
  if (observation.kind == IdentityKind::contact) {
    const auto taken = contacts_.take(event, observation, tracks_, own());
    batch_.resolve(event, taken.exit, taken.reason);
    return;
  }
  perceived(event, observation,
            perceive::OwnPosition::concerns(config_, observation)
                ? own_position_.take(config_, tracks_, second_places_, event, observation)
                : perceive::perceive(config_, tracks_, second_places_, event, observation));
}

void Shard::outcome(EventHeader& event) {
  const auto outcome = payload_as<ActionOutcome>(event);
  const Exit exit = outcome.exit == Exit::none || outcome.exit > Exit::abandonment
                        ? Exit::abandonment
                        : outcome.exit;
  const deliver::Delivery::End end =
      delivery_.ended(outcome.action_sequence, exit, outcome.reason, batch_.admitted_ns());
  if (end != deliver::Delivery::End::unknown) {
    batch_.resolve_earlier(exit);
    batch_.resolve(event, Exit::success, Reason::applied);
  } else {
    ++late_outcomes_;
    batch_.resolve(event, Exit::retraction, Reason::superseded);
  }
}

// Next attempts become events, what is past its horizon is given up, what is due goes out.
void Shard::deliver() {
  const std::int64_t now_ns = batch_.admitted_ns();
  for (std::size_t i = delivery_.failed(); i != deliver::Delivery::kNone; i = delivery_.failed()) {
    const deliver::Delivery::Order order = delivery_.orders()[i];
    ActionIntent intent = delivery_.intent(i);
    ++intent.attempt;
    EventHeader* event =
        batch_.add_derived(EventKind::action, order.event_class, order.sequence, intent);
    CHECK(event != nullptr, "derived events within the plan's bound");
    delivery_.next_attempt(i, event->sequence);
  }
  if (!delivery_.any_due(now_ns)) {
    return;
  }
  for (std::size_t i = delivery_.overdue(now_ns); i != deliver::Delivery::kNone;
       i = delivery_.overdue(now_ns)) {
    const deliver::Delivery::Order order = delivery_.orders()[i];
    order.stage == deliver::Delivery::Stage::sent ? batch_.resolve_earlier(Exit::abandonment)
                                                  : batch_.resolve_waiting(Exit::abandonment);
    delivery_.give_up(i, now_ns);
    resolved({order.sequence, Exit::abandonment, Reason::horizon, {}});
  }
  for (std::size_t i = delivery_.due(now_ns); i != deliver::Delivery::kNone;
       i = delivery_.due(now_ns)) {
    const Dispatch dispatch{delivery_.orders()[i].sequence};
    batch_.dispatch_waiting();
    EventHeader* event = batch_.add_derived(EventKind::dispatch, delivery_.orders()[i].event_class,
                                            dispatch.sequence, dispatch);
    CHECK(event != nullptr, "derived events within the plan's bound");
    batch_.resolve(*event, Exit::success, Reason::applied);
  }
}

// The record of it, for whoever asks how that event ended.
void Shard::resolved(const Resolution& resolution) {
  EventHeader* event = batch_.add_derived(EventKind::resolution, EventClass::normal,
                                          resolution.sequence, resolution);
  CHECK(event != nullptr, "derived events within the plan's bound");
  batch_.resolve(*event, Exit::success, Reason::applied);
}

}  // namespace vedette::engine
