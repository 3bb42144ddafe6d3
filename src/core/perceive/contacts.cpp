#include "core/perceive/contacts.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/math.hpp"

namespace vedette::perceive {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kDay = 86400 * kSecond;
// Synchronised sensor clocks differ by less.
constexpr std::int64_t kAheadNs = 5 * kSecond;

constexpr double kStraightS = 100.0;
constexpr double kTurningS = 10.0;
constexpr double kHarder = 4.0;      // a turning target's extra change of speed
constexpr double kTurnPrior = 0.05;  // rad/s
constexpr double kTurnNoise = 0.03;  // rad/s per root second

std::int64_t to_ns(double seconds) {
  return to_int64(seconds * 1e9);
}

Vector3 vector(const double (&v)[3]) {
  return {v[0], v[1], v[2]};
}

// The sensor's time of day, on the day nearest to receipt.
std::int64_t observed_ns(const EventHeader& event, const Observation& o, const Sensor& sensor) {
  if (!o.has(Field::time_of_day)) {
    return event.received_ns - to_ns(sensor.delay_s);
  }
  const std::int64_t since_midnight = (event.received_ns % kDay + kDay) % kDay;
  const std::int64_t told = std::int64_t{o.time_of_day} * kSecond / 128;
  std::int64_t away = told - since_midnight;
  away = away > kDay / 2 ? away - kDay : away < -kDay / 2 ? away + kDay : away;
  return event.received_ns + away - to_ns(sensor.delay_s);
}

}  // namespace

std::string_view name_of(TrackerBound bound) {
  constexpr std::array<std::string_view, kTrackerBounds> kNames = {
      "contacts", "datagram-contacts", "datagram-pairs", "crowd-contacts", "changes", "evicted"};
  return kNames[static_cast<std::size_t>(bound)];
}

WorstDatagram worst_datagram(std::size_t contacts) {
  const std::uint64_t looked_at = std::min(contacts, kGroupContacts);
  const std::uint64_t rows = std::min<std::uint64_t>(looked_at, kAssignContacts);
  return {
      kGroupPlots,
      // Search of the index and the candidates, merging of plots, misses.
      kGroupPlots * contacts + kGroupPlots * looked_at + kGroupPlots * kGroupPlots / 2 + contacts,
      kGroupPairs, rows * rows * (kGroupPlots + rows),
      // One update per contact, and its later looks again.
      looked_at * kPast};
}

std::size_t Contacts::bytes_needed(const plan::Plan& plan) {
  const std::size_t contacts = plan.limits()->contacts();
  const std::size_t sensors = plan.sensors()->size();
  if (sensors == 0) {
    return 0;
  }
  return arena_bytes<Contact>(contacts) + arena_bytes<Spot>(contacts) +
         arena_bytes<std::int64_t>(sensors * contacts) +
         arena_bytes<std::uint64_t>((contacts + 63) / 64) + arena_bytes<Look>(contacts * kPast) +
         arena_bytes<std::uint32_t>(std::bit_ceil(2 * contacts)) +
         arena_bytes<SensorState>(sensors) + arena_bytes<Plot>(sensors * kGroupPlots) +
         arena_bytes<Due>(2 * contacts) + arena_bytes<std::uint32_t>(kGroupContacts) +
         arena_bytes<Candidate>(kGroupContacts) + arena_bytes<std::uint16_t>(contacts) +
         arena_bytes<Pair>(kGroupPairs) + arena_bytes<double>(kGroupPlots) +
         7 * arena_bytes<std::uint16_t>(kGroupContacts + kGroupPlots) +
         arena_bytes<std::uint16_t>(kAssignContacts) +
         arena_bytes<double>(kAssignContacts * kAssignPlots) +
         arena_bytes<double>(kJointContacts * kJointPlots) + arena_bytes<AssignmentSpace>(1);
}

