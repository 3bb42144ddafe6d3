#include "core/perceive/own_position.hpp"

#include <algorithm>
#include <cstring>

#include "base/digest.hpp"
#include "base/geo.hpp"
#include "base/plausible.hpp"
#include "core/perceive/filter.hpp"
#include "core/perceive/track_place.hpp"

namespace vedette::perceive {
namespace {

constexpr double kComparedS = 10.0;  // fixes of two voices this close in time are compared
constexpr double kDoubtS = 10.0;     // a doubt lasts this long after its last cause
constexpr double kLateS = 2.0;       // age of a receiver's fix at receipt, at most
constexpr double kRepeatedS = 30.0;  // age of our own report, repeated by a station, at most
constexpr double kMoreSpeed = 5.0;   // m/s, tolerance of own ship's believed speed
constexpr double kDiffersS = 2.0;    // two voices must differ this long to count

double distance_m(Place from, Place to, const Parallel& parallel) {
  const Offset way = offset_between(from, to, parallel);
  return det_sqrt(way.east * way.east + way.north * way.north);
}

double speed_of(const Track& t) {
  return det_sqrt(t.velocity_east * t.velocity_east + t.velocity_north * t.velocity_north);
}

void note(Perceived& p, TrackChangeKind change) {
  p.changes[p.change_count++] = change;
}

// Dead reckoning: predicts without an update, so the variances grow.
void reckon(Track& own, const Tracker& k, std::int64_t ns) {
  const double dt = seconds_between(own.filter_ns, ns);
  if (!(dt > 0.0)) {
    return;
  }
  Filter<double> f{own.velocity_east, own.velocity_north, own.variance_position, own.covariance,
                   own.variance_velocity};
  near::Way<double> way{0.0, 0.0};
  predict(f, k.acceleration, dt, way);
  const Place to = moved({own.latitude, own.longitude}, way.east, way.north, own.parallel);
  own.latitude = to.latitude;
  own.longitude = wrap_180(to.longitude);
  own.variance_position = f.variance_position;
  own.covariance = f.covariance;
  own.variance_velocity = f.variance_velocity;
  own.filter_ns = ns;
  refresh_place(own);
}

const Tracker& tracker_of(const TrackingRules& config) {
  return config.trackers[static_cast<std::size_t>(IdentityKind::own)];
}

}  // namespace

Perceived OwnPosition::take(const TrackingRules& config, TrackTable& tracks, SecondPlaces& places,
                            const EventHeader& event, const Observation& observation) {
  if (observation.kind != IdentityKind::own && observation.own_report == 0) {
    return witness(config, tracks, event, observation);
  }
  Perceived refused;
  if (event.source < 32 && (config.own_sources >> event.source & 1) == 0) {
    refused.exit = Exit::retraction;
    refused.reason = Reason::not_own;
    return refused;
  }
  const std::size_t v = observation.own_report != 0
                            ? kTransponders
                            : std::min<std::size_t>(event.source, limits::kSources - 1);
  const bool fix = observation.has(Field::position);
  if (!fix && v != kTransponders) {
    integrity_.hear(config.own, v, observation, event.observed_ns, 0.0, false);
  }
  // While a receiver's position is refused, its speed and course are not believed either.
  const bool slow = !fix && (voices_[v].refused != 0 || v == kTransponders);
  if (v != kTransponders && !slow) {
    return fix ? take_fix(config, tracks, places, event, observation, v)
               : perceive(config, tracks, places, event, observation);
  }
  Observation o = observation;
  o.kind = IdentityKind::own;
  o.identity = 0;
  o.fields &= ~(slow ? bits_of({Field::speed, Field::course}) : 0U);
  return fix ? take_fix(config, tracks, places, event, o, v)
             : perceive(config, tracks, places, event, o);
}

namespace {

Observation widened(const Observation& o, double sigma_m) {
  Observation wide = o;
  wide.position_sigma_mm = to_uint32(sigma_m * 1e3);
  wide.set(Field::position_sigma);
  return wide;
}

}  // namespace

void OwnPosition::hear(Voice& voice, const Tracker& k, const Observation& o, std::int64_t ns) {
  voice.latitude = o.latitude_e7 * 1e-7;
  voice.longitude = o.longitude_e7 * 1e-7;
  voice.sigma = o.has(Field::position_sigma) && o.position_sigma_mm > 0 ? o.position_sigma_mm * 1e-3
                                                                        : k.position_sigma;
  voice.fix_ns = ns;
}

Perceived OwnPosition::take_fix(const TrackingRules& config, TrackTable& tracks,
                                SecondPlaces& places, const EventHeader& event,
                                const Observation& o, std::size_t v) {
  const std::uint32_t index = tracks.find(track_key(IdentityKind::own, 0));
  const Tracker& k = tracker_of(config);
  const std::int64_t ns = event.observed_ns;
  const bool placed = index != TrackTable::kNone && tracks[index].updates != 0;
  if (placed && ns < tracks[index].filter_ns) {
    return perceive(config, tracks, places, event, o);  // too old to use
  }
  Voice& voice = voices_[v];
  const Voice before = voice;
  hear(voice, k, o, ns);
  const double beyond_m = placed ? beyond_reach(tracks[index], k, voice) : 0.0;
  const bool fit = beyond_m <= config.own.apart_m;
  if (v == kTransponders) {
    integrity_.hear_other(ns);
  } else {
    integrity_.hear(config.own, v, o, ns, voice.sigma, !fit);
  }
  if (!placed) {  // nothing to compare with
    voice.refused = 0;
    voice.differs_from_ns = 0;
    in_doubt_ = 0;
    last_fix_ns_ = ns;
    receiver_ns_ = v == kTransponders ? receiver_ns_ : ns;
    return perceive(config, tracks, places, event, o);
  }
  Track& own = tracks[index];
  last_fix_ns_ = ns;
  voice.refused = fit ? 0 : voice.refused;
  const bool settled = !fit && settles(config, own, v, before, ns);
  compare(config, own, v);
  // A transponder's fix counts only while no receiver is believed.
  const bool second_rank =
      v == kTransponders && receiver_ns_ != 0 && seconds_between(receiver_ns_, ns) <= k.lost_s;
  Perceived result;
  if (settled && !second_rank) {
    const std::uint32_t updates = own.updates;
    own.updates = 0;  // restarts the filter
    for (Voice& other : voices_) {
      other.refused = agree(config, own, other, voice) ? 0 : other.refused;
    }
    last_refused_ns_ = 0;
    result = perceive(config, tracks, places, event, o);
    own.updates += updates;
    own.gated_in_row = 0;
    note(result, TrackChangeKind::reacquired);
  } else if (!fit || (!second_rank && outvoted(config, own, v))) {
    last_refused_ns_ = fit ? last_refused_ns_ : ns;
    result = refuse(config, own, index, ns);
  } else if (second_rank) {
    result.track = index;
    result.exit = Exit::success;
    result.reason = Reason::witness;
  } else if (beyond_m <= 0.0) {
    result = perceive(config, tracks, places, event, o);
  } else {
    // Another antenna: widen its variance by the distance on board.
    const double sigma = voice.sigma + det_sqrt(own.variance_position) +
                         (config.own.apart_m + beyond_m) / k.gate_sigma;
    result = perceive(config, tracks, places, event, widened(o, sigma));
  }
  if (result.exit == Exit::success && v != kTransponders) {
    receiver_ns_ = ns;
  }
  note_doubts(own, ns, result);
  note_age(config, own, ns, result);
  return result;
}

// Whether a refused position is to be believed after all: the voice has reported it long enough,
// consistently, and most other voices agree.
bool OwnPosition::settles(const TrackingRules& config, const Track& own, std::size_t v,
                          const Voice& before, std::int64_t ns) {
  Voice& voice = voices_[v];
  const bool same = before.refused != 0 && follows(tracker_of(config), voice, before, own.parallel);
  voice.refused = same ? before.refused + 1 : 1;
  voice.refused_from_ns = same ? before.refused_from_ns : ns;
  return voice.refused >= kReacquireAfter &&
         seconds_between(voice.refused_from_ns, ns) >= config.own.agree_s &&
         majority_at(config, own, v);
}

Perceived OwnPosition::refuse(const TrackingRules& config, Track& own, std::uint32_t index,
                              std::int64_t ns) {
  ++own.gated;
  ++own.gated_in_row;
  reckon(own, tracker_of(config), ns);
  own.heard_ns = std::max(own.heard_ns, ns);
  Perceived result;
  result.track = index;
  result.exit = Exit::abandonment;
  result.reason = Reason::gated;
  return result;
}

// By how much the fix exceeds the distance that own ship can have gone since its last fix. During a
// doubt refused fixes count as well, so that the reachable distance does not grow with the doubt.
double OwnPosition::beyond_reach(const Track& own, const Tracker& k, const Voice& fix) const {
  const std::int64_t from =
      doubted(own, Doubt::jump) ? std::max(last_fix_ns_, own.observed_ns) : own.observed_ns;
  const double since = std::max(0.0, seconds_between(from, fix.fix_ns));
  const double reach =
      k.max_speed * since + k.gate_sigma * det_sqrt(own.variance_position + fix.sigma * fix.sigma);
  return distance_m({own.latitude, own.longitude}, {fix.latitude, fix.longitude}, own.parallel) -
         reach;
}

// Whether two fixes of one voice are consistent with one moving ship.
bool OwnPosition::follows(const Tracker& k, const Voice& fix, const Voice& before,
                          const Parallel& near) const {
  const double since = seconds_between(before.fix_ns, fix.fix_ns);
  return since >= 0.0 && since <= k.lost_s &&
         distance_m({before.latitude, before.longitude}, {fix.latitude, fix.longitude}, near) <=
             k.max_speed * since + k.gate_sigma * 1.5 * fix.sigma;
}

// Whether two voices are consistent with one ship.
bool OwnPosition::agree(const TrackingRules& config, const Track& own, const Voice& a,
                        const Voice& b) const {
  const double dt = seconds_between(std::min(a.fix_ns, b.fix_ns), std::max(a.fix_ns, b.fix_ns));
  const double most =
      config.own.apart_m + (speed_of(own) + kMoreSpeed) * (dt + kLateS) +
      tracker_of(config).gate_sigma * det_sqrt(a.sigma * a.sigma + b.sigma * b.sigma);
  return distance_m({a.latitude, a.longitude}, {b.latitude, b.longitude}, own.parallel) <= most;
}

bool OwnPosition::majority_at(const TrackingRules& config, const Track& own, std::size_t v) const {
  std::size_t heard = 0;
  std::size_t there = 0;
  for (std::size_t u = 0; u < kVoices; u = next_voice(u)) {
    if (fresh(u, voices_[v].fix_ns, tracker_of(config).lost_s)) {
      ++heard;
      there += agree(config, own, voices_[u], voices_[v]) ? 1 : 0;
    }
  }
  return 2 * there > heard;
}

bool OwnPosition::differs(const Voice& voice) {
  return voice.differs_from_ns != 0 &&
         seconds_between(voice.differs_from_ns, voice.fix_ns) >= kDiffersS;
}

// Whether a contradicting voice takes precedence: more voices agree with it; on a tie, the earlier
// in the site file, with our own transponders last.
bool OwnPosition::outvoted(const TrackingRules& config, const Track& own, std::size_t v) const {
  const std::int64_t ns = voices_[v].fix_ns;
  if (!differs(voices_[v])) {
    return false;
  }
  const auto votes = [&](std::size_t of) {
    std::size_t count = 0;
    for (std::size_t u = 0; u < kVoices; u = next_voice(u)) {
      count += fresh(u, ns, kComparedS) && agree(config, own, voices_[u], voices_[of]) ? 1 : 0;
    }
    return count;
  };
  const std::size_t mine = votes(v);
  for (std::size_t u = 0; u < kVoices; u = next_voice(u)) {
    if (u == v || voices_[u].refused != 0 || !fresh(u, ns, kComparedS) ||
        agree(config, own, voices_[u], voices_[v])) {
      continue;
    }
    const std::size_t theirs = votes(u);
    if (theirs > mine || (theirs == mine && u < v)) {
      return true;
    }
  }
  return false;
}

void OwnPosition::compare(const TrackingRules& config, const Track& own, std::size_t v) {
  Voice& voice = voices_[v];
  bool contradicted = false;
  for (std::size_t u = 0; u < kVoices; u = next_voice(u)) {
    contradicted = contradicted || (u != v && fresh(u, voice.fix_ns, kComparedS) &&
                                    !agree(config, own, voices_[u], voice));
  }
  if (!contradicted) {
    voice.differs_from_ns = 0;
  } else if (voice.differs_from_ns == 0) {
    voice.differs_from_ns = voice.fix_ns;
  }
  if (differs(voice)) {
    last_differed_ns_ = voice.fix_ns;
  }
}

void OwnPosition::note_doubts(Track& own, std::int64_t ns, Perceived& result) {
  const auto recent = [&](std::int64_t then) {
    return then != 0 && seconds_between(then, ns) <= kDoubtS;
  };
  const auto turn = [&](Doubt doubt, bool on, TrackChangeKind begins, TrackChangeKind ends) {
    if (doubted(own, doubt) != on) {
      set_doubt(own, doubt, on);
      note(result, on ? begins : ends);
    }
  };
  const bool moved = result.change_count != 0 &&
                     result.changes[result.change_count - 1] == TrackChangeKind::reacquired;
  turn(Doubt::disagree, recent(last_differed_ns_), TrackChangeKind::disagreed,
       TrackChangeKind::agreed);
  if (moved) {  // "reacquired" reports it already
    set_doubt(own, Doubt::jump, false);
  } else {
    turn(Doubt::jump, recent(last_refused_ns_), TrackChangeKind::jumped, TrackChangeKind::returned);
  }
  in_doubt_ = position_in_doubt(own) ? 1 : 0;
  if (own.elsewhere != 0 && seconds_between(own.candidate_ns, ns) > kElsewhereS) {
    own.elsewhere = 0;
  }
  if (result.exit == Exit::success && result.reason == Reason::applied) {
    own.gated_in_row = 0;
  }
}

bool OwnPosition::age(const TrackingRules& config, Track& own, std::int64_t ns,
                      TrackChangeKind& change) {
  const unsigned now = integrity_.doubts(config.own, ns);
  const unsigned before = own.doubt & OwnIntegrity::kDoubts;
  own.doubt = static_cast<std::uint16_t>((own.doubt & ~OwnIntegrity::kDoubts) | now);
  in_doubt_ = position_in_doubt(own) ? 1 : 0;
  change = now == 0 ? TrackChangeKind::believed : TrackChangeKind::doubted;
  return (now & ~before) != 0 || (now == 0 && before != 0);
}

void OwnPosition::note_age(const TrackingRules& config, Track& own, std::int64_t ns,
                           Perceived& result) {
  if (TrackChangeKind change{}; age(config, own, ns, change)) {
    note(result, change);
  }
}

// Anybody may send our own MMSI, so such reports are only compared, and contradictions counted.
Perceived OwnPosition::witness(const TrackingRules& config, TrackTable& tracks,
                               const EventHeader& event, const Observation& o) {
  Perceived result;
  result.exit = Exit::success;
  result.reason = Reason::witness;
  const std::uint32_t index = tracks.find(track_key(IdentityKind::own, 0));
  if (index == TrackTable::kNone || tracks[index].updates == 0 || !o.has(Field::position)) {
    return result;
  }
  Track& own = tracks[index];
  const Tracker& k = tracker_of(config);
  const Tracker& transponder = config.trackers[static_cast<std::size_t>(IdentityKind::vessel)];
  const double since = seconds_between(own.filter_ns, event.observed_ns);
  if (since < -kRepeatedS) {
    return result;
  }
  const double ahead = std::max(0.0, since);
  const Place reckoned = moved({own.latitude, own.longitude}, own.velocity_east * ahead,
                               own.velocity_north * ahead, own.parallel);
  const double sigma = o.has(Field::position_sigma) && o.position_sigma_mm > 0
                           ? o.position_sigma_mm * 1e-3
                           : transponder.position_sigma;
  const double most = config.own.apart_m + (speed_of(own) + kMoreSpeed) * kRepeatedS +
                      k.gate_sigma * det_sqrt(predicted_variance(own, k, ahead) + sigma * sigma);
  result.track = index;
  if (distance_m(reckoned, {o.latitude_e7 * 1e-7, o.longitude_e7 * 1e-7}, own.parallel) > most) {
    ++own.elsewhere;
    own.candidate_latitude = o.latitude_e7 * 1e-7;
    own.candidate_longitude = o.longitude_e7 * 1e-7;
    own.candidate_ns = event.observed_ns;
    result.exit = Exit::abandonment;
    result.reason = Reason::gated;
  }
  return result;
}

void OwnPosition::freeze(Freezer& out, const TrackTable&) const {
  out.put(voices_);
  out.put(last_fix_ns_);
  out.put(last_refused_ns_);
  out.put(last_differed_ns_);
  out.put(receiver_ns_);
  out.put(in_doubt_);
  out.put(integrity_);
}

bool OwnPosition::thaw(Thawer& in, Thawing& with) {
  const auto voices = in.get<std::array<Voice, kVoices>>();
  voices_ = {};
  voices_[kTransponders] = voices[kTransponders];
  for (std::uint16_t s = 0; s < limits::kSources; ++s) {
    if (const std::uint16_t now = with.carry.source(s); now != Carry::kGone) {
      voices_[now] = voices[s];
    }
  }
  last_fix_ns_ = in.get<std::int64_t>();
  last_refused_ns_ = in.get<std::int64_t>();
  last_differed_ns_ = in.get<std::int64_t>();
  receiver_ns_ = in.get<std::int64_t>();
  in_doubt_ = in.get<std::uint64_t>();
  integrity_ = in.get<OwnIntegrity>();
  integrity_.carry(with.carry);
  for (const Voice& v : voices_) {
    if (!plausible(v.latitude, 90.0) || !plausible(v.longitude, 361.0) || !plausible(v.sigma) ||
        !plausible_ns(v.fix_ns) || !plausible_ns(v.refused_from_ns) ||
        !plausible_ns(v.differs_from_ns)) {
      return false;
    }
  }
  return in.ok() && integrity_.plausible() && plausible_ns(last_fix_ns_) &&
         plausible_ns(last_refused_ns_) && plausible_ns(last_differed_ns_) &&
         plausible_ns(receiver_ns_);
}

// The rest derives from these and the tracks.

}  // namespace vedette::perceive
