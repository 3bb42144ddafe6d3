#include <array>

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

}  // namespace

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
  static constexpr std::array<std::string_view, static_cast<std::size_t>(Reason::count)> kNames{
      "none",        "applied",         "superseded",
      "gated",       "belief-full",     "kind-full",
      "no-position", "clock-went-back", "sink-failed",
      "sink-full",   "unconfirmed",     "sink-open",
      "horizon",     "cancelled",       "shed",
      "sampled-out", "switched-off",    "unknown-sensor",
      "unplaced",    "masked",          "too-late",
      "clock-ahead", "unknown-subject", "unknown-after-restart",
      "witness",     "not-own",         "plan-changed"};
  return pick(kNames, reason);
}

std::string_view name_of(IdentityKind kind) {
  static constexpr std::array<std::string_view, static_cast<std::size_t>(IdentityKind::count)>
      kNames{"none", "own", "vessel", "aid", "base-station", "aircraft", "vehicle", "contact"};
  return pick(kNames, kind);
}

std::string_view name_of(RefusalCause cause) {
  static constexpr std::array<std::string_view, kRefusalCauses> kNames{
      "none",          "lane-full",         "no-time",           "too-long",
      "too-short",     "framing",           "checksum",          "checksum-missing",
      "malformed",     "out-of-range",      "unsupported",       "unknown-category",
      "not-available", "multipart-missing", "multipart-timeout", "ethernet",
      "ip-header",     "ip-checksum",       "ip-fragment",       "not-udp",
      "udp-length",    "udp-checksum",      "other-port",        "oversize",
      "sender"};
  return pick(kNames, cause);
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
  return pick(std::array<std::string_view, 12>{"unknown", "created", "confirmed", "coasting",
                                               "lost", "retired", "reacquired", "jumped",
                                               "returned", "disagreed", "agreed", "evicted"},
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
  return pick(std::array<std::string_view, 8>{"ingress", "engine", "act", "journal", "events-gone",
                                              "tail-cut", "set-aside", "unreadable"},
              stage);
}

std::string_view name_of(Mode mode) {
  return pick(std::array<std::string_view, 3>{"normal", "overload", "safe"}, mode);
}

std::string_view name_of(BreakerState state) {
  return pick(std::array<std::string_view, 3>{"closed", "open", "half-open"}, state);
}

std::string_view name_of(CommandKind kind) {
  return pick(std::array<std::string_view, 7>{"unknown", "cancel", "hold", "resume", "requeue",
                                              "acknowledge", "time"},
              kind);
}

std::string_view name_of(SourceStatus status) {
  return pick(std::array<std::string_view, 3>{"down", "up", "ended"}, status);
}

}  // namespace vedette
