// Purpose: talks to a running node over its control socket: status, hold, resume, cancel, and dead
// letters, which are read from its journal.
#include <cstdio>
#include <map>
#include <optional>
#include <set>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/open_data.hpp"
#include "cli/print.hpp"
#include "edge/journal/reader.hpp"
#include "model/batch.hpp"
#include "model/cause.hpp"
#include "model/derived.hpp"
#include "model/describe_event.hpp"
#include "platform/file.hpp"
#include "platform/socket.hpp"

namespace vedette::cli {
namespace {

// The node's answer, one JSON object; nothing when it failed, and then that has been said.
std::optional<std::string> ask(const std::string& data, const std::string& request,
                               const std::string& schema, bool json, int& code) {
  auto connected = platform::connect_unix(data + "/control.sock");
  if (!connected) {
    code = fail(json, schema, kUnreachable, "unreachable",
                "no node is running on " + data + ": " + platform::error_text(connected.error()));
    return std::nullopt;
  }
  platform::write_now(connected.value().get(), as_bytes(request + "\n"));
  std::string answer;
  std::uint8_t buffer[4096];
  while (platform::wait_readable(connected.value().get(), 2000)) {
    const auto got = platform::receive_now(connected.value().get(), buffer);
    if (got <= 0) {
      break;
    }
    answer.append(as_text(Bytes(buffer, static_cast<std::size_t>(got))));
  }
  while (!answer.empty() && answer.back() == '\n') {
    answer.pop_back();
  }
  if (answer.empty() || answer[0] != '{') {
    code = fail(json, schema, kTryLater, "busy", "the node did not answer");
    return std::nullopt;
  }
  constexpr std::string_view kError = "{\"error\":\"";
  if (answer.starts_with(kError)) {
    const std::string what = answer.substr(kError.size());
    code = fail(json, schema, kTryLater, "refused", what.substr(0, what.find('"')));
    return std::nullopt;
  }
  code = kOk;
  return answer;
}

// Nothing is said where all is well; what the disk does not have yet may be gone after a power cut.
void print_accepted(const std::string& schema, const std::string& answer, bool json) {
  if (json) {
    print_data(schema, answer);
  } else if (answer.find(R"("durable":false)") != std::string::npos) {
    print_text("accepted, but not on the disk yet: `vedette status` says what it waits for\n");
  }
}

struct Abandoned {
  EventHeader header;
  std::vector<std::uint8_t> payload;
  Reason reason;
  std::int64_t at_ns;
};

// What was given up and not ordered again since, by number, as far back as the journal goes.
class DeadLetters {
 public:
  void add(Bytes batch) {
    BatchHeader b;
    std::memcpy(&b, batch.data(), sizeof b);
    for_each_event(batch, [&](const EventHeader& e, Bytes payload) {
      switch (e.kind) {
        case EventKind::action:
          if (payload_as<ActionIntent>(payload).attempt != 0) {
            dead_.erase(e.cause);  // it was tried again
          }
          [[fallthrough]];
        case EventKind::observation:
          keep(e, payload, b.admitted_ns);
          break;
        case EventKind::resolution: {
          const auto r = payload_as<Resolution>(payload);
          leave(r.sequence, r.exit, r.reason, b.admitted_ns);
          break;
        }
        case EventKind::outcome: {
          const auto o = payload_as<ActionOutcome>(payload);
          if (e.state.exit() == Exit::success) {
            leave(o.action_sequence, o.exit, o.reason, b.admitted_ns);
          }
          break;
        }
        default:
          break;
      }
    });
  }
  const std::map<std::uint64_t, Abandoned>& all() const { return dead_; }

