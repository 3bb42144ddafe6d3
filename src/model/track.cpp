// The check of bytes read back as a track, and its particulars.
#include <cstring>

#include "base/plausible.hpp"
#include "model/track_table.hpp"

namespace vedette {

void Particulars::update(const Particulars& newer) {
  const auto take = [](auto& value, auto said) { value = said != 0 ? said : value; };
  take(imo, newer.imo);
  take(length_dm, newer.length_dm);
  take(beam_dm, newer.beam_dm);
  take(draught_cm, newer.draught_cm);
  take(squawk_next, newer.squawk_next);
  take(emergency_next, newer.emergency_next);
  take(category, newer.category);
  if (newer.destination[0] != '\0') {
    std::memcpy(destination, newer.destination, sizeof destination);
  }
}

namespace {

constexpr double kEarthM = 1e7;  // from its centre to any point of the surface

bool plausible_angle(const KnownAngle& angle) {
  return plausible(angle.degrees, 361.0) && plausible(angle.sin, 1.001) &&
         plausible(angle.cos, 1.001);
}

}  // namespace

bool plausible(const Track& t) {
  for (const std::int64_t ns :
       {t.created_ns, t.observed_ns, t.filter_ns, t.heard_ns, t.candidate_ns}) {
    if (!plausible_ns(ns)) {
      return false;
    }
  }
  for (const double value : {t.velocity_east, t.velocity_north, t.variance_position, t.covariance,
                             t.variance_velocity, t.last_nis}) {
    if (!plausible(value)) {
      return false;
    }
  }
  for (const double value : {t.altitude, t.vertical_speed, t.heading, t.water_speed, t.wind_speed,
                             t.wind_angle, t.battery, t.turning}) {
    if (!plausible_or_unknown(value)) {
      return false;
    }
  }
  return t.kind > IdentityKind::none && t.kind < IdentityKind::count && t.kind == kind_of(t.key) &&
         t.state > TrackState::empty && t.state <= TrackState::lost &&
         plausible(t.latitude, 90.0) && plausible(t.longitude, 360.0) &&
         plausible(t.candidate_latitude, 360.0) && plausible(t.candidate_longitude, 360.0) &&
         plausible(std::span(t.ecef), kEarthM) && plausible(std::span(t.normal), 1.001) &&
         plausible_angle(t.parallel) && plausible_angle(t.meridian);
}

}  // namespace vedette
