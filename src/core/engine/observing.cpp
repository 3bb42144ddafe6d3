#include "core/engine/observing.hpp"

namespace vedette::engine {

bool Observing::takes(EventHeader& event) {
  if (event.source >= state_.sources.size()) {
    return true;
  }
  const Sources::Limits& source = state_.sources.limits(event.source);
  switch (state_.load.admit(event, source.horizon_ns, source.sample, step_.now_ns())) {
    case Load::Verdict::work:
      return true;
    case Load::Verdict::sampled_out:
      step_.batch.resolve(event, Exit::retraction, Reason::sampled_out);
      return false;
    case Load::Verdict::shed:
      step_.batch.resolve(event, Exit::abandonment, Reason::shed);
      return false;
  }
  return true;
}

void Observing::take(EventHeader& event) {
  const auto* o = reinterpret_cast<const Observation*>(payload_of(&event));
  // A contact's name may depend on the tracks near it, so the order of work matters.
  if (event.payload_bytes < sizeof(Observation) || o->kind == IdentityKind::contact ||
      state_.contacts.size() != 0) {
    finish();
    observe(event);
    step_.batch.settle();
    return;
  }
  // Own ship's sources are compared with each other in order, but with no other track.
  if (perceive::OwnPosition::concerns(state_.site.rules, *o)) {
    observe(event);
    return;
  }
  together_[together_count_++] = step_.batch.place_of(event);
  if (together_count_ == together_.size()) {
    finish();
    step_.batch.settle();
  }
}

void Observing::finish() {
  if (together_count_ == 0) {
    return;
  }
  std::array<perceive::Sighting, perceive::kTogether> sightings;
  std::array<perceive::Perceived, perceive::kTogether> made;
  std::size_t count = 0;
  for (std::size_t i = 0; i < together_count_; ++i) {
    EventHeader& event = step_.batch.event_at(together_[i]);
    if (state_.sources.deadline_ns(event) <= step_.now_ns()) {
      step_.batch.resolve(event, Exit::abandonment, Reason::horizon);
      continue;
    }
    together_[count] = together_[i];
    sightings[count++] = {&event, reinterpret_cast<const Observation*>(payload_of(&event))};
  }
  together_count_ = 0;
  perceive::perceive(state_.site.rules, state_.tracks, state_.second_places,
                     std::span(sightings).first(count), made);
  for (std::size_t i = 0; i < count; ++i) {
    perceived(step_.batch.event_at(together_[i]), *sightings[i].observation, made[i]);
  }
}

void Observing::observe(EventHeader& event) {
  if (state_.sources.deadline_ns(event) <= step_.now_ns()) {
    step_.batch.resolve(event, Exit::abandonment, Reason::horizon);
    return;
  }
  // Reads in place, but copies a shorter one from an older record.
  Observation copy;
  const auto* in_place = reinterpret_cast<const Observation*>(payload_of(&event));
  if (event.payload_bytes < sizeof(Observation)) {
    copy = payload_as<Observation>(event);
    in_place = &copy;
  }
  const Observation& observation = *in_place;
  if (observation.kind == IdentityKind::contact) {
    const auto taken = state_.contacts.take(event, observation, state_.tracks, state_.own());
    step_.batch.resolve(event, taken.exit, taken.reason);
    return;
  }
  const TrackingRules& rules = state_.site.rules;
  perceived(
      event, observation,
      perceive::OwnPosition::concerns(rules, observation)
          ? state_.own_position.take(rules, state_.tracks, state_.second_places, event, observation)
          : perceive::perceive(rules, state_.tracks, state_.second_places, event, observation));
}

void Observing::perceived(EventHeader& event, const Observation& observation,
                          const perceive::Perceived& p) {
  step_.batch.resolve(event, p.exit, p.reason);
  if (p.track == TrackTable::kNone) {
    const bool refused = p.reason == Reason::belief_full || p.reason == Reason::kind_full;
    state_.crowds.counts().tracks_refused += refused ? 1 : 0;
    step_.newcomers_refused = step_.newcomers_refused || refused;
    return;
  }
  Track& track = state_.tracks[p.track];
  if (p.change_count != 0 || track.updates <= 1) {
    state_.eviction.note(p.track, track);
  }
  if (state_.contacts.has_sensors() && p.exit == Exit::success &&
      observation.has(Field::position) && track.kind != IdentityKind::own) {
    state_.contacts.identify(track, state_.tracks);
  }
  if (track.updates == 1 && p.exit == Exit::success && observation.has(Field::position)) {
    set_doubt(track, Doubt::sudden, sudden(track, event));
  }
  std::uint32_t changes = 0;
  for (std::size_t i = 0; i < p.change_count; ++i) {
    changes |= 1U << static_cast<unsigned>(p.changes[i]);
  }
  state_.agenda.touch(p.track, event, changes);
}

// Whether a first position lies so near own ship that its source, which has listened long enough,
// should have heard it approach.
bool Observing::sudden(const Track& track, const EventHeader& event) const {
  const Track* own_ship = state_.own();
  if (own_ship == nullptr || own_ship == &track || own_ship->updates == 0 ||
      track.kind == IdentityKind::contact || event.source >= state_.sources.size()) {
    return false;
  }
  const Site& site = state_.site;
  const bool listened =
      seconds_between(state_.sources[event.source].since_ns, event.received_ns) >=
          site.sudden_after_s &&
      seconds_between(own_ship->created_ns, event.observed_ns) >= site.sudden_after_s;
  return listened && chord_squared(*own_ship, track) <= site.sudden_within_m * site.sudden_within_m;
}

}  // namespace vedette::engine
