// Purpose: talks to a running node over its control socket: status, hold, resume, cancel, time.
#include <algorithm>
#include <atomic>
#include <optional>

#include "base/text.hpp"
#include "base/time_text.hpp"
#include "cli/ask_node.hpp"
#include "cli/command.hpp"
#include "cli/print.hpp"
#include "cli/status_screen.hpp"
#include "platform/clock.hpp"
#include "platform/hot_thread.hpp"
#include "platform/machine.hpp"

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

constexpr std::int64_t kEachNs = 1'000'000'000;  // between two screens
constexpr std::size_t kColumnsOfPipe = 240;

std::atomic<bool> g_enough{false};

// Says what a hold keeps and what it gives up, as the node's limits have it.
void print_hold(const JsonValue& status) {
  print(
      "held: the node keeps up to %s events and works nothing; each is abandoned at its source's "
      "horizon, the first after %s s, and with all places taken sources are refused\n",
      status["hold"]["most"].text(), status["hold"]["for_s"].text());
}

// The screen of now; empty with the problem printed and `code` set.
std::string screen_now(const std::string& data, int& code) {
  const auto status = ask(data, request::Status{}, "status", false, code);
  if (!status) {
    return {};
  }
  const auto document = JsonValue::parse(encode(*status));
  if (!document) {
    code = fail(false, "status", kInternal, "answer", "the node's answer is no JSON document");
    return {};
  }
  // The mirror has the list; the screen must show that it does not answer.
  int unanswered = kOk;
  const auto alarms = ask(data, request::Alarms{}, "status", false, unanswered);
  const auto list = alarms ? JsonValue::parse(encode(*alarms)) : std::nullopt;
  // A pipe has no edge that would hide what matters of an alarm.
  const std::size_t columns =
      platform::is_terminal(1) ? platform::columns_of_terminal(1) : kColumnsOfPipe;
  return status_screen(*document, list.value_or(JsonValue()), std::max(columns, kColumns));
}

}  // namespace

int status(const std::string& data, bool watch, bool json) {
  int code = kOk;
  if (json) {
    const auto answered = ask(data, request::Status{}, "status", json, code);
    if (answered) {
      print_data("status", encode(*answered));
    }
    return code;
  }
  const bool redraws = watch && platform::is_terminal(1);
  if (watch) {
    platform::catch_stop_signals([](int) { g_enough.store(true, std::memory_order_relaxed); });
  }
  do {
    const std::string screen = screen_now(data, code);
    if (screen.empty()) {
      return code;
    }
    if (redraws) {
      clear_screen();
    }
    print_text(screen + (watch && !redraws ? "\n" : ""));
    if (output_failed() || !watch) {
      return kOk;
    }
    platform::rest_ns(kEachNs);
  } while (!g_enough.load(std::memory_order_relaxed));
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
      print_hold(JsonValue::parse(encode(*answer)).value_or(JsonValue()));
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
