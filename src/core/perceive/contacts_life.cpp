// A contact from its first plot to its end: state, existence, confirmation, loss.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/math.hpp"
#include "core/perceive/contacts.hpp"
#include "core/perceive/track_place.hpp"

namespace vedette::perceive {
namespace {

// Existence, as log-odds. A first report is far likelier clutter; the upper bound lets a few misses
// end a contact.
constexpr double kNewborn = -2.0;
constexpr double kConfirm = 2.94443897916644;      // 0.95
constexpr double kMostCertain = 4.59511985013459;  // 0.99
constexpr double kMostEvidence = 5.0;              // of one report

// Mean time for which a contact stays hidden from a sensor, or visible.
constexpr double kHiddenS = 30.0;

constexpr double kReanchorM = 2000.0;
constexpr double kTwinSpeed = 2.0;   // m/s
constexpr double kTwinSigmas = 2.0;  // or this many of both deviations together
constexpr double kExtents = 5.0;     // reports of one target lie within this many extents
constexpr std::uint32_t kTwinLooks = 3;
constexpr std::size_t kRoomCandidates = 16;

// Reports of this sensor within this distance may be one target.
double one_thing(const Sensor& sensor) {
  return std::max(sensor.resolution, kExtents * sensor.extent_sigma);
}

void take_squawk(const Plot& plot, Track& track) {
  if (plot.squawk_next != 0) {
    track.particulars.squawk_next = plot.squawk_next;
  }
}

}  // namespace

void Contacts::apply(Candidate& candidate, std::size_t s, const Group& group,
                     std::span<const Plot> plots, TrackTable& tracks) {
  const Sensor& sensor = sensors_[s];
  const std::uint32_t index = candidate.contact;
  Contact& c = contacts_[index];
  Spot& spot = spots_[index];
  const std::span<const Share> shares(candidate.shares.data(), candidate.count);
  double evidence =
      candidate.none > 0.0
          ? candidate.none * det_log(1.0 - sensor.detection * visibility(c, s, group.ns))
          : 0.0;
  std::size_t best = 0;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const Fit fit = fit_of(candidate.imm, shares[i].plot, shares[i].at);
    const double ratio = det_log(sensor.detection / sensor.clutter) + fit.log_density;
    evidence += shares[i].probability * std::min(ratio, kMostEvidence);
    best = shares[i].probability > shares[best].probability ? i : best;
    c.nis = i == best ? fit.distance : c.nis;
  }
  c.existence = std::min(c.existence + evidence, kMostCertain);
  update(candidate.imm, shares);
  c.past_next = static_cast<std::uint8_t>((c.past_next + 1U) % kPast);
  c.past_count = static_cast<std::uint8_t>(std::min<std::size_t>(c.past_count + 1U, kPast));
  for (std::size_t i = 0; i < candidate.after; ++i) {
    look(index, i) = look(index, i + 1);
  }
  Look& mine = look(index, candidate.after);
  mine.ns = group.ns;
  mine.after = packed(candidate.imm);
  mine.count = candidate.count;
  std::copy(shares.begin(), shares.end(), mine.shares.begin());
  // Repeats the later looks on top of the late one.
  Imm newest = candidate.imm;
  std::int64_t at_ns = group.ns;
  for (std::size_t i = candidate.after; i-- > 0;) {
    Look& later = look(index, i);
    predict(newest, seconds_between(at_ns, later.ns), noise_);
    update(newest, std::span<const Share>(later.shares.data(), later.count));
    later.after = packed(newest);
    at_ns = later.ns;
  }
  spot.ns = at_ns;
  const double seen = 1.0 - candidate.none;
  if (seen > 0.5) {
    ++c.detections;
    seen_ns(index, s) = std::max(seen_ns(index, s), group.ns);
    c.looked_ns[s] = std::max(c.looked_ns[s], group.ns);
    c.visible[s] = 1.0;
    c.unseen[s] = 0;
    if (group.ns >= spot.detected_ns) {
      spot.detected_ns = group.ns;
      spot.sensor = static_cast<std::uint16_t>(s & 0x1FFF);
      const Plot& plot = plots[candidate.plots[best]];
      c.cause = plot.event;
      take_squawk(plot, tracks[c.track]);
    }
  }
  Digest digest;
  digest.mix(counts_.digest);
  const PackedImm& kept = look(index, 0).after;
  digest.mix(Bytes(reinterpret_cast<const std::uint8_t*>(&kept), sizeof kept));
  counts_.digest = digest.value();
}

