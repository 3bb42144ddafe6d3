// Purpose: payloads of events that the engine derives and of those that come back to it: changes of
// tracks and assessments, decisions, action intents and outcomes, states of sources.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "model/alarm.hpp"
#include "model/carry_report.hpp"
#include "model/cause.hpp"
#include "model/event.hpp"
#include "model/observation.hpp"
#include "model/track.hpp"

namespace vedette {

enum class TrackChangeKind : std::uint8_t {
  created = 1,
  confirmed,
  coasting,
  lost,
  retired,
  reacquired,  // believed after all at the position refused before
  jumped,      // reported at an impossible position, which is not believed
  returned,    // heard again at its position before the jump
  disagreed,   // own ship: its sources differ
  agreed,      // own ship: its sources agree again
  evicted,     // removed to make room; TrackChange::why says why this track
  doubted,     // own ship: something more speaks against its position (Doubt)
  believed     // own ship: none of that holds any more
};

// Why a track was the least valuable when the table was full.
enum class EvictionReason : std::uint8_t {
  none = 0,
  without_position,  // heard, but has no position
  unconfirmed,       // ranked: stale, then fewer positions, then farther away
  lost,              // lost and unheard for longer than lost_s
};

struct TrackChange {
  std::uint64_t key;
  TrackChangeKind change;
  EvictionReason why;  // of one evicted
  std::uint8_t reserved[6];
};

enum class Transition : std::uint8_t { raised = 1, level_changed = 2, cleared = 3 };

struct AssessmentChange {
  Subject subject;
  std::uint64_t causes[limits::kCauses];  // observations that led to it; 0 = none
  double confidence;                      // 0..1
  std::int64_t newest_arrival_ns;         // monotonic, of the newest observation in causes
  std::uint16_t assessment;               // index in the plan
  Transition transition;
  Level level;
  std::uint8_t second;        // 1: it holds at the track's second place
  std::uint8_t own_in_doubt;  // 1: it relies on own position, which is in doubt
  std::uint8_t reserved[2];
};

enum class DecisionChoice : std::uint8_t {
  action = 1,
  fallback_confidence = 2,
  fallback_deadline = 3
};

struct DecisionMade {
  Subject subject;
  double confidence;
  std::int64_t late_ns;    // newest observation to decision; 0 when node time is stepped
  std::uint16_t decision;  // index in the plan
  std::uint16_t action;    // index in the plan; kNoAction when there is no fallback
  DecisionChoice choice;
  Level level;
  std::uint8_t reserved[2];
};
inline constexpr std::uint16_t kNoAction = 0xFFFF;
inline constexpr std::uint16_t kNoDecision = 0xFFFF;  // ordered by an escalation

// Everything a sink needs: the message is a function of this and the plan alone.
struct ActionIntent {
  Subject subject;
  std::uint64_t node;  // idempotency key: node, epoch, root
  std::uint64_t root;  // sequence of the first attempt; 0 when this is the first
  std::uint32_t epoch;
  std::uint16_t action;  // index in the plan
  std::uint16_t sink;    // index in the plan
  std::uint16_t assessment;
  std::uint16_t decision;
  Transition transition;
  Level level;
  IdentityKind kind;
  std::uint8_t has_position;
  double confidence;
  double latitude;
  double longitude;
  double altitude;  // m, NaN when unknown
  double speed;     // m/s
  double course;    // degrees true
  double sigma;     // m, one standard deviation of the position
  double cpa;       // m to own ship; NaN when undefined or not within 150 km in two hours
  double tcpa;      // s, NaN when cpa is
  char name[24];
  std::uint16_t attempt;  // 0 for the first
  std::uint8_t
      possible_duplicate;     // may have been sent before: by a run that crashed, or unconfirmed
  std::uint8_t unrecorded;    // the sink's alone: sent before its event was on disk
  std::uint8_t own_in_doubt;  // as in AssessmentChange
  std::uint8_t reserved[3];
  // With the values of that moment, so that a later attempt says the same; empty for a message
  // without values. The event leaves out its zeros, so it comes last.
  char message[limits::kMessageRoom];
};
// Bytes of its event.
std::size_t bytes_of_event(const ActionIntent& intent);

struct ActionOutcome {
  std::uint64_t action_sequence;
  Exit exit;
  Reason reason;
  std::uint16_t sink;
  std::uint32_t bytes_sent;
};

enum class SourceStatus : std::uint8_t { down = 0, up = 1, ended = 2 };

struct SourceState {
  std::int64_t error;  // errno or Trouble, 0 when up
  SourceStatus status;
  std::uint8_t reserved[7];
};

// A source's decoder ran out of memory for its state, or has room again.
struct SourceFull {
  std::uint64_t lost;  // total for this source
  std::uint16_t source;
  Cause cause;
  std::uint8_t there;
  std::uint8_t reserved[4];
};

// Commands of an operator to a running node.
enum class CommandKind : std::uint8_t {
  cancel = 1,  // withdraws one event that waits or is under way
  hold = 2,    // observations are accepted and wait until `resume` or their horizon
  resume = 3,
  requeue = 4,      // repeats an abandoned action under its old key
  acknowledge = 5,  // somebody has seen the track and takes over
  time = 6,         // node time moves to the clock's time, or to a given one
  // The others are an AlarmOrder.
  acknowledge_alarm = 7,
  shelve = 8,  // an alarm, for a while
  unshelve = 9,
  note = 10  // a line of a person for the watch log
};

struct Command {
  // cancel: the event's sequence; acknowledge: the track's key; time: to ns; of an alarm: its id
  std::uint64_t target;
  CommandKind kind;
  std::uint8_t denied;  // 1: who asked has no role for it; the node only records it
  std::uint8_t reserved[2];
  std::uint32_t user;  // who asked, by the number of his user; kNobody: the node itself
};
inline constexpr std::uint32_t kNobody = 0xFFFF'FFFF;

// For kind requeue.
struct Requeue {
  Command command;  // target: the abandoned event
  ActionIntent intent;
};

// An attempt is sent although its event is not on disk. Of sequence 0: the run before did not end
// in order, so it may have sent what no record shows.
struct Unrecorded {
  std::uint64_t sequence;
};

// For commands about an alarm, and for notes.
struct AlarmOrder {
  Command command;
  std::int64_t for_ns;  // shelve: how long
  PersonName by;
  PersonNote note;
};

// What the node around the engine sees of itself: all Causes that stand (model/cause.hpp).
struct NodeSeen {
  std::uint64_t causes;
};

// A postponed attempt is under way now.
struct Dispatch {
  std::uint64_t sequence;
};

enum class BreakerState : std::uint8_t { closed = 0, open = 1, half_open = 2 };

struct SinkState {
  std::uint32_t failures;  // consecutive
  std::uint16_t sink;      // index in the plan
  BreakerState breaker;
  std::uint8_t reserved;
};

// A stage's turn exceeded its wall-clock bound. The overrun is known only afterwards, so it is an
// event of a later batch. For the journal: how long the disk has taken nothing, when batches are
// abandoned and when a state ends that gap; its bound is its lane's size, not a time. From
// events_gone on: what recovery found, and `took_ns` is a count: events that the image or the last
// run's record knows and the journal lacks, torn tails cut, segments set aside, batches that cannot
// be read or replayed. The last four are about the mirror.
enum class Stage : std::uint8_t {
  ingress = 0,
  engine = 1,
  act = 2,
  journal = 3,
  events_gone = 4,
  tail_cut = 5,
  set_aside = 6,
  unreadable = 7,
  mirror_copy = 8,        // the engine stopped to copy its state for the mirror
  mirror_differs = 9,     // `took_ns` is the batch whose replay gave another digest
  mirror_restarted = 10,  // after that batch: the mirror was wrong, and is right again
  suspect = 11,           // from batch `took_ns` to `bound_ns` the engine was wrong; recomputed
  denied_call = 12        // in the run before: a thread tried system call `took_ns`
};

struct Overrun {
  std::int64_t took_ns;
  std::int64_t bound_ns;
  Stage stage;
  std::uint8_t reserved[7];
};

// How a node spares its flash from now on, and why.
struct WearStep {
  std::uint64_t bytes_day;  // at the rate that was measured
  std::uint64_t budget;     // [limits] wear
  std::int64_t commit_ns;
  std::int64_t image_ns;
  std::uint8_t step;  // 0: as the site says
  std::uint8_t packs;
  std::uint8_t reserved[6];
};

// What the node works: everything; without what may be left out; only `safe = true`.
enum class Mode : std::uint8_t { normal = 0, overload = 1, safe = 2 };

struct ModeChange {
  std::uint64_t cause;   // sequence of the late event; 0 on the way back
  std::int64_t late_ns;  // from its receipt to its admission
  Mode mode;
  Mode previous;
  EventClass event_class;  // of the cause
  std::uint8_t reserved[5];
};

// The engine's causes that keep the node from being whole (model/cause.hpp).
struct CauseChange {
  std::uint64_t causes;
  std::uint64_t before;
};

// Belief continues under another plan: what was carried and what left.
struct PlanChange {
  std::uint8_t from[32];  // SHA-256 of the plans
  std::uint8_t to[32];
  CarryReport carried;
};

// The exit of an event that was accepted in an earlier batch.
struct Resolution {
  std::uint64_t sequence;
  Exit exit;
  Reason reason;
  std::uint8_t reserved[6];
};

template <typename T>
constexpr bool kIsPayload = std::is_trivially_copyable_v<T> && sizeof(T) <= kPayloadBytes &&
                            sizeof(T) % 8 == 0;
constexpr bool event_payloads_fit() {
  bool fit = true;
  for_each_event_kind([&](const auto& row) {
    using Payload = typename std::remove_cvref_t<decltype(row)>::Payload;
    fit = fit && kIsPayload<Payload>;
  });
  return fit;
}
static_assert(event_payloads_fit() && kIsPayload<Requeue> && kIsPayload<AlarmOrder>);
static_assert(sizeof(Observation) + limits::kRawBytes <= kPayloadBytes);

// Bytes without which it says nothing.
template <typename T>
inline constexpr std::size_t kLeastBytes = sizeof(T);
template <>
inline constexpr std::size_t kLeastBytes<ActionIntent> = offsetof(ActionIntent, message);

// Payload sizes that a kind allows; an unknown kind allows none.
struct PayloadSize {
  std::uint16_t least = 0, most = 0;  // 0: there is no such kind; every kind has a payload
};
inline constexpr auto kPayloadSizes = [] {
  std::array<PayloadSize, kEventKindNumbers> sizes{};
  for_each_event_kind([&](const auto& row) {
    using Payload = typename std::remove_cvref_t<decltype(row)>::Payload;
    sizes[static_cast<std::size_t>(row.kKind)] = {
        static_cast<std::uint16_t>(kLeastBytes<Payload>),
        static_cast<std::uint16_t>(row.tail == Tail::none ? sizeof(Payload) : kPayloadBytes)};
  });
  return sizes;
}();

// Whether the kind exists and the payload has its size. Checks events read from outside, because
// damaged bytes must not pass for an event.
constexpr bool is_event(EventKind kind, std::size_t payload_bytes) {
  const auto number = static_cast<std::size_t>(kind);
  return number < kEventKindNumbers && payload_bytes != 0 &&
         payload_bytes >= kPayloadSizes[number].least &&
         payload_bytes <= kPayloadSizes[number].most;
}

std::string_view name_of(Level level);
std::string_view name_of(TrackChangeKind change);
std::string_view name_of(EvictionReason reason);
std::string_view name_of(Transition transition);
std::string_view name_of(DecisionChoice choice);
std::string_view name_of(SourceStatus status);
std::string_view name_of(CommandKind kind);
std::string_view name_of(BreakerState state);
std::string_view name_of(Mode mode);
std::string_view name_of(Stage stage);

}  // namespace vedette