 private:
  void keep(const EventHeader& e, Bytes payload, std::int64_t at_ns) {
    if (e.state.exit() == Exit::success || e.state.exit() == Exit::retraction) {
      return;
    }
    open_[e.sequence] = {e, {payload.begin(), payload.end()}, Reason::none, 0};
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

  std::map<std::uint64_t, Abandoned> open_, dead_;
};

// What stands behind `before`, up to the next quotation mark; the node writes no escapes there.
std::string_view quoted_behind(std::string_view text, std::string_view before) {
  const std::size_t at = text.find(before);
  const std::string_view rest = at == text.npos ? "" : text.substr(at + before.size());
  return rest.substr(0, rest.find('"'));
}

// The mode and its causes, each with what it means: what somebody who asks wants to know first.
void print_standing(std::string_view answer) {
  const std::string mode(quoted_behind(answer, R"("mode":")"));
  print("mode %s\n", mode.c_str());
  const std::size_t at = answer.find(R"("causes":[)");
  std::string_view list = at == answer.npos ? "" : answer.substr(at);
  list = list.substr(0, list.find(']'));
  for (std::size_t next = list.find('{'); next != list.npos; next = list.find('{', next + 1)) {
    const std::string_view item = list.substr(next);
    const std::string name(quoted_behind(item, R"("name":")"));
    const std::string since(quoted_behind(item, R"("since":")"));
    print("  %s since %s", name.c_str(), since.c_str());
    for (std::size_t c = 0; c < kCauseKinds; ++c) {
      const CauseFacts& facts = facts_of(static_cast<Cause>(c));
      if (facts.name == name.substr(0, name.find('.'))) {
        print(": %s; %s", std::string(facts.means).c_str(), std::string(facts.remedy).c_str());
      }
    }
    print("\n");
  }
}

void letter_members(const Abandoned& a, const plan::Plan& plan, Json& json) {
  event_members(a.header, a.payload, plan, json);
  json.member_time("given_up", a.at_ns).member("because", name_of(a.reason));
}

}  // namespace

int status(const std::string& data, bool json) {
  int code = kOk;
  const auto answer = ask(data, "status", "status", json, code);
  if (!answer) {
    return code;
  }
  if (json) {
    print_data("status", *answer);
    return kOk;
  }
  print_standing(*answer);
  // One member a line is enough for a person; programs ask for --json.
  std::string text;
  int depth = 0;
  for (const char c : *answer) {
    depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
    text += c;
    if (c == ',' && depth <= 1) {
      text += '\n';
    }
  }
  print_text(text + "\n");
  return kOk;
}

int operate(const std::string& data, const std::string& word, const std::string& event, bool json) {
  if (!event.empty() && !parse_unsigned(event)) {
    return fail(json, word, kUsage, "usage", "\"" + event + "\" is not an event's number",
                "take one from `vedette journal " + data + "`");
  }
  int code = kOk;
  const auto answer = ask(data, event.empty() ? word : word + " " + event, word, json, code);
  if (answer) {
    print_accepted(word, *answer, json);
  }
  return code;
}

int accept_time(const std::string& data, const std::string& told, bool json) {
  if (!told.empty() && !parse_time(told)) {
    return fail(json, "time", kUsage, "usage", "\"" + told + "\" is not a time",
                "write it as 2026-05-01T12:00:00Z");
  }
  int code = kOk;
  const auto answer =
      ask(data, told.empty() ? "time accept" : "time accept " + told, "time", json, code);
  if (answer && json) {
    print_data("time", *answer);
  }
  return code;
}

int acknowledge(const std::string& data, const std::string& kind_name, const std::string& identity,
                bool json) {
  const auto number = parse_unsigned(identity);
  for (auto kind = IdentityKind::own; kind < IdentityKind::count;
       kind = static_cast<IdentityKind>(static_cast<std::uint8_t>(kind) + 1)) {
    if (number && kind_name == name_of(kind)) {
      int code = kOk;
      const std::string request = "acknowledge " + std::to_string(track_key(kind, *number));
      const auto answer = ask(data, request, "acknowledge", json, code);
      if (answer) {
        print_accepted("acknowledge", *answer, json);
      }
      return code;
    }
  }
  return fail(json, "acknowledge", kUsage, "usage",
              "\"" + kind_name + " " + identity + "\" is not a track",
              "write kind and identity as the alert says them: contact 12, vessel 230123450");
}

int deadletter(const JournalCommand& c, const std::string& word) {
  node::KeptPlan kept;
  journal::SegmentHeader header{};
  int code = open_data(c, "deadletter", kept, header);
  if (code != kOk) {
    return code;
  }
  DeadLetters letters;
  PlanInReading plan(c.data, *kept.plan);
  journal::Visit visit;
  visit.batch = [&](Bytes batch) {
    letters.add(batch);
    return true;
  };
  const std::uint64_t evidence_through = read_kept_evidence(c, plan, visit.batch);
  plan.follow(visit);
  visit.around = true;
  visit.node = header.node;
  const journal::ReadResult result = journal::read_journal(c.data + "/journal", visit);
  say_damage(c, result);
  if (!result.problem.empty() && !result.torn_tail) {
    return fail(c.json, "deadletter", kFound, "journal", c.data + ": " + result.problem);
  }
  if (word == "list") {
    std::string text;
    Json json(text);
    json.begin_array();
    for (const auto& [sequence, letter] : letters.all()) {
      if (c.json) {
        json.begin_object();
        letter_members(letter, *kept.plan, json);
        if (sequence <= evidence_through) {
          json.member("evidence", true);
        }
        json.end_object();
      } else {
        std::string when;
        append_time(when, letter.at_ns);
        print("#%-8llu %s  %-12s %s\n", static_cast<unsigned long long>(sequence), when.c_str(),
              std::string(name_of(letter.header.kind)).c_str(),
              std::string(name_of(letter.reason)).c_str());
      }
    }
    json.end_array();
    if (c.json) {
      print_data("deadletter", text);
    }
    return kOk;
  }
  const auto wanted = parse_unsigned(c.event);
  const auto found = letters.all().find(wanted.value_or(0));
  if (found == letters.all().end()) {
    return fail(c.json, "deadletter", kNotFound, "not-found",
                "event " + c.event + " is no dead letter of " + c.data,
                "`vedette deadletter list " + c.data + "` shows them");
  }
  const Abandoned& letter = found->second;
  if (word == "show") {
    std::string text;
    Json json(text);
    json.begin_object();
    letter_members(letter, *kept.plan, json);
    json.end_object();
    if (c.json) {
      print_data("deadletter", text);
    } else {
      print_text(text + "\n");
    }
    return kOk;
  }
  if (letter.header.kind != EventKind::action) {
    return fail(c.json, "deadletter", kUsage, "usage",
                "event " + c.event + " is an " + std::string(name_of(letter.header.kind)) +
                    "; only an action can be ordered again");
  }
  auto intent = payload_as<ActionIntent>(letter.payload);
  intent.root = intent.root != 0 ? intent.root : letter.header.sequence;
  intent.attempt = 0;  // all its retries are before it once more
  std::string request = "requeue " + c.event + " ";
  append_hex(request, Bytes(reinterpret_cast<const std::uint8_t*>(&intent), sizeof intent));
  const auto answer = ask(c.data, request, "deadletter", c.json, code);
  if (answer && c.json) {
    print_data("deadletter", *answer);
  }
  return code;
}

}  // namespace vedette::cli
