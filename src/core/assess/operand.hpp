// Purpose: what one operation of an expression loads. In a header because a condition is mostly
// answered by its first.
// Runs on: the engine thread.
#pragma once

#include <bit>
#include <cstring>
#include <limits>

#include "base/math.hpp"
#include "core/assess/condition.hpp"

namespace vedette::assess {

inline constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
static_assert(std::bit_cast<std::uint64_t>(kUnknown) == 0x7FF8000000000000ULL);

inline double truth(bool b) {
  return b ? 1.0 : 0.0;
}

inline bool placed(const Track* t) {
  return t != nullptr && t->updates > 0;
}
inline Vector3 vector(const double (&v)[3]) {
  return {v[0], v[1], v[2]};
}

inline double speed_squared(const Track& t) {
  return t.velocity_east * t.velocity_east + t.velocity_north * t.velocity_north;
}
inline double variance_now(const Track& t, const Tracker& k, std::int64_t now_ns) {
  const double since = seconds_between(t.filter_ns, now_ns);
  return predicted_variance(t, k, since > 0.0 ? since : 0.0);
}
inline double chord_squared(const Track& a, const Track& b) {
  const Vector3 d{a.ecef[0] - b.ecef[0], a.ecef[1] - b.ecef[1], a.ecef[2] - b.ecef[2]};
  return dot(d, d);
}

inline double field_of(const Track* t, const Tracker* k, TrackField field, std::int64_t now_ns) {
  if (t == nullptr || k == nullptr) {
    return kUnknown;
  }
  const bool placed = t->updates > 0;
  switch (field) {
    case TrackField::latitude:
      return placed ? t->latitude : kUnknown;
    case TrackField::longitude:
      return placed ? t->longitude : kUnknown;
    case TrackField::speed:
      return placed ? det_sqrt(speed_squared(*t)) : kUnknown;
    case TrackField::course:
      return placed ? wrap_360(det_atan2(t->velocity_east, t->velocity_north) / kDegree) : kUnknown;
    case TrackField::heading:
      return t->heading;
    case TrackField::altitude:
      return t->altitude;
    case TrackField::vertical_speed:
      return t->vertical_speed;
    case TrackField::confidence:
      return confidence_of(*t, *k, now_ns);
    case TrackField::age:
      return placed ? seconds_between(t->observed_ns, now_ns) : kUnknown;
    case TrackField::kind:
      return static_cast<double>(t->kind);
    case TrackField::identity:
      return static_cast<double>(identity_of(t->key));
    case TrackField::ship_type:
      return t->ship_type;
    case TrackField::nav_status:
      return t->nav_status;
    case TrackField::updates:
      return t->updates;
    case TrackField::sigma:
      return placed ? det_sqrt(variance_now(*t, *k, now_ns)) : kUnknown;
    case TrackField::water_speed:
      return t->water_speed;
    case TrackField::wind_speed:
      return t->wind_speed;
    case TrackField::wind_angle:
      return t->wind_angle;
    case TrackField::battery:
      return t->battery;
    case TrackField::lost:
      return placed ? truth(t->state == TrackState::lost) : kUnknown;
    case TrackField::identified:
      return truth(t->partner != 0);
    case TrackField::denied:
      return t->denied;
    case TrackField::elsewhere:
      return t->elsewhere;
    case TrackField::gated:
      return t->gated_in_row;
    case TrackField::sensors:
      return std::popcount(t->sensor_mask);
    case TrackField::turning:
      return t->turning;
    case TrackField::moving:
      return placed ? moving_confidence(*t) : kUnknown;
    case TrackField::acknowledged:
      return truth(t->acknowledged != 0);
    case TrackField::jump:
      return truth(doubted(*t, Doubt::jump) || doubted(*t, Doubt::second));
    case TrackField::disagree:
      return truth(doubted(*t, Doubt::disagree));
    case TrackField::in_doubt:
      return truth(doubted(*t, Doubt::jump) || doubted(*t, Doubt::second) ||
                   doubted(*t, Doubt::disagree));
    case TrackField::sudden:
      return truth(doubted(*t, Doubt::sudden));
    case TrackField::count:
      break;
  }
  return kUnknown;
}

inline double source_field(const SourceFacts* s, SourceField field, std::int64_t now_ns) {
  if (s == nullptr) {
    return kUnknown;
  }
  switch (field) {
    case SourceField::age:
      return seconds_between(s->last_ns, now_ns);
    case SourceField::up:
      return truth(s->status == SourceStatus::up);
    case SourceField::accepted:
      return static_cast<double>(s->accepted);
    case SourceField::count:
      break;
  }
  return kUnknown;
}

inline double inside_zone(const Track* t, const Zone& zone, const Track* own) {
  if (!placed(t)) {
    return kUnknown;
  }
  if (zone.around_own) {
    return placed(own) ? truth(det_sqrt(chord_squared(*own, *t)) <= zone.radius_m) : kUnknown;
  }
  return truth(inside(zone, vector(t->normal), vector(t->ecef)));
}

// What one operation puts on the stack.
inline double load(OpCode code, std::uint16_t index, std::span<const Zone> zones, const View& v) {
  switch (code) {
    case OpCode::load_track:
      return field_of(v.track, v.tracker, static_cast<TrackField>(index), v.now_ns);
    case OpCode::load_own:
      return field_of(v.own, v.own_tracker, static_cast<TrackField>(index), v.now_ns);
    case OpCode::load_source:
      return source_field(v.source, static_cast<SourceField>(index), v.now_ns);
    case OpCode::inside_track:
      return inside_zone(v.track, zones[index], v.own);
    case OpCode::inside_own:
      return inside_zone(v.own, zones[index], v.own);
    case OpCode::cpa:
      return approach_to_own(v).cpa;
    case OpCode::tcpa:
      return approach_to_own(v).tcpa;
    case OpCode::distance:
      return placed(v.track) && placed(v.own) ? det_sqrt(chord_squared(*v.own, *v.track))
                                              : kUnknown;
    case OpCode::bearing:
      return placed(v.track) && placed(v.own)
                 ? bearing_between({v.own->latitude, v.own->longitude},
                                   {v.track->latitude, v.track->longitude})
                 : kUnknown;
    case OpCode::level:
      return v.level;
    case OpCode::confidence:
      return v.confidence;
    default:
      return kUnknown;
  }
}

}  // namespace vedette::assess