void Contacts::init(Arena& arena, const Site& site) {
  const std::span<const Sensor> sensors = site.sensors;
  const Tracker& tracker = site.rules.of(IdentityKind::contact);
  const std::size_t contacts = site.plan->limits()->contacts();
  sensors_ = sensors;
  if (sensors.empty()) {
    return;
  }
  zones_ = site.zones;
  tracker_ = tracker;
  room_ = site.rules.room;
  noise_.noise = {MotionNoise{tracker.acceleration, kTurnNoise, kTurnPrior},
                  MotionNoise{kHarder * tracker.acceleration, kTurnNoise, kTurnPrior}};
  noise_.straight_s = kStraightS;
  noise_.turning_s = kTurningS;
  double longest_s = 0.0;
  double widest_m = 0.0;
  for (const Sensor& s : sensors) {
    longest_s = std::max(longest_s, s.delete_s);
    widest_m = std::max(widest_m, s.range_sigma + s.azimuth_sigma * s.range_max + s.extent_sigma);
  }
  // A cell is wider than any contact moves while unseen, so that neighbouring cells suffice.
  cell_m_ = tracker.max_speed * longest_s + tracker.gate_sigma * 2.0 * widest_m;
  contacts_ = arena.make<Contact>(contacts);
  spots_ = arena.make<Spot>(contacts);
  seen_ = arena.make<std::int64_t>(sensors.size() * contacts);
  free_ = arena.make<std::uint64_t>((contacts + 63) / 64);
  for (std::size_t i = 0; i < contacts; ++i) {
    free_[i / 64] |= std::uint64_t{1} << i % 64;
  }
  past_ = arena.make<Look>(contacts * kPast);
  cells_ = arena.make<std::uint32_t>(std::bit_ceil(2 * contacts));
  std::fill(cells_.begin(), cells_.end(), kNone);
  states_ = arena.make<SensorState>(sensors.size());
  plots_ = arena.make<Plot>(sensors.size() * kGroupPlots);
  due_ = arena.make<Due>(2 * contacts);
  found_ = arena.make<std::uint32_t>(kGroupContacts);
  candidates_ = arena.make<Candidate>(kGroupContacts);
  candidate_of_ = arena.make<std::uint16_t>(contacts);
  std::fill(candidate_of_.begin(), candidate_of_.end(), kAlone);
  pairs_ = arena.make<Pair>(kGroupPairs);
  claimed_ = arena.make<double>(kGroupPlots);
  root_ = arena.make<std::uint16_t>(kGroupContacts + kGroupPlots);
  first_in_cluster_ = arena.make<std::uint16_t>(kGroupContacts + kGroupPlots);
  next_in_cluster_ = arena.make<std::uint16_t>(kGroupContacts + kGroupPlots);
  first_pair_ = arena.make<std::uint16_t>(kGroupContacts + kGroupPlots);
  cluster_candidates_ = arena.make<std::uint16_t>(kGroupContacts + kGroupPlots);
  cluster_plots_ = arena.make<std::uint16_t>(kGroupContacts + kGroupPlots);
  place_in_cluster_ = arena.make<std::uint16_t>(kGroupContacts + kGroupPlots);
  plot_of_ = arena.make<std::uint16_t>(kAssignContacts);
  gain_ = arena.make<double>(kAssignContacts * kAssignPlots);
  probability_ = arena.make<double>(kJointContacts * kJointPlots);
  space_ = &arena.make<AssignmentSpace>(1)[0];
}

std::size_t Contacts::sensor_of(const EventHeader& event, const Observation& o) const {
  for (std::size_t s = 0; s < sensors_.size(); ++s) {
    if (sensors_[s].source == event.source && sensors_[s].id == o.sensor) {
      return s;
    }
  }
  return sensors_.size();
}

bool Contacts::frame_of(const Sensor& sensor, std::int64_t ns, const Track* own,
                        SensorFrame& frame) const {
  if (!sensor.on_own) {
    frame = frame_at(sensor.place);
    return true;
  }
  if (own == nullptr || own->updates == 0) {
    return false;
  }
  const double dt = seconds_between(own->filter_ns, ns);
  frame = frame_at(moved({own->latitude, own->longitude}, own->velocity_east * dt,
                         own->velocity_north * dt, own->parallel));
  return true;
}

