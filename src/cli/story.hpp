// Purpose: why an alarm was raised and what came of it, as a short story: the rule and its values
// at that moment, the observations that gave them, what was decided, sent and answered, and what
// people did. In: the events of a folder, and a shard replayed to the moment. Out: text, JSON.
// Runs on: cold threads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/geo.hpp"
#include "cli/kept_events.hpp"
#include "node/stepped.hpp"
#include "node/why.hpp"

namespace vedette::cli {

// A track as it was at the moment.
struct SeenTrack {
  std::uint64_t key = 0;
  std::string name;
  Motion motion{};   // place and velocity then
  Place reported{};  // at its last report; zones are judged by it
  double confidence = 0.0;
  double sigma_m = 0.0;
  double age_s = 0.0;  // of its last position
  bool placed = false;
};

struct Story {
  std::uint64_t event = 0;  // the assessment's
  std::uint64_t alarm = 0;  // 0: it is none
  AssessmentChange change{};
  std::int64_t at_ns = 0;
  const plan::Plan* plan = nullptr;
  std::string about;         // "vessel 230123450 PANDORA", both of a pair
  std::string first, other;  // what the track is called, and the other of a pair
  // Of the replay; empty where the journal has no state of that moment, as `unknown` says.
  std::string unknown;
  std::string condition, alarm_condition;
  std::vector<node::Compared> values, alarm_values;
  std::optional<SeenTrack> track, own;  // of a pair: a and b
  std::optional<Approach> approach;
};

// `stepped` holds the moment after the assessment's batch; null: there is none, because of `why`.
Story story_of(std::uint64_t assessment, const KeptEvents& events, const TrackNames& names,
               node::Stepped* stepped, const std::string& why);

double speed_of(const Motion& motion);   // m/s
double course_of(const Motion& motion);  // degrees true

void print_story(const Story& story, const KeptEvents& events);
// Into an open object.
void story_members(const Story& story, const KeptEvents& events, Json& json);

// The observations that led to it; where it names none, the one that it was judged for.
std::vector<std::uint64_t> observations_of(const Story& story, const KeptEvents& events);

// "outcome" and the like of an action, oldest first.
struct Delivery {
  std::uint64_t action = 0;
  std::vector<std::uint64_t> events;  // outcomes, attempts, resolutions
};
std::vector<std::uint64_t> decisions_of(const Story& story, const KeptEvents& events);
std::vector<Delivery> deliveries_of(std::uint64_t cause, const KeptEvents& events);
constexpr bool is_pair(const Story& story) {
  return story.change.subject.kind == SubjectKind::pair;
}
// Changes of the story's alarm.
std::vector<std::uint64_t> life_of(const Story& story, const KeptEvents& events);
// "it arrived", in the words of the sink: what is known once the attempt has succeeded.
std::string arrival_text(const plan::Plan& plan, std::uint16_t sink);
std::string destination_text(const plan::Plan& plan, std::uint16_t sink);

}  // namespace vedette::cli
