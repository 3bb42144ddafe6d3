#include "model/cause.hpp"

#include <algorithm>
#include <array>

namespace vedette {

const CauseFacts& facts_of(Cause cause) {
  // In the order of the enumeration.
  static constexpr std::array<CauseFacts, kCauseKinds> kFacts{{
      {"overload", Standing::overload, "what is too late and may be left out is left out",
       "send less, or give the node a faster machine"},
      {"safe", Standing::safe, "only assessments and actions with safe = true go on",
       "send less, or give the node a faster machine"},
      {"held", Standing::degraded, "observations wait, and are given up past their horizon",
       "`vedette resume` ends it"},
      {"tracks-full", Standing::degraded, "new tracks push out those of least worth, or wait",
       "raise [limits] tracks, or [tracker.KIND] most where one kind has its share"},
      {"contacts-full", Standing::degraded, "what sensors see anew is not followed",
       "raise [limits] contacts"},
      {"deliveries-full", Standing::degraded, "further actions are given up as sink-full",
       "raise [limits] pending_actions, or mend the sink"},
      {"own-position-in-doubt", Standing::degraded, "sources do not agree where own ship is",
       "look which source is wrong, and switch it off"},
      {"parts-full", Standing::degraded, "messages of several parts push each other out",
       "look which source sends so many"},
      {"aircraft-full", Standing::degraded,
       "aircraft heard anew may be forgotten before they have a position; those with one stay",
       "look which source hears so many addresses"},
      {"journal", Standing::degraded,
       "nothing reaches the disk: actions with durable = \"before\" wait",
       "mend or empty the disk"},
      {"image", Standing::degraded, "the next start takes longer, from the journal alone",
       "look at journal.image_error in status"},
      {"clock", Standing::degraded, "time goes on from the last record, not from the clock",
       "set the clock, or `vedette time accept`"},
      {"network", Standing::degraded, "what goes there waits, at most until its horizon",
       "look at the cable, the address and the switch"},
      {"source", Standing::degraded, "nothing is heard from it", "look at its line and its sender"},
      {"sink", Standing::degraded, "what goes there waits, at most until its horizon",
       "look at its line and its receiver"},
  }};
  return kFacts[std::min(static_cast<std::size_t>(cause), kCauseKinds - 1)];
}

std::string_view name_of(Cause cause) {
  return cause < Cause::count ? facts_of(cause).name : "unknown";
}

std::string_view name_of(Standing standing) {
  static constexpr std::array<std::string_view, 4> kNames{"normal", "degraded", "overload", "safe"};
  const auto at = static_cast<std::size_t>(standing);
  return at < kNames.size() ? kNames[at] : "unknown";
}

}  // namespace vedette