// Probability that the sensor can see the contact now: that of its last look, decaying to the
// usual. A hidden target stays hidden for a while, so consecutive misses count less and less.
double Contacts::visibility(const Contact& c, std::size_t s, std::int64_t ns) const {
  const double dt = seconds_between(c.looked_ns[s], ns);
  const double shown = 1.0 - sensors_[s].hidden;
  return c.looked_ns[s] == 0 || dt <= 0.0
             ? c.visible[s]
             : shown + (c.visible[s] - shown) * det_exp(-dt / kHiddenS);
}

void Contacts::miss(std::uint32_t index, std::size_t s, std::int64_t ns) {
  Contact& c = contacts_[index];
  const double visible = visibility(c, s, ns);
  const double unseen = 1.0 - sensors_[s].detection * visible;
  c.existence += det_log(unseen);
  c.visible[s] = visible * (1.0 - sensors_[s].detection) / unseen;
  c.looked_ns[s] = std::max(c.looked_ns[s], ns);
  if (seen_ns(index, s) == 0 && c.unseen[s] < 255) {
    ++c.unseen[s];
  }
}

std::uint32_t Contacts::denials(std::uint32_t index) const {
  const auto& unseen = contacts_[index].unseen;
  return *std::max_element(unseen.begin(), unseen.end());
}

// Updates state and confirmation after a look.
void Contacts::settle(std::uint32_t index, const Group& group, TrackTable& tracks) {
  const Contact& c = contacts_[index];
  Spot& spot = spots_[index];
  if (c.existence < kGone) {
    end(index, tracks);
    return;
  }
  const std::uint16_t candidate = candidate_of_[index];
  const bool updated = candidate != kAlone && candidates_[candidate].count != 0;
  std::uint16_t changes = 0;
  if (spot.confirmed == 0 && c.existence >= kConfirm &&
      c.detections >= sensors_[spot.sensor].confirm) {
    spot.confirmed = 1;
    changes = bit(TrackChangeKind::created) | bit(TrackChangeKind::confirmed);
  }
  if (updated && spot.coasting != 0 && spot.detected_ns == group.ns) {
    spot.coasting = 0;
    changes |= bit(TrackChangeKind::reacquired);
  }
  const double unseen = seconds_between(spot.detected_ns, group.ns);
  if (spot.confirmed != 0 && spot.coasting == 0 && unseen > sensors_[spot.sensor].coast_s) {
    spot.coasting = 1;
    changes |= bit(TrackChangeKind::coasting);
  }
  if (updated) {
    publish(index, tracks);
    place(index);
  }
  Track& t = tracks[c.track];
  t.denied = denials(index);
  t.state = spot.confirmed == 0  ? TrackState::tentative
            : spot.coasting != 0 ? TrackState::coasting
                                 : TrackState::confirmed;
  if (spot.confirmed != 0 && (updated || changes != 0)) {
    notify(index, changes, group.event_class, group.arrival_ns);
  }
}

