#include "perceive/perceive.hpp"

#include <cstring>
#include <limits>

#include "base/geo.hpp"
#include "perceive/track_place.hpp"

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

// The filter starts (again) at a measured place with nothing known of the velocity.
void start_filter(Track& t, const Tracker& k, double latitude, double longitude, double sigma,
                  std::int64_t ns) {
  t.latitude = latitude;
  t.longitude = wrap_180(longitude);
  t.velocity_east = t.velocity_north = 0.0;
  t.variance_position = sigma * sigma;
  t.covariance = 0.0;
  t.variance_velocity = k.max_speed * k.max_speed / 9.0;  // the fastest is three deviations away
  t.filter_ns = ns;
  t.last_nis = 0.0;
  t.gated_in_row = 0;
}

double square_of(const Offset& o) {
  return o.east * o.east + o.north * o.north;
}

// Ways up to this long may be added and subtracted in the plane: that is right to centimetres.
constexpr double kPlaneM = 1000.0;

void go(Track& t, Offset& way) {
  const Place place = moved({t.latitude, t.longitude}, way.east, way.north, t.parallel);
  t.latitude = place.latitude;
  t.longitude = place.longitude;
  way = {0.0, 0.0};
}

// What an observation moves its track by is gathered in `way`, so that the place is worked out
// once.
void filter_predict(Track& t, const Tracker& k, std::int64_t to_ns, Offset& way) {
  const double dt = seconds_between(t.filter_ns, to_ns);
  if (dt <= 0.0) {
    return;
  }
  way.east += t.velocity_east * dt;
  way.north += t.velocity_north * dt;
  const double q = k.acceleration * k.acceleration;
  t.variance_position = predicted_variance(t, k, dt);
  t.covariance += dt * (t.variance_velocity + q * dt / 2.0);
  t.variance_velocity += q * dt;
  t.filter_ns = to_ns;
}

// Takes a measured position that lies `innovation` from the predicted one; returns the normalised
// innovation squared (2 degrees of freedom).
double filter_position(Track& t, const Offset& innovation, double sigma, Offset& way) {
  const double s = 1.0 / (t.variance_position + sigma * sigma);
  const double gain_position = t.variance_position * s;
  const double gain_velocity = t.covariance * s;
  way.east += gain_position * innovation.east;
  way.north += gain_position * innovation.north;
  t.velocity_east += gain_velocity * innovation.east;
  t.velocity_north += gain_velocity * innovation.north;
  const double remaining = 1.0 - gain_position;
  t.variance_velocity -= gain_velocity * t.covariance;
  t.variance_position *= remaining;
  t.covariance *= remaining;
  return square_of(innovation) * s;
}

void filter_velocity(Track& t, double east, double north, double sigma, Offset& way) {
  const double s = 1.0 / (t.variance_velocity + sigma * sigma);
  const double gain_position = t.covariance * s;
  const double gain_velocity = t.variance_velocity * s;
  const double de = east - t.velocity_east;
  const double dn = north - t.velocity_north;
  way.east += gain_position * de;
  way.north += gain_position * dn;
  t.velocity_east += gain_velocity * de;
  t.velocity_north += gain_velocity * dn;
  const double remaining = 1.0 - gain_velocity;
  t.variance_position -= gain_position * t.covariance;
  t.variance_velocity *= remaining;
  t.covariance *= remaining;
}

enum class Fit { accepted, gated, reacquired };

Fit take_position(Track& t, const Tracker& k, double latitude, double longitude, double sigma,
                  std::int64_t ns, Offset& way) {
  const double dt = seconds_between(t.filter_ns, ns);
  const double variance = predicted_variance(t, k, dt) + sigma * sigma;
  // What a thing of this kind can have done since, plus what both positions may be wrong by.
  const double since_position = seconds_between(t.observed_ns, ns);
  const double reach = k.max_speed * (since_position > 0.0 ? since_position : 0.0) +
                       k.gate_sigma * det_sqrt(t.variance_position + sigma * sigma);
  const Place measured{latitude, longitude};
  const Offset to_measured = offset_between({t.latitude, t.longitude}, measured, t.parallel);
  if (square_of(to_measured) > reach * reach) {
    ++t.gated;
    const double since_candidate = seconds_between(t.candidate_ns, ns);
    const double from_candidate = det_sqrt(square_of(
        offset_between({t.candidate_latitude, t.candidate_longitude}, measured, t.parallel)));
    const bool same_place =
        t.elsewhere > 0 && since_candidate >= 0.0 && since_candidate < kElsewhereS &&
        from_candidate <= k.max_speed * since_candidate + k.gate_sigma * 1.5 * sigma;
    t.elsewhere = same_place ? t.elsewhere + 1 : 1;
    const bool agrees = t.gated_in_row > 0 && same_place;
    t.gated_in_row = agrees ? t.gated_in_row + 1 : 1;
    t.candidate_latitude = latitude;
    t.candidate_longitude = longitude;
    t.candidate_ns = ns;
    if (t.gated_in_row < kReacquireAfter) {
      return Fit::gated;
    }
    start_filter(t, k, latitude, longitude, sigma, ns);
    return Fit::reacquired;
  }
  filter_predict(t, k, ns, way);
  Offset innovation{to_measured.east - way.east, to_measured.north - way.north};
  if (square_of(way) > kPlaneM * kPlaneM || square_of(to_measured) > kPlaneM * kPlaneM) {
    go(t, way);
    innovation = offset_between({t.latitude, t.longitude}, measured, t.parallel);
  }
  const double squared = square_of(innovation);
  if (squared > 2.0 * k.gate_sigma * k.gate_sigma * variance && dt > 0.0) {
    // Possible, but not as it was moving: a manoeuvre. The velocity is forgotten, the place is not.
    t.variance_velocity += squared / (dt * dt);
    t.variance_position += squared;
    t.covariance = 0.0;
  }
  t.last_nis = filter_position(t, innovation, sigma, way);
  t.gated_in_row = 0;
  if (seconds_between(t.candidate_ns, ns) > kElsewhereS) {
    t.elsewhere = 0;
  }
  return Fit::accepted;
}

