// Purpose: the values of the fields that conditions use (names: model/expression.hpp).
// Fails as: an unknown value is NaN. Runs on: the engine thread.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "model/expression.hpp"
#include "model/track.hpp"
#include "model/tracker.hpp"

namespace vedette {

inline constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
static_assert(std::bit_cast<std::uint64_t>(kUnknown) == 0x7FF8000000000000ULL);

struct FieldContext {
  std::int64_t now_ns = 0;
  std::span<const Tracker> trackers;  // by IdentityKind
};

// Reads one field of an object of the reader's kind. `object` may be null: every field is then
// unknown.
using FieldReader = double (*)(const void* object, std::uint16_t field, const FieldContext& at);
double read_track(const void* track, std::uint16_t field, const FieldContext& at);
// A field of texts; empty when it is unknown.
std::string_view read_text(const Track& track, std::uint16_t field);
double read_source(const void* source_facts, std::uint16_t field, const FieldContext& at);
double read_sink(const void* sink_facts, std::uint16_t field, const FieldContext& at);
double read_node(const void* node_facts, std::uint16_t field, const FieldContext& at);

inline bool placed(const Track* t) {
  return t != nullptr && t->updates > 0;
}
inline Vector3 vector(const double (&v)[3]) {
  return {v[0], v[1], v[2]};
}
// (m/s)^2 over ground.
inline double speed_squared(const Track& t) {
  return t.velocity_east * t.velocity_east + t.velocity_north * t.velocity_north;
}
// m^2, of the position on each axis.
inline double variance_now(const Track& t, const Tracker& k, std::int64_t now_ns) {
  const double since = seconds_between(t.filter_ns, now_ns);
  return predicted_variance(t, k, since > 0.0 ? since : 0.0);
}
// m^2, of the chord between both.
inline double chord_squared(const Track& a, const Track& b) {
  const Vector3 d{a.ecef[0] - b.ecef[0], a.ecef[1] - b.ecef[1], a.ecef[2] - b.ecef[2]};
  return dot(d, d);
}

}  // namespace vedette
