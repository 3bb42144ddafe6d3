#include "perceive/contacts.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/math.hpp"
#include "perceive/track_place.hpp"

namespace vedette::perceive {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kDay = 86400 * kSecond;
// Clocks of sensors that are in order differ by less.
constexpr std::int64_t kAheadNs = 5 * kSecond;

// Existence, as log-odds. A first report is far likelier clutter than a thing; certainty ends where
// a few misses can still say that it is gone.
constexpr double kNewborn = -2.0;
constexpr double kConfirm = 2.94443897916644;      // 0.95
constexpr double kGone = -4.59511985013459;        // 0.01
constexpr double kMostCertain = 4.59511985013459;  // 0.99
constexpr double kMostEvidence = 5.0;              // of one report

constexpr double kHiddenS =
    30.0;  // mean time that a contact stays hidden from a sensor, or in view
constexpr double kStraightS = 100.0;
constexpr double kTurningS = 10.0;
constexpr double kHarder = 4.0;      // what turns also speeds up and slows down more
constexpr double kTurnPrior = 0.05;  // rad/s
constexpr double kTurnNoise = 0.03;  // rad/s per root second

constexpr double kReanchorM = 2000.0;
// What a straight line from its newest place may miss a contact's own prediction by: in a turn, or
// on the way back through one.
constexpr double kReachM = 20.0;
constexpr double kLateReachM = 100.0;
constexpr double kTwinSpeed = 2.0;   // m/s
constexpr double kTwinSigmas = 2.0;  // of both velocities together, where they are not well known
constexpr double kExtents = 5.0;     // reports of one target lie no further apart, in extents
constexpr std::uint32_t kTwinLooks = 3;

// What the sensor reports closer together than this may be one target.
double one_thing(const Sensor& sensor) {
  return std::max(sensor.resolution, kExtents * sensor.extent_sigma);
}

std::int64_t to_ns(double seconds) {
  return to_int64(seconds * 1e9);
}

Vector3 vector(const double (&v)[3]) {
  return {v[0], v[1], v[2]};
}

double distance(const double (&a)[3], const double (&b)[3]) {
  const double x = a[0] - b[0];
  const double y = a[1] - b[1];
  const double z = a[2] - b[2];
  return det_sqrt(x * x + y * y + z * z);
}

// The sensor's own time of day, on the day nearest to when the report was received.
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

std::uint16_t find_root(std::span<std::uint16_t> root, std::uint16_t i) {
  while (root[i] != i) {
    root[i] = root[root[i]];
    i = root[i];
  }
  return i;
}

constexpr std::uint16_t bit(TrackChangeKind change) {
  return static_cast<std::uint16_t>(1U << static_cast<unsigned>(change));
}

}  // namespace

WorstDatagram worst_datagram(std::size_t contacts) {
  const std::uint64_t looked_at = std::min(contacts, kGroupContacts);
  const std::uint64_t rows = std::min<std::uint64_t>(looked_at, kAssignContacts);
  return {
      kGroupPlots,
      // Search of the index and of the candidates, plots merged with each other, misses.
      kGroupPlots * contacts + kGroupPlots * looked_at + kGroupPlots * kGroupPlots / 2 + contacts,
      kGroupPairs, rows * rows * (kGroupPlots + rows),
      // Of one contact its own, and again those of its past that are later.
      looked_at * kPast};
}

std::size_t Contacts::bytes_needed(std::size_t contacts, std::size_t sensors) {
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

void Contacts::init(Arena& arena, std::span<const Sensor> sensors, std::span<const Zone> zones,
                    const Tracker& tracker, std::size_t contacts) {
  sensors_ = sensors;
  if (sensors.empty()) {
    return;
  }
  zones_ = zones;
  tracker_ = tracker;
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
  // Wider than anything can have gone while it was not seen, so that neighbouring cells suffice.
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
  if (group.open && group.record != event.record) {
    close(s, tracks);  // its last report was lost on the way
  }
  if (!o.is_plot() && !o.has(Field::scan_start)) {
    return {Exit::success, Reason::applied};  // the sensor lives
  }
  const std::int64_t ns = observed_ns(event, o, sensor);
  if (ns > event.received_ns + kAheadNs) {
    return {Exit::abandonment, Reason::clock_ahead};
  }
  if (ns < counts_.newest_ns - to_ns(sensor.window_s)) {
    return {Exit::abandonment, Reason::too_late};
  }
  if (group.open && (group.count == kGroupPlots || (group.count != 0 && group.ns != ns))) {
    close(s, tracks);
  }
  if (!group.open) {
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
             true,
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

void Contacts::tick(std::int64_t now_ns, TrackTable& tracks, const Track*) {
  for (std::size_t s = 0; s < states_.size(); ++s) {
    if (states_[s].group.open && states_[s].group.received_ns < now_ns) {
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
      end(i, now_ns, tracks);
    } else if (unseen > sensor.coast_s && spot.confirmed != 0 && spot.coasting == 0) {
      spot.coasting = 1;
      tracks[contacts_[i].track].state = TrackState::coasting;
      notify(i, bit(TrackChangeKind::coasting), EventClass::normal, 0);
    }
  }
}

// A turning sensor has passed everything once: what it could see and did not report is a miss.
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
        end(i, ns, tracks);
      }
    }
  }
}

