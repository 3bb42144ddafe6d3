#include "cli/alarm_rates.hpp"

#include <algorithm>
#include <cstdio>

#include "base/text.hpp"
#include "model/describe_event.hpp"

namespace vedette::cli {
namespace {

constexpr std::size_t kMostNamed = 10;
constexpr double kEnough = 9.5;  // minutes, because "the last 10 min" begin with their first event

// EEMUA 191, long-term average of alarms in 10 minutes for one watch.
const char* verdict(double average) {
  return average > 10.0  ? "very likely to be unacceptable"
         : average > 5.0 ? "likely to be over-demanding"
         : average > 1.0 ? "manageable"
                         : "very likely to be acceptable";
}

std::string number(double value, int decimals) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

std::string clock_text(std::int64_t ns) {
  std::string text;
  append_time(text, ns);
  return text.substr(0, 19) + "Z";
}

}  // namespace

bool announces(const AlarmChange& change) {
  switch (change.change) {
    case AlarmEvent::raised:
    case AlarmEvent::repeated:
      return change.alarm.told == AlarmTold::raised && change.alarm.root == 0 &&
             change.alarm.shelved_until_ns == 0;
    case AlarmEvent::released:
    case AlarmEvent::unshelved:
      return change.alarm.state() == AlarmState::unacknowledged;
    default:
      return false;
  }
}

void AlarmRates::covers(std::int64_t from_ns, std::int64_t to_ns) {
  from_ns_ = from_ns_ == 0 ? from_ns : std::min(from_ns_, from_ns);
  to_ns_ = std::max(to_ns_, to_ns);
}

void AlarmRates::take(const AlarmChange& change, std::int64_t at_ns, const plan::Plan& plan) {
  covers(at_ns, at_ns);
  const Alarm& alarm = change.alarm;
  if (!announces(change) || alarm.assessment >= plan.assessments()->size()) {
    return;
  }
  const plan::Assessment& rule = *plan.assessments()->Get(alarm.assessment);
  ++announced_;
  ++windows_[at_ns / kWindowNs];
  ++by_priority_[std::min<std::size_t>(rule.priority(), 3)];
  ++by_assessment_[rule.name()->str()];
  Recent& recent = recent_[alarm.id];
  recent.name = rule.name()->str() + ", " + subject_text(alarm.subject, plan);
  std::erase_if(recent.at_ns, [&](std::int64_t ns) { return at_ns - ns > kChatterNs; });
  recent.at_ns.push_back(at_ns);
  recent.most = std::max<std::uint64_t>(recent.most, recent.at_ns.size());
}

double AlarmRates::minutes() const {
  return static_cast<double>(to_ns_ - from_ns_) / 60e9;
}

// Of a period shorter than a window as if it were one.
double AlarmRates::average() const {
  return static_cast<double>(announced_) / std::max(minutes() / 10.0, 1.0);
}

AlarmRates::Window AlarmRates::busiest() const {
  Window most;
  for (const auto& [window, count] : windows_) {
    most = count > most.announced ? Window{window * kWindowNs, count} : most;
  }
  return most;
}

double AlarmRates::flood_share() const {
  const std::int64_t windows = to_ns_ / kWindowNs - from_ns_ / kWindowNs + 1;
  const auto floods = std::count_if(windows_.begin(), windows_.end(),
                                    [](const auto& w) { return w.second > kFlood; });
  return static_cast<double>(floods) / static_cast<double>(windows);
}

namespace {

void most_first(std::vector<AlarmRates::Named>& list) {
  std::stable_sort(list.begin(), list.end(),
                   [](const auto& a, const auto& b) { return a.count > b.count; });
  list.resize(std::min(list.size(), kMostNamed));
}

}  // namespace

std::vector<AlarmRates::Named> AlarmRates::frequent() const {
  std::vector<Named> list;
  for (const auto& [name, count] : by_assessment_) {
    list.push_back({name, count});
  }
  most_first(list);
  return list;
}

std::vector<AlarmRates::Named> AlarmRates::chattering() const {
  std::vector<Named> list;
  for (const auto& [alarm, recent] : recent_) {
    if (recent.most >= kChatter) {
      list.push_back({std::to_string(alarm) + " " + recent.name, recent.most});
    }
  }
  most_first(list);
  return list;
}

std::string AlarmRates::text() const {
  if (from_ns_ == 0) {
    return "no alarm changed in this time\n";
  }
  const Window most = busiest();
  std::string text = "from " + clock_text(from_ns_) + " to " + clock_text(to_ns_) + "\n";
  text += "announced       " + std::to_string(announced_) +
          (minutes() < kEnough ? ", in less than 10 min: too short for the average of EEMUA 191\n"
                               : ": " + number(average(), 1) + " in 10 min on average, " +
                                     verdict(average()) + " (EEMUA 191)\n");
  if (announced_ == 0) {
    return text;
  }
  text += "busiest 10 min  " + std::to_string(most.announced) + ", from " +
          clock_text(most.from_ns) + "\n";
  text += "in flood        " + number(100.0 * flood_share(), 0) +
          " % of the time (more than 10 in 10 min)\n";
  text += "priorities     ";
  for (std::size_t p = by_priority_.size(); p-- > 0;) {
    const double share =
        100.0 * static_cast<double>(by_priority_[p]) / static_cast<double>(announced_);
    text += " " + std::string(name_of(static_cast<AlarmPriority>(p))) + " " + number(share, 0) +
            (p == 0 ? " %" : " %,");
  }
  text += "\nmost frequent\n";
  for (const Named& n : frequent()) {
    text += "  " + std::to_string(n.count) + "  " + n.name + "\n";
  }
  if (const auto chatter = chattering(); !chatter.empty()) {
    text += "chattering: three times within a minute; give these a longer \"hold\" or \"clear\"\n";
    for (const Named& n : chatter) {
      text += "  " + std::to_string(n.count) + " times in a minute  alarm " + n.name + "\n";
    }
  }
  return text;
}

void AlarmRates::members(JsonWriter<std::string>& json) const {
  const Window most = busiest();
  json.member_time("from", from_ns_).member_time("to", to_ns_);
  json.member("announced", announced_).member("per_10_min", average(), 2);
  json.member("busiest_10_min", std::uint64_t{most.announced});
  json.member("flood_share", from_ns_ == 0 ? 0.0 : flood_share(), 3);
  json.key("priorities").begin_object();
  for (std::size_t p = 0; p < by_priority_.size(); ++p) {
    json.member(name_of(static_cast<AlarmPriority>(p)), by_priority_[p]);
  }
  json.end_object();
  const auto list = [&](std::string_view name, const std::vector<Named>& named) {
    json.key(name).begin_array();
    for (const Named& n : named) {
      json.begin_object().member("name", std::string_view(n.name)).member("count", n.count);
      json.end_object();
    }
    json.end_array();
  };
  list("frequent", frequent());
  list("chattering", chattering());
}

}  // namespace vedette::cli
