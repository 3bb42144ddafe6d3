#include <algorithm>
#include <cmath>

#include "base/math.hpp"
#include "base/text.hpp"
#include "cli/print.hpp"
#include "cli/story.hpp"
#include "model/describe_event.hpp"

namespace vedette::cli {
namespace {

using node::quantity_text;

// "07:34:12.250"
std::string clock_text(std::int64_t ns) {
  std::string text;
  append_time(text, ns);
  return text.size() > 23 ? text.substr(11, 12) : text;
}

std::string decimal(double value, int decimals) {
  std::string text;
  append_decimal(text, value, decimals);
  return text;
}

std::string padded(std::string text, std::size_t to) {
  text.resize(std::max(text.size() + 2, to), ' ');
  return text;
}

std::string place_text(const Place& place) {
  return decimal(std::fabs(place.latitude), 5) + (place.latitude < 0 ? " S " : " N ") +
         decimal(std::fabs(place.longitude), 5) + (place.longitude < 0 ? " W" : " E");
}

std::string words_of(const PersonName& by, const PersonNote& note) {
  std::string text = by.view().empty() ? "" : " by " + std::string(by.view());
  return text + (note.view().empty() ? "" : ": " + std::string(note.view()));
}

std::string rule_name(const Story& story) {
  return story.change.assessment < story.plan->assessments()->size()
             ? story.plan->assessments()->Get(story.change.assessment)->name()->str()
             : "?";
}

void print_values(const std::vector<node::Compared>& values) {
  std::size_t widest = 0, longest = 12;
  for (const node::Compared& v : values) {
    widest = std::max(widest, v.what.size());
    longest = std::max(longest, v.value_text().size());
  }
  for (const node::Compared& v : values) {
    std::string line = "  " + padded(v.what, widest + 2) + padded(v.value_text(), longest + 2) +
                       (v.comparison == OpCode::count ? "" : v.held_against());
    line.resize(line.find_last_not_of(' ') + 1);
    print_text(line + "\n");
  }
}

void print_track(const std::string& what, const SeenTrack& seen) {
  std::string text = "  " + padded(what, 12);
  if (!seen.placed) {
    print_text(text + "without a position\n");
    return;
  }
  text += place_text(seen.motion.place) + ", " +
          quantity_text(speed_of(seen.motion), Dimension::speed) + " on " +
          decimal(course_of(seen.motion), 0) + " deg; within " +
          quantity_text(2.0 * seen.sigma_m, Dimension::length) + " (2 sigma), confidence " +
          decimal(seen.confidence, 2) + ", last position " +
          quantity_text(seen.age_s, Dimension::duration) + " old\n";
  print_text(text);
}

void print_observations(const Story& story, const KeptEvents& events) {
  for (const std::uint64_t cause : observations_of(story, events)) {
    const KeptEvent& e = events.at(cause);
    std::string text =
        "  " + clock_text(e.header.observed_ns) + "  event " + std::to_string(cause) + ", ";
    if (e.header.kind == EventKind::observation) {
      const auto o = payload_as<Observation>(e.payload);
      text += track_text(track_key(o.kind, o.identity)) + " by source " +
              (e.header.source < e.plan->sources()->size()
                   ? e.plan->sources()->Get(e.header.source)->name()->str()
                   : "?");
      text += o.has(Field::position)
                  ? ": " + place_text({o.latitude_e7 * 1e-7, o.longitude_e7 * 1e-7})
              : o.has(Field::name) ? ": name"
                                   : "";
      text +=
          o.has(Field::speed) ? ", " + quantity_text(o.speed_mm_s * 1e-3, Dimension::speed) : "";
      text += o.has(Field::course) ? " on " + decimal(o.course_e6 * 1e-6, 0) + " deg" : "";
      text += o.has(Field::altitude)
                  ? ", altitude " + quantity_text(o.altitude_mm * 1e-3, Dimension::length)
                  : "";
    } else {
      text += name_of(e.header.kind);
    }
    const double age_s = static_cast<double>(story.at_ns - e.header.observed_ns) * 1e-9;
    print_text(text + ", " + quantity_text(age_s, Dimension::duration) + " before\n");
  }
}

void print_delivery(const Delivery& delivery, const KeptEvents& events, const plan::Plan& plan) {
  const KeptEvent& e = events.at(delivery.action);
  const auto intent = payload_as<ActionIntent>(e.payload);
  const std::string action = intent.action < plan.actions()->size()
                                 ? plan.actions()->Get(intent.action)->name()->str()
                                 : "?";
  print_text("  " + clock_text(e.admitted_ns) + "  " + action + " to " +
             destination_text(plan, intent.sink) + ", event " + std::to_string(delivery.action) +
             "\n");
  bool over = e.header.state.phase() == Phase::resolved;
  if (over && e.header.state.exit() != Exit::success) {
    print_text("                  " + std::string(name_of(e.header.state.exit())) + ": " +
               std::string(meaning_of(e.header.state.reason())) + "\n");
  }
  for (const std::uint64_t at : delivery.events) {
    const KeptEvent& one = events.at(at);
    std::string text;
    if (one.header.kind == EventKind::action) {
      text = "tried again, event " + std::to_string(at);
      over = false;
    } else if (one.header.kind == EventKind::unrecorded) {
      text = "sent before the disk had recorded it";
    } else {
      const auto outcome = payload_as<ActionOutcome>(one.payload);
      const auto resolution = payload_as<Resolution>(one.payload);
      const bool is_outcome = one.header.kind == EventKind::outcome;
      const Exit exit = is_outcome ? outcome.exit : resolution.exit;
      const Reason reason = is_outcome ? outcome.reason : resolution.reason;
      text = exit == Exit::success
                 ? arrival_text(plan, intent.sink)
                 : std::string(name_of(exit)) + ": " + std::string(meaning_of(reason));
      over = true;
    }
    print_text("    " + clock_text(one.admitted_ns) + "  " + text + "\n");
  }
  if (!over) {
    print_text("                  it waits: no outcome yet\n");
  }
}

void print_done(const Story& story, const KeptEvents& events) {
  const plan::Plan& plan = *story.plan;
  const std::vector<std::uint64_t> decisions = decisions_of(story, events);
  for (const std::uint64_t at : decisions) {
    const auto made = payload_as<DecisionMade>(events.at(at).payload);
    const plan::Decision* decision =
        made.decision < plan.decisions()->size() ? plan.decisions()->Get(made.decision) : nullptr;
    std::string text = "  " + clock_text(events.at(at).admitted_ns) + "  decided by " +
                       (decision == nullptr ? "?" : decision->name()->str());
    if (made.choice == DecisionChoice::fallback_confidence && decision != nullptr) {
      text += ", its fallback: confidence " + decimal(made.confidence, 2) + " is below " +
              decimal(decision->min_confidence(), 2);
    } else if (made.choice == DecisionChoice::fallback_deadline) {
      text += ", its fallback: the deadline had passed";
    }
    text += made.action == kNoAction ? ": nothing to do" : "";
    print_text(text + "\n");
    for (const Delivery& delivery : deliveries_of(at, events)) {
      print_delivery(delivery, events, plan);
    }
  }
  for (const std::uint64_t at : life_of(story, events)) {
    const auto change = payload_as<AlarmChange>(events.at(at).payload);
    if (change.change == AlarmEvent::escalated) {
      for (const Delivery& delivery : deliveries_of(at, events)) {
        print_delivery(delivery, events, plan);
      }
    }
  }
  if (decisions.empty()) {
    print_text("  nothing: no decision of the site file applied\n");
  }
}

void print_life(const Story& story, const KeptEvents& events) {
  const std::vector<std::uint64_t> life = life_of(story, events);
  if (life.empty()) {
    print_text("It is a notice: nobody has to acknowledge it.\n");
    return;
  }
  print_text("Its life as an alarm\n");
  AlarmState state = AlarmState::unacknowledged;
  for (const std::uint64_t at : life) {
    const auto change = payload_as<AlarmChange>(events.at(at).payload);
    const Alarm& a = change.alarm;
    const bool level_changed = change.change == AlarmEvent::level_changed;
    std::string text = "  " + clock_text(events.at(at).admitted_ns) + "  " +
                       (level_changed ? "level now " + std::string(name_of(a.level))
                                      : std::string(name_of(change.change)));
    text += change.change == AlarmEvent::repeated ? ", level " + std::string(name_of(a.level)) : "";
    text += level_changed || change.change == AlarmEvent::repeated
                ? ", event " + std::to_string(events.at(at).header.cause)
                : "";
    text += change.change == AlarmEvent::shelved ? " until " + clock_text(a.shelved_until_ns) : "";
    const bool person =
        change.change == AlarmEvent::acknowledged || change.change == AlarmEvent::shelved ||
        (change.change == AlarmEvent::unshelved && events.at(at).header.cause != story.alarm);
    text += person ? words_of(a.by, a.note) : "";
    if (change.change == AlarmEvent::suppressed) {
      text += ": it follows from alarm " + std::to_string(a.root);
    }
    print_text(text + "\n");
    state = a.acknowledged_ns != 0 && a.active == 0 ? AlarmState::gone : a.state();
  }
  if (state == AlarmState::unacknowledged || state == AlarmState::returned) {
    print_text("  nobody has acknowledged it\n");
  }
}

void print_why(const Story& story) {
  const plan::Assessment* rule = story.change.assessment < story.plan->assessments()->size()
                                     ? story.plan->assessments()->Get(story.change.assessment)
                                     : nullptr;
  print_text("Why\n");
  print_values(story.values);
  if (!story.unknown.empty()) {
    print_text("  its values are not known: " + story.unknown + "\n");
  }
  print_text("  rule: " + story.condition + "\n");
  if (rule != nullptr && rule->hold_ns() > 0) {
    print_text("  true for at least " +
               quantity_text(static_cast<double>(rule->hold_ns()) * 1e-9, Dimension::duration) +
               " (hold)\n");
  }
  if (story.change.second != 0) {
    print_text("  true at its second place: two places use this name\n");
  }
  if (story.change.own_in_doubt != 0) {
    print_text("  own position was in doubt, and this relies on it\n");
  }
  print_text("  confidence " + decimal(story.change.confidence, 2) + "\n");
  if (!story.alarm_values.empty()) {
    const bool reached = story.change.level == Level::alarm;
    print_text(reached ? "Level alarm, because\n" : "For level alarm it would need\n");
    print_values(story.alarm_values);
  }
}

}  // namespace

double course_of(const Motion& m) {
  return wrap_360(det_atan2(m.velocity_east, m.velocity_north) / kDegree);
}

double speed_of(const Motion& m) {
  return det_sqrt(m.velocity_east * m.velocity_east + m.velocity_north * m.velocity_north);
}

void print_story(const Story& story, const KeptEvents& events) {
  std::string when;
  append_time(when, story.at_ns);
  const std::string what = story.alarm != 0 ? "Alarm " + std::to_string(story.alarm)
                                            : "Event " + std::to_string(story.event);
  print_text(what + ": " + rule_name(story) + " " + std::string(name_of(story.change.transition)) +
             ", level " + std::string(name_of(story.change.level)) + "\n" + story.about + ", " +
             when + "\n\n");
  if (story.change.transition == Transition::cleared) {
    print_text("The condition no longer holds.\n");
  }
  print_why(story);
  print_text("\nFrom what\n");
  if (story.track && !(story.own && story.own->key == story.track->key)) {
    print_track(is_pair(story) ? "a, " + story.first : "track", *story.track);
  }
  if (story.own) {
    print_track(is_pair(story) ? "b, " + story.other : "own ship", *story.own);
  }
  print_observations(story, events);
  print_text("\nWhat was done\n");
  print_done(story, events);
  print_text("\n");
  print_life(story, events);
}

namespace {

void value_members(std::string_view name, const std::vector<node::Compared>& values, Json& json) {
  json.key(name).begin_array();
  for (const node::Compared& v : values) {
    json.begin_object().member("what", std::string_view(v.what)).member("value", v.value, 6);
    json.member("dimension", name_of(v.dimension));
    if (v.comparison != OpCode::count) {
      json.member("bound", v.bound, 6);
      json.member("written", std::string_view(v.bound_text));
    }
    if (v.holds == v.holds) {
      json.member("holds", v.holds != 0.0);
    }
    const std::string text = v.what + " " + v.value_text() +
                             (v.comparison == OpCode::count ? "" : ", " + v.held_against());
    json.member("text", std::string_view(text)).end_object();
  }
  json.end_array();
}

void track_members(std::string_view name, const std::optional<SeenTrack>& seen, Json& json) {
  if (!seen || !seen->placed) {
    return;
  }
  const Motion& m = seen->motion;
  json.key(name).begin_object().member("kind", name_of(kind_of(seen->key)));
  json.member_id("identity", identity_of(seen->key));
  json.member("name", std::string_view(seen->name));
  json.member("lat", m.place.latitude, 7).member("lon", m.place.longitude, 7);
  json.member("speed", speed_of(m), 5).member("course", course_of(m), 5);
  json.member("sigma", seen->sigma_m, 2).member("confidence", seen->confidence, 4);
  json.member("age_s", seen->age_s, 3).end_object();
}

void delivery_members(const std::vector<Delivery>& deliveries, const KeptEvents& events,
                      Json& json) {
  json.key("actions").begin_array();
  for (const Delivery& delivery : deliveries) {
    const KeptEvent& e = events.at(delivery.action);
    json.begin_object();
    event_members(e.header, e.payload, *e.plan, json);
    const std::string to = destination_text(*e.plan, payload_as<ActionIntent>(e.payload).sink);
    json.member("to", std::string_view(to)).key("then").begin_array();
    for (const std::uint64_t at : delivery.events) {
      const KeptEvent& one = events.at(at);
      json.begin_object();
      event_members(one.header, one.payload, *one.plan, json);
      json.end_object();
    }
    json.end_array().end_object();
  }
  json.end_array();
}

}  // namespace

void story_members(const Story& story, const KeptEvents& events, Json& json) {
  json.key("story").begin_object().member_id("event", story.event);
  if (story.alarm != 0) {
    json.member_id("alarm", story.alarm);
  }
  const std::string rule = rule_name(story);
  json.member("assessment", std::string_view(rule));
  json.member("subject", std::string_view(story.about));
  json.member("transition", name_of(story.change.transition));
  json.member("level", name_of(story.change.level));
  json.member("confidence", story.change.confidence, 4).member_time("time", story.at_ns);
  if (story.change.own_in_doubt != 0) {
    json.member("own_in_doubt", true);
  }
  json.member("rule", std::string_view(story.condition));
  value_members("values", story.values, json);
  if (!story.alarm_values.empty()) {
    json.member("alarm_rule", std::string_view(story.alarm_condition));
    value_members("alarm_values", story.alarm_values, json);
  }
  if (!story.unknown.empty()) {
    json.member("unknown", std::string_view(story.unknown));
  }
  track_members("track", story.track, json);
  track_members(is_pair(story) ? "other" : "own", story.own, json);
  if (story.approach) {
    json.member("cpa", story.approach->cpa, 3).member("tcpa", story.approach->tcpa, 3);
  }
  json.key("observations").begin_array();
  for (const std::uint64_t at : observations_of(story, events)) {
    json.value(std::string_view(std::to_string(at)));
  }
  json.end_array().key("decisions").begin_array();
  for (const std::uint64_t at : decisions_of(story, events)) {
    const KeptEvent& e = events.at(at);
    json.begin_object();
    event_members(e.header, e.payload, *e.plan, json);
    delivery_members(deliveries_of(at, events), events, json);
    json.end_object();
  }
  json.end_array().key("life").begin_array();
  for (const std::uint64_t at : life_of(story, events)) {
    const KeptEvent& e = events.at(at);
    json.begin_object();
    event_members(e.header, e.payload, *e.plan, json);
    if (payload_as<AlarmChange>(e.payload).change == AlarmEvent::escalated) {
      delivery_members(deliveries_of(at, events), events, json);
    }
    json.end_object();
  }
  json.end_array().end_object();
}

}  // namespace vedette::cli
