// Purpose: dead letters: lists what a node abandoned, from its journal, and requeues it.
#include <map>

#include "base/text.hpp"
#include "cli/ask_node.hpp"
#include "cli/command.hpp"
#include "cli/event_reading.hpp"
#include "cli/print.hpp"
#include "edge/journal/reader.hpp"
#include "model/derived.hpp"
#include "model/describe_event.hpp"

namespace vedette::cli {
namespace {

struct Abandoned {
  EventHeader header;
  std::vector<std::uint8_t> payload;
  Reason reason;
  std::int64_t at_ns;
  const plan::Plan* plan;  // the plan it was journalled under
};

// Abandoned actions that were not requeued, by number, as far back as the journal goes.
class DeadLetters {
 public:
  void add(const ReadEvent& read) {
    plan_ = &read.plan;
    const EventHeader& e = read.header;
    switch (e.kind) {
      case EventKind::action:
        if (payload_as<ActionIntent>(read.payload).attempt != 0) {
          dead_.erase(e.cause);  // it was retried
        }
        [[fallthrough]];
      case EventKind::observation:
        keep(e, read.payload, read.admitted_ns);
        break;
      case EventKind::resolution: {
        const auto r = payload_as<Resolution>(read.payload);
        leave(r.sequence, r.exit, r.reason, read.admitted_ns);
        break;
      }
      case EventKind::outcome: {
        const auto o = payload_as<ActionOutcome>(read.payload);
        if (e.state.exit() == Exit::success) {
          leave(o.action_sequence, o.exit, o.reason, read.admitted_ns);
        }
        break;
      }
      default:
        break;
    }
  }
  const std::map<std::uint64_t, Abandoned>& all() const { return dead_; }

 private:
  void keep(const EventHeader& e, Bytes payload, std::int64_t at_ns) {
    if (e.state.exit() == Exit::success || e.state.exit() == Exit::retraction) {
      return;
    }
    open_[e.sequence] = {e, {payload.begin(), payload.end()}, Reason::none, 0, plan_};
    if (e.state.phase() == Phase::resolved) {
      leave(e.sequence, e.state.exit(), e.state.reason(), at_ns);
    }
  }
  void leave(std::uint64_t sequence, Exit exit, Reason reason, std::int64_t at_ns) {
    const auto found = open_.find(sequence);
    if (found == open_.end()) {
      return;
    }
    if (exit == Exit::abandonment) {
      found->second.reason = reason;
      found->second.at_ns = at_ns;
      dead_[sequence] = std::move(found->second);
    }
    open_.erase(found);
  }

  const plan::Plan* plan_ = nullptr;
  std::map<std::uint64_t, Abandoned> open_, dead_;
};

void letter_members(const Abandoned& a, Json& json) {
  event_members(a.header, a.payload, *a.plan, json);
  json.member_time("given_up", a.at_ns).member("because", name_of(a.reason));
}

int list_letters(const JournalCommand& c, const DeadLetters& letters,
                 std::uint64_t evidence_through) {
  std::string text;
  Json json(text);
  json.begin_array();
  for (const auto& [sequence, letter] : letters.all()) {
    if (c.json) {
      json.begin_object();
      letter_members(letter, json);
      if (sequence <= evidence_through) {
        json.member("evidence", true);
      }
      json.end_object();
    } else {
      std::string when;
      append_time(when, letter.at_ns);
      print("#%-8llu %s  %-12s %s: %s\n", static_cast<unsigned long long>(sequence), when.c_str(),
            std::string(name_of(letter.header.kind)).c_str(),
            std::string(name_of(letter.reason)).c_str(),
            std::string(meaning_of(letter.reason)).c_str());
    }
  }
  json.end_array();
  if (c.json) {
    print_data("deadletter", text);
  }
  return kOk;
}

int show_letter(const JournalCommand& c, const Abandoned& letter) {
  std::string text;
  Json json(text);
  json.begin_object();
  letter_members(letter, json);
  json.end_object();
  if (c.json) {
    print_data("deadletter", text);
  } else {
    print_text(text + "\n");
  }
  return kOk;
}

int requeue_letter(const JournalCommand& c, const Abandoned& letter) {
  if (letter.header.kind != EventKind::action) {
    return fail(c.json, "deadletter", kUsage, "usage",
                "event " + c.event + " is an " + std::string(name_of(letter.header.kind)) +
                    "; only actions can be requeued");
  }
  int code = kOk;
  const auto answer =
      ask(c.data, request::Requeue{{letter.header.sequence}}, "deadletter", c.json, code);
  if (answer && c.json) {
    print_data("deadletter", encode(*answer));
  }
  return code;
}

}  // namespace

int deadletter(const JournalCommand& c, const std::string& word) {
  EventReading reading(c);
  if (const int code = reading.open("deadletter"); code != kOk) {
    return code;
  }
  DeadLetters letters;
  const journal::ReadResult result = reading.read([&](const ReadEvent& e) { letters.add(e); });
  say_damage(c, result);
  if (!result.problem.empty() && !result.torn_tail) {
    return fail(c.json, "deadletter", kFound, "journal", c.data + ": " + result.problem);
  }
  if (word == "list") {
    return list_letters(c, letters, reading.last_of_evidence());
  }
  const auto wanted = parse_unsigned(c.event);
  const auto found = letters.all().find(wanted.value_or(0));
  if (found == letters.all().end()) {
    return fail(c.json, "deadletter", kNotFound, "not-found",
                "event " + c.event + " is not abandoned, or the node did it again since",
                "`vedette deadletter list " + c.data + "` lists the abandoned ones");
  }
  return word == "show" ? show_letter(c, found->second) : requeue_letter(c, found->second);
}

}  // namespace vedette::cli
