// What a running node is asked at its control socket, and what it answers.
#include <cstring>

#include "base/json.hpp"
#include "base/math.hpp"
#include "base/text.hpp"
#include "node/node.hpp"

namespace vedette::node {
namespace {

constexpr std::int64_t kDecisionNs = 200'000'000;  // until the engine has said what it does
constexpr std::int64_t kDecisionRestNs = 200'000;

}  // namespace

// status | interruptions | hold | resume | time accept [TIME] | acknowledge KEY | cancel EVENT |
// requeue EVENT HEX, where HEX is the action's intent. Interruptions are pairs of monotonic ns:
// when one began and what it took.
std::string Node::answer_to(std::string_view request) {
  const std::string_view word = next_field(request, ' ');
  if (word == "status") {
    look_at_causes();
    return status_json();
  }
  if (word == "interruptions") {
    std::string text;
    JsonWriter<std::string> json(text);
    json.begin_object().key("interruptions").begin_array();
    interruptions_.for_each(
        [&](std::int64_t from_ns, std::int64_t took_ns) { json.value(from_ns).value(took_ns); });
    json.end_array().end_object();
    return text;
  }
  if (word == "time") {
    if (next_field(request, ' ') != "accept") {
      return R"({"error":"unknown request"})";
    }
    return admit_time(request);
  }
  Requeue request_order{};
  if (word == "hold" || word == "resume") {
    request_order.command.kind = word == "hold" ? CommandKind::hold : CommandKind::resume;
  } else if (word == "acknowledge") {
    request_order.command.kind = CommandKind::acknowledge;
    const auto key = parse_unsigned(request);
    if (!key || *key == 0) {
      return R"({"error":"no track is named"})";
    }
    request_order.command.target = *key;
  } else if (word == "cancel" || word == "requeue") {
    request_order.command.kind = word == "cancel" ? CommandKind::cancel : CommandKind::requeue;
    const auto target = parse_unsigned(next_field(request, ' '));
    if (!target || *target == 0) {
      return R"({"error":"no event is named"})";
    }
    request_order.command.target = *target;
    if (word == "requeue" &&
        !parse_hex(request, {reinterpret_cast<std::uint8_t*>(&request_order.intent),
                             sizeof request_order.intent})) {
      return R"({"error":"the action is not whole"})";
    }
  } else {
    return R"({"error":"unknown request"})";
  }
  return order(request_order);
}

std::string Node::order(const Requeue& order) {
  const std::size_t bytes =
      order.command.kind == CommandKind::requeue ? sizeof order : sizeof order.command;
  EventHeader header{};
  header.observed_ns = header.received_ns =
      clock_.stepped() ? board_.now_ns.load(std::memory_order_relaxed) : clock_.now_ns();
  header.payload_bytes = static_cast<std::uint16_t>(bytes);
  header.source = kNoSource;
  header.kind = EventKind::command;
  header.event_class = EventClass::critical;
  header.record = order.command.kind == CommandKind::requeue ? ++orders_again_ : 0;
  std::uint8_t* at = commands_.reserve(event_bytes(bytes));
  if (at == nullptr) {
    return R"({"error":"the node has more commands than it can take"})";
  }
  std::memcpy(at, &header, sizeof header);
  std::memcpy(at + sizeof header, &order, bytes);
  commands_.commit(event_bytes(bytes));
  return header.record != 0 ? decision_on(header.record, order.command.target)
                            : R"({"accepted":true})";
}

// The engine's own word on it, which comes with its next step.
std::string Node::decision_on(std::uint64_t order, std::uint64_t event) const {
  const std::int64_t until_ns = platform::monotonic_ns() + kDecisionNs;
  std::uint64_t said = 0;
  do {
    platform::rest_ns(kDecisionRestNs);
    said = board_.ordered_again.load(std::memory_order_acquire);
  } while (said >> 16 != order && platform::monotonic_ns() < until_ns);
  const auto reason = static_cast<Reason>(said & 0xFF);
  if (said >> 16 != order || reason == Reason::applied) {
    return R"({"accepted":true})";
  }
  const std::string named = "{\"error\":\"event " + std::to_string(event);
  return reason == Reason::superseded
             ? named + " was ordered again before: it is under way or done, and not done twice\"}"
         : reason == Reason::sink_full
             ? named + " is not ordered: [limits] pending_actions are under way\"}"
             : named + " is not ordered: the plan does not have its action, sink or subject\"}";
}

// Node time goes on to what the clock says, or to the time that is told: for what follows it is
// right. The command is in the journal, as all others are.
std::string Node::admit_time(std::string_view told) {
  if (!live_) {
    return R"({"error":"node time is that of a recording"})";
  }
  const auto time = told.empty() ? platform::realtime_ns() : parse_time(told);
  if (!time) {
    return R"({"error":"no time is told: 2026-05-01T12:00:00Z"})";
  }
  const std::int64_t node_ns = clock_.now_ns();
  std::string text;
  JsonWriter<std::string> json(text);
  json.begin_object();
  if (const std::string problem = timekeeper_.admit(*time, node_ns); !problem.empty()) {
    json.member("error", std::string_view(problem)).end_object();
    return text;
  }
  go_on_to(*time, node_ns);
  note(Cause::clock, !timekeeper_.believed());
  json.member("accepted", true).member_time("time", *time).end_object();
  return text;
}

void Node::go_on_to(std::int64_t to_ns, std::int64_t node_ns) {
  clock_.go_on_by(sub_ns(to_ns, node_ns));
  Requeue order{};
  order.command.kind = CommandKind::time;
  order.command.target = static_cast<std::uint64_t>(to_ns);
  this->order(order);
}

}  // namespace vedette::node