void Contacts::close(std::size_t s, TrackTable& tracks) {
  const Sensor& sensor = sensors_[s];
  SensorState& state = states_[s];
  Group& group = state.group;
  group.open = false;
  std::span<Plot> plots = plots_.subspan(s * kGroupPlots, kGroupPlots);
  // Reports closer than the sensor can tell apart are of one thing.
  std::size_t count = 0;
  for (std::size_t i = 0; i < group.count; ++i) {
    std::size_t into = count;
    double nearest = sensor.resolution;
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
  plots = plots.first(count);
  // What comes late may add to what is known; it is no place to begin.
  const bool late = group.ns < state.newest_ns;
  state.newest_ns = std::max(state.newest_ns, group.ns);
  counts_.newest_ns = std::max(counts_.newest_ns, group.ns);
  if (sensor.turns && state.turn_ns != 0 &&
      seconds_between(state.turn_ns, group.ns) > 1.5 * sensor.update_s) {
    end_turn(s, group.ns, tracks, group.frame);  // its service messages do not come
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
      apply(candidate, s, group, plots);
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

void Contacts::find_candidates(const Group& group, std::span<const Plot> plots) {
  candidate_count_ = 0;
  std::size_t found = 0;
  for (const Plot& plot : plots) {
    const auto cell = [&](double metres) { return to_int64(std::floor(metres / cell_m_)); };
    const std::int64_t x = cell(plot.ecef[0]);
    const std::int64_t y = cell(plot.ecef[1]);
    const std::int64_t z = cell(plot.ecef[2]);
    for (int i = 0; i < 27; ++i) {
      const std::uint32_t bucket = bucket_of(x + i % 3 - 1, y + i / 3 % 3 - 1, z + i / 9 - 1);
      for (std::uint32_t c = cells_[bucket]; c != kNone; c = spots_[c].next) {
        const Spot& contact = spots_[c];
        if (candidate_of_[c] != kAlone || found == kGroupContacts) {
          continue;
        }
        const double dt = std::abs(seconds_between(contact.ns, group.ns));
        const double reach =
            tracker_.max_speed * dt + tracker_.gate_sigma * 2.0 * contact.sigma + cell_m_ * 0.25;
        if (distance(contact.ecef, plot.ecef) <= reach) {
          candidate_of_[c] = 0;
          found_[found++] = c;
        }
      }
    }
  }
  // In the order of the slots: the index's own order depends on its past.
  std::sort(found_.begin(), found_.begin() + static_cast<std::ptrdiff_t>(found));
  for (std::size_t i = 0; i < found; ++i) {
    candidate_of_[found_[i]] = kAlone;
    add_candidate(found_[i], group.ns);
  }
}

void Contacts::add_candidate(std::uint32_t index, std::int64_t ns) {
  const Contact& c = contacts_[index];
  const bool late = ns < spots_[index].ns;
  std::size_t after = 0;
  while (late && after < c.past_count && look(index, after).ns > ns) {
    ++after;
  }
  if (after == c.past_count) {
    return;  // it begins after this report, or its past does not reach back so far
  }
  Candidate& candidate = candidates_[candidate_count_];
  candidate.contact = index;
  candidate.after = static_cast<std::uint16_t>(after);
  candidate.late = late;
  candidate.count = 0;
  candidate.none = 1.0;
  candidate.imm = unpacked(look(index, after).after);
  predict(candidate.imm, seconds_between(late ? look(index, after).ns : spots_[index].ns, ns),
          noise_);
  candidate.state = combined(candidate.imm);
  candidate_of_[index] = static_cast<std::uint16_t>(candidate_count_++);
}

void Contacts::find_pairs(const Sensor& sensor, const Group& group, std::span<const Plot> plots) {
  pair_count_ = 0;
  const double gate = tracker_.gate_sigma * tracker_.gate_sigma;
  const double seen = det_log(sensor.detection / (sensor.clutter * (1.0 - sensor.detection)));
  for (std::size_t p = 0; p < plots.size(); ++p) {  // until associate() says whose they are
    const Plot& plot = plots[p];
    const double squared =
        plot.from_sensor[0] * plot.from_sensor[0] + plot.from_sensor[1] * plot.from_sensor[1];
    claimed_[p] =
        det_sqrt(plot.variance_range + plot.variance_azimuth * squared + 2.0 * plot.variance_place);
  }
  for (std::size_t i = 0; i < candidate_count_; ++i) {
    const Candidate& candidate = candidates_[i];
    const Contact& c = contacts_[candidate.contact];
    // No motion's gate is wider than this.
    double spread = 0.0;
    for (const State& state : candidate.imm.model) {
      const double east = state.x[0] - candidate.state.x[0];
      const double north = state.x[1] - candidate.state.x[1];
      spread = std::max(spread, tracker_.gate_sigma * det_sqrt(state.p[0][0] + state.p[1][1]) +
                                    det_sqrt(east * east + north * north));
    }
    const Vector3 at_group = predicted_ecef(candidate.contact, group.ns);
    const double here[3] = {at_group.x, at_group.y, at_group.z};
    const double late = candidate.late ? kLateReachM : kReachM;
    for (std::size_t p = 0; p < plots.size(); ++p) {
      if (distance(here, plots[p].ecef) > spread + tracker_.gate_sigma * claimed_[p] + late) {
        continue;
      }
      const Offset at = offset_between(c.anchor, plots[p].place, c.parallel);
      const Fit fit = fit_of(candidate.imm, plots[p], at);
      const double gain = seen + fit.log_density;
      if (fit.distance <= gate && gain > 0.0 && pair_count_ < kGroupPairs) {
        pairs_[pair_count_++] = {gain, static_cast<std::uint16_t>(i), static_cast<std::uint16_t>(p),
                                 kAlone};
      }
    }
  }
}

// What gates connect is worked together: candidates come first in the union, then plots.
void Contacts::associate(std::span<const Plot> plots) {
  const std::size_t all = candidate_count_ + plots.size();
  for (std::size_t i = 0; i < all; ++i) {
    root_[i] = static_cast<std::uint16_t>(i);
    first_in_cluster_[i] = kAlone;
    first_pair_[i] = kAlone;
  }
  for (std::size_t p = 0; p < plots.size(); ++p) {
    claimed_[p] = 0.0;
  }
  for (std::size_t i = 0; i < pair_count_; ++i) {
    const std::uint16_t a = find_root(root_, pairs_[i].candidate);
    const std::uint16_t b =
        find_root(root_, static_cast<std::uint16_t>(candidate_count_ + pairs_[i].plot));
    root_[std::max(a, b)] = std::min(a, b);
  }
  for (std::size_t k = all; k-- > 0;) {
    const std::uint16_t root = find_root(root_, static_cast<std::uint16_t>(k));
    next_in_cluster_[k] = first_in_cluster_[root];
    first_in_cluster_[root] = static_cast<std::uint16_t>(k);
  }
  for (std::size_t i = pair_count_; i-- > 0;) {
    const std::uint16_t root = find_root(root_, pairs_[i].candidate);
    pairs_[i].next = first_pair_[root];
    first_pair_[root] = static_cast<std::uint16_t>(i);
  }
  for (std::size_t i = 0; i < candidate_count_; ++i) {
    if (first_pair_[i] == kAlone) {
      continue;
    }
    cluster_candidate_count_ = cluster_plot_count_ = 0;
    for (std::uint16_t k = first_in_cluster_[i]; k != kAlone; k = next_in_cluster_[k]) {
      if (k >= candidate_count_) {
        place_in_cluster_[k] = static_cast<std::uint16_t>(cluster_plot_count_);
        cluster_plots_[cluster_plot_count_++] = static_cast<std::uint16_t>(k - candidate_count_);
      } else if (cluster_candidate_count_ < kAssignContacts) {
        place_in_cluster_[k] = static_cast<std::uint16_t>(cluster_candidate_count_);
        cluster_candidates_[cluster_candidate_count_++] = k;
      } else {
        place_in_cluster_[k] = kAlone;
      }
    }
    share_out(plots, first_pair_[i]);
  }
}

void Contacts::share_out(std::span<const Plot> plots, std::uint16_t first_pair) {
  const std::size_t rows = cluster_candidate_count_;
  const std::size_t columns = cluster_plot_count_;
  const std::span<double> gain = gain_.first(rows * columns);
  std::fill(gain.begin(), gain.end(), kImpossible);
  for (std::uint16_t i = first_pair; i != kAlone; i = pairs_[i].next) {
    const std::uint16_t row = place_in_cluster_[pairs_[i].candidate];
    if (row != kAlone) {
      gain[row * columns + place_in_cluster_[candidate_count_ + pairs_[i].plot]] = pairs_[i].gain;
    }
  }
  if (rows > 1 && rows <= kJointContacts && columns <= kJointPlots) {
    joint_probabilities(gain, rows, columns, probability_);
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t k = 0; k < columns; ++k) {
        const double probability = probability_[r * columns + k];
        if (probability > 0.02) {
          give(candidates_[cluster_candidates_[r]], cluster_plots_[k], plots[cluster_plots_[k]],
               probability);
        }
      }
    }
    return;
  }
  assign(gain, rows, columns, *space_, plot_of_);
  for (std::size_t r = 0; r < rows; ++r) {
    if (plot_of_[r] != kAlone) {
      const std::uint16_t plot = cluster_plots_[plot_of_[r]];
      give(candidates_[cluster_candidates_[r]], plot, plots[plot], 1.0);
    }
  }
}

void Contacts::give(Candidate& candidate, std::uint16_t plot, const Plot& value,
                    double probability) {
  std::size_t at = candidate.count;
  if (at == kShares) {  // the least probable gives way
    at = 0;
    for (std::size_t i = 1; i < kShares; ++i) {
      at = candidate.shares[i].probability < candidate.shares[at].probability ? i : at;
    }
    if (candidate.shares[at].probability >= probability) {
      return;
    }
    candidate.none += candidate.shares[at].probability;
  } else {
    ++candidate.count;
  }
  const Contact& c = contacts_[candidate.contact];
  candidate.shares[at] = {static_cast<const Measured&>(value),
                          offset_between(c.anchor, value.place, c.parallel), probability};
  candidate.plots[at] = plot;
  candidate.none -= probability;
  claimed_[plot] += probability;
}

void Contacts::apply(Candidate& candidate, std::size_t s, const Group& group,
                     std::span<const Plot> plots) {
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
  // What was seen since is worked again on top of it.
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
      c.cause = plots[candidate.plots[best]].event;
    }
  }
  candidate.updated = true;
  Digest digest;
  digest.mix(counts_.digest);
  const PackedImm& kept = look(index, 0).after;
  digest.mix(Bytes(reinterpret_cast<const std::uint8_t*>(&kept), sizeof kept));
  counts_.digest = digest.value();
}

