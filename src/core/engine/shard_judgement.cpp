// What one batch makes of the tracks it touched: judgements, decisions and action intents. The rest
// of the step is in shard.cpp.
#include <algorithm>
#include <cstring>
#include <limits>

#include "base/math.hpp"
#include "core/engine/shard.hpp"

namespace vedette::engine {

const Track* Shard::own() const {
  const std::uint32_t index = tracks_.find(track_key(IdentityKind::own, 0));
  return index == TrackTable::kNone ? nullptr : &tracks_[index];
}

assess::World Shard::world() const {
  return {batch_.admitted_ns(), own(), config_.trackers, load_.mode()};
}

assess::Assess::Case Shard::case_of(std::uint32_t track) const {
  const Track& t = tracks_[track];
  assess::Assess::Case judged{SubjectKind::track, track, &t, nullptr, false};
  if (doubted(t, Doubt::second)) [[unlikely]] {
    if (const perceive::SecondPlace* place = second_places_.find(t, track); place != nullptr) {
      judged.second = &place->track;
      judged.second_unseen = place->contested == 0;
    }
  }
  return judged;
}

void Shard::judge(const assess::Assess::Case& judged, std::uint64_t cause,
                  std::int64_t arrival_ns) {
  cause_ = cause;
  newest_arrival_ns_ = arrival_ns;
  assess_.judge(world_, {&judged, 1}, {nullptr, on_assessment, nullptr, this});
}

void Shard::judge_source(std::uint16_t s, std::int64_t arrival_ns) {
  judge({SubjectKind::source, s, &sources_[s], nullptr, false}, sources_[s].last_event, arrival_ns);
}

// By urgency and then in the table's order: which event of the batch came first does not matter to
// what is judged.
void Shard::order_touched() {
  released_ = true;
  if (touched_count_ == 1) {  // what comes by itself need not wait for an order
    ready_[static_cast<std::size_t>(touched_[0].event_class)].clear(touched_[0].track);
    return;
  }
  std::size_t count = 0;
  for (ReadyPages& ready : ready_) {
    ready.release(queue_,
                  [&](std::uint32_t track) { ordered_[count++] = touched_[touch_of_[track]]; });
  }
  CHECK(count == touched_count_, "every touched track is ready once");
  std::swap(touched_, ordered_);
}

void Shard::track_changed(std::uint32_t track, TrackChangeKind change, std::uint64_t cause,
                          EvictionReason why) {
  const TrackChange payload{tracks_[track].key, change, why, {}};
  EventHeader* event = batch_.add_derived(EventKind::track, EventClass::normal, cause, payload);
  CHECK(event != nullptr, "derived events within the plan's bound");
  batch_.resolve(*event, Exit::success, Reason::applied);
}

void Shard::judge_touched() {
  for (std::size_t i = 0; i < touched_source_count_; ++i) {
    judge_source(touched_sources_[i], 0);
  }
  if (cut_) {
    return;  // before the first judgement: all stay ready for the next batch
  }
  // Belief is complete before the first judgement.
  order_touched();
  const assess::Assess::Listener listener{before_touched, on_assessment, after_touched, this};
  while (judged_ < touched_count_ && !cut_) {
    std::array<assess::Assess::Case, 16> cases;
    const std::size_t count = std::min(cases.size(), touched_count_ - judged_);
    for (std::size_t i = 0; i < count; ++i) {
      cases[i] = case_of(touched_[judged_ + i].track);
    }
    assess_.judge(world_, std::span(cases).first(count), listener);
  }
}

// False: the batch is cut before the next touched track.
bool Shard::before_touched(void* context, std::size_t) {
  auto& self = *static_cast<Shard*>(context);
  const Touched& t = self.touched_[self.judged_];
  if (self.stop_before(t.event_class)) {
    return false;
  }
  for (const TrackChangeKind change :
       {TrackChangeKind::created, TrackChangeKind::confirmed, TrackChangeKind::reacquired,
        TrackChangeKind::jumped, TrackChangeKind::returned, TrackChangeKind::disagreed,
        TrackChangeKind::agreed}) {
    if ((t.changes >> static_cast<unsigned>(change) & 1) != 0) {
      self.track_changed(t.track, change, t.cause);
    }
  }
  self.cause_ = t.cause;
  self.newest_arrival_ns_ = t.arrival_ns;
  return true;
}

void Shard::after_touched(void* context, std::size_t) {
  auto& self = *static_cast<Shard*>(context);
  const Track& track = self.tracks_[self.touched_[self.judged_].track];
  self.belief_.mix(bytes_of(track).first(kTrackDigestBytes));
  self.batch_.settle();
  ++self.judged_;
  ++self.items_;
}

// Contacts that looks of sensors changed. Those there is no room for in this batch are due in the
// next.
void Shard::judge_contacts() {
  for (std::size_t n = 0; n < limits::kSweepTracks && contacts_.any_due(); ++n, ++items_) {
    const perceive::Contacts::Due due = contacts_.next_due();
    if (stop_before(due.event_class)) {
      return;
    }
    contacts_.drop_due();
    if (!tracks_.in_use(due.track) || tracks_[due.track].key != due.key) {
      continue;
    }
    for (const TrackChangeKind change :
         {TrackChangeKind::created, TrackChangeKind::confirmed, TrackChangeKind::reacquired,
          TrackChangeKind::coasting, TrackChangeKind::lost}) {
      if ((due.changes >> static_cast<unsigned>(change) & 1) != 0) {
        track_changed(due.track, change, due.cause);
      }
    }
    judge(case_of(due.track), due.cause, due.arrival_ns);
    belief_.mix(bytes_of(tracks_[due.track]).first(kTrackDigestBytes));
    batch_.settle();
  }
}

// It goes: what is raised of it is cleared, its name parts from its contact, its place is free.
void Shard::retire(std::uint32_t i, TrackChangeKind change, EvictionReason why,
                   std::uint64_t cause) {
  track_changed(i, change, cause, why);
  cause_ = cause;
  newest_arrival_ns_ = batch_.header().admitted_arrival_ns;
  assess_.retire(world_, {SubjectKind::track, i, &tracks_[i], nullptr, false},
                 {nullptr, on_assessment, nullptr, this});
  if (tracks_[i].kind != IdentityKind::contact && tracks_[i].partner != 0) {
    contacts_.part(tracks_[i], tracks_);
  }
  for (std::size_t t = 0; t < touched_count_; ++t) {
    touched_[t].track = touched_[t].track == i ? TrackTable::kNone : touched_[t].track;
  }
  second_places_.drop(tracks_[i], i);
  eviction_.forget(i);
  tracks_.release(i);
  world_.own = own();
}

void Shard::sweep() {
  // What time's passing brings about counts from this step's own beginning.
  const std::int64_t admitted = batch_.header().admitted_arrival_ns;
  if (sweep_at_ == 0) {
    if (stop_before(EventClass::normal)) {
      return;
    }
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      judge_source(static_cast<std::uint16_t>(s), admitted);
    }
    ++items_;
  }
  std::size_t judged = 0;
  const std::size_t most = limits::sweep_tracks(tracks_.capacity());
  const std::uint32_t end = tracks_.high_water();
  while (true) {
    // Free slots are passed whether or not the batch was cut: a replay learns of a cut only where
    // there is something to stop before.
    while (sweep_at_ < end && !tracks_.in_use(sweep_at_)) {
      ++sweep_at_;
    }
    if (sweep_at_ >= end) {
      sweep_at_ = sweep_again_ ? 0 : kNoSweep;
      sweep_again_ = false;
      return;
    }
    if (judged == most || stop_before(EventClass::normal)) {
      return;
    }
    const std::uint32_t i = sweep_at_++;
    if (sweep_at_ < end) {
      tracks_.prefetch(sweep_at_);
      assess_.prefetch(sweep_at_);
    }
    ++judged;
    ++items_;
    TrackChangeKind change{};
    const std::uint64_t cause = tracks_[i].position_event;
    const bool contact =
        tracks_[i].kind == IdentityKind::contact && tracks_[i].state != TrackState::lost;
    if (contact && tracks_[i].state == TrackState::tentative) {
      continue;  // not yet worth a judgement
    }
    if (doubted(tracks_[i], Doubt::second)) {
      age_second_place(i);
    }
    // A contact that is followed has its times from its sensors.
    const bool changed =
        !contact && perceive::age_track(config_, tracks_[i], batch_.admitted_ns(), change);
    eviction_.note(i, tracks_[i]);
    if (changed && change != TrackChangeKind::retired) {
      track_changed(i, change, cause);
    }
    if (changed && change == TrackChangeKind::retired) {
      retire(i, change, EvictionReason::none, cause);
    } else {
      judge(case_of(i), cause, admitted);
    }
  }
}