bool Contacts::masked(const Sensor& sensor, const Plot& plot) const {
  for (std::size_t z = 0; z < zones_.size(); ++z) {
    if ((sensor.mask[z / 64] >> (z % 64) & 1) == 0) {
      continue;
    }
    const Vector3 ecef = vector(plot.ecef);
    if (inside(zones_[z], normal_of(plot.place), ecef)) {
      return true;
    }
  }
  return false;
}

Contacts::Taken Contacts::take(const EventHeader& event, const Observation& o, TrackTable& tracks,
                               const Track* own) {
  const std::size_t s = sensor_of(event, o);
  if (s == sensors_.size()) {
    return {Exit::abandonment, Reason::unknown_sensor};
  }
  const Sensor& sensor = sensors_[s];
  SensorState& state = states_[s];
  Group& group = state.group;
  if (group.open != 0 && group.record != event.record) {
    close(s, tracks);  // its last report was lost
  }
  if (!o.is_plot() && !o.has(Field::scan_start)) {
    return {Exit::success, Reason::applied};  // the sensor is alive
  }
  const std::int64_t ns = observed_ns(event, o, sensor);
  if (ns > event.received_ns + kAheadNs) {
    return {Exit::abandonment, Reason::clock_ahead};
  }
  if (ns < sub_ns(counts_.newest_ns, to_ns(sensor.window_s))) {
    return {Exit::abandonment, Reason::too_late};
  }
  if (group.open != 0 && (group.count == kGroupPlots || (group.count != 0 && group.ns != ns))) {
    close(s, tracks);
  }
  if (group.open == 0) {
    SensorFrame frame;
    if (!frame_of(sensor, ns, own, frame)) {
      return {Exit::abandonment, Reason::unplaced};
    }
    group = {event.record,
             event.sequence,
             ns,
             event.arrival_ns,
             event.received_ns,
             0,
             std::min(event.event_class, EventClass::bulk),
             1,
             {},
             frame};
  }
  Taken taken{Exit::success, Reason::applied};
  if (o.is_plot()) {
    Plot plot = placed(group.frame, sensor, o);
    plot.event = event.sequence;
    group.event = event.sequence;
    if (masked(sensor, plot)) {
      taken = {Exit::retraction, Reason::masked};
    } else {
      plots_[s * kGroupPlots + group.count++] = plot;
    }
  } else if (sensor.turns) {
    end_turn(s, ns, tracks, group.frame);
  }
  if (o.has(Field::group_end)) {
    close(s, tracks);
  }
  return taken;
}

void Contacts::tick(std::int64_t now_ns, TrackTable& tracks) {
  for (std::size_t s = 0; s < states_.size(); ++s) {
    if (states_[s].group.open != 0 && states_[s].group.received_ns < now_ns) {
      close(s, tracks);
    }
  }
  for (std::uint32_t i = 0; i < high_water_; ++i) {
    Spot& spot = spots_[i];
    if (spot.alive == 0) {
      continue;
    }
    const Sensor& sensor = sensors_[spot.sensor];
    const double unseen = seconds_between(spot.detected_ns, now_ns);
    if (unseen > sensor.delete_s) {
      end(i, tracks);
    } else if (unseen > sensor.coast_s && spot.confirmed != 0 && spot.coasting == 0) {
      spot.coasting = 1;
      tracks[contacts_[i].track].state = TrackState::coasting;
      notify(i, bit(TrackChangeKind::coasting), EventClass::normal, 0);
    }
  }
}