// The chance that the sensor can see the contact now: what it was at its last look, drawn towards
// what is usual by the time since. What hides behind something stays hidden for a while, so misses
// in a row say less and less.
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

// After a look: what it makes of the contact's standing.
void Contacts::settle(std::uint32_t index, const Group& group, TrackTable& tracks) {
  const Contact& c = contacts_[index];
  Spot& spot = spots_[index];
  if (c.existence < kGone) {
    end(index, group.ns, tracks);
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
  // Next to a contact that was seen in this look it is the same thing seen twice.
  for (std::size_t i = 0; i < candidate_count_; ++i) {
    const Spot& spot = spots_[candidates_[i].contact];
    if (spot.alive != 0 && spot.confirmed != 0 && candidates_[i].count != 0 &&
        distance(spot.ecef, plot.ecef) < one_thing(sensors_[s])) {
      return;
    }
  }
  std::size_t word = 0;
  while (word < free_.size() && free_[word] == 0) {
    ++word;
  }
  if (word == free_.size()) {
    ++counts_.not_begun;
    return;
  }
  const auto index = static_cast<std::uint32_t>(
      word * 64 + static_cast<std::size_t>(std::countr_zero(free_[word])));
  const std::uint64_t key = track_key(IdentityKind::contact, counts_.next_number + 1);
  const std::uint32_t track = tracks.acquire(key);
  if (track == TrackTable::kNone) {
    ++counts_.not_begun;
    return;
  }
  ++counts_.next_number;
  free_[word] &= free_[word] - 1;
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
  State state{};
  Plot here = plot;
  here.polar = false;
  const Innovation n = innovation_of(here, {0.0, 0.0}, state);
  for (std::size_t i = 0; i < 2; ++i) {
    for (std::size_t j = 0; j < 2; ++j) {
      state.p[i][j] = n.r[i][j];
    }
    state.p[i + 2][i + 2] = tracker_.max_speed * tracker_.max_speed / 9.0;
  }
  state.p[4][4] = kTurnPrior * kTurnPrior;
  Imm imm;
  imm.model = {state, state};
  imm.weight = {kStraightS / (kStraightS + kTurningS), kTurningS / (kStraightS + kTurningS)};
  c.past_count = 1;
  c.past_next = 1;
  Look& first = look(index, 0);
  first.ns = group.ns;
  first.after = packed(imm);
  first.count = 0;
  Track& t = tracks[track];
  t.first_event = plot.event;
  t.created_ns = group.ns;
  t.state = TrackState::tentative;
  t.kind = IdentityKind::contact;
  t.nav_status = 15;
  const double unknown = canonical(std::numeric_limits<double>::quiet_NaN());
  t.altitude = t.vertical_speed = t.heading = unknown;
  t.water_speed = t.wind_speed = t.wind_angle = t.battery = unknown;
  publish(index, tracks);
  place(index);
}

// Two contacts at one place with one motion for several looks are one thing: the surer stays. Such
// share their plots' gates, so only a cluster is searched.
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
      end(mine, group.ns, tracks);
    }
  }
}