void take_attributes(Track& t, const EventHeader& event, const Observation& o) {
  if (o.has(Field::altitude)) {
    t.altitude = o.altitude_mm * 1e-3;
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
}

void take_velocity(Track& t, const Tracker& k, const Observation& o, std::int64_t ns, Offset& way) {
  if (!o.has(Field::speed) || !o.has(Field::course) || t.updates == 0 || ns < t.filter_ns) {
    return;
  }
  const double speed = o.speed_mm_s * 1e-3;
  if (speed > k.max_speed) {
    return;  // as impossible as a jump; the position has been judged by itself
  }
  filter_predict(t, k, ns, way);
  const SinCos course = det_sincos(o.course_e6 * 1e-6 * kDegree);
  // Speed is sent in steps of 0.05 m/s and course in tenths of a degree; receivers smooth both.
  filter_velocity(t, speed * course.sin, speed * course.cos, 0.3 + 0.02 * speed, way);
}

void note(Perceived& p, TrackChangeKind change) {
  p.changes[p.change_count++] = change;
}

}  // namespace

Perceived perceive(const Config& config, TrackTable& tracks, const EventHeader& event,
                   const Observation& o) {
  Perceived result;
  IdentityKind kind = o.kind;
  std::uint64_t identity = o.identity;
  for (std::size_t i = 0; i < config.own_count && kind == IdentityKind::vessel; ++i) {
    if (config.own_mmsi[i] == identity) {
      kind = IdentityKind::own;  // the own transponder is own ship heard by another way
      identity = 0;
    }
  }
  if (kind == IdentityKind::none || kind >= IdentityKind::count || o.fields == 0) {
    result.reason = Reason::no_position;
    return result;
  }
  const Tracker& k = config.trackers[static_cast<std::size_t>(kind)];
  const std::uint64_t key = track_key(kind, identity);
  result.track = tracks.find(key);
  if (result.track == TrackTable::kNone) {
    result.track = tracks.acquire(key);
    if (result.track == TrackTable::kNone) {
      result.reason = Reason::belief_full;
      return result;
    }
    start_track(tracks[result.track], event, kind);
    note(result, TrackChangeKind::created);
  }
  Track& t = tracks[result.track];
  const std::int64_t ns = event.observed_ns;
  Offset way{};
  result.exit = Exit::success;
  result.reason = Reason::applied;
  if (o.has(Field::position)) {
    const double latitude = o.latitude_e7 * 1e-7;
    const double longitude = o.longitude_e7 * 1e-7;
    const double sigma = o.has(Field::position_sigma) && o.position_sigma_mm > 0
                             ? o.position_sigma_mm * 1e-3
                             : k.position_sigma;
    Fit fit = Fit::accepted;
    if (t.updates == 0) {
      start_filter(t, k, latitude, longitude, sigma, ns);
    } else if (ns < t.filter_ns) {
      const bool recent = t.filter_ns - ns <= kSkewNs;
      result.exit = recent ? Exit::retraction : Exit::abandonment;
      result.reason = recent ? Reason::superseded : Reason::clock_went_back;
      return result;
    } else {
      fit = take_position(t, k, latitude, longitude, sigma, ns, way);
    }
    if (fit == Fit::gated) {
      result.exit = Exit::abandonment;
      result.reason = Reason::gated;
      return result;
    }
    if (fit == Fit::reacquired) {
      note(result, TrackChangeKind::reacquired);
    }
    ++t.updates;
    t.observed_ns = ns;
    t.previous_event = t.position_event;
    t.position_event = event.sequence;
    if (t.state != TrackState::confirmed && t.updates >= k.confirm_updates) {
      t.state = TrackState::confirmed;
      note(result, TrackChangeKind::confirmed);
    }
  }
  take_velocity(t, k, o, ns, way);
  if (way.east != 0.0 || way.north != 0.0) {
    go(t, way);
  }
  if (t.updates != 0 && (o.has(Field::position) || o.has(Field::speed))) {
    refresh_place(t);
  }
  take_attributes(t, event, o);
  t.heard_ns = ns > t.heard_ns ? ns : t.heard_ns;
  if (event.source < 32) {
    t.source_mask |= 1U << event.source;
  }
  return result;
}

bool age_track(const Config& config, Track& t, std::int64_t now_ns, TrackChangeKind& change) {
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
