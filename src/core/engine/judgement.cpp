#include "core/engine/judgement.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "base/math.hpp"

namespace vedette::engine {
namespace {

// By SubjectKind: a room whose subjects conditions use adds its fields here.
constexpr std::array<FieldReader, kSubjectKinds> kFieldReaders{read_track, read_track, read_source,
                                                               read_sink,  read_node,  read_track};

constexpr bool has(std::uint16_t changes, TrackChangeKind change) {
  return (changes >> static_cast<unsigned>(change) & 1) != 0;
}

}  // namespace

void Judgement::begin() {
  world_ = world_at(step_.now_ns());
  state_.pairs.begin_step();
}

void Judgement::part_pairs() {
  Turn turn{this, 0, 0};
  state_.pairs.part(state_.assess, world_, state_.tracks, {nullptr, on_assessment, nullptr, &turn});
}

void Judgement::judge_pairs(std::uint32_t track, std::uint64_t cause, std::int64_t arrival_ns) {
  if (!state_.pairs.none()) {
    Turn turn{this, cause, arrival_ns};
    state_.pairs.judge(state_.assess, world_, state_.tracks, track,
                       {nullptr, on_assessment, nullptr, &turn});
  }
}

void Judgement::judge_pairs_left() {
  for (std::uint32_t track = state_.pairs.due(); track != TrackTable::kNone;
       track = state_.pairs.due()) {
    if (stop_before(EventClass::normal)) {
      return;
    }
    ++step_.items;
    judge_pairs(track, state_.tracks[track].position_event, 0);
    step_.batch.settle();
  }
}

assess::World Judgement::world_at(std::int64_t now_ns) const {
  return {{now_ns, state_.site.rules.trackers},
          state_.own(),
          state_.load.mode(),
          state_.site.zones,
          kFieldReaders,
          state_.site.plan,
          state_.zone_counts.counts()};
}

bool Judgement::stop_before(EventClass next) {
  return step_.stop_before(next, state_.agenda.left().size(),
                           state_.plan().limits()->batch_events());
}

Judgement::Case Judgement::case_of(std::uint32_t index) const {
  const Track& track = state_.tracks[index];
  Case judged{{track.key, kNoSource, SubjectKind::track, {}}, index, &track, nullptr, false};
  if (doubted(track, Doubt::second)) [[unlikely]] {
    const perceive::SecondPlace* place = state_.second_places.find(track, index);
    judged.second = place == nullptr ? nullptr : &place->track;
    judged.second_unseen = place != nullptr && place->contested == 0;
  }
  return judged;
}

void Judgement::judge(const Case& judged, std::uint64_t cause, std::int64_t arrival_ns) {
  Turn turn{this, cause, arrival_ns};
  state_.assess.judge(world_, {&judged, 1}, {nullptr, on_assessment, nullptr, &turn});
}

void Judgement::judge_source(std::size_t source, std::int64_t arrival_ns) {
  const SourceFacts& facts = state_.sources[source];
  const auto s = static_cast<std::uint16_t>(source);
  judge({{s, s, SubjectKind::source, {}}, s, &facts, nullptr, false}, facts.last_event, arrival_ns);
}

void Judgement::judge_post(std::int64_t arrival_ns) {
  for (std::size_t sink = 0; sink < state_.plan().sinks()->size(); ++sink) {
    const SinkFacts facts = state_.delivery.facts(sink);
    const auto s = static_cast<std::uint16_t>(sink);
    judge({{s, s, SubjectKind::sink, {}}, s, &facts, nullptr, false}, 0, arrival_ns);
  }
  judge({{0, 0, SubjectKind::node, {}}, 0, &state_.crowds.node(), nullptr, false}, 0, arrival_ns);
}

void Judgement::track_changed(std::uint32_t track, TrackChangeKind change, std::uint64_t cause,
                              EvictionReason why) {
  step_.tell(EventKind::track, EventClass::normal, cause,
             TrackChange{state_.tracks[track].key, change, why, {}});
}

void Judgement::judge_agenda() {
  for (std::size_t i = 0; i < step_.touched_source_count; ++i) {
    judge_source(step_.touched_sources[i], 0);
  }
  if (step_.cut) {
    return;  // before the first judgement: all stay ready for the next batch
  }
  // Belief is complete before the first judgement.
  Agenda& agenda = state_.agenda;
  agenda.order();
  Turn turn{this, 0, 0};
  const assess::Assess::Listener listener{begin_next, on_assessment, end_next, &turn};
  while (!agenda.empty() && !step_.cut) {
    std::array<Case, 16> cases;
    const std::span<const Agenda::Touched> next = agenda.left();
    const std::size_t count = std::min(cases.size(), next.size());
    for (std::size_t i = 0; i < count; ++i) {
      cases[i] = case_of(next[i].track);
    }
    state_.assess.judge(world_, std::span(cases).first(count), listener);
  }
}

bool Judgement::begin_next(void* context, std::size_t) {
  Turn& turn = *static_cast<Turn*>(context);
  Judgement& self = *turn.self;
  const Agenda::Touched& t = self.state_.agenda.next();
  if (self.stop_before(t.event_class)) {
    return false;
  }
  for (const TrackChangeKind change :
       {TrackChangeKind::created, TrackChangeKind::confirmed, TrackChangeKind::reacquired,
        TrackChangeKind::jumped, TrackChangeKind::returned, TrackChangeKind::disagreed,
        TrackChangeKind::agreed, TrackChangeKind::doubted, TrackChangeKind::believed}) {
    if (has(t.changes, change)) {
      self.track_changed(t.track, change, t.cause);
    }
  }
  self.state_.zone_counts.note(self.state_.tracks[t.track], self.world_.own);
  turn.cause = t.cause;
  turn.newest_arrival_ns = t.arrival_ns;
  return true;
}

void Judgement::end_next(void* context, std::size_t) {
  Judgement& self = *static_cast<Turn*>(context)->self;
  Agenda& agenda = self.state_.agenda;
  self.judge_pairs(agenda.next().track, agenda.next().cause, agenda.next().arrival_ns);
  self.step_.belief.mix(bytes_of(self.state_.tracks[agenda.next().track]).first(kTrackDigestBytes));
  self.step_.batch.settle();
  agenda.done();
  ++self.step_.items;
}

void Judgement::judge_contacts() {
  perceive::Contacts& contacts = state_.contacts;
  for (std::size_t n = 0; n < limits::kSweepTracks && contacts.any_due(); ++n, ++step_.items) {
    const perceive::Contacts::Due due = contacts.next_due();
    if (stop_before(due.event_class)) {
      return;
    }
    contacts.drop_due();
    if (!state_.tracks.in_use(due.track) || state_.tracks[due.track].key != due.key) {
      continue;
    }
    for (const TrackChangeKind change :
         {TrackChangeKind::created, TrackChangeKind::confirmed, TrackChangeKind::reacquired,
          TrackChangeKind::coasting, TrackChangeKind::lost}) {
      if (has(due.changes, change)) {
        track_changed(due.track, change, due.cause);
      }
    }
    state_.zone_counts.note(state_.tracks[due.track], world_.own);
    judge(case_of(due.track), due.cause, due.arrival_ns);
    judge_pairs(due.track, due.cause, due.arrival_ns);
    step_.belief.mix(bytes_of(state_.tracks[due.track]).first(kTrackDigestBytes));
    step_.batch.settle();
  }
}

void Judgement::retire(std::uint32_t i, TrackChangeKind change, EvictionReason why,
                       std::uint64_t cause) {
  track_changed(i, change, cause, why);
  Track& track = state_.tracks[i];
  Turn turn{this, cause, step_.batch.header().admitted_arrival_ns};
  const Case going{{track.key, kNoSource, SubjectKind::track, {}}, i, &track, nullptr, false};
  state_.assess.retire(world_, going, {nullptr, on_assessment, nullptr, &turn});
  if (track.kind != IdentityKind::contact && track.partner != 0) {
    state_.contacts.part(track, state_.tracks);
  }
  state_.agenda.forget(i);
  state_.pairs.retire(i);
  state_.second_places.drop(track, i);
  state_.eviction.forget(i);
  state_.zone_counts.leave(track);
  state_.tracks.release(i);
  world_.own = state_.own();
}

void Judgement::sweep() {
  const std::int64_t admitted = step_.batch.header().admitted_arrival_ns;
  Agenda& agenda = state_.agenda;
  if (agenda.sweep_begins()) {
    if (stop_before(EventClass::normal)) {
      return;
    }
    for (std::size_t s = 0; s < state_.sources.size(); ++s) {
      judge_source(s, admitted);
    }
    judge_post(admitted);
    ++step_.items;
  }
  std::size_t judged = 0;
  const std::size_t most = limits::sweep_tracks(state_.tracks.capacity());
  for (std::uint32_t i = agenda.sweep_place(state_.tracks); i != TrackTable::kNone;
       i = agenda.sweep_place(state_.tracks)) {
    if (judged == most || stop_before(EventClass::normal)) {
      return;
    }
    agenda.swept();
    ++judged;
    ++step_.items;
    sweep_track(i, admitted);
  }
}

void Judgement::sweep_track(std::uint32_t i, std::int64_t arrival_ns) {
  Track& track = state_.tracks[i];
  const std::uint64_t cause = track.position_event;
  const bool contact = track.kind == IdentityKind::contact && track.state != TrackState::lost;
  if (contact && track.state == TrackState::tentative) {
    return;  // conditions do not apply yet
  }
  if (doubted(track, Doubt::second)) {
    age_second_place(i);
  }
  // A contact ages by its sensors' scans instead.
  TrackChangeKind change{};
  const bool changed =
      !contact && perceive::age_track(state_.site.rules, track, step_.now_ns(), change);
  state_.eviction.note(i, track);
  if (changed && change == TrackChangeKind::retired) {
    retire(i, change, EvictionReason::none, cause);
    return;
  }
  if (changed) {
    track_changed(i, change, cause);
  }
  if (track.kind == IdentityKind::own &&
      state_.own_position.age(state_.site.rules, track, step_.now_ns(), change)) {
    track_changed(i, change, cause);
  }
  state_.zone_counts.note(track, world_.own);
  judge(case_of(i), cause, arrival_ns);
  judge_pairs(i, cause, arrival_ns);
}

void Judgement::age_second_place(std::uint32_t i) {
  Track& track = state_.tracks[i];
  if (state_.second_places.age(track, i, state_.tracker_of(track.kind), step_.now_ns()) ==
      perceive::SecondPlaces::Aged::moved) {
    track_changed(i, TrackChangeKind::reacquired, track.position_event);
  }
}

// Prevents eviction: an alarm is raised, or a judgement is due.
bool Judgement::keeps(void* context, std::uint32_t track) {
  const State& state = static_cast<const Judgement*>(context)->state_;
  return state.agenda.has(track) || state.assess.alarm_stands(track) ||
         state.pairs.alarm_stands(track);
}

// Own ship, or the first sensor on land.
bool Judgement::place_of_post(Vector3& here) const {
  if (world_.own != nullptr && world_.own->updates != 0) {
    here = {world_.own->ecef[0], world_.own->ecef[1], world_.own->ecef[2]};
    return true;
  }
  for (const Sensor& sensor : state_.site.sensors) {
    if (!sensor.on_own) {
      here = ecef_of(sensor.place);
      return true;
    }
  }
  return false;
}

// Runs in cut batches too, because a replay may learn of the cut later.
void Judgement::make_room() {
  if (state_.tracks.size() == step_.tracks_before && !step_.newcomers_refused) {
    return;
  }
  Vector3 here{};
  const bool known = place_of_post(here);
  const perceive::Eviction::View view{&state_.site.rules,      &state_.tracks, step_.now_ns(),
                                      known ? &here : nullptr, keeps,          this};
  for (std::size_t n = 0; n < limits::kEvictions; ++n) {
    const auto victim = state_.eviction.next(view);
    if (!victim) {
      return;
    }
    const Track& track = state_.tracks[victim->track];
    ++state_.crowds.counts().evicted[static_cast<std::size_t>(victim->why)];
    retire(victim->track, TrackChangeKind::evicted, victim->why,
           track.position_event != 0 ? track.position_event : track.first_event);
    step_.batch.settle();
  }
}

void Judgement::on_assessment(void* context, const assess::View& view,
                              const AssessmentChange& change) {
  const Turn& turn = *static_cast<const Turn*>(context);
  Judgement& self = *turn.self;
  AssessmentChange stamped = change;
  stamped.newest_arrival_ns = turn.newest_arrival_ns;
  const EventClass c = change.level == Level::alarm ? EventClass::high : EventClass::normal;
  const EventHeader& event = self.step_.tell(EventKind::assessment, c, turn.cause, stamped);
  const std::int64_t admitted = self.step_.batch.header().admitted_arrival_ns;
  const std::int64_t late =
      turn.newest_arrival_ns > 0 && admitted > 0 ? admitted - turn.newest_arrival_ns : 0;
  if (self.state_.alarms.assessed(stamped, event.sequence, self.step_.now_ns())) {
    Consequence follows{turn, view, stamped, event.sequence};
    self.decide(follows, late);
  }
}

void Judgement::decide(Consequence& follows, std::int64_t late_ns) {
  follows.view.level = static_cast<double>(follows.change.level);
  follows.view.confidence = follows.change.confidence;
  state_.decide.consider(
      follows.change, late_ns,
      [](void* of, std::span<const plan::Op> ops) {
        const auto& asked = *static_cast<const Consequence*>(of);
        return assess::evaluate(ops, asked.view);
      },
      on_decision, &follows);
}

void Judgement::tend_alarms() {
  alarm::Alarms& alarms = state_.alarms;
  alarms.advance(step_.now_ns());
  alarm::Alarms::Change next;
  for (std::size_t n = 0; n < alarm::Alarms::kPerBatch && alarms.take(next); ++n) {
    const EventHeader& event =
        step_.tell(EventKind::alarm, EventClass::high, next.cause, next.change);
    if (next.change.change == AlarmEvent::escalated) {
      escalate(next.change.alarm, event.sequence);
    }
    step_.batch.settle();
  }
  Alarm again;
  for (std::size_t n = 0; n < alarm::Alarms::kAgainPerBatch && alarms.take_again(again); ++n) {
    announce(again);
    step_.batch.settle();
  }
}

bool Judgement::case_of(const Subject& subject, Case& out) const {
  if (subject.kind == SubjectKind::source) {
    const std::uint16_t s = subject.source;
    out = {subject, s, &state_.sources[s], nullptr, false};
    return true;
  }
  if (subject.kind == SubjectKind::sink) {
    const std::uint16_t s = subject.source;
    sink_ = state_.delivery.facts(s);
    out = {subject, s, &sink_, nullptr, false};
    return true;
  }
  if (subject.kind == SubjectKind::node) {
    out = {subject, 0, &state_.crowds.node(), nullptr, false};
    return true;
  }
  const std::uint32_t track = state_.tracks.find(subject.key);
  if (track == TrackTable::kNone) {
    return false;
  }
  if (subject.kind != SubjectKind::pair) {
    out = case_of(track);
    return true;
  }
  const std::uint32_t other = state_.tracks.find(subject.other);
  if (other == TrackTable::kNone) {
    return false;
  }
  out = {subject, track, &state_.tracks[track], nullptr, false, &state_.tracks[other]};
  return true;
}

namespace {

// As if the assessment had just been raised.
AssessmentChange raised_again(const Alarm& alarm) {
  AssessmentChange change{};
  change.subject = alarm.subject;
  change.causes[0] = alarm.id;
  change.confidence = alarm.confidence;
  change.own_in_doubt = alarm.own_in_doubt;
  change.assessment = alarm.assessment;
  change.transition = Transition::raised;
  change.level = alarm.level;
  return change;
}

}  // namespace

bool Judgement::view_of(const Subject& subject, bool second, assess::World& world,
                        assess::View& view) const {
  world = world_at(state_.progress.admitted_ns);
  Case about;
  if (!case_of(subject, about)) {
    return false;
  }
  view = assess::Assess::view_of(world, about);
  if (second && view.second != nullptr) {
    view.set(SubjectKind::track, view.second);
    view.of_second = true;
  }
  return true;
}

ActionIntent Judgement::describe(const Alarm& alarm) const {
  const assess::World world = world_at(state_.progress.admitted_ns);
  Case about;
  ActionIntent intent{};
  intent.subject = alarm.subject;
  intent.cpa = intent.tcpa = canonical(std::numeric_limits<double>::quiet_NaN());
  if (case_of(alarm.subject, about)) {
    const assess::View view = assess::Assess::view_of(world, about);
    const Track* subject = alarm.subject.kind == SubjectKind::own ? view.own() : view.track();
    if (subject != nullptr) {
      describe_subject(intent, *subject, view);
    }
  }
  return intent;
}

void Judgement::escalate(const Alarm& alarm, std::uint64_t cause) {
  const std::uint16_t action = state_.alarms.escalation_of(alarm);
  Case about;
  if (action == kNoAction || !case_of(alarm.subject, about)) {
    return;
  }
  DecisionMade decision{};
  decision.subject = alarm.subject;
  decision.decision = kNoDecision;
  decision.action = action;
  order(intent_of(decision, raised_again(alarm), assess::Assess::view_of(world_, about)), cause, 0);
}

void Judgement::announce(const Alarm& alarm) {
  Case about;
  if (case_of(alarm.subject, about)) {
    const Turn turn{this, alarm.id, 0};
    const AssessmentChange change = raised_again(alarm);
    Consequence follows{turn, assess::Assess::view_of(world_, about), change, alarm.id};
    decide(follows, 0);
  }
}

void Judgement::on_decision(void* context, const DecisionMade& decision) {
  const auto& follows = *static_cast<const Consequence*>(context);
  Judgement& self = *follows.turn.self;
  EventHeader& event =
      self.step_.derive(EventKind::decision, EventClass::high, follows.cause, decision);
  std::array<std::uint16_t, limits::kRunActions> run;
  const std::span<const std::uint16_t> actions = self.actions_of(decision, run);
  if (decision.action != kNoAction && actions.empty()) {
    self.step_.batch.resolve(event, Exit::retraction, Reason::switched_off);
    return;
  }
  self.step_.batch.resolve(event, Exit::success, Reason::applied);
  const std::uint64_t cause = event.sequence;
  for (const std::uint16_t action : actions) {
    DecisionMade one = decision;
    one.action = action;
    self.order(self.intent_of(one, follows.change, follows.view), cause,
               follows.turn.newest_arrival_ns);
  }
}

}  // namespace vedette::engine
