// Purpose: talks to a running node over its control socket: status, hold, resume, cancel, time.
#include <algorithm>
#include <cstdio>
#include <optional>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "cli/ask_node.hpp"
#include "cli/command.hpp"
#include "cli/print.hpp"
#include "model/cause.hpp"
#include "platform/clock.hpp"

namespace vedette::cli {

// Prints what a person does not expect: an order not yet on disk may be lost in a power cut.
int order(const std::string& data, const request::Request& wanted, const std::string& schema,
          bool json) {
  int code = kOk;
  const auto answer = ask(data, wanted, schema, json, code);
  if (!answer) {
    return code;
  }
  const auto* accepted = std::get_if<request::Accepted>(&*answer);
  if (json) {
    print_data(schema, encode(*answer));
  } else if (accepted != nullptr && !accepted->durable) {
    print_text(
        "accepted, but not on disk yet: a power cut now may undo it; `vedette status` shows "
        "journal.error if the disk fails\n");
  }
  return code;
}

namespace {

// The text after `before`, up to the next quotation mark; the node writes no escapes there.
std::string_view quoted_behind(std::string_view text, std::string_view before) {
  const std::size_t at = text.find(before);
  const std::string_view rest = at == text.npos ? "" : text.substr(at + before.size());
  return rest.substr(0, rest.find('"'));
}

// Says what a hold keeps and what it gives up, as the node's limits have it.
void print_hold(std::string_view answer) {
  const std::string_view hold = answer.substr(std::min(answer.find(R"("hold":{)"), answer.size()));
  const auto number = [&](std::string_view before) {
    const std::size_t at = hold.find(before);
    const std::string_view rest = at == hold.npos ? "" : hold.substr(at + before.size());
    return std::string(rest.substr(0, rest.find_first_not_of("0123456789.")));
  };
  print(
      "held: the node keeps up to %s events and works nothing; each is abandoned at its source's "
      "horizon, the first after %s s, and with all places taken sources are refused\n",
      number(R"("most":)").c_str(), number(R"("for_s":)").c_str());
}

// Prints the mode and its causes with their meaning, which a person wants to know first.
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
        print(": %s\n    do: %s", std::string(facts.means).c_str(),
              std::string(facts.remedy).c_str());
      }
    }
    print("\n");
  }
}

}  // namespace

int status(const std::string& data, bool json) {
  int code = kOk;
  const auto answered = ask(data, request::Status{}, "status", json, code);
  if (!answered) {
    return code;
  }
  const std::string answer = encode(*answered);
  if (json) {
    print_data("status", answer);
    return kOk;
  }
  print_standing(answer);
  // Prints one member a line for people; programs use --json.
  std::string text;
  int depth = 0;
  for (const char c : answer) {
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
  const auto wanted = request::decode(event.empty() ? word : word + " " + event);
  if (!wanted) {
    return fail(json, word, kUsage, "usage", "\"" + event + "\" is not the number of an event",
                "take one from `vedette journal " + data + "`");
  }
  int code = order(data, wanted.value(), word, json);
  if (word == "hold" && code == kOk && !json) {
    if (const auto answer = ask(data, request::Status{}, word, json, code)) {
      print_hold(encode(*answer));
    }
  }
  return code;
}

int accept_time(const std::string& data, const std::string& told, bool json) {
  request::AcceptTime wanted;
  if (!told.empty()) {
    const auto to = read_time_text(told, platform::realtime_ns());
    if (!to) {
      return fail(json, "time", kUsage, "usage", to.error());
    }
    wanted.to_ns = to.value();
  }
  return order(data, wanted, "time", json);
}

}  // namespace vedette::cli
