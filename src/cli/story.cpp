#include "cli/story.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/text.hpp"
#include "model/describe_event.hpp"
#include "model/fields.hpp"

namespace vedette::cli {
namespace {

SeenTrack seen(const Track& t, const TrackingRules& rules, std::int64_t now_ns) {
  SeenTrack out;
  const Tracker& tracker = rules.trackers[static_cast<std::size_t>(t.kind)];
  out.key = t.key;
  out.name.assign(t.name, ::strnlen(t.name, sizeof t.name));
  out.placed = t.updates > 0;
  if (out.placed) {
    out.reported = {t.latitude, t.longitude};
    const double dt = seconds_between(t.filter_ns, now_ns);
    out.motion = {
        moved({t.latitude, t.longitude}, t.velocity_east * dt, t.velocity_north * dt, t.parallel),
        t.velocity_east, t.velocity_north};
    out.confidence = confidence_of(t, tracker, now_ns);
    out.sigma_m = std::sqrt(variance_now(t, tracker, now_ns));
    out.age_s = seconds_between(t.observed_ns, now_ns);
  }
  return out;
}

// Its name, or else what it is.
std::string called(std::uint64_t key, const TrackNames& names) {
  const std::string_view name = names.of(key);
  return name.empty() ? track_text(key) : std::string(name);
}

void take_moment(Story& story, node::Stepped& stepped) {
  const engine::Shard& shard = stepped.shard();
  const plan::Plan& plan = stepped.plan();
  assess::World world;
  assess::View view;
  if (!shard.view_of(story.change.subject, story.change.second != 0, world, view)) {
    story.unknown = "it was gone at the end of that step";
    return;
  }
  view.level = static_cast<double>(story.change.level);
  view.confidence = story.change.confidence;
  const plan::Assessment* rule = plan.assessments()->Get(story.change.assessment);
  const bool cheap = world.mode != Mode::normal && rule->cheap_when() != nullptr &&
                     rule->cheap_when()->ops()->size() != 0;
  const plan::Expression& when = cheap ? *rule->cheap_when() : *rule->when();
  story.condition = when.text()->str();
  story.values = node::comparisons(when, view, plan);
  if (rule->alarm_when() != nullptr && rule->alarm_when()->ops()->size() != 0) {
    story.alarm_condition = rule->alarm_when()->text()->str();
    story.alarm_values = node::comparisons(*rule->alarm_when(), view, plan);
  }
  if (view.track() != nullptr) {
    story.track = seen(*view.track(), shard.config(), world.at.now_ns);
  }
  if (view.other() != nullptr) {
    story.own = seen(*view.other(), shard.config(), world.at.now_ns);
  }
  const Approach approach = assess::approach_of(view);
  if (approach.cpa == approach.cpa) {
    story.approach = approach;
  }
}

}  // namespace

Story story_of(std::uint64_t assessment, const KeptEvents& events, const TrackNames& names,
               node::Stepped* stepped, const std::string& why) {
  const KeptEvent& e = events.at(assessment);
  Story story;
  story.event = assessment;
  story.change = payload_as<AssessmentChange>(e.payload);
  story.at_ns = e.admitted_ns;
  story.plan = e.plan;
  story.unknown = why;
  const Subject& subject = story.change.subject;
  story.about = named_subject(subject, *e.plan, names);
  if (is_pair(story)) {
    story.first = called(subject.key, names);
    story.other = called(subject.other, names);
  } else if (of_track(subject)) {
    story.first = called(subject.key, names);
  }
  for (const auto& [sequence, one] : events) {
    if (one.header.kind == EventKind::alarm) {
      const Alarm alarm = payload_as<AlarmChange>(one.payload).alarm;
      if (alarm.id == assessment || one.header.cause == assessment) {
        story.alarm = alarm.id;
        break;
      }
    }
  }
  if (story.change.assessment < e.plan->assessments()->size()) {
    story.condition = e.plan->assessments()->Get(story.change.assessment)->when()->text()->str();
    if (stepped != nullptr) {
      take_moment(story, *stepped);
    }
  }
  return story;
}

std::vector<std::uint64_t> observations_of(const Story& story, const KeptEvents& events) {
  std::vector<std::uint64_t> found;
  for (const std::uint64_t cause : story.change.causes) {
    if (cause != 0 && events.contains(cause)) {
      found.push_back(cause);
    }
  }
  auto at = events.find(story.event);
  while (found.empty() && at != events.end() && at->second.header.cause < at->first) {
    at = events.find(at->second.header.cause);
    if (at != events.end() && at->second.header.kind == EventKind::observation) {
      found.push_back(at->first);
    }
  }
  return found;
}

std::vector<std::uint64_t> decisions_of(const Story& story, const KeptEvents& events) {
  std::vector<std::uint64_t> found;
  for (auto at = events.lower_bound(story.event); at != events.end(); ++at) {
    if (at->second.header.kind == EventKind::decision && at->second.header.cause == story.event) {
      found.push_back(at->first);
    }
  }
  return found;
}

std::vector<Delivery> deliveries_of(std::uint64_t cause, const KeptEvents& events) {
  std::vector<Delivery> found;
  for (auto at = events.lower_bound(cause); at != events.end(); ++at) {
    const KeptEvent& e = at->second;
    std::uint64_t of = 0;  // the action whose fate this tells
    if (e.header.kind == EventKind::action) {
      const auto intent = payload_as<ActionIntent>(e.payload);
      if (e.header.cause == cause && intent.root == 0) {
        found.push_back({at->first, {}});
      }
      of = intent.root;
    } else if (e.header.kind == EventKind::outcome) {
      of = payload_as<ActionOutcome>(e.payload).action_sequence;
    } else if (e.header.kind == EventKind::resolution) {
      of = payload_as<Resolution>(e.payload).sequence;
    } else if (e.header.kind == EventKind::unrecorded) {
      of = payload_as<Unrecorded>(e.payload).sequence;
    }
    for (Delivery& delivery : found) {
      const bool attempt =
          std::find(delivery.events.begin(), delivery.events.end(), of) != delivery.events.end();
      if (of != 0 && (of == delivery.action || attempt)) {
        delivery.events.push_back(at->first);
      }
    }
  }
  return found;
}

std::vector<std::uint64_t> life_of(const Story& story, const KeptEvents& events) {
  std::vector<std::uint64_t> life;
  for (const auto& [sequence, e] : events) {
    if (story.alarm != 0 && e.header.kind == EventKind::alarm &&
        payload_as<AlarmChange>(e.payload).alarm.id == story.alarm) {
      life.push_back(sequence);
    }
  }
  return life;
}

std::string arrival_text(const plan::Plan& plan, std::uint16_t sink) {
  if (sink >= plan.sinks()->size()) {
    return "sent";
  }
  const plan::Sink* to = plan.sinks()->Get(sink);
  switch (to->kind()) {
    case plan::SinkKind::udp:
      return "sent: the network took it, and does not say whether it arrived";
    case plan::SinkKind::serial:
      return "sent: the line took it, and does not say whether it arrived";
    case plan::SinkKind::log:
      return "written to the log";
    case plan::SinkKind::tcp:
      break;
  }
  return to->confirm() == plan::Confirm::answer ? "arrived: the receiver has answered"
         : to->confirm() == plan::Confirm::acknowledged
             ? "arrived: the other end has acknowledged every byte"
             : "sent: the connection took it";
}

std::string destination_text(const plan::Plan& plan, std::uint16_t sink) {
  if (sink >= plan.sinks()->size()) {
    return "?";
  }
  const plan::Sink* to = plan.sinks()->Get(sink);
  std::string text = to->name()->str();
  if (to->kind() == plan::SinkKind::serial && to->device() != nullptr) {
    text += " (" + to->device()->str() + ")";
  } else if (to->kind() == plan::SinkKind::udp || to->kind() == plan::SinkKind::tcp) {
    text += std::string(" (") + (to->kind() == plan::SinkKind::udp ? "UDP " : "TCP ");
    for (int shift = 24; shift >= 0; shift -= 8) {
      text += std::to_string(to->address() >> shift & 0xFF) + (shift != 0 ? "." : ":");
    }
    text += std::to_string(to->port()) + ")";
  }
  return text;
}

}  // namespace vedette::cli
