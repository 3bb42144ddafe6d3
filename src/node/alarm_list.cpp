#include "node/alarm_list.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <tuple>

#include "base/json.hpp"
#include "base/math.hpp"
#include "model/describe_event.hpp"

namespace vedette::node {
namespace {

// Smaller is more urgent.
int urgency_of(AlarmState state) {
  switch (state) {
    case AlarmState::unacknowledged:
      return 0;
    case AlarmState::returned:
      return 1;
    case AlarmState::acknowledged:
      return 2;
    case AlarmState::shelved:
      return 3;
    default:
      return 4;
  }
}

void about_members(const AlarmList::Item& item, JsonWriter<std::string>& json) {
  const ActionIntent& about = item.about;
  const std::string_view name(about.name, ::strnlen(about.name, sizeof about.name));
  if (!name.empty()) {
    json.member("name", name);
  }
  if (about.has_position != 0) {
    json.member("lat", about.latitude, 6).member("lon", about.longitude, 6);
    json.member("speed", about.speed, 2).member("course", about.course, 1);
  }
  if (about.cpa == about.cpa) {
    json.member("cpa", about.cpa, 0).member("tcpa", about.tcpa, 0);
  }
}

std::string rounded(double value, const char* unit) {
  return std::to_string(std::llround(value)) + " " + unit;
}

std::string age_text(std::int64_t ns) {
  const auto s = static_cast<double>(ns) * 1e-9;
  return s < 120      ? rounded(s, "s")
         : s < 7200   ? rounded(s / 60, "min")
         : s < 172800 ? rounded(s / 3600, "h")
                      : rounded(s / 86400, "d");
}

void pad(std::string& text, std::size_t to) {
  text.resize(std::max(text.size() + 1, to), ' ');
}

// What a person reads: number, priority, state, age, which rule, about whom, what matters.
std::string line_of(const AlarmList::Item& item, std::int64_t now_ns, const plan::Plan& plan) {
  const Alarm& a = item.alarm;
  const ActionIntent& about = item.about;
  const plan::Assessment* rule = plan.assessments()->Get(a.assessment);
  std::string line = std::to_string(a.id);
  pad(line, 9);
  line += name_of(static_cast<AlarmPriority>(rule->priority()));
  pad(line, 18);
  line += name_of(a.state());
  pad(line, 33);
  line += age_text(now_ns - a.raised_ns);
  pad(line, 41);
  const bool pair = a.subject.kind == SubjectKind::pair;
  line += rule->name()->str() + ": ";
  line += of_track(a.subject) ? track_text(a.subject.key) : subject_text(a.subject, plan);
  const std::string_view name(about.name, ::strnlen(about.name, sizeof about.name));
  line += name.empty() ? "" : " " + std::string(name);
  if (pair) {
    line += " and " + track_text(a.subject.other);
    const std::string_view other(item.other_name,
                                 ::strnlen(item.other_name, sizeof item.other_name));
    line += other.empty() ? "" : " " + std::string(other);
  }
  if (about.cpa == about.cpa && about.tcpa > 0) {
    line += ", CPA " +
            (about.cpa < 10'000 ? rounded(about.cpa, "m") : rounded(about.cpa / 1000, "km")) +
            " in " + age_text(to_int64(about.tcpa * 1e9));
  }
  if (about.has_position != 0) {
    line += ", " + rounded(about.speed * 3600 / 1852, "kn");
  }
  line += a.raises > 1 ? ", " + std::to_string(a.raises) + " times" : "";
  line += a.own_in_doubt != 0 ? ", own position in doubt" : "";
  line += a.escalated != 0 ? ", escalated" : "";
  if (a.shelved_until_ns != 0) {
    std::string until;
    append_time(until, a.shelved_until_ns);
    line += ", until " + until.substr(11, 5);
  }
  line += a.root != 0 ? ", follows from " + std::to_string(a.root) : "";
  line += a.by.view().empty() ? "" : "; by " + std::string(a.by.view());
  line += a.note.view().empty() ? "" : ": " + std::string(a.note.view());
  return line;
}

void held_members(const AlarmList& list, const plan::Plan& plan, JsonWriter<std::string>& json) {
  json.key("held").begin_array();
  for (std::size_t i = 0; i < list.held.size(); ++i) {
    if (list.held[i].brief + list.held[i].returned != 0) {
      const auto* rule = plan.assessments()->Get(static_cast<flatbuffers::uoffset_t>(i));
      json.begin_object().member("assessment", rule->name()->string_view());
      json.member("brief", list.held[i].brief).member("returned", list.held[i].returned);
      json.end_object();
    }
  }
  json.end_array();
}

}  // namespace

void AlarmList::copy(const engine::Shard& shard) {
  batch = shard.progress().batch_number;
  now_ns = shard.progress().admitted_ns;
  items.clear();
  held.assign(shard.assess().held().begin(), shard.assess().held().end());
  for (const Alarm& alarm : shard.alarms().alarms()) {
    Item item{alarm, shard.describe(alarm), {}};
    const std::uint32_t other = shard.tracks().find(alarm.subject.other);
    if (alarm.subject.kind == SubjectKind::pair && other != TrackTable::kNone) {
      std::memcpy(item.other_name, shard.tracks()[other].name, sizeof item.other_name);
    }
    items.push_back(item);
  }
}

std::string alarms_json(AlarmList& list, const plan::Plan& plan) {
  const auto key = [&](const Alarm& a) {
    return std::tuple(urgency_of(a.state()), -plan.assessments()->Get(a.assessment)->priority(),
                      -static_cast<int>(a.level), a.raised_ns, a.id);
  };
  std::sort(list.items.begin(), list.items.end(),
            [&](const auto& one, const auto& other) { return key(one.alarm) < key(other.alarm); });
  std::string text;
  JsonWriter<std::string> json(text);
  json.begin_object().member_id("batch", list.batch).member_time("time", list.now_ns);
  json.key("alarms").begin_array();
  for (const AlarmList::Item& item : list.items) {
    json.begin_object();
    alarm_members(item.alarm, plan, json);
    json.member("age_s", static_cast<double>(list.now_ns - item.alarm.raised_ns) * 1e-9, 0);
    about_members(item, json);
    json.member("line", std::string_view(line_of(item, list.now_ns, plan)));
    json.end_object();
  }
  json.end_array();
  held_members(list, plan, json);
  json.end_object();
  return text;
}

}  // namespace vedette::node