void Shard::age_second_place(std::uint32_t i) {
  const Tracker& k = config_.trackers[static_cast<std::size_t>(tracks_[i].kind)];
  if (second_places_.age(tracks_[i], i, k, batch_.admitted_ns()) ==
      perceive::SecondPlaces::Aged::moved) {
    track_changed(i, TrackChangeKind::reacquired, tracks_[i].position_event);
  }
}

// A change of an assessment on its way through the decisions.
struct Shard::Consequence {
  Shard& shard;
  assess::View view;  // with the change's level and confidence
  const AssessmentChange& change;
  std::uint64_t cause;  // its event
};

void Shard::on_assessment(void* context, const assess::View& view, const AssessmentChange& change) {
  auto& self = *static_cast<Shard*>(context);
  AssessmentChange stamped = change;
  stamped.newest_arrival_ns = self.newest_arrival_ns_;
  const EventClass c = change.level == Level::alarm ? EventClass::high : EventClass::normal;
  EventHeader* event = self.batch_.add_derived(EventKind::assessment, c, self.cause_, stamped);
  CHECK(event != nullptr, "derived events within the plan's bound");
  self.batch_.resolve(*event, Exit::success, Reason::applied);
  const std::int64_t admitted = self.batch_.header().admitted_arrival_ns;
  const std::int64_t late =
      self.newest_arrival_ns_ > 0 && admitted > 0 ? admitted - self.newest_arrival_ns_ : 0;
  Consequence follows{self, view, stamped, event->sequence};
  follows.view.level = static_cast<double>(change.level);
  follows.view.confidence = change.confidence;
  self.decide_.consider(
      stamped, late,
      [](void* of, std::span<const plan::Op> ops) {
        const auto& asked = *static_cast<Consequence*>(of);
        return assess::evaluate(ops, asked.shard.assess_.zones(), asked.view);
      },
      on_decision, &follows);
}

