// `vedette alarms`, and what people do about alarms.
#include <atomic>
#include <map>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "cli/ask_node.hpp"
#include "cli/command.hpp"
#include "cli/open_data.hpp"
#include "cli/print.hpp"
#include "node/alarm_list.hpp"
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

// The value of a text member behind `at`, which moves past it; false: there is none.
bool next_text(std::string_view json, std::string_view member, std::size_t& at, std::string& out) {
  const std::string before = "\"" + std::string(member) + "\":\"";
  const std::size_t found = json.find(before, at);
  if (found == json.npos) {
    return false;
  }
  out.clear();
  for (at = found + before.size(); at < json.size() && json[at] != '"'; ++at) {
    if (json[at] == '\\' && at + 1 < json.size()) {
      ++at;
      if (json[at] == 'u') {  // a control character, which no terminal gets
        at += 4;
        out += '?';
        continue;
      }
    }
    out += json[at];
  }
  return true;
}

struct Line {
  std::string id, state, text;
};

std::vector<Line> lines_of(std::string_view json) {
  std::vector<Line> lines;
  std::size_t at = json.find("\"alarms\":[");
  Line line;
  while (at != json.npos && next_text(json, "alarm", at, line.id) &&
         next_text(json, "state", at, line.state) && next_text(json, "line", at, line.text)) {
    lines.push_back(line);
  }
  return lines;
}

bool set_aside(const Line& line) {
  return line.state == "shelved" || line.state == "suppressed";
}

void print_alarms(std::string_view json, bool all) {
  const std::vector<Line> lines = lines_of(json);
  std::map<std::string, int> states;
  for (const Line& line : lines) {
    ++states[line.state];
  }
  std::string time;
  std::size_t at = 0;
  next_text(json, "time", at, time);
  const int aside = states["shelved"] + states["suppressed"];
  const auto shown = static_cast<int>(lines.size()) - aside;
  print("%d alarm%s, %d not acknowledged, as of %s\n", shown, shown == 1 ? "" : "s",
        states["unacknowledged"] + states["returned"], time.c_str());
  if (shown != 0 || (all && aside != 0)) {
    print_text("ALARM    PRIORITY STATE          AGE     WHAT\n");
  }
  for (const Line& line : lines) {
    if (all || !set_aside(line)) {
      print_text(line.text + "\n");
    }
  }
  if (aside != 0 && !all) {
    print("beside these %d shelved and %d that follow from others: `vedette alarms --all`\n",
          states["shelved"], states["suppressed"]);
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
  const node::ReplayResult result = node::replay(c.data, stepped, 0);
  if (!result.problem.empty() && !result.journal.torn_tail) {
    return fail(json, "alarms", kFound, "journal", c.data + ": " + result.problem,
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

// A line for each alarm that came, went or changed its state.
void print_changes(std::map<std::string, Line>& before, std::string_view json) {
  std::map<std::string, Line> now;
  for (Line& line : lines_of(json)) {
    now[line.id] = std::move(line);
  }
  for (const auto& [id, line] : now) {
    const auto at = before.find(id);
    if (at == before.end()) {
      print_text("new      " + line.text + "\n");
    } else if (at->second.state != line.state) {
      print_text(line.state + " " + line.text + "\n");
    }
  }
  for (const auto& [id, line] : before) {
    if (!now.contains(id)) {
      print_text("over     " + line.text + "\n");
    }
  }
  before = std::move(now);
}

// An alarm's number, or 0 with the problem printed.
std::uint64_t alarm_of(const AlarmCommand& command, const std::string& schema, bool json) {
  const auto id = parse_unsigned(command.what.empty() ? "" : command.what[0]);
  if (!id || *id == 0) {
    fail(json, schema, kUsage, "usage", "that is not the number of an alarm",
         "take one from `vedette alarms`");
    return 0;
  }
  return *id;
}

}  // namespace

int alarms(const AlarmCommand& command, bool json) {
  std::string list;
  if (const int code = alarms_now(command, json, list); code != kOk) {
    return code;
  }
  if (json) {
    print_data("alarms", list);
    return kOk;
  }
  print_alarms(list, command.all);
  if (!command.follow) {
    return kOk;
  }
  platform::catch_stop_signals(on_interrupt);
  std::map<std::string, Line> seen;
  for (Line& line : lines_of(list)) {
    seen[line.id] = std::move(line);
  }
  bool answers = runs_on(command.data);
  if (!answers) {
    print("no node runs on %s: this is how it was left\n", command.data.c_str());
    return kOk;
  }
  while (!g_enough.load(std::memory_order_relaxed) && !output_failed()) {
    platform::rest_ns(kFollowNs);
    const bool answered = answers;
    answers = runs_on(command.data) && alarms_now(command, json, list) == kOk;
    if (answers) {
      print_changes(seen, list);
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
    const auto wanted =
        request::decode("acknowledge " + command.what[0] + " " + command.what[1] + " - -");
    if (!wanted) {
      return fail(json, "acknowledge", kUsage, "usage",
                  "\"" + command.what[0] + " " + command.what[1] +
                      "\" is not the kind and identity of a track",
                  "write both as the alert has them: contact 12, vessel 230123450");
    }
    auto asked = std::get<request::Acknowledge>(wanted.value());
    asked.by = by;
    asked.note = note;
    return order(command.data, asked, "acknowledge", json);
  }
  const std::uint64_t id = alarm_of(command, "acknowledge", json);
  return id == 0
             ? int{kUsage}
             : order(command.data, request::AcknowledgeAlarm{{id}, by, note}, "acknowledge", json);
}

int shelve(const AlarmCommand& command, bool json) {
  const std::uint64_t id = alarm_of(command, "shelve", json);
  if (id == 0) {
    return kUsage;
  }
  const double seconds = duration_seconds(command.for_text);
  if (!(seconds > 0.0) || seconds > 86400.0) {
    return fail(json, "shelve", kUsage, "usage",
                "\"" + command.for_text + "\" is not a duration of at most 24 h",
                "write 30min or \"2 h\"");
  }
  const auto ns = static_cast<std::int64_t>(seconds * 1e9);
  return order(command.data, request::Shelve{{id}, {ns}, {command.by}, {command.note}}, "shelve",
               json);
}

int unshelve(const AlarmCommand& command, bool json) {
  const std::uint64_t id = alarm_of(command, "unshelve", json);
  return id == 0 ? int{kUsage}
                 : order(command.data, request::Unshelve{{id}, {command.by}, {command.note}},
                         "unshelve", json);
}

int note(const AlarmCommand& command, bool json) {
  return order(command.data, request::Note{{command.by}, {command.note}}, "note", json);
}

}  // namespace vedette::cli
