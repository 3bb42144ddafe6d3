// Purpose: the event, which everything in a node is made of: a header of one cache line and a
// bounded payload, laid out in memory as stored in the journal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "base/bytes.hpp"
#include "model/event_kinds.hpp"
#include "model/limits.hpp"

namespace vedette {

enum class EventClass : std::uint8_t { critical = 0, high = 1, normal = 2, bulk = 3 };
inline constexpr std::size_t kEventClasses = 4;

enum class Phase : std::uint8_t { accepted = 0, transient = 1, resolved = 2 };
enum class Exit : std::uint8_t { none = 0, success = 1, retraction = 2, abandonment = 3 };

enum class Reason : std::uint8_t {
  none = 0,
  applied,                // took effect
  superseded,             // newer knowledge of the same thing was already held
  gated,                  // a jump that the thing cannot have made
  belief_full,            // no room for another track
  kind_full,              // no room for another track of its kind
  no_position,            // carries nothing that belief holds
  clock_went_back,        // observed before the track's last by more than the allowed skew
  sink_failed,            // the sink refused or the send failed
  sink_full,              // no credit left towards the sink
  unconfirmed,            // sent, but the connection ended before arrival was known
  sink_open,              // its circuit breaker is open
  horizon,                // not resolved in time
  cancelled,              // by a command
  shed,                   // in overload, too late to be worth working
  sampled_out,            // in overload, skipped by its source's `sample`
  switched_off,           // off in safe mode
  unknown_sensor,         // a report of a sensor that the plan does not have
  unplaced,               // its sensor's position is not known
  masked,                 // from a zone where the plan masks reports
  too_late,               // older than the window for late reports
  clock_ahead,            // observed after it was received
  unknown_subject,        // a command about something that the plan does not have
  unknown_after_restart,  // the node stopped between intent and outcome; not repeated
  witness,                // compared with own position, does not set it
  not_own,                // own-ship data from a source that may not report it
  plan_changed,           // the new site file has no place for it
  not_allowed,            // a command of somebody who has no role for it
  count
};

// Phase, exit, reason and generation in one word: a change of state is one store.
struct StateWord {
  std::uint64_t bits = 0;

  static constexpr StateWord make(Phase phase, Exit exit = Exit::none,
                                  Reason reason = Reason::none) {
    return {static_cast<std::uint64_t>(phase) | static_cast<std::uint64_t>(exit) << 8 |
            static_cast<std::uint64_t>(reason) << 16};
  }
  constexpr Phase phase() const { return static_cast<Phase>(bits & 0xFF); }
  constexpr Exit exit() const { return static_cast<Exit>(bits >> 8 & 0xFF); }
  constexpr Reason reason() const { return static_cast<Reason>(bits >> 16 & 0xFF); }
};

struct EventHeader {
  std::uint64_t sequence;    // order of acceptance in its shard, never reused within an epoch
  std::int64_t observed_ns;  // node time of the observation, Unix ns
  std::int64_t received_ns;  // node time of its receipt
  std::int64_t arrival_ns;   // monotonic ns at the first byte; 0 when node time is stepped
  std::uint64_t cause;       // sequence of the event this one came from; 0 for a root
  std::uint64_t record;      // number of the frame within its source, from 1
  StateWord state;
  std::uint16_t payload_bytes;
  std::uint16_t source;  // index in the plan; kNoSource for the engine's own events
  EventKind kind;
  EventClass event_class;
  std::uint16_t reserved;
};
static_assert(sizeof(EventHeader) == 64, "an event header is one cache line");
static_assert(std::is_trivially_copyable_v<EventHeader>);

inline constexpr std::uint16_t kNoSource = 0xFFFF;
inline constexpr std::size_t kPayloadBytes = 224 + limits::kRawBytes;
inline constexpr std::size_t kEventBytes = sizeof(EventHeader) + kPayloadBytes;

// Kinds from outside the node: a run without any of them says little.
constexpr bool comes_from_outside(EventKind kind) {
  return kind == EventKind::observation || kind == EventKind::command;
}

// Size of an event in sequence, each at a multiple of eight bytes.
constexpr std::size_t event_bytes(std::size_t payload_bytes) {
  return sizeof(EventHeader) + (payload_bytes + 7) / 8 * 8;
}
inline std::uint8_t* payload_of(EventHeader* event) {
  return reinterpret_cast<std::uint8_t*>(event + 1);
}
inline const std::uint8_t* payload_of(const EventHeader* event) {
  return reinterpret_cast<const std::uint8_t*>(event + 1);
}

// The typed part at a payload's start; missing bytes read as zeros.
template <typename T>
T payload_as(Bytes payload) {
  T value{};
  std::memcpy(&value, payload.data(),
              payload.size() < sizeof value ? payload.size() : sizeof value);
  return value;
}
template <typename T>
T payload_as(const EventHeader& event) {
  return payload_as<T>(Bytes(payload_of(&event), event.payload_bytes));
}

std::string_view name_of(EventClass event_class);
std::string_view name_of(Exit exit);
std::string_view name_of(Reason reason);
// What it means to a user, in one line; docs/reference/events.md lists them.
std::string_view meaning_of(Reason reason);
std::string_view name_of(Phase phase);

}  // namespace vedette
