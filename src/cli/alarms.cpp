// `vedette alarms`, and what people do about alarms.
#include <algorithm>
#include <atomic>
#include <map>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "cli/ask_node.hpp"
#include "cli/command.hpp"
#include "cli/json_value.hpp"
#include "cli/open_data.hpp"
#include "cli/print.hpp"
#include "node/alarm_list.hpp"
#include "node/around.hpp"
#include "node/past.hpp"
#include "platform/clock.hpp"
#include "platform/hot_thread.hpp"
#include "platform/machine.hpp"
#include "platform/socket.hpp"

namespace vedette::cli {
namespace {

constexpr std::int64_t kFollowNs = 500'000'000;  // between two looks

std::atomic<bool> g_enough{false};

void on_interrupt(int) {
  g_enough.store(true, std::memory_order_relaxed);
}

struct Line {
  std::string id, state, level, text;
  std::uint64_t raises = 0;
};

// What a node or a folder answered.
struct Listed {
  std::string time;
  std::vector<Line> lines;
  std::vector<std::string> held;
};

Listed listed_in(std::string_view text) {
  const JsonValue document = JsonValue::parse(text).value_or(JsonValue());
  Listed out{document["time"].text(), {}, {}};
  for (const JsonValue& alarm : document["alarms"].items()) {
    out.lines.push_back({alarm["alarm"].text(), alarm["state"].text(), alarm["level"].text(),
                         alarm["line"].text(), parse_unsigned(alarm["raises"].text()).value_or(0)});
  }
  for (const JsonValue& held : document["held"].items()) {
    out.held.push_back(held["assessment"].text() + ": " + held["brief"].text() +
                       " times gone before `hold`, " + held["returned"].text() +
                       " times back before `clear`");
  }
  return out;
}

bool set_aside(const Line& line) {
  return line.state == "shelved" || line.state == "suppressed";
}

void print_alarms(const Listed& list, bool all) {
  std::map<std::string, int> states;
  for (const Line& line : list.lines) {
    ++states[line.state];
  }
  const int shelved = states["shelved"], follow = states["suppressed"];
  const auto shown = static_cast<int>(list.lines.size()) - shelved - follow;
  print("%d alarm%s, %d not acknowledged, as of %s\n", shown, shown == 1 ? "" : "s",
        states["unacknowledged"] + states["returned"], list.time);
  if (shown != 0 || (all && shelved + follow != 0)) {
    print_text("ALARM    PRIORITY STATE          AGE     WHAT\n");
  }
  for (const Line& line : list.lines) {
    if (all || !set_aside(line)) {
      print_text(line.text + "\n");
    }
  }
  if (shelved + follow != 0 && !all) {
    std::string aside = shelved == 0 ? "" : std::to_string(shelved) + " shelved";
    aside += shelved != 0 && follow != 0 ? " and " : "";
    aside += follow == 0   ? ""
             : follow == 1 ? "1 that follows from another"
                           : std::to_string(follow) + " that follow from others";
    print_text("beside these " + aside + ": `vedette alarms --all`\n");
  }
  if (all && !list.held.empty()) {
    print_text("held down by their delays, since the first start with this data folder:\n");
    for (const std::string& held : list.held) {
      print_text("  " + held + "\n");
    }
  }
}

// From the folder alone, as of its last batch.
int alarms_of_folder(const AlarmCommand& command, bool json, std::string& out) {
  JournalCommand c;
  c.data = command.data;
  c.json = json;
  node::KeptPlan kept;
  journal::SegmentHeader header{};
  if (const int code = open_data(c, "alarms", kept, header); code != kOk) {
    return code;
  }
  node::Stepped stepped;
  stepped.init(*kept.plan, header.node, header.epoch, c.data, node::plan_hash_of(header.plan_hash));
  const node::Moment last{0, node::last_moment(c.data)};
  const node::ReplayResult result = node::replay_until(c.data, stepped, last);
  std::string problem = result.journal.torn_tail ? std::string() : result.problem;
  if (!problem.empty() && result.journal.problem == problem) {
    stepped.begin_again();
    const node::AroundResult around = node::replay_around(
        c.data, stepped, header.node, [&](const BatchHeader& h) { return node::beyond(last, h); });
    problem = around.problem;
    say_damage(c, around.journal);
  }
  if (!problem.empty()) {
    return fail(json, "alarms", kFound, "journal", c.data + ": " + problem,
                "`vedette replay` says more");
  }
  node::AlarmList list;
  list.init(stepped.plan());
  list.copy(stepped.shard());
  out = node::alarms_json(list, stepped.plan());
  return kOk;
}

bool runs_on(const std::string& data) {
  return static_cast<bool>(platform::connect_unix(data + "/control.sock"));
}

int alarms_now(const AlarmCommand& command, bool json, std::string& out) {
  if (!runs_on(command.data)) {
    return alarms_of_folder(command, json, out);
  }
  int code = kOk;
  const auto answer = ask(command.data, request::Alarms{}, "alarms", json, code);
  out = answer ? encode(*answer) : std::string();
  return code;
}

// What happened between two looks; empty: nothing.
std::string change_between(const Line& before, const Line& now) {
  if (before.state != now.state) {
    return now.state != "unacknowledged"  ? now.state
           : before.state == "shelved"    ? "unshelved"
           : before.state == "suppressed" ? "released"
           : before.level != now.level    ? "level " + now.level
                                          : "repeated";
  }
  return before.raises != now.raises ? "repeated"
         : before.level != now.level ? "level " + now.level
                                     : "";
}

// A line for each alarm that came, went or changed. Those that were and are set aside only
// with `all`.
void print_changes(std::map<std::string, Line>& before, const Listed& list, bool all) {
  const auto say = [&](std::string change, const Line& line) {
    change.resize(std::max<std::size_t>(change.size() + 1, 15), ' ');
    print_text(list.time.substr(0, 19) + "Z " + change + line.text + "\n");
  };
  std::map<std::string, Line> now;
  for (const Line& line : list.lines) {
    now[line.id] = line;
    const auto at = before.find(line.id);
    const bool known = at != before.end();
    const std::string change = known ? change_between(at->second, line) : "new";
    const bool hidden = set_aside(line) && (!known || set_aside(at->second));
    if (!change.empty() && (all || !hidden)) {
      say(change, line);
    }
  }
  for (const auto& [id, line] : before) {
    if (!now.contains(id) && (all || !set_aside(line))) {
      say("over", line);
    }
  }
  before = std::move(now);
}

// False, with the problem printed: the log would cut what a person said.
bool words_fit(const AlarmCommand& command, const std::string& schema, bool json) {
  const auto fits = [&](const char* option, const std::string& text, std::size_t most) {
    if (text.size() > most) {
      fail(json, schema, kUsage, "usage",
           std::string(option) + " has " + std::to_string(text.size()) + " bytes",
           "the log takes " + std::to_string(most) + " at most");
    }
    return text.size() <= most;
  };
  return fits("--by", command.by, sizeof(PersonName)) &&
         fits(schema == "note" ? "the note" : "--note", command.note, sizeof(PersonNote));
}

// An order about alarms, and what it did in words.
int order_alarm(const AlarmCommand& command, const request::Request& wanted,
                const std::string& schema, bool json, const std::string& done) {
  if (!words_fit(command, schema, json)) {
    return kUsage;
  }
  const int code = order(command.data, wanted, schema, json);
  if (code == kOk && !json) {
    print_text(done + "\n");
  }
  return code;
}

// An alarm's number, or 0 with the problem printed.
std::uint64_t alarm_of(const AlarmCommand& command, const std::string& schema, bool json) {
  const auto id = event_number(command.what[0]);
  if (!id || *id == 0) {
    fail(json, schema, kUsage, "usage", "\"" + command.what[0] + "\" is not the number of an alarm",
         "take one from `vedette alarms`");
    return 0;
  }
  return *id;
}

}  // namespace

int alarms(const AlarmCommand& command, bool json) {
  std::string answer;
  if (const int code = alarms_now(command, json, answer); code != kOk) {
    return code;
  }
  if (json) {
    print_data("alarms", answer);
    return kOk;
  }
  const Listed list = listed_in(answer);
  print_alarms(list, command.all);
  if (!command.follow) {
    return kOk;
  }
  bool answers = runs_on(command.data);
  if (!answers) {
    print("no node runs on %s: this is how it was left\n", command.data);
    return kOk;
  }
  platform::catch_stop_signals(on_interrupt);
  std::map<std::string, Line> seen;
  for (const Line& line : list.lines) {
    seen[line.id] = line;
  }
  while (!g_enough.load(std::memory_order_relaxed) && !output_failed()) {
    platform::rest_ns(kFollowNs);
    const bool answered = answers;
    answers = runs_on(command.data) && alarms_now(command, json, answer) == kOk;
    if (answers) {
      print_changes(seen, listed_in(answer), command.all);
    }
    if (answers != answered) {
      print_text(answers ? "the node answers again\n"
                         : "the node no longer answers: the list goes on once it does\n");
    }
  }
  return kOk;
}

int acknowledge(const AlarmCommand& command, bool json) {
  const request::Words by{command.by}, note{command.note};
  if (command.what.size() == 2) {
    const std::string track = command.what[0] + " " + command.what[1];
    const auto wanted = request::decode("acknowledge " + track + " - -");
    if (!wanted) {
      return fail(json, "acknowledge", kUsage, "usage",
                  "\"" + track + "\" is not the kind and identity of a track",
                  "write both as the alert has them: contact 12, vessel 230123450");
    }
    auto asked = std::get<request::Acknowledge>(wanted.value());
    asked.by = by;
    asked.note = note;
    return order_alarm(command, asked, "acknowledge", json,
                       track + " is acknowledged, with all its alarms");
  }
  const std::uint64_t id = alarm_of(command, "acknowledge", json);
  return id == 0 ? int{kUsage}
                 : order_alarm(command, request::AcknowledgeAlarm{{id}, by, note}, "acknowledge",
                               json, "alarm " + std::to_string(id) + " is acknowledged");
}

int shelve(const AlarmCommand& command, bool json) {
  const std::uint64_t id = alarm_of(command, "shelve", json);
  if (id == 0) {
    return kUsage;
  }
  const double seconds = duration_seconds(command.for_text);
  const bool bare = parse_decimal(command.for_text).has_value();
  if (bare || !(seconds > 0.0) || seconds > 86400.0) {
    return fail(json, "shelve", kUsage, "usage",
                "\"" + command.for_text + "\" is not a duration of at most 24 h",
                "write 30min or \"2 h\"");
  }
  const auto ns = static_cast<std::int64_t>(seconds * 1e9);
  return order_alarm(command, request::Shelve{{id}, {ns}, {command.by}, {command.note}}, "shelve",
                     json, "alarm " + std::to_string(id) + " is shelved for " + command.for_text);
}

int unshelve(const AlarmCommand& command, bool json) {
  const std::uint64_t id = alarm_of(command, "unshelve", json);
  return id == 0
             ? int{kUsage}
             : order_alarm(command, request::Unshelve{{id}, {command.by}, {command.note}},
                           "unshelve", json, "alarm " + std::to_string(id) + " is not shelved now");
}

int note(const AlarmCommand& given, bool json) {
  AlarmCommand command = given;
  for (const std::string& word : given.what) {
    command.note += (command.note.empty() ? "" : " ") + word;
  }
  return order_alarm(command, request::Note{{command.by}, {command.note}}, "note", json,
                     "the log has it");
}

}  // namespace vedette::cli