void Contacts::end(std::uint32_t index, std::int64_t, TrackTable& tracks) {
  Contact& c = contacts_[index];
  if (const std::uint64_t name = tracks[c.track].partner; name != 0) {
    if (const std::uint32_t named = tracks.find(name); named != TrackTable::kNone) {
      part(tracks[named], tracks);
    }
  }
  if (spots_[index].confirmed != 0) {
    // Belief keeps it as lost, with the time it was last seen, until its kind is forgotten.
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
      return;  // judged by the next sweep
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

std::uint32_t Contacts::bucket_of(std::int64_t x, std::int64_t y, std::int64_t z) const {
  const auto u = [](std::int64_t v) { return static_cast<std::uint64_t>(v); };
  std::uint64_t h =
      u(x) * 0x9E3779B97F4A7C15ULL ^ u(y) * 0xC2B2AE3D27D4EB4FULL ^ u(z) * 0x165667B19E3779F9ULL;
  h ^= h >> 29;
  return static_cast<std::uint32_t>(h & (cells_.size() - 1));
}

void Contacts::place(std::uint32_t index) {
  Spot& spot = spots_[index];
  const auto cell = [&](double metres) { return to_int64(std::floor(metres / cell_m_)); };
  const std::uint32_t bucket =
      bucket_of(cell(spot.ecef[0]), cell(spot.ecef[1]), cell(spot.ecef[2]));
  if (bucket == spot.cell) {
    return;
  }
  unlink(index);
  spot.cell = bucket;
  spot.previous = kNone;
  spot.next = cells_[bucket];
  if (spot.next != kNone) {
    spots_[spot.next].previous = index;
  }
  cells_[bucket] = index;
}

void Contacts::unlink(std::uint32_t index) {
  Spot& spot = spots_[index];
  if (spot.cell == kNone) {
    return;
  }
  if (spot.next != kNone) {
    spots_[spot.next].previous = spot.previous;
  }
  if (spot.previous != kNone) {
    spots_[spot.previous].next = spot.next;
  } else {
    cells_[spot.cell] = spot.next;
  }
  spot.cell = spot.next = spot.previous = kNone;
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

std::size_t Contacts::frozen_bytes_bound(std::size_t contacts, std::size_t sensors) {
  return sensors == 0 ? 0
                      : 256 +
                            contacts * (sizeof(Contact) + sizeof(Spot) + kPast * sizeof(Look) + 4 +
                                        2 * sizeof(Due) + 8 * sensors) +
                            sensors * (sizeof(SensorState) + kGroupPlots * sizeof(Plot));
}

void Contacts::freeze(Freezer& out) const {
  if (sensors_.empty()) {
    return;
  }
  out.put(counts_);
  out.put(high_water_);
  out.put(static_cast<std::uint32_t>(alive_));
  for (std::uint32_t i = 0; i < high_water_; ++i) {
    if (spots_[i].alive != 0) {
      out.put(i);
      out.put(contacts_[i]);
      out.put(spots_[i]);
      for (std::size_t s = 0; s < sensors_.size(); ++s) {
        out.put(seen_ns(i, s));
      }
      for (std::size_t k = 0; k < kPast; ++k) {
        out.put(past_[std::size_t{i} * kPast + k]);
      }
    }
  }
  out.put(static_cast<std::uint32_t>(due_count_));
  for (std::size_t i = 0; i < due_count_; ++i) {
    out.put(due_[(due_first_ + i) % due_.size()]);
  }
  for (std::size_t s = 0; s < states_.size(); ++s) {
    out.put(states_[s]);
    for (std::size_t p = 0; p < states_[s].group.count && states_[s].group.open; ++p) {
      out.put(plots_[s * kGroupPlots + p]);
    }
  }
}

bool Contacts::thaw(Thawer& in, const TrackTable& tracks) {
  if (sensors_.empty()) {
    return true;
  }
  counts_ = in.get<Counts>();
  high_water_ = in.get<std::uint32_t>();
  const auto alive = in.get<std::uint32_t>();
  if (high_water_ > contacts_.size() || alive > high_water_) {
    return false;
  }
  for (std::uint32_t i = 0; i < spots_.size(); ++i) {
    spots_[i] = {};
    free_[i / 64] |= std::uint64_t{1} << i % 64;
  }
  std::fill(cells_.begin(), cells_.end(), kNone);
  alive_ = 0;
  for (std::uint32_t n = 0; n < alive && in.ok(); ++n) {
    const auto i = in.get<std::uint32_t>();
    const auto c = in.get<Contact>();
    const auto spot = in.get<Spot>();
    if (i >= high_water_ || spots_[i].alive != 0 || spot.sensor >= sensors_.size() ||
        c.past_count == 0 || c.past_count > kPast || c.past_next >= kPast ||
        c.track >= tracks.capacity() || !tracks.in_use(c.track) || spot.alive == 0) {
      return false;
    }
    contacts_[i] = c;
    contacts_[i].due = kNone;
    spots_[i] = spot;
    spots_[i].cell = spots_[i].next = spots_[i].previous = kNone;
    free_[i / 64] &= ~(std::uint64_t{1} << i % 64);
    for (std::size_t s = 0; s < sensors_.size(); ++s) {
      seen_ns(i, s) = in.get<std::int64_t>();
    }
    ++alive_;
    for (std::size_t k = 0; k < kPast; ++k) {
      past_[std::size_t{i} * kPast + k] = in.get<Look>();
      if (past_[std::size_t{i} * kPast + k].count > kShares) {
        return false;
      }
    }
    place(i);
  }
  due_first_ = 0;
  due_count_ = in.get<std::uint32_t>();
  if (due_count_ > due_.size()) {
    return false;
  }
  for (std::size_t i = 0; i < due_count_; ++i) {
    due_[i] = in.get<Due>();
    if (due_[i].contact != kNone) {
      if (due_[i].contact >= high_water_ || spots_[due_[i].contact].alive == 0) {
        return false;
      }
      contacts_[due_[i].contact].due = static_cast<std::uint32_t>(i);
    }
    if (due_[i].event_class > EventClass::bulk) {
      return false;
    }
  }
  for (std::size_t s = 0; s < states_.size(); ++s) {
    states_[s] = in.get<SensorState>();
    if (states_[s].group.count > kGroupPlots || states_[s].group.event_class > EventClass::bulk) {
      return false;
    }
    for (std::size_t p = 0; p < states_[s].group.count && states_[s].group.open; ++p) {
      plots_[s * kGroupPlots + p] = in.get<Plot>();
    }
  }
  return in.ok();
}

}  // namespace vedette::perceive
