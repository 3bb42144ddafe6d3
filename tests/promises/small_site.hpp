// Purpose: a small site for promise tests: two sources, judgements with and without a hold time,
// actions with and without outcomes.
#pragma once

#include <string>
#include <vector>

#include "load_site.hpp"
#include "model/observation.hpp"

namespace vedette::tests {

inline constexpr std::int64_t kStart = 1'700'000'000'000'000'000;
inline constexpr std::int64_t kSecond = 1'000'000'000;

// `bytes` holds the plan to which the result points; null if it does not compile or load.
inline const plan::Plan* small_site(std::vector<std::uint8_t>& bytes) {
  return load_site(R"(
site = "small"
[limits]
tracks = 32
batch_events = 16
pending_actions = 4
[source.urgent]
driver = "udp"
listen = "127.0.0.1:1"
codec = "ais"
class = "critical"
[source.routine]
driver = "udp"
listen = "127.0.0.1:2"
codec = "ais"
[assess.seen]
of = "track"
when = "track.updates >= 1"
[assess.fast]
of = "track"
when = "track.speed > 2 m/s"
hold = "1 s"
[decide.a]
on = "seen"
run = "tell"
[decide.b]
on = "fast"
trigger = "both"
run = "tell"
[action.tell]
sink = "log"
horizon = "2 s"
[sink.log]
driver = "log"
)",
                   bytes);
}

inline Observation ship(std::uint64_t mmsi, int metres_north) {
  Observation o;
  o.kind = IdentityKind::vessel;
  o.identity = mmsi;
  o.set(Field::position);
  o.latitude_e7 = static_cast<std::int32_t>(590'000'000 + mmsi * 100'000) + metres_north * 90;
  o.longitude_e7 = 240'000'000;
  return o;
}

}  // namespace vedette::tests
