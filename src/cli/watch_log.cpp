// `vedette log`: what a watch wants to read afterwards: alarms, what people did and wrote, faults
// and causes of the node.
#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/open_data.hpp"
#include "cli/print.hpp"
#include "edge/journal/reader.hpp"
#include "model/derived.hpp"
#include "model/describe_event.hpp"

namespace vedette::cli {
namespace {

std::string words_of(const PersonName& by, const PersonNote& note) {
  std::string text = by.view().empty() ? "" : " by " + std::string(by.view());
  return text + (note.view().empty() ? "" : ": " + std::string(note.view()));
}

std::string alarm_text(const AlarmChange& change, const plan::Plan& plan) {
  const Alarm& a = change.alarm;
  const bool named = a.assessment < plan.assessments()->size();
  std::string text = "alarm " + std::to_string(a.id) + " " + std::string(name_of(change.change));
  text += " " + (named ? plan.assessments()->Get(a.assessment)->name()->str()
                       : std::string("(no longer in the site file)"));
  text += ": " + subject_text(a.subject, plan) + ", level " + std::string(name_of(a.level));
  if (change.change == AlarmEvent::suppressed) {
    text += ", follows from alarm " + std::to_string(a.root);
  }
  const bool by_person = change.change == AlarmEvent::acknowledged ||
                         change.change == AlarmEvent::shelved ||
                         change.change == AlarmEvent::unshelved;
  return text + (by_person ? words_of(a.by, a.note) : "");
}

// Empty: not for this log.
std::string text_of(const EventHeader& event, Bytes payload, const plan::Plan& plan) {
  switch (event.kind) {
    case EventKind::alarm:
      return alarm_text(payload_as<AlarmChange>(payload), plan);
    case EventKind::command: {
      const auto order = payload_as<AlarmOrder>(payload);
      if (order.command.kind == CommandKind::note) {
        return "note" + words_of(order.by, order.note);
      }
      const bool refused = event.state.exit() != Exit::success;
      if (!refused && order.command.kind >= CommandKind::acknowledge_alarm) {
        return {};  // the alarm's own event says it
      }
      return std::string(name_of(order.command.kind)) + words_of(order.by, order.note) +
             (refused ? ", refused: " + std::string(meaning_of(event.state.reason())) : "");
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
      event_members(event, payload, plan, json);
      json.end_object();
      return "node: " + json_text;
    }
    default:
      return {};
  }
}

}  // namespace

int watch_log(const JournalCommand& c) {
  node::KeptPlan kept;
  journal::SegmentHeader first{};
  if (const int code = open_data(c, "log", kept, first); code != kOk) {
    return code;
  }
  PlanInReading plan(c.data, *kept.plan);
  const auto show = [&](Bytes batch) {
    for_each_event(batch, [&](const EventHeader& event, Bytes payload) {
      const std::string text = text_of(event, payload, *plan);
      if (text.empty()) {
        return;
      }
      const std::int64_t ns = event.observed_ns != 0 ? event.observed_ns : event.received_ns;
      std::string line;
      if (c.json) {
        Json json(line);
        json.begin_object().member_time("time", ns).member_id("event", event.sequence);
        json.member("text", std::string_view(text)).end_object();
      } else {
        append_time(line, ns);
        line += " " + text;
      }
      print_text(line + "\n");
    });
    return true;
  };
  read_kept_evidence(c, plan, show);
  journal::Visit visit;
  plan.follow(visit);
  visit.batch = show;
  visit.around = true;
  visit.node = first.node;
  const journal::ReadResult read = journal::read_journal(journal_folder(c.data), visit);
  say_damage(c, read);
  return kOk;
}

}  // namespace vedette::cli
