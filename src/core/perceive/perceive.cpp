#include "core/perceive/perceive.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "base/geo.hpp"
#include "core/perceive/filter.hpp"
#include "core/perceive/four_tracks.hpp"
#include "core/perceive/track_place.hpp"

namespace vedette::perceive {
namespace {

const double kUnknown = canonical(std::numeric_limits<double>::quiet_NaN());

void start_track(Track& t, const EventHeader& event, IdentityKind kind) {
  t.first_event = event.sequence;
  t.created_ns = event.observed_ns;
  t.state = TrackState::tentative;
  t.kind = kind;
  t.nav_status = 15;
  t.altitude = t.vertical_speed = t.heading = t.turning = kUnknown;
  t.water_speed = t.wind_speed = t.wind_angle = t.battery = kUnknown;
}

// Starts or restarts the filter at a measured position with unknown velocity.
void start_filter(Track& t, const Tracker& k, double latitude, double longitude, double sigma,
                  std::int64_t ns) {
  t.latitude = latitude;
  t.longitude = wrap_180(longitude);
  t.velocity_east = t.velocity_north = 0.0;
  t.variance_position = sigma * sigma;
  t.covariance = 0.0;
  t.variance_velocity = k.max_speed * k.max_speed / 9.0;  // max_speed is three deviations
  t.filter_ns = ns;
  t.last_nis = 0.0;
  t.gated_in_row = 0;
}

using Way = near::Way<double>;

Way way_between(const Track& t, Place to) {
  const Offset offset = offset_between({t.latitude, t.longitude}, to, t.parallel);
  return {offset.east, offset.north};
}

void go(Track& t, Way& way) {
  const Place place = moved({t.latitude, t.longitude}, way.east, way.north, t.parallel);
  t.latitude = place.latitude;
  t.longitude = place.longitude;
  way = {0.0, 0.0};
}

Filter<double> filter_of(const Track& t) {
  return {t.velocity_east, t.velocity_north, t.variance_position, t.covariance,
          t.variance_velocity};
}
void keep(Track& t, const Filter<double>& f) {
  t.velocity_east = f.velocity_east;
  t.velocity_north = f.velocity_north;
  t.variance_position = f.variance_position;
  t.covariance = f.covariance;
  t.variance_velocity = f.variance_velocity;
}

void predict(Track& t, const Tracker& k, std::int64_t to_ns, Way& way) {
  const double dt = seconds_between(t.filter_ns, to_ns);
  if (dt <= 0.0) {
    return;
  }
  Filter<double> f = filter_of(t);
  predict(f, k.acceleration, dt, way);
  keep(t, f);
  t.filter_ns = to_ns;
}

enum class Fit { accepted, gated, agreed };

// Distance that a thing of this kind can have gone, plus both positions' errors.
double reach_of(const Track& t, const Tracker& k, double sigma, std::int64_t ns) {
  const double since_position = seconds_between(t.observed_ns, ns);
  return k.max_speed * (since_position > 0.0 ? since_position : 0.0) +
         k.gate_sigma * det_sqrt(t.variance_position + sigma * sigma);
}

Fit take_position(Track& t, const Tracker& k, const Place& measured, double sigma, std::int64_t ns,
                  Way& way) {
  const double dt = seconds_between(t.filter_ns, ns);
  const double variance = predicted_variance(t, k, dt) + sigma * sigma;
  const double reach = reach_of(t, k, sigma, ns);
  const Way to_measured = way_between(t, measured);
  if (square_of(to_measured) > reach * reach) {
    ++t.gated;
    const double since_candidate = seconds_between(t.candidate_ns, ns);
    const Offset from =
        offset_between({t.candidate_latitude, t.candidate_longitude}, measured, t.parallel);
    const double from_candidate = det_sqrt(square_of(Way{from.east, from.north}));
    const bool same_place =
        t.elsewhere > 0 && since_candidate >= 0.0 && since_candidate < kElsewhereS &&
        from_candidate <= k.max_speed * since_candidate + k.gate_sigma * 1.5 * sigma;
    t.elsewhere = same_place ? t.elsewhere + 1 : 1;
    const bool agrees = t.gated_in_row > 0 && same_place;
    t.gated_in_row = agrees ? t.gated_in_row + 1 : 1;
    t.candidate_latitude = measured.latitude;
    t.candidate_longitude = measured.longitude;
    t.candidate_ns = ns;
    return t.gated_in_row < kReacquireAfter ? Fit::gated : Fit::agreed;
  }
  predict(t, k, ns, way);
  Way innovation{to_measured.east - way.east, to_measured.north - way.north};
  if (square_of(way) > kPlaneM * kPlaneM || square_of(to_measured) > kPlaneM * kPlaneM) {
    go(t, way);
    innovation = way_between(t, measured);
  }
  const double squared = square_of(innovation);
  if (squared > 2.0 * k.gate_sigma * k.gate_sigma * variance && dt > 0.0) {
    // A manoeuvre: possible, but not at the believed velocity. Forget the velocity, keep the
    // position.
    t.variance_velocity += squared / (dt * dt);
    t.variance_position += squared;
    t.covariance = 0.0;
  }
  Filter<double> f = filter_of(t);
  t.last_nis = take_position(f, innovation, sigma, way);
  keep(t, f);
  return Fit::accepted;
}

void take_attributes(Track& t, const EventHeader& event, const Observation& o) {
  if (o.has(Field::altitude)) {
    t.altitude = o.altitude_mm * 1e-3;
  }
  constexpr std::uint32_t kOthers = bits_of(
      {Field::vertical_speed, Field::heading, Field::water_speed, Field::wind, Field::battery,
       Field::nav_status, Field::ship_type, Field::name, Field::callsign, Field::particulars});
  if ((o.fields & kOthers) == 0) {
    return;
  }
  if (o.has(Field::vertical_speed)) {
    t.vertical_speed = o.vertical_speed_mm_s * 1e-3;
  }
  if (o.has(Field::heading)) {
    t.heading = o.heading_e6 * 1e-6;
  }
  if (o.has(Field::water_speed)) {
    t.water_speed = o.water_speed_mm_s * 1e-3;
  }
  if (o.has(Field::wind)) {
    t.wind_speed = o.wind_speed_mm_s * 1e-3;
    t.wind_angle = o.wind_angle_e6 * 1e-6;
  }
  if (o.has(Field::battery)) {
    t.battery = o.battery_e3 * 1e-3;
  }
  if (o.has(Field::nav_status)) {
    t.nav_status = o.nav_status;
  }
  if (o.has(Field::ship_type)) {
    t.ship_type = o.ship_type;
    t.identity_event = event.sequence;
  }
  if (o.has(Field::name)) {
    std::memcpy(t.name, o.name, sizeof t.name);
    t.identity_event = event.sequence;
  }
  if (o.has(Field::callsign)) {
    std::memcpy(t.callsign, o.callsign, sizeof t.callsign);
    t.identity_event = event.sequence;
  }
  if (o.has(Field::particulars)) {
    t.particulars.update(o.particulars);
    t.identity_event = event.sequence;
  }
}

double speed_in(const Observation& o) {
  return o.speed_mm_s * 1e-3;
}
double course_in(const Observation& o) {
  return o.course_e6 * 1e-6 * kDegree;
}
bool has_velocity(const Observation& o, const Tracker& k) {
  // Ignore an impossible speed; the position is judged separately.
  return o.has(Field::speed) && o.has(Field::course) && !(speed_in(o) > k.max_speed);
}

void take_velocity(Track& t, const Tracker& k, const Observation& o, std::int64_t ns, Way& way) {
  if (!has_velocity(o, k) || t.updates == 0 || ns < t.filter_ns) {
    return;
  }
  predict(t, k, ns, way);
  Filter<double> f = filter_of(t);
  take_velocity(f, speed_in(o), course_in(o), way);
  keep(t, f);
}

void note(Perceived& p, TrackChangeKind change) {
  p.changes[p.change_count++] = change;
}

bool says_anything(const Observation& o) {
  return o.kind != IdentityKind::none && o.kind < IdentityKind::count && o.fields != 0;
}

double sigma_of(const Observation& o, const Tracker& k) {
  return o.has(Field::position_sigma) && o.position_sigma_mm > 0 ? o.position_sigma_mm * 1e-3
                                                                 : k.position_sigma;
}

Place place_in(const Observation& o) {
  return {o.latitude_e7 * 1e-7, o.longitude_e7 * 1e-7};
}

// For an impossible position. Consistent ones move the track there once, and its former place
// becomes the second. If the former place is heard again, the track returns there and stays while
// it is heard.
Fit take_elsewhere(SecondPlaces& places, Track& t, std::uint32_t index, const Tracker& k,
                   const Observation& o, const EventHeader& event, Fit fit, Perceived& result) {
  const Place measured = place_in(o);
  const double sigma = sigma_of(o, k);
  const std::int64_t ns = event.observed_ns;
  SecondPlace* second = places.find(t, index);
  if (second == nullptr) {
    if (fit != Fit::agreed || places.add(t, index, ns) == nullptr) {
      return Fit::gated;
    }
    start_filter(t, k, measured.latitude, measured.longitude, sigma, ns);
    note(result, TrackChangeKind::reacquired);
    return Fit::accepted;
  }
  Track& there = second->track;
  const double reach = reach_of(there, k, sigma, ns);
  if (ns < there.filter_ns || square_of(way_between(there, measured)) > reach * reach) {
    return Fit::gated;
  }
  Way way{0.0, 0.0};
  take_position(there, k, measured, sigma, ns, way);
  if (second->contested == 0) {
    second->contested = 1;
    go(there, way);
    SecondPlaces::swap(t, *second);
    t.gated_in_row = 0;
    note(result, TrackChangeKind::returned);
    return Fit::accepted;
  }
  take_velocity(there, k, o, ns, way);
  go(there, way);
  refresh_place(there);
  there.observed_ns = ns;
  there.previous_event = there.position_event;
  there.position_event = event.sequence;
  return Fit::gated;
}

// Counts a position that the filter has taken.
void count_position(Track& t, const Tracker& k, const EventHeader& event, Perceived& result) {
  ++t.updates;
  t.observed_ns = event.observed_ns;
  t.previous_event = t.position_event;
  t.position_event = event.sequence;
  if (t.state != TrackState::confirmed && t.updates >= k.confirm_updates) {
    t.state = TrackState::confirmed;
    note(result, TrackChangeKind::confirmed);
  }
}
void end_jumps(Track& t, std::int64_t ns) {
  t.gated_in_row = 0;
  if (seconds_between(t.candidate_ns, ns) > kElsewhereS) {
    t.elsewhere = 0;
  }
}

void take_rest(Track& t, const EventHeader& event, const Observation& o) {
  take_attributes(t, event, o);
  t.heard_ns = std::max(t.heard_ns, event.observed_ns);
  if (event.source < 32) {
    t.source_mask |= 1U << event.source;
  }
}

}  // namespace

Perceived perceive(const TrackingRules& config, TrackTable& tracks, SecondPlaces& places,
                   const EventHeader& event, const Observation& o) {
  Perceived result;
  if (!says_anything(o)) {
    result.reason = Reason::no_position;
    return result;
  }
  const std::uint64_t key = track_key(o.kind, o.identity);
  const IdentityKind kind = kind_of(key);
  const Tracker& k = config.trackers[static_cast<std::size_t>(kind)];
  result.track = tracks.find(key);
  if (result.track == TrackTable::kNone) {
    result.reason = config.room.refuses(kind, o.has(Field::position), tracks);
    if (result.reason != Reason::none) {
      return result;
    }
    result.track = tracks.acquire(key);
    start_track(tracks[result.track], event, kind);
    note(result, TrackChangeKind::created);
  }
  Track& t = tracks[result.track];
  const std::int64_t ns = event.observed_ns;
  Way way{0.0, 0.0};
  result.exit = Exit::success;
  result.reason = Reason::applied;
  if (o.has(Field::position)) {
    const Place measured = place_in(o);
    const double sigma = sigma_of(o, k);
    Fit fit = Fit::accepted;
    if (t.updates == 0) {
      start_filter(t, k, measured.latitude, measured.longitude, sigma, ns);
    } else if (ns < t.filter_ns) {
      const bool recent = sub_ns(t.filter_ns, ns) <= kSkewNs;
      result.exit = recent ? Exit::retraction : Exit::abandonment;
      result.reason = recent ? Reason::superseded : Reason::clock_went_back;
      return result;
    } else {
      fit = take_position(t, k, measured, sigma, ns, way);
      if (fit == Fit::accepted) {
        end_jumps(t, ns);
      } else {
        fit = take_elsewhere(places, t, result.track, k, o, event, fit, result);
      }
    }
    if (fit == Fit::gated) {
      result.exit = Exit::abandonment;
      result.reason = Reason::gated;
      return result;
    }
    count_position(t, k, event, result);
  }
  take_velocity(t, k, o, ns, way);
  if (way.east != 0.0 || way.north != 0.0) {
    go(t, way);
  }
  if (t.updates != 0 && (o.has(Field::position) || o.has(Field::speed))) {
    refresh_place(t);
  }
  take_rest(t, event, o);
  return result;
}

void perceive(const TrackingRules& config, TrackTable& tracks, SecondPlaces& places,
              std::span<const Sighting> sightings, std::span<Perceived> out) {
  CHECK(sightings.size() <= kTogether && out.size() >= sightings.size(), "so many at once");
  if (sightings.size() == 1) {  // the usual case under light load
    out[0] = perceive(config, tracks, places, *sightings[0].event, *sightings[0].observation);
    return;
  }
  std::array<Fix, kTogether> fixes;
  std::array<std::uint32_t, kTogether> found;
  unsigned ordinary = 0;
  for (std::size_t i = 0; i < sightings.size(); ++i) {
    const Observation& o = *sightings[i].observation;
    const std::uint64_t key = track_key(o.kind, o.identity);
    found[i] = says_anything(o) ? tracks.find(key) : TrackTable::kNone;
    // A track's second observation waits for the result of its first.
    bool again = false;
    for (std::size_t earlier = 0; earlier < i; ++earlier) {
      again |= found[earlier] == found[i];
    }
    if (found[i] == TrackTable::kNone || again || !o.has(Field::position)) {
      continue;
    }
    Track& t = tracks[found[i]];
    const std::int64_t ns = sightings[i].event->observed_ns;
    if (t.updates == 0 || ns < t.filter_ns) {
      continue;
    }
    const Tracker& k = config.trackers[static_cast<std::size_t>(kind_of(key))];
    fixes[i] = {&t,          &k,          place_in(o), sigma_of(o, k), ns, has_velocity(o, k),
                speed_in(o), course_in(o)};
    ordinary |= 1U << i;
  }
  const bool several = (ordinary & (ordinary - 1)) != 0;
  ordinary = several ? take_ordinary(fixes, ordinary) : 0;
  for (std::size_t i = 0; i < sightings.size(); ++i) {
    const EventHeader& event = *sightings[i].event;
    const Observation& o = *sightings[i].observation;
    if ((ordinary >> i & 1) == 0) {
      out[i] = perceive(config, tracks, places, event, o);
      continue;
    }
    out[i] = {found[i], Exit::success, Reason::applied, {}, 0};
    Track& t = *fixes[i].track;
    end_jumps(t, event.observed_ns);
    count_position(t, *fixes[i].tracker, event, out[i]);
    take_rest(t, event, o);
  }
}

bool age_track(const TrackingRules& config, Track& t, std::int64_t now_ns,
               TrackChangeKind& change) {
  const Tracker& k = config.trackers[static_cast<std::size_t>(t.kind)];
  const double heard = seconds_between(t.heard_ns, now_ns);
  const double age = t.updates > 0 ? seconds_between(t.observed_ns, now_ns) : heard;
  if (heard > k.retire_s && age > k.retire_s) {
    change = TrackChangeKind::retired;
    return true;
  }
  if (t.updates == 0) {
    return false;
  }
  if (age > k.lost_s) {
    change = TrackChangeKind::lost;
    const bool changed = t.state != TrackState::lost;
    t.state = TrackState::lost;
    return changed;
  }
  if (age > k.coast_s && t.state == TrackState::confirmed) {
    change = TrackChangeKind::coasting;
    t.state = TrackState::coasting;
    return true;
  }
  return false;
}

}  // namespace vedette::perceive