void Shard::on_decision(void* context, const DecisionMade& decision) {
  const auto& follows = *static_cast<Consequence*>(context);
  Shard& self = follows.shard;
  EventHeader* event =
      self.batch_.add_derived(EventKind::decision, EventClass::high, follows.cause, decision);
  CHECK(event != nullptr, "derived events within the plan's bound");
  if (self.load_.mode() == Mode::safe && decision.action != kNoAction &&
      !self.plan_->actions()->Get(decision.action)->safe()) {
    self.batch_.resolve(*event, Exit::retraction, Reason::switched_off);
    return;
  }
  self.batch_.resolve(*event, Exit::success, Reason::applied);
  if (decision.action != kNoAction) {
    self.intend(decision, event->sequence, follows.view, follows.change);
  }
}

void Shard::intend(const DecisionMade& decision, std::uint64_t cause, const assess::View& view,
                   const AssessmentChange& change) {
  const plan::Action* action = plan_->actions()->Get(decision.action);
  const double unknown = canonical(std::numeric_limits<double>::quiet_NaN());
  ActionIntent intent{};
  intent.subject = decision.subject;
  intent.node = node_id_;
  intent.epoch = epoch_;
  intent.action = decision.action;
  intent.sink = action->sink();
  intent.assessment = change.assessment;
  intent.decision = decision.decision;
  intent.transition = change.transition;
  intent.level = change.level;
  intent.confidence = change.confidence;
  intent.altitude = intent.speed = intent.course = intent.sigma = intent.cpa = intent.tcpa =
      unknown;
  const Track* subject = decision.subject.kind == SubjectKind::own ? view.own : view.track;
  if (subject != nullptr) {
    const Tracker& k = config_.trackers[static_cast<std::size_t>(subject->kind)];
    intent.kind = subject->kind;
    std::memcpy(intent.name, subject->name[0] != '\0' ? subject->name : subject->callsign,
                subject->name[0] != '\0' ? sizeof intent.name : sizeof subject->callsign);
    if (subject->updates > 0) {
      intent.has_position = 1;
      intent.latitude = subject->latitude;
      intent.longitude = subject->longitude;
      intent.altitude = subject->altitude;
      intent.speed = det_sqrt(subject->velocity_east * subject->velocity_east +
                              subject->velocity_north * subject->velocity_north);
      intent.course =
          wrap_360(det_atan2(subject->velocity_east, subject->velocity_north) / kDegree);
      const double since = seconds_between(subject->filter_ns, view.now_ns);
      intent.sigma = det_sqrt(predicted_variance(*subject, k, since > 0.0 ? since : 0.0));
      if (assess::may_approach_own(view)) {
        const Approach approach = assess::approach_to_own(view);
        intent.cpa = approach.cpa;
        intent.tcpa = approach.tcpa;
      }
    }
  }
  EventHeader* event = batch_.add_derived(
      EventKind::action, static_cast<EventClass>(action->event_class()), cause, intent);
  CHECK(event != nullptr, "derived events within the plan's bound");
  switch (delivery_.start(event->sequence, event->event_class, intent, batch_.admitted_ns(),
                          batch_.admitted_ns())) {
    case deliver::Delivery::Start::dispatched:
      batch_.dispatch(*event);
      if (effects_.act != nullptr) {
        effects_.act(effects_.context, *event, intent, newest_arrival_ns_);
      }
      return;
    case deliver::Delivery::Start::waits:
      return;
    case deliver::Delivery::Start::no_room:
      ++crowding_.orders_refused;
      batch_.resolve(*event, Exit::abandonment, Reason::sink_full);
      return;
    case deliver::Delivery::Start::sink_open:
      batch_.resolve(*event, Exit::abandonment, Reason::sink_open);
      return;
  }
}

// Tracks that a cut left are in the digest of the batch that judges them.
std::uint64_t Shard::digest_of_belief() {
  Digest belief(belief_.value());
  belief.mix(assess_.raised());
  belief.mix(std::uint64_t{delivery_.size()} << 32 | delivery_.sent());
  belief.mix(std::uint64_t{waiting_.size()} << 3 | static_cast<std::uint64_t>(load_.mode()) << 1 |
             (held_ ? 1 : 0));
  belief.mix(std::uint64_t{sweep_at_} << 1 | (sweep_again_ ? 1 : 0));
  belief.mix(contacts_.digest());
  belief.mix(own_position_.digest());
  belief.mix(contacts_.size());
  belief.mix(crowding_.tracks_refused);
  belief.mix(static_cast<std::uint64_t>(next_tick_ns_));
  return belief.value();
}

}  // namespace vedette::engine