void Contacts::begin(const Plot& plot, std::size_t s, const Group& group, TrackTable& tracks) {
  // A plot beside a contact seen in this look is the same target, seen twice.
  for (std::size_t i = 0; i < candidate_count_; ++i) {
    const Spot& spot = spots_[candidates_[i].contact];
    if (spot.alive != 0 && spot.confirmed != 0 && candidates_[i].count != 0 &&
        distance(spot.ecef, plot.ecef) < one_thing(sensors_[s])) {
      return;
    }
  }
  const std::uint32_t index = free_place(tracks);
  const std::uint64_t key = track_key(IdentityKind::contact, counts_.next_number + 1);
  if (index == kNone || room_.refuses(IdentityKind::contact, true, tracks) != Reason::none) {
    reached(TrackerBound::contacts);
    return;
  }
  const std::uint32_t track = tracks.acquire(key);
  ++counts_.next_number;
  free_[index / 64] &= ~(std::uint64_t{1} << index % 64);
  high_water_ = std::max(high_water_, index + 1);
  ++alive_;
  Contact& c = contacts_[index];
  c = {};
  Spot& spot = spots_[index];
  spot = {};
  spot.alive = 1;
  spot.ns = spot.detected_ns = group.ns;
  spot.next = spot.previous = spot.cell = kNone;
  spot.sensor = static_cast<std::uint16_t>(s & 0x1FFF);
  c.anchor = plot.place;
  c.parallel = parallel_at(plot.place.latitude);
  c.existence = kNewborn;
  c.key = key;
  c.cause = plot.event;
  c.track = track;
  c.due = c.twin = kNone;
  c.detections = 1;
  for (std::size_t i = 0; i < sensors_.size(); ++i) {
    c.visible[i] = 1.0 - sensors_[i].hidden;
  }
  c.visible[s] = 1.0;
  for (std::size_t i = 0; i < sensors_.size(); ++i) {
    seen_ns(index, i) = 0;
  }
  seen_ns(index, s) = c.looked_ns[s] = group.ns;
  c.past_count = 1;
  c.past_next = 1;
  Look& first = look(index, 0);
  first.ns = group.ns;
  first.after = packed(first_motion(plot));
  first.count = 0;
  begin_track(tracks[track], plot.event, group.ns);
  take_squawk(plot, tracks[track]);
  publish(index, tracks);
  place(index);
}

// The first free slot, made by eviction if necessary; kNone if impossible.
std::uint32_t Contacts::free_place(TrackTable& tracks) {
  const auto first = [&] {
    std::size_t word = 0;
    while (word < free_.size() && free_[word] == 0) {
      ++word;
    }
    return word == free_.size()
               ? kNone
               : static_cast<std::uint32_t>(
                     word * 64 + static_cast<std::size_t>(std::countr_zero(free_[word])));
  };
  const std::uint32_t place = first();
  return place == kNone && make_room(tracks) ? first() : place;
}

// Prior motion after a first plot.
Imm Contacts::first_motion(const Plot& plot) const {
  State state{};
  Plot here = plot;
  here.polar = 0;
  const Innovation n = innovation_of(here, {0.0, 0.0}, state);
  for (std::size_t i = 0; i < 2; ++i) {
    for (std::size_t j = 0; j < 2; ++j) {
      state.p[i][j] = n.r[i][j];
    }
    state.p[i + 2][i + 2] = tracker_.max_speed * tracker_.max_speed / 9.0;
  }
  state.p[4][4] = noise_.noise[0].turn_prior * noise_.noise[0].turn_prior;
  Imm imm;
  const double both = noise_.straight_s + noise_.turning_s;
  imm.model = {state, state};
  imm.weight = {noise_.straight_s / both, noise_.turning_s / both};
  return imm;
}

void Contacts::begin_track(Track& t, std::uint64_t event, std::int64_t ns) {
  t.first_event = event;
  t.created_ns = ns;
  t.state = TrackState::tentative;
  t.kind = IdentityKind::contact;
  t.nav_status = 15;
  const double unknown = canonical(std::numeric_limits<double>::quiet_NaN());
  t.altitude = t.vertical_speed = t.heading = unknown;
  t.water_speed = t.wind_speed = t.wind_angle = t.battery = unknown;
}

