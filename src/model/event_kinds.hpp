// Purpose: the one table of event kinds. A new kind is an enumerator and a row here; its own
// payload is a struct in model/derived.hpp and a describer in model/describe_event.cpp.
#pragma once

#include <cstdint>
#include <string_view>
#include <tuple>

namespace vedette {

// Inputs are recorded and replayed; derived events are recomputed on replay and compared. Journals
// store the numbers: never reuse one.
enum class EventKind : std::uint8_t {
  // 1 was the tick
  observation = 2,
  outcome = 3,
  source_state = 4,
  command = 5,
  fault = 6,
  source_full = 7,
  unrecorded = 8,
  node_seen = 9,
  wear = 10,
  first_derived = 32,
  track = 32,
  assessment = 33,
  decision = 34,
  action = 35,
  resolution = 36,
  dispatch = 37,
  sink_state = 38,
  mode = 39,
  cause = 40,
  plan = 41,
  alarm = 42,
};
inline constexpr std::size_t kEventKindNumbers = 64;  // one bit each in a word

struct Observation;
struct ActionOutcome;
struct SourceState;
struct Command;
struct Overrun;
struct SourceFull;
struct Unrecorded;
struct NodeSeen;
struct WearStep;
struct TrackChange;
struct AssessmentChange;
struct DecisionMade;
struct ActionIntent;
struct Resolution;
struct Dispatch;
struct SinkState;
struct ModeChange;
struct CauseChange;
struct PlanChange;
struct AlarmChange;

// Whether bytes may follow the payload's typed part.
enum class Tail : std::uint8_t { none, follows };
// Whether evidence keeps it when its segment goes: judgements, decisions, actions, commands, and
// the node's condition.
enum class Kept : std::uint8_t { no, as_evidence };

template <EventKind kNumber, typename PayloadType>
struct EventRow {
  static constexpr EventKind kKind = kNumber;
  using Payload = PayloadType;
  std::string_view name;
  Tail tail;
  Kept kept;
  std::string_view means;  // a line of docs/reference/events.md
};

inline constexpr std::tuple kEventKinds{
    EventRow<EventKind::observation, Observation>{
        "observation", Tail::follows, Kept::no,
        "a codec read a frame; the frame's first bytes follow"},
    EventRow<EventKind::outcome, ActionOutcome>{
        "outcome", Tail::none, Kept::as_evidence,
        "an attempt at an action ended: success or failure"},
    EventRow<EventKind::source_state, SourceState>{"source-state", Tail::none, Kept::as_evidence,
                                                   "a source went up, down, or ended"},
    EventRow<EventKind::command, Command>{
        "command", Tail::follows, Kept::as_evidence,
        "an operator gave a command, or a note for the log; its text, or the intent of a "
        "requeued action, follows"},
    EventRow<EventKind::fault, Overrun>{
        "fault", Tail::none, Kept::as_evidence,
        "a stage took longer than its bound, or a start found the journal damaged"},
    EventRow<EventKind::source_full, SourceFull>{
        "source-full", Tail::none, Kept::no,
        "a table for decoding a source is full, or has room again"},
    EventRow<EventKind::unrecorded, Unrecorded>{
        "unrecorded", Tail::none, Kept::as_evidence,
        "an action was sent before the disk had it (`record_within`); without an action: the run "
        "before was killed and may have sent what no record shows"},
    EventRow<EventKind::node_seen, NodeSeen>{
        "node-seen", Tail::none, Kept::no,
        "the node saw causes of its mode come or go, for conditions `of = \"node\"`"},
    EventRow<EventKind::wear, WearStep>{
        "wear", Tail::none, Kept::as_evidence,
        "the node spares its flash more or less, for `[limits] wear`: how long batches and images "
        "wait, and whether blocks are packed"},
    EventRow<EventKind::track, TrackChange>{
        "track", Tail::none, Kept::no,
        "a track was created, confirmed, lost, evicted and the like"},
    EventRow<EventKind::assessment, AssessmentChange>{
        "assessment", Tail::none, Kept::as_evidence,
        "an assessment was raised, changed its level, or was cleared"},
    EventRow<EventKind::decision, DecisionMade>{
        "decision", Tail::none, Kept::as_evidence,
        "a decision chose an action or its fallback; how late"},
    EventRow<EventKind::action, ActionIntent>{"action", Tail::none, Kept::as_evidence,
                                              "an action was ordered"},
    EventRow<EventKind::resolution, Resolution>{"resolution", Tail::none, Kept::no,
                                                "an event of an earlier batch got its exit"},
    EventRow<EventKind::dispatch, Dispatch>{"dispatch", Tail::none, Kept::no,
                                            "a waiting action was sent"},
    EventRow<EventKind::sink_state, SinkState>{"sink-state", Tail::none, Kept::as_evidence,
                                               "a sink's circuit breaker opened or closed"},
    EventRow<EventKind::mode, ModeChange>{"mode", Tail::none, Kept::as_evidence,
                                          "the node entered or left overload or safe mode"},
    EventRow<EventKind::cause, CauseChange>{"cause", Tail::none, Kept::as_evidence,
                                            "causes of a degraded mode came or went"},
    EventRow<EventKind::plan, PlanChange>{"plan", Tail::none, Kept::as_evidence,
                                          "a changed site file took over the belief"},
    EventRow<EventKind::alarm, AlarmChange>{
        "alarm", Tail::none, Kept::as_evidence,
        "an alarm was raised, acknowledged, shelved, escalated, cleared and the like"},
};

// Calls `visit` with each row, in the order of the numbers.
template <typename Visit>
constexpr void for_each_event_kind(Visit&& visit) {
  std::apply([&](const auto&... rows) { (visit(rows), ...); }, kEventKinds);
}

// Bits, by number, of the kinds with one property.
template <typename Has>
constexpr std::uint64_t event_kinds_with(Has&& has) {
  std::uint64_t bits = 0;
  for_each_event_kind([&](const auto& row) {
    bits |= has(row) ? std::uint64_t{1} << static_cast<unsigned>(row.kKind) : 0;
  });
  return bits;
}

constexpr bool is_kept_as_evidence(EventKind kind) {
  constexpr std::uint64_t kKept =
      event_kinds_with([](const auto& row) { return row.kept == Kept::as_evidence; });
  const auto number = static_cast<unsigned>(kind);
  return number < kEventKindNumbers && (kKept >> number & 1) != 0;
}

constexpr bool event_kinds_ascend() {
  unsigned last = 0;
  bool ascend = true;
  for_each_event_kind([&](const auto& row) {
    const auto number = static_cast<unsigned>(row.kKind);
    ascend = ascend && number > last && number < kEventKindNumbers && !row.name.empty();
    last = number;
  });
  return ascend;
}
static_assert(event_kinds_ascend(), "each kind has one row, in the order of the numbers");

// "unknown" for a number that is no kind.
constexpr std::string_view name_of(EventKind kind) {
  std::string_view name = "unknown";
  for_each_event_kind([&](const auto& row) { name = row.kKind == kind ? row.name : name; });
  return name;
}

}  // namespace vedette
