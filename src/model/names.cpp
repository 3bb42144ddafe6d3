#include <array>
#include <cstring>

#include "model/derived.hpp"
#include "model/event.hpp"
#include "model/observation.hpp"
#include "model/refusal.hpp"
#include "model/track.hpp"

namespace vedette {
namespace {

template <std::size_t N, typename E>
std::string_view pick(const std::array<std::string_view, N>& names, E value) {
  const auto at = static_cast<std::size_t>(value);
  return at < N ? names[at] : "unknown";
}

// A name that users read, and what it means to them.
struct Row {
  std::string_view name, means;
};

// In the order of the enumerations.
constexpr std::array<Row, static_cast<std::size_t>(Reason::count)> kReasons{
    {{"none", ""},
     {"applied", "it took effect"},
     {"superseded", "something newer made it unnecessary"},
     {"gated", "a jump that the thing cannot have made"},
     {"belief-full", "there is no room for another track"},
     {"kind-full", "there is no room for another track of its kind"},
     {"no-position", "it carries nothing that belief holds"},
     {"clock-went-back", "it was observed too long before the last observation of its track"},
     {"sink-failed", "the sink refused the message, or sending failed"},
     {"sink-full", "the sink takes no more messages now, or too many actions are under way"},
     {"unconfirmed", "the connection ended before the receiver confirmed the message"},
     {"sink-open", "the sink's circuit breaker is open"},
     {"horizon", "it was not resolved within its horizon"},
     {"cancelled", "an operator cancelled it"},
     {"shed", "the node fell behind, and it came too late to be worth working"},
     {"sampled-out", "the node fell behind, and its source's `sample` leaves it out"},
     {"switched-off", "it is off in safe mode"},
     {"unknown-sensor", "the site file has no such sensor"},
     {"unplaced", "the position of its sensor is not known"},
     {"masked", "it lies in a zone of its sensor's `mask`"},
     {"too-late", "it is older than its sensor's `window`"},
     {"clock-ahead", "it claims to be observed after it was received"},
     {"unknown-subject", "the node has nothing that the command names"},
     {"unknown-after-restart",
      "the node stopped between intent and outcome, and does not repeat the action"},
     {"witness", "radio speaks of own ship: it is compared with own position and never sets it"},
     {"not-own", "it speaks of own ship, and its source has own = false"},
     {"plan-changed", "the changed site file has no place for it"},
     {"not-allowed", "who asked has no role for it"}}};
constexpr std::array<Row, kRefusalCauses> kRefusals{
    {{"none", ""},
     {"lane-full", "no credit is left: the engine or the journal is behind"},
     {"no-time", "it would wait past its source's horizon"},
     {"too-long", "it is longer than its format or this node allows"},
     {"too-short", "it ends before its required fields, or its connection ended within it"},
     {"framing", "no frame starts here"},
     {"checksum", "its checksum is wrong"},
     {"checksum-missing", "its format requires a checksum, and it has none"},
     {"malformed", "a field cannot be read"},
     {"out-of-range", "a field is outside the range of the standard"},
     {"unsupported", "a valid message that the codec does not read"},
     {"unknown-category", "an ASTERIX category that the codec does not read"},
     {"not-available", "a message without content, or a simulated target"},
     {"multipart-missing", "a part whose first part is missing"},
     {"multipart-timeout", "the other parts did not come in time"},
     {"ethernet", "an Ethernet frame that is too short or not IP"},
     {"ip-header", "a bad IPv4 or IPv6 header"},
     {"ip-checksum", "a wrong IPv4 checksum"},
     {"ip-fragment", "an IP fragment; the node does not reassemble them"},
     {"not-udp", "an IP packet that is not UDP"},
     {"udp-length", "a wrong UDP length"},
     {"udp-checksum", "a wrong UDP checksum"},
     {"other-port", "a UDP port that no source reads"},
     {"oversize", "a datagram of more than 2,048 bytes"},
     {"sender", "a sender that the source's `from` does not name"},
     {"bus-error", "an error frame of a CAN bus"}}};

template <std::size_t N, typename E>
Row pick_row(const std::array<Row, N>& rows, E value) {
  const auto at = static_cast<std::size_t>(value);
  return at < N ? rows[at] : Row{"unknown", ""};
}

}  // namespace

std::size_t bytes_of_event(const ActionIntent& intent) {
  const std::size_t said = ::strnlen(intent.message, sizeof intent.message);
  return offsetof(ActionIntent, message) + (said + 7) / 8 * 8;
}

std::string_view name_of(EventClass c) {
  return pick(std::array<std::string_view, 4>{"critical", "high", "normal", "bulk"}, c);
}

std::string_view name_of(Phase phase) {
  return pick(std::array<std::string_view, 3>{"accepted", "transient", "resolved"}, phase);
}

std::string_view name_of(Exit exit) {
  return pick(std::array<std::string_view, 4>{"none", "success", "retraction", "abandonment"},
              exit);
}

std::string_view name_of(Reason reason) {
  return pick_row(kReasons, reason).name;
}

std::string_view meaning_of(Reason reason) {
  return pick_row(kReasons, reason).means;
}

std::string_view name_of(IdentityKind kind) {
  static constexpr std::array<std::string_view, static_cast<std::size_t>(IdentityKind::count)>
      kNames{"none", "own", "vessel", "aid", "base-station", "aircraft", "vehicle", "contact"};
  return pick(kNames, kind);
}

std::string_view name_of(RefusalCause cause) {
  return pick_row(kRefusals, cause).name;
}

std::string_view meaning_of(RefusalCause cause) {
  return pick_row(kRefusals, cause).means;
}

std::string_view name_of(TrackState state) {
  return pick(
      std::array<std::string_view, 5>{"empty", "tentative", "confirmed", "coasting", "lost"},
      state);
}

std::string_view name_of(Level level) {
  return pick(std::array<std::string_view, 4>{"none", "info", "warn", "alarm"}, level);
}

std::string_view name_of(TrackChangeKind change) {
  return pick(
      std::array<std::string_view, 14>{"unknown", "created", "confirmed", "coasting", "lost",
                                       "retired", "reacquired", "jumped", "returned", "disagreed",
                                       "agreed", "evicted", "doubted", "believed"},
      change);
}

std::string_view name_of(EvictionReason reason) {
  return pick(std::array<std::string_view, 4>{"none", "without-position", "unconfirmed", "lost"},
              reason);
}

std::string_view name_of(Transition transition) {
  return pick(std::array<std::string_view, 4>{"unknown", "raised", "level-changed", "cleared"},
              transition);
}

std::string_view name_of(DecisionChoice choice) {
  return pick(std::array<std::string_view, 4>{"unknown", "action", "fallback-confidence",
                                              "fallback-deadline"},
              choice);
}

std::string_view name_of(Stage stage) {
  return pick(std::array<std::string_view, 13>{"ingress", "engine", "act", "journal", "events-gone",
                                               "tail-cut", "set-aside", "unreadable", "mirror-copy",
                                               "mirror-differs", "mirror-restarted", "suspect",
                                               "denied-call"},
              stage);
}

std::string_view name_of(Mode mode) {
  return pick(std::array<std::string_view, 3>{"normal", "overload", "safe"}, mode);
}

std::string_view name_of(BreakerState state) {
  return pick(std::array<std::string_view, 3>{"closed", "open", "half-open"}, state);
}

std::string_view name_of(CommandKind kind) {
  return pick(std::array<std::string_view, 11>{"unknown", "cancel", "hold", "resume", "requeue",
                                               "acknowledge", "time", "acknowledge-alarm", "shelve",
                                               "unshelve", "note"},
              kind);
}

std::string_view name_of(AlarmPriority priority) {
  return pick(std::array<std::string_view, 4>{"low", "medium", "high", "critical"}, priority);
}

std::string_view name_of(AlarmState state) {
  return pick(std::array<std::string_view, 7>{"unknown", "unacknowledged", "acknowledged",
                                              "returned", "shelved", "suppressed", "gone"},
              state);
}

std::string_view name_of(AlarmEvent event) {
  return pick(
      std::array<std::string_view, 13>{"unknown", "raised", "repeated", "level-changed", "cleared",
                                       "acknowledged", "shelved", "unshelved", "suppressed",
                                       "released", "escalated", "expired", "removed"},
      event);
}

std::string_view name_of(SourceStatus status) {
  return pick(std::array<std::string_view, 3>{"down", "up", "ended"}, status);
}

}  // namespace vedette