// Two contacts with one position and velocity for several looks are one target: keep the likelier.
// They share the gates of their plots, so searching their cluster suffices.
void Contacts::find_twins(std::size_t s, const Group& group, TrackTable& tracks) {
  for (std::size_t i = 0; i < candidate_count_; ++i) {
    const std::uint32_t mine = candidates_[i].contact;
    const Spot& a = spots_[mine];
    const std::uint16_t root = root_[i];
    if (a.alive == 0 || (first_in_cluster_[root] == i && next_in_cluster_[i] == kAlone)) {
      continue;
    }
    Contact& ca = contacts_[mine];
    std::uint32_t twin = kNone;
    for (std::uint16_t k = first_in_cluster_[root]; k < candidate_count_ && twin == kNone;
         k = next_in_cluster_[k]) {
      const std::uint32_t other = candidates_[k].contact;
      const Spot& b = spots_[other];
      const Contact& cb = contacts_[other];
      const bool surer = b.confirmed != a.confirmed ? b.confirmed > a.confirmed
                                                    : cb.detections > ca.detections ||
                                                          (cb.detections == ca.detections && k < i);
      if (k == i || b.alive == 0 || !surer) {
        continue;
      }
      double square = 0.0;
      double distance_squared = 0.0;
      for (std::size_t axis = 0; axis < 3; ++axis) {
        const double speed = ca.ecef_velocity[axis] - cb.ecef_velocity[axis];
        const double apart =
            a.ecef[axis] + ca.ecef_velocity[axis] * seconds_between(a.ns, group.ns) - b.ecef[axis] -
            cb.ecef_velocity[axis] * seconds_between(b.ns, group.ns);
        square += speed * speed;
        distance_squared += apart * apart;
      }
      const double alike = std::max(kTwinSpeed, kTwinSigmas * (ca.sigma_speed + cb.sigma_speed));
      const double reach = one_thing(sensors_[s]);
      if (distance_squared < reach * reach && square < alike * alike) {
        twin = other;
      }
    }
    ca.twin_looks = twin != kNone && twin == ca.twin ? ca.twin_looks + 1 : 1;
    ca.twin = twin;
    if (twin != kNone && ca.twin_looks >= kTwinLooks) {
      end(mine, tracks);
    }
  }
}

// Clock eviction: of the next few tentative contacts the least likely goes, if it is no likelier
// than a new one and this look did not see it.
bool Contacts::make_room(TrackTable& tracks) {
  std::uint32_t worst = kNone;
  for (std::size_t n = 0; n < std::min(kRoomCandidates, contacts_.size()); ++n) {
    const auto i = static_cast<std::uint32_t>(counts_.hand++ % contacts_.size());
    if (spots_[i].alive != 0 && spots_[i].confirmed == 0 && candidate_of_[i] == kAlone &&
        contacts_[i].existence < kNewborn &&
        (worst == kNone || contacts_[i].existence < contacts_[worst].existence)) {
      worst = i;
    }
  }
  if (worst == kNone) {
    return false;
  }
  reached(TrackerBound::evicted);
  end(worst, tracks);
  return true;
}

void Contacts::end(std::uint32_t index, TrackTable& tracks) {
  Contact& c = contacts_[index];
  if (const std::uint64_t name = tracks[c.track].partner; name != 0) {
    if (const std::uint32_t named = tracks.find(name); named != TrackTable::kNone) {
      part(tracks[named], tracks);
    }
  }
  if (spots_[index].confirmed != 0) {
    // Keep the track as lost, with the time of its last report, until its kind's retire time.
    tracks[c.track].state = TrackState::lost;
    notify(index, bit(TrackChangeKind::lost), EventClass::normal, 0);
    if (c.due != kNone) {
      due_[c.due].contact = kNone;
    }
  } else {
    tracks.release(c.track);
  }
  unlink(index);
  spots_[index].alive = 0;
  free_[index / 64] |= std::uint64_t{1} << index % 64;
  --alive_;
}

void Contacts::notify(std::uint32_t index, std::uint16_t changes, EventClass event_class,
                      std::int64_t arrival_ns) {
  Contact& c = contacts_[index];
  if (c.due == kNone) {
    if (due_count_ == due_.size()) {
      reached(TrackerBound::changes);  // the next sweep judges it, without the change
      return;
    }
    const std::size_t at = (due_first_ + due_count_++) % due_.size();
    due_[at] = {c.key, c.cause, arrival_ns, c.track, index, 0, event_class, {}};
    c.due = static_cast<std::uint32_t>(at);
  }
  Due& due = due_[c.due];
  due.changes |= changes;
  due.cause = c.cause;
  due.arrival_ns = arrival_ns;
  due.event_class = std::min(due.event_class, event_class);
}

void Contacts::drop_due() {
  const std::uint32_t contact = due_[due_first_].contact;
  if (contact != kNone) {
    contacts_[contact].due = kNone;
  }
  due_first_ = (due_first_ + 1) % due_.size();
  --due_count_;
}

