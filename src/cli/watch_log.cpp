// `vedette log`: what a watch wants to read afterwards: alarms, what people did and wrote, faults
// and causes of the node; and what it hands over to the next.
#include "base/text.hpp"
#include "base/trouble.hpp"
#include "cli/alarm_rates.hpp"
#include "cli/command.hpp"
#include "cli/event_reading.hpp"
#include "cli/print.hpp"
#include "model/cause.hpp"
#include "model/derived.hpp"
#include "model/describe_event.hpp"

namespace vedette::cli {
namespace {

std::string words_of(const PersonName& by, const PersonNote& note) {
  std::string text = by.view().empty() ? "" : " by " + std::string(by.view());
  return text + (note.view().empty() ? "" : ": " + std::string(note.view()));
}

bool by_person(const ReadEvent& event) {
  if (event.header.kind == EventKind::command) {
    return true;
  }
  const auto change = payload_as<AlarmChange>(event.payload);
  return change.change == AlarmEvent::acknowledged || change.change == AlarmEvent::shelved ||
         (change.change == AlarmEvent::unshelved && event.header.cause != change.alarm.id);
}

// "until 19:31:06"
std::string until_text(std::int64_t ns) {
  std::string text;
  append_time(text, ns);
  return ", until " + text.substr(11, 8);
}

std::string alarm_text(const ReadEvent& event, const TrackNames& names) {
  const auto change = payload_as<AlarmChange>(event.payload);
  const plan::Plan& plan = event.plan;
  const Alarm& a = change.alarm;
  const bool named = a.assessment < plan.assessments()->size();
  std::string text = "alarm " + std::to_string(a.id) + " " + std::string(name_of(change.change));
  text += " " + (named ? plan.assessments()->Get(a.assessment)->name()->str()
                       : std::string("(no longer in the site file)"));
  text += ": " + named_subject(a.subject, plan, names);
  text += ", level " + std::string(name_of(a.level));
  if (change.change == AlarmEvent::suppressed) {
    text += ", follows from alarm " + std::to_string(a.root);
  }
  text += change.change == AlarmEvent::shelved ? until_text(a.shelved_until_ns) : "";
  if (change.change == AlarmEvent::unshelved && !by_person(event)) {
    return text + ", its time is over";
  }
  return text + (by_person(event) ? words_of(a.by, a.note) : "");
}

// "acknowledge alarm 120 by mate: on radar"
std::string order_text(const ReadEvent& event, const TrackNames& names) {
  const auto order = payload_as<AlarmOrder>(event.payload);
  const std::uint64_t target = order.command.target;
  std::string text;
  switch (order.command.kind) {
    case CommandKind::note:
      text = "note";
      break;
    case CommandKind::acknowledge:
      text = "acknowledge " + named_subject({target, 0, SubjectKind::track, {}}, event.plan, names);
      break;
    case CommandKind::acknowledge_alarm:
      text = "acknowledge alarm " + std::to_string(target);
      break;
    case CommandKind::shelve:
    case CommandKind::unshelve:
      text = std::string(name_of(order.command.kind)) + " alarm " + std::to_string(target);
      break;
    case CommandKind::cancel:
    case CommandKind::requeue:
      text = std::string(name_of(order.command.kind)) + " event " + std::to_string(target);
      break;
    default:
      text = name_of(order.command.kind);
  }
  text += words_of(order.by, order.note);
  return order.command.denied == 0 ? text
                                   : text + " (user " + std::to_string(order.command.user) + ")";
}

std::string causes_text(const CauseChange& change) {
  std::string text;
  for (std::size_t i = 0; i < kCauseKinds; ++i) {
    const auto cause = static_cast<Cause>(i);
    const bool there = Causes{change.causes}.has(cause);
    if (there != Causes{change.before}.has(cause)) {
      text += (text.empty() ? "" : "; ") + std::string(name_of(cause));
      text += there ? ": " + std::string(facts_of(cause).means) : " is over";
    }
  }
  return text;
}

std::string wear_text(const WearStep& w) {
  const auto daily = [](std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB a day"; };
  std::string text = "flash: " + daily(w.bytes_day) + " at the present rate, the budget is " +
                     daily(w.budget) + "; ";
  if (w.step == 0) {
    return text + "nothing is spared any more";
  }
  return text + "step " + std::to_string(w.step) + ": batches wait " +
         std::to_string(w.commit_ns / 1'000'000) + " ms for others, an image comes every " +
         std::to_string(w.image_ns / 1'000'000'000) + " s" +
         (w.packs != 0 ? ", blocks are packed" : "");
}

// What happened to the node itself.
std::string node_text(const ReadEvent& event) {
  const plan::Plan& plan = event.plan;
  switch (event.header.kind) {
    case EventKind::cause:
      return causes_text(payload_as<CauseChange>(event.payload));
    case EventKind::wear:
      return wear_text(payload_as<WearStep>(event.payload));
    case EventKind::mode: {
      const auto mode = payload_as<ModeChange>(event.payload);
      return "mode " + std::string(name_of(mode.mode)) + ", before " +
             std::string(name_of(mode.previous));
    }
    case EventKind::sink_state: {
      const auto sink = payload_as<SinkState>(event.payload);
      const Subject about{sink.sink, sink.sink, SubjectKind::sink, {}};
      return subject_text(about, plan) +
             (sink.breaker == BreakerState::closed
                  ? " works again"
                  : ", " + std::to_string(sink.failures) + " failures in a row: " +
                        (sink.breaker == BreakerState::open ? "it is given a rest"
                                                            : "it is tried again"));
    }
    case EventKind::source_state: {
      const Subject about{event.header.source, event.header.source, SubjectKind::source, {}};
      const auto state = payload_as<SourceState>(event.payload);
      const std::string_view reason = text_of_trouble(state.error);
      return subject_text(about, plan) + (state.status == SourceStatus::ended ? " has " : " is ") +
             std::string(name_of(state.status)) +
             (reason.empty() ? "" : ": " + std::string(reason));
    }
    default: {
      std::string text;
      Json json(text);
      json.begin_object();
      event_members(event.header, event.payload, plan, json);
      json.end_object();
      return text;
    }
  }
}

std::string why_refused(CommandKind kind, Reason reason) {
  const bool of_alarm = kind >= CommandKind::acknowledge_alarm && kind <= CommandKind::unshelve;
  if (of_alarm && reason == Reason::unknown_subject) {
    return "there was no such alarm";
  }
  if (of_alarm && reason == Reason::superseded) {
    return kind == CommandKind::unshelve ? "it was not shelved" : "it was acknowledged already";
  }
  return std::string(meaning_of(reason));
}

// Empty: not for this log.
std::string text_of(const ReadEvent& event, const TrackNames& names) {
  switch (event.header.kind) {
    case EventKind::alarm:
      return alarm_text(event, names);
    case EventKind::command: {
      const CommandKind kind = payload_as<Command>(event.payload).kind;
      const bool refused = event.header.state.exit() != Exit::success;
      const bool of_alarm = kind >= CommandKind::acknowledge_alarm && kind != CommandKind::note;
      if (!refused && of_alarm) {
        return {};  // the alarm's own event says it
      }
      return order_text(event, names) +
             (refused ? ", refused: " + why_refused(kind, event.header.state.reason()) : "");
    }
    case EventKind::cause:
    case EventKind::mode:
    case EventKind::fault:
    case EventKind::wear:
    case EventKind::sink_state:
    case EventKind::source_state:
    case EventKind::plan:
      return "node: " + node_text(event);
    default:
      return {};
  }
}

struct Watch {
  std::vector<std::string> people, node;  // lines
  AlarmRates rates;
};

std::string line_of(const ReadEvent& event, const std::string& text) {
  const EventHeader& h = event.header;
  std::string line;
  append_time(line, h.observed_ns != 0 ? h.observed_ns : h.received_ns);
  return line + " " + text;
}

void take(Watch& watch, const ReadEvent& event, const TrackNames& names) {
  const std::int64_t at_ns =
      event.header.observed_ns != 0 ? event.header.observed_ns : event.header.received_ns;
  watch.rates.covers(at_ns, at_ns);
  if (event.header.kind == EventKind::alarm) {
    watch.rates.take(payload_as<AlarmChange>(event.payload), at_ns, event.plan);
  }
  const std::string text = text_of(event, names);
  if (text.empty()) {
    return;
  }
  if (text.starts_with("node: ")) {
    watch.node.push_back(line_of(event, text.substr(6)));
  } else if (by_person(event)) {
    watch.people.push_back(line_of(event, text));
  }
}

void print_part(const char* title, const std::vector<std::string>& lines) {
  print("\n%s\n", title);
  for (const std::string& line : lines) {
    print_text("  " + line + "\n");
  }
  if (lines.empty()) {
    print_text("  nothing\n");
  }
}

void list_members(std::string_view name, const std::vector<std::string>& lines, Json& json) {
  json.key(name).begin_array();
  for (const std::string& line : lines) {
    json.value(std::string_view(line));
  }
  json.end_array();
}

int hand_over(const JournalCommand& asked) {
  JournalCommand c = asked;
  c.since = c.since.empty() && c.handover ? "8h" : c.since;
  EventReading reading(c);
  if (const int code = reading.open("log"); code != kOk) {
    return code;
  }
  Watch watch;
  const journal::ReadResult read =
      reading.read([&](const ReadEvent& event) { take(watch, event, reading.names()); });
  if (c.json) {
    std::string text;
    Json json(text);
    json.begin_object();
    if (c.handover) {
      list_members("people", watch.people, json);
      list_members("node", watch.node, json);
    }
    json.key("rates").begin_object();
    watch.rates.members(json);
    json.end_object().end_object();
    print_data("log", text);
  } else if (c.handover) {
    AlarmCommand now;
    now.data = c.data;
    now.all = true;
    if (const int code = alarms(now, false); code != kOk) {
      return code;
    }
    print_part("What people did and wrote", watch.people);
    print_part("The node itself", watch.node);
    print_text("\nHow much was alarmed\n" + watch.rates.text());
  } else {
    print_text(watch.rates.text());
  }
  return end_reading(c, read);
}

}  // namespace

int watch_log(const JournalCommand& c) {
  if (c.rates || c.handover) {
    return hand_over(c);
  }
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
  return end_reading(c, reading.read(show));
}

}  // namespace vedette::cli
