// `vedette log`: what a watch wants to read afterwards: alarms, what people did and wrote, faults
// and causes of the node.
#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/event_reading.hpp"
#include "cli/print.hpp"
#include "model/derived.hpp"
#include "model/describe_event.hpp"

namespace vedette::cli {
namespace {

std::string words_of(const PersonName& by, const PersonNote& note) {
  std::string text = by.view().empty() ? "" : " by " + std::string(by.view());
  return text + (note.view().empty() ? "" : ": " + std::string(note.view()));
}

std::string alarm_text(const ReadEvent& event, const TrackNames& names) {
  const auto change = payload_as<AlarmChange>(event.payload);
  const plan::Plan& plan = event.plan;
  const Alarm& a = change.alarm;
  const bool named = a.assessment < plan.assessments()->size();
  std::string text = "alarm " + std::to_string(a.id) + " " + std::string(name_of(change.change));
  text += " " + (named ? plan.assessments()->Get(a.assessment)->name()->str()
                       : std::string("(no longer in the site file)"));
  text += ": " + subject_text(a.subject, plan);
  if (const std::string_view name = name_beside(event, names); !name.empty()) {
    text += " " + std::string(name);
  }
  text += ", level " + std::string(name_of(a.level));
  if (change.change == AlarmEvent::suppressed) {
    text += ", follows from alarm " + std::to_string(a.root);
  }
  const bool by_person = change.change == AlarmEvent::acknowledged ||
                         change.change == AlarmEvent::shelved ||
                         change.change == AlarmEvent::unshelved;
  return text + (by_person ? words_of(a.by, a.note) : "");
}

// Empty: not for this log.
std::string text_of(const ReadEvent& event, const TrackNames& names) {
  switch (event.header.kind) {
    case EventKind::alarm:
      return alarm_text(event, names);
    case EventKind::command: {
      const auto order = payload_as<AlarmOrder>(event.payload);
      if (order.command.kind == CommandKind::note) {
        return "note" + words_of(order.by, order.note);
      }
      const bool refused = event.header.state.exit() != Exit::success;
      if (!refused && order.command.kind >= CommandKind::acknowledge_alarm) {
        return {};  // the alarm's own event says it
      }
      return std::string(name_of(order.command.kind)) + words_of(order.by, order.note) +
             (refused ? ", refused: " + std::string(meaning_of(event.header.state.reason())) : "");
    }
    case EventKind::cause:
    case EventKind::mode:
    case EventKind::fault:
    case EventKind::sink_state:
    case EventKind::source_state:
    case EventKind::plan: {
      std::string json_text;
      Json json(json_text);
      json.begin_object();
      event_members(event.header, event.payload, event.plan, json);
      json.end_object();
      return "node: " + json_text;
    }
    default:
      return {};
  }
}

}  // namespace

int watch_log(const JournalCommand& c) {
  EventReading reading(c);
  if (const int code = reading.open("log"); code != kOk) {
    return code;
  }
  const auto show = [&](const ReadEvent& event) {
    const std::string text = text_of(event, reading.names());
    if (text.empty()) {
      return;
    }
    const EventHeader& h = event.header;
    const std::int64_t ns = h.observed_ns != 0 ? h.observed_ns : h.received_ns;
    std::string line;
    if (c.json) {
      Json json(line);
      json.begin_object().member_time("time", ns).member_id("event", h.sequence);
      json.member("text", std::string_view(text)).end_object();
    } else {
      append_time(line, ns);
      line += " " + text;
    }
    print_text(line + "\n");
  };
  if (c.follow) {
    reading.follow(show);
    return kOk;
  }
  say_damage(c, reading.read(show));
  return kOk;
}

}  // namespace vedette::cli
