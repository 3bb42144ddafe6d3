// Purpose: the operations of compiled expressions and the fields that they load by kind of subject:
// one set of tables for the compiler, the plan's loader, the evaluator and the reference page.
// Values are doubles; booleans are 0 and 1; NaN is "unknown" and is not true.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/units.hpp"

namespace vedette {

enum class OpCode : std::uint16_t {
  push = 0,    // value
  load_track,  // a field of the kind given by kFieldsOfKinds
  load_own,
  load_source,
  inside_track,  // index = zone
  inside_own,    // index = zone
  cpa,           // m, subject and own ship, or the two of a pair; so the next three
  tcpa,          // s
  distance,      // m
  bearing,       // degrees true from own ship to the subject; of a pair from b to a
  level,         // of the assessment that changed (decisions)
  confidence,    // of the assessment that changed (decisions)
  add,
  subtract,
  multiply,
  divide,
  negate,
  absolute,
  minimum,
  maximum,
  less,
  less_equal,
  greater,
  greater_equal,
  equal,
  not_equal,
  logical_and,
  logical_or,
  logical_not,
  select,         // condition, then, else
  skip_if_false,  // skips the next `count` operations when the top is false; keeps the top
  skip_if_true,
  compare_track,  // compares field `index` of the subject with `value` by the operation in `count`
  is_unknown,     // 1 for an unknown value, 0 for any other
  text_equal,     // text field `index` and the plan's text in `count`: see kTextMask
  text_matches,   // likewise with a pattern
  count_in_zone,  // of tracks; index = the plan's count
  time_of_day,    // s since midnight of the site's time zone
  weekday,        // 1 to 7
  now,            // Unix s; messages only
  load_sink,
  load_node,
  load_b,  // the second track of a pair; its first is the track
  inside_b,
  count
};

struct OpInfo {
  std::uint8_t pops;  // each pushes one value, except skips, which leave the stack unchanged
  std::uint8_t cost;  // in units of one simple operation; inside_* adds the zone's points
};

constexpr bool is_comparison(OpCode code) {
  return code >= OpCode::less && code <= OpCode::not_equal;
}
constexpr bool is_of_text(OpCode code) {
  return code == OpCode::text_equal || code == OpCode::text_matches;
}
constexpr bool loads_track_field(OpCode code) {
  return code == OpCode::load_track || code == OpCode::load_own || code == OpCode::load_b;
}
// Of `count` of an operation of texts: the plan's text, and above it whose field it is.
inline constexpr std::uint32_t kTextMask = (1U << 30) - 1;
constexpr std::uint32_t owner_bits(OpCode load) {
  return load == OpCode::load_own ? 1U << 31 : load == OpCode::load_b ? 1U << 30 : 0U;
}
constexpr OpCode owner_in(std::uint32_t count) {
  return count >> 31 != 0          ? OpCode::load_own
         : (count >> 30 & 1U) != 0 ? OpCode::load_b
                                   : OpCode::load_track;
}

constexpr bool is_skip(OpCode code) {
  return code == OpCode::skip_if_false || code == OpCode::skip_if_true;
}

enum class TrackField : std::uint16_t {
  latitude = 0,
  longitude,
  speed,
  course,
  heading,
  altitude,
  vertical_speed,
  confidence,
  age,
  kind,
  identity,
  ship_type,
  nav_status,
  updates,
  sigma,
  water_speed,
  wind_speed,
  wind_angle,
  battery,
  lost,
  identified,
  denied,
  elsewhere,
  gated,
  sensors,
  turning,
  moving,
  acknowledged,
  jump,
  disagree,
  in_doubt,
  sudden,
  name,
  callsign,
  destination,
  length,
  beam,
  draught,
  imo,
  squawk,
  emergency,
  category,
  frozen,
  drift,
  off_place,
  stale,
  weak,
  count
};

struct FieldName {
  std::string_view name;
  Dimension dimension;
  std::uint16_t index;
  std::string_view text;  // for the reference page
  std::uint8_t cost = 0;  // beyond the load, for fields computed on demand
};

inline constexpr std::array kTrackFields{
    FieldName{"latitude", Dimension::angle, 0, "degrees north"},
    FieldName{"longitude", Dimension::angle, 1, "degrees east"},
    FieldName{"speed", Dimension::speed, 2, "over ground", 4},
    FieldName{"course", Dimension::angle, 3, "over ground, true", 15},
    FieldName{"heading", Dimension::angle, 4, "true"},
    FieldName{"altitude", Dimension::length, 5, "above the source's datum"},
    FieldName{"vertical_speed", Dimension::speed, 6, "up positive"},
    FieldName{"confidence", Dimension::ratio, 7, "0 to 1, decays with age", 15},
    FieldName{"age", Dimension::duration, 8, "since the last accepted position"},
    FieldName{"kind", Dimension::kind, 9,
              "vessel, aid, base_station, aircraft, vehicle, contact or own"},
    FieldName{"identity", Dimension::number, 10,
              "MMSI, ICAO address, MAVLink system id, or the node's number of a contact"},
    FieldName{"ship_type", Dimension::ship_type, 11,
              "a name below, or its ITU-R M.1371 number: a tanker is 80 to 89"},
    FieldName{"nav_status", Dimension::nav_status, 12, "a name below, or its ITU-R M.1371 number"},
    FieldName{"updates", Dimension::number, 13, "accepted positions"},
    FieldName{"sigma", Dimension::length, 14, "one standard deviation of the position now", 4},
    FieldName{"water_speed", Dimension::speed, 15, "through the water"},
    FieldName{"wind_speed", Dimension::speed, 16, "in the sender's reference"},
    FieldName{"wind_angle", Dimension::angle, 17, "in the sender's reference"},
    FieldName{"battery", Dimension::ratio, 18, "remaining share"},
    FieldName{"lost", Dimension::boolean, 19, "silent for longer than the tracker's `lost`"},
    FieldName{
        "identified", Dimension::boolean, 20,
        "for a contact: a track with an identity fits it; for other tracks: a sensor sees it"},
    FieldName{
        "denied", Dimension::number, 21,
        "reports in a row from a place where a sensor sees nothing; for a contact: scans of a "
        "sensor that should have seen it and never did"},
    FieldName{"elsewhere", Dimension::number, 22,
              "refused positions that agree with each other: two places use the same identity"},
    FieldName{"gated", Dimension::number, 23,
              "refused positions in a row, because it cannot have reached them"},
    FieldName{"sensors", Dimension::number, 24, "sensors that have seen a contact"},
    FieldName{"turning", Dimension::ratio, 25, "confidence that a contact turns"},
    FieldName{"moving", Dimension::ratio, 26, "confidence that it moves", 15},
    FieldName{"acknowledged", Dimension::boolean, 27,
              "an operator has acknowledged it (`vedette acknowledge`)"},
    FieldName{"jump", Dimension::boolean, 28,
              "it is reported at a place that it cannot have reached: own ship stays at its dead "
              "reckoning, another track keeps its old place as a second one"},
    FieldName{"disagree", Dimension::boolean, 29,
              "sources of own position differ by more than their errors allow"},
    FieldName{"in_doubt", Dimension::boolean, 30,
              "its position is not to be relied on: `jump`, `disagree`, `frozen`, `drift`, "
              "`off_place` or `stale`"},
    FieldName{"sudden", Dimension::boolean, 31,
              "first heard near own ship, although it should have been heard before (`[own] "
              "sudden_within`, `sudden_after`)"},
    FieldName{"name", Dimension::text, 32, "as it says itself"},
    FieldName{"callsign", Dimension::text, 33, "or flight number, as it says itself"},
    FieldName{"destination", Dimension::text, 34, "as it says itself"},
    FieldName{"length", Dimension::length, 35, "over all, as it says itself"},
    FieldName{"beam", Dimension::length, 36, "as it says itself"},
    FieldName{"draught", Dimension::length, 37, "now, as it says itself"},
    FieldName{"imo", Dimension::number, 38, "IMO ship number"},
    FieldName{"squawk", Dimension::number, 39, "transponder code of an aircraft, as in 7700"},
    FieldName{"emergency", Dimension::emergency, 40, "what an aircraft declares: a name below"},
    FieldName{"category", Dimension::category, 41, "what kind of aircraft it is: a name below"},
    FieldName{"frozen", Dimension::boolean, 42,
              "own ship: a receiver repeats one position for `[own] frozen` while own ship moves"},
    FieldName{"drift", Dimension::boolean, 43,
              "own ship: positions lead away from the speed and course reported with them, or from "
              "log and compass, by more than `[own] drift` allows"},
    FieldName{"off_place", Dimension::boolean, 44,
              "own ship: farther from `[own] at` than `within`"},
    FieldName{"stale", Dimension::boolean, 45, "own ship: no position was heard for `[own] stale`"},
    FieldName{"weak", Dimension::boolean, 46,
              "own ship: a receiver has half its usual satellites, or their signal is 6 dB below "
              "its usual one"},
};
static_assert(kTrackFields.size() == static_cast<std::size_t>(TrackField::count));

enum class SourceField : std::uint16_t { age = 0, up, accepted, count };

inline constexpr std::array kSourceFields{
    FieldName{"age", Dimension::duration, 0, "since the last accepted event, or since start"},
    FieldName{"up", Dimension::boolean, 1, "open and not ended"},
    FieldName{"accepted", Dimension::number, 2, "events accepted"},
};
static_assert(kSourceFields.size() == static_cast<std::size_t>(SourceField::count));

enum class SinkField : std::uint16_t { age = 0, failures, open, waiting, count };

inline constexpr std::array kSinkFields{
    FieldName{"age", Dimension::duration, 0, "since its last success, or since the first start"},
    FieldName{"failures", Dimension::number, 1, "failed attempts in a row"},
    FieldName{"open", Dimension::boolean, 2, "its circuit breaker lets nothing through"},
    FieldName{"waiting", Dimension::number, 3, "actions that are under way or wait for it"},
};
static_assert(kSinkFields.size() == static_cast<std::size_t>(SinkField::count));

enum class NodeField : std::uint16_t {
  mode = 0,
  journal,
  disk_slow,
  disk_filling,
  image,
  mirror,
  clock,
  network,
  own_in_doubt,
  held,
  count
};

inline constexpr std::array kNodeFields{
    FieldName{"mode", Dimension::number, 0, "0 normal, 1 degraded, 2 overload, 3 safe"},
    FieldName{"journal", Dimension::duration, 1,
              "since the disk takes no writes; this and the others are 0 s while all is well"},
    FieldName{"disk_slow", Dimension::duration, 2,
              "since the disk takes events later than actions wait for it"},
    FieldName{"disk_filling", Dimension::duration, 3, "since the disk lasts for less than a day"},
    FieldName{"image", Dimension::duration, 4, "since the belief image cannot be written"},
    FieldName{"mirror", Dimension::duration, 5, "since the mirror differs or does not keep up"},
    FieldName{"clock", Dimension::duration, 6, "since the clock is not trusted"},
    FieldName{"network", Dimension::duration, 7, "since there is no network"},
    FieldName{"own_in_doubt", Dimension::duration, 8, "since own position is in doubt"},
    FieldName{"held", Dimension::duration, 9, "since an operator holds the node"},
};
static_assert(kNodeFields.size() == static_cast<std::size_t>(NodeField::count));

// Kinds of things whose fields conditions can use. A new kind adds an operation at the end of
// OpCode, a row here, and its room's FieldReader to what the engine passes to assess.
struct FieldsOfKind {
  std::string_view name;  // as conditions write it
  std::span<const FieldName> fields;
  OpCode load;      // index = the field's
  bool everywhere;  // in every condition, not only where it is the subject
};
inline constexpr std::array kFieldsOfKinds{
    FieldsOfKind{"track", kTrackFields, OpCode::load_track, false},
    FieldsOfKind{"own", kTrackFields, OpCode::load_own, true},
    FieldsOfKind{"source", kSourceFields, OpCode::load_source, false},
    FieldsOfKind{"sink", kSinkFields, OpCode::load_sink, false},
    FieldsOfKind{"node", kNodeFields, OpCode::load_node, false},
    FieldsOfKind{"b", kTrackFields, OpCode::load_b, false},
};
inline constexpr std::size_t kSubjectKinds = kFieldsOfKinds.size();

// The SubjectKind (index of kFieldsOfKinds) whose field the operation loads; kSubjectKinds if it
// loads none.
constexpr std::size_t kind_loaded_by(OpCode code) {
  constexpr auto kKinds = [] {
    std::array<std::uint8_t, static_cast<std::size_t>(OpCode::count)> kinds{};
    kinds.fill(kSubjectKinds);
    for (std::size_t kind = 0; kind < kSubjectKinds; ++kind) {
      kinds[static_cast<std::size_t>(kFieldsOfKinds[kind].load)] = static_cast<std::uint8_t>(kind);
    }
    return kinds;
  }();
  return kKinds[static_cast<std::size_t>(code)];
}

constexpr OpInfo info_of(OpCode code) {
  if (kind_loaded_by(code) != kSubjectKinds) {
    return {0, 1};
  }
  switch (code) {
    case OpCode::push:
    case OpCode::level:
    case OpCode::confidence:
      return {0, 1};
    case OpCode::compare_track:
      return {0, 2};
    case OpCode::inside_track:
    case OpCode::inside_own:
    case OpCode::inside_b:
      return {0, 4};
    case OpCode::cpa:
    case OpCode::tcpa:
      return {0, 200};
    case OpCode::distance:
      return {0, 8};
    case OpCode::bearing:
      return {0, 60};
    case OpCode::count_in_zone:
    case OpCode::now:
      return {0, 1};
    case OpCode::time_of_day:
    case OpCode::weekday:
      return {0, 15};
    case OpCode::text_equal:
      return {0, 10};
    case OpCode::text_matches:
      return {0, 60};
    case OpCode::is_unknown:
    case OpCode::negate:
    case OpCode::absolute:
    case OpCode::logical_not:
    case OpCode::skip_if_false:
    case OpCode::skip_if_true:
      return {1, 1};
    case OpCode::select:
      return {3, 1};
    default:
      return {2, 1};
  }
}

}  // namespace vedette