void Contacts::publish(std::uint32_t index, TrackTable& tracks) {
  Contact& c = contacts_[index];
  Spot& spot = spots_[index];
  const Imm imm = unpacked(look(index, 0).after);
  State s = combined(imm);
  if (s.x[0] * s.x[0] + s.x[1] * s.x[1] > kReanchorM * kReanchorM) {
    const Place to = moved(c.anchor, s.x[0], s.x[1], c.parallel);
    c.anchor = to;
    c.parallel = parallel_at(to.latitude);
    for (std::size_t i = 0; i < c.past_count; ++i) {
      Look& past = look(index, i);
      shift(past.after, s.x[0], s.x[1]);
      for (Share& share : past.shares) {
        share.at = {share.at.east - s.x[0], share.at.north - s.x[1]};
      }
    }
    s.x[0] = s.x[1] = 0.0;
  }
  Track& t = tracks[c.track];
  const Place at = moved(c.anchor, s.x[0], s.x[1], c.parallel);
  t.latitude = at.latitude;
  t.longitude = wrap_180(at.longitude);
  t.velocity_east = s.x[2];
  t.velocity_north = s.x[3];
  t.variance_position = (s.p[0][0] + s.p[1][1]) / 2.0;
  t.covariance = (s.p[0][2] + s.p[1][3]) / 2.0;
  t.variance_velocity = (s.p[2][2] + s.p[3][3]) / 2.0;
  t.previous_event = t.position_event != c.cause ? t.position_event : t.previous_event;
  t.position_event = c.cause;
  t.observed_ns = t.heard_ns = spot.detected_ns;
  t.filter_ns = spot.ns;
  t.updates = c.detections;
  t.last_nis = c.nis;
  t.turning = imm.weight[1];
  const std::uint16_t source = sensors_[spot.sensor].source;
  t.sensor_mask |= 1U << spot.sensor;
  t.source_mask |= source < 32 ? 1U << source : 0U;
  refresh_place(t);
  const double horizontal = det_sqrt(t.normal[0] * t.normal[0] + t.normal[1] * t.normal[1]);
  const Vector3 east{-t.normal[1] / horizontal, t.normal[0] / horizontal, 0.0};
  const Vector3 north{-t.normal[2] * east.y, t.normal[2] * east.x,
                      t.normal[0] * east.y - t.normal[1] * east.x};
  const double e = s.x[2];
  const double n = s.x[3];
  for (std::size_t i = 0; i < 3; ++i) {
    spot.ecef[i] = t.ecef[i];
  }
  c.ecef_velocity[0] = east.x * e + north.x * n;
  c.ecef_velocity[1] = east.y * e + north.y * n;
  c.ecef_velocity[2] = north.z * n;
  spot.sigma = det_sqrt(std::max(s.p[0][0], s.p[1][1]));
  c.sigma_speed = det_sqrt(std::max(s.p[2][2], s.p[3][3]));
}

Vector3 Contacts::predicted_ecef(std::uint32_t index, std::int64_t ns) const {
  const Contact& c = contacts_[index];
  const Spot& spot = spots_[index];
  const double dt = seconds_between(spot.ns, ns);
  return {spot.ecef[0] + c.ecef_velocity[0] * dt, spot.ecef[1] + c.ecef_velocity[1] * dt,
          spot.ecef[2] + c.ecef_velocity[2] * dt};
}

bool Contacts::estimate(const Track& track, std::int64_t ns, Place& out,
                        double (&covariance)[3]) const {
  for (std::uint32_t i = 0; i < high_water_; ++i) {
    const Contact& c = contacts_[i];
    if (spots_[i].alive == 0 || c.key != track.key) {
      continue;
    }
    Imm imm = unpacked(look(i, 0).after);
    predict(imm, seconds_between(spots_[i].ns, ns), noise_);
    const State s = combined(imm);
    out = moved(c.anchor, s.x[0], s.x[1], c.parallel);
    covariance[0] = s.p[0][0];
    covariance[1] = s.p[0][1];
    covariance[2] = s.p[1][1];
    return true;
  }
  return false;
}

}  // namespace vedette::perceive