// After a full revolution, whatever the sensor covers and did not report is a miss.
void Contacts::end_turn(std::size_t s, std::int64_t ns, TrackTable& tracks,
                        const SensorFrame& frame) {
  SensorState& state = states_[s];
  const std::int64_t began = state.turn_ns;
  state.turn_ns = ns;
  if (began == 0) {
    return;
  }
  for (std::uint32_t i = 0; i < high_water_; ++i) {
    const Spot& spot = spots_[i];
    if (seen_ns(i, s) >= began || spot.alive == 0 || spot.ns > ns) {
      continue;
    }
    if (covers(frame, sensors_[s], predicted_ecef(i, ns), 2.0 * spot.sigma)) {
      miss(i, s, ns);
      tracks[contacts_[i].track].denied = denials(i);
      if (contacts_[i].existence < kGone) {
        end(i, tracks);
      }
    }
  }
}

// Merges reports closer than the sensor's resolution; returns how many plots are left.
std::size_t Contacts::merge_close(std::span<Plot> plots, const Group& group,
                                  double resolution) const {
  std::size_t count = 0;
  for (std::size_t i = 0; i < group.count; ++i) {
    std::size_t into = count;
    double nearest = resolution;
    for (std::size_t k = 0; k < count; ++k) {
      const double apart = distance(plots[k].ecef, plots[i].ecef);
      if (apart < nearest) {
        nearest = apart;
        into = k;
      }
    }
    if (into == count) {
      plots[count++] = plots[i];
    } else {
      merge(group.frame, plots[into], plots[i]);
    }
  }
  return count;
}

void Contacts::close(std::size_t s, TrackTable& tracks) {
  const Sensor& sensor = sensors_[s];
  SensorState& state = states_[s];
  Group& group = state.group;
  group.open = 0;
  std::span<Plot> plots = plots_.subspan(s * kGroupPlots, kGroupPlots);
  plots = plots.first(merge_close(plots, group, sensor.resolution));
  // A late report may update contacts but must not begin one.
  const bool late = group.ns < state.newest_ns;
  state.newest_ns = std::max(state.newest_ns, group.ns);
  counts_.newest_ns = std::max(counts_.newest_ns, group.ns);
  if (sensor.turns && state.turn_ns != 0 &&
      seconds_between(state.turn_ns, group.ns) > 1.5 * sensor.update_s) {
    end_turn(s, group.ns, tracks, group.frame);  // the service message did not arrive
  }
  if (sensor.turns && state.turn_ns == 0) {
    state.turn_ns = group.ns;
  }
  find_candidates(group, plots);
  find_pairs(sensor, group, plots);
  associate(plots);
  const auto covered = [&](std::uint32_t i) {
    return covers(group.frame, sensor, predicted_ecef(i, group.ns), 2.0 * spots_[i].sigma);
  };
  for (std::size_t i = 0; i < candidate_count_; ++i) {
    Candidate& candidate = candidates_[i];
    if (candidate.count != 0) {
      apply(candidate, s, group, plots, tracks);
    } else if (!sensor.turns && covered(candidate.contact)) {
      miss(candidate.contact, s, group.ns);
    }
    settle(candidate.contact, group, tracks);
  }
  if (!sensor.turns) {
    for (std::uint32_t i = 0; i < high_water_; ++i) {
      const Contact& c = contacts_[i];
      if (spots_[i].alive != 0 && candidate_of_[i] == kAlone && c.past_count != 0 &&
          look(i, c.past_count - 1U).ns <= group.ns && covered(i)) {
        miss(i, s, group.ns);
        settle(i, group, tracks);
      }
    }
  }
  find_twins(s, group, tracks);
  for (std::size_t p = 0; p < plots.size(); ++p) {
    if (claimed_[p] < 0.5 && !late) {
      begin(plots[p], s, group, tracks);
    }
  }
  for (std::size_t i = 0; i < candidate_count_; ++i) {
    candidate_of_[candidates_[i].contact] = kAlone;
  }
  ++counts_.looks;
  counts_.last_look_ns = group.ns + to_ns(sensor.delay_s);
}

}  // namespace vedette::perceive
