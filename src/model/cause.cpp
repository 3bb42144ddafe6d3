#include "model/cause.hpp"

#include <algorithm>
#include <array>

namespace vedette {

const CauseFacts& facts_of(Cause cause) {
  // In the order of the enumeration.
  static constexpr std::array<CauseFacts, kCauseKinds> kFacts{{
      {"overload", Standing::overload,
       "the node falls behind: it abandons late bulk events and thins out sources with `sample`",
       "reduce the traffic, or use a faster machine"},
      {"safe", Standing::safe,
       "urgent events come late: only assessments and actions with safe = true run",
       "reduce the traffic, or use a faster machine"},
      {"held", Standing::degraded,
       "an operator holds the node: it judges nothing, and abandons events past their horizon",
       "end the hold with `vedette resume`"},
      {"tracks-full", Standing::degraded,
       "the track table is full: a new track is refused, or evicts an unimportant one",
       "raise [limits] tracks, or [tracker.KIND] most if one kind fills its share"},
      {"contacts-full", Standing::degraded,
       "the contact table is full: the node does not follow what sensors newly see",
       "raise [limits] contacts"},
      {"deliveries-full", Standing::degraded,
       "too many actions are under way: the node abandons further ones as sink-full",
       "repair the sink that is slow, or raise [limits] pending_actions"},
      {"own-position-in-doubt", Standing::degraded,
       "sources disagree on where own ship is: alarms on own position may be wrong",
       "find the source that is wrong and switch it off"},
      {"parts-full", Standing::degraded,
       "too many multi-part messages at once: some lose their parts and are not read",
       "find the source whose `unfinished` grows in status, and its sender"},
      {"aircraft-full", Standing::degraded,
       "too many aircraft at once: a new one may never get a position; known ones stay",
       "find the source whose `aircraft` is high in status, and its sender"},
      {"journal", Standing::degraded,
       "the disk does not take writes in time: actions leave unrecorded and marked, those with "
       "durable = \"before\" wait",
       "free space on the disk, or replace it; journal.error in status says why"},
      {"image", Standing::degraded,
       "the belief image cannot be written: the next start takes longer",
       "journal.image_error in status says why"},
      {"clock", Standing::degraded,
       "the machine's clock cannot be trusted: node time goes on from the last record",
       "set the clock, or let the node follow it with `vedette time accept`"},
      {"network", Standing::degraded, "no network: messages that need it wait until their horizon",
       "check cable, address and switch"},
      {"source", Standing::degraded, "the source is down: nothing comes in",
       "check its cable, its device and its address"},
      {"sink", Standing::degraded,
       "sending failed repeatedly: messages wait, and those without retries are abandoned",
       "check its cable, its address and its receiver"},
      {"mirror", Standing::degraded,
       "the mirror computes otherwise than the engine, or does not keep up",
       "mirror in status and the log say which; if it differs, test memory and processor, and look "
       "at what `vedette journal` marks as suspect"},
      {"alarms-full", Standing::degraded,
       "the list of alarms is full: new alarms are sent, but not listed",
       "acknowledge alarms that are over, or raise [limits] alarms"},
      {"disk-slow", Standing::degraded,
       "the disk takes events later than actions wait for it (`record_within`): some leave "
       "unrecorded and marked",
       "find what else uses the disk, or replace it"},
      {"disk-nearly-full", Standing::degraded,
       "at the present rate the disk is full within a day, before the journal reaches [limits] "
       "journal",
       "free space on the disk, or lower [limits] journal; journal.hours_left in status says how "
       "long it lasts"},
      {"pairs-full", Standing::degraded,
       "too many tracks near each other: some pairs are not compared or not raised",
       "raise [limits] pairs, or ask for less: a smaller \"within\", fewer kinds, a speed"},
  }};
  return kFacts[std::min(static_cast<std::size_t>(cause), kCauseKinds - 1)];
}

Standing standing_of(Causes causes) {
  Standing worst = Standing::normal;
  for (std::size_t c = 0; c < kCauseKinds; ++c) {
    const auto cause = static_cast<Cause>(c);
    worst = causes.has(cause) ? std::max(worst, facts_of(cause).standing) : worst;
  }
  return worst;
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
