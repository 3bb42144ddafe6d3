// What a running node is asked at its control socket, and what it answers.
#include <cstring>

#include "base/json.hpp"
#include "base/math.hpp"
#include "base/text.hpp"
#include "node/node.hpp"

namespace vedette::node {
namespace {

// Until the engine has said what it does and the disk has it.
constexpr std::int64_t kOrderNs = 200'000'000;
constexpr std::int64_t kOrderRestNs = 200'000;

// Why the engine did nothing of what was ordered.
std::string why_not(const Command& command, Reason reason) {
  const std::string event = "event " + std::to_string(command.target);
  switch (command.kind) {
    case CommandKind::acknowledge:
      return "no track has the key " + std::to_string(command.target);
    case CommandKind::cancel:
      return event + " is not under way: it has ended, or never was";
    case CommandKind::requeue:
      return reason == Reason::superseded
                 ? event + " was ordered again before: it is under way or done, and not done twice"
             : reason == Reason::sink_full
                 ? event + " is not ordered: [limits] pending_actions are under way"
                 : event + " is not ordered: the plan does not have its action, sink or subject";
    default:
      return "the node's build does not know this command";
  }
}

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
  Requeue wanted{};
  if (word == "hold" || word == "resume") {
    wanted.command.kind = word == "hold" ? CommandKind::hold : CommandKind::resume;
  } else if (word == "acknowledge") {
    wanted.command.kind = CommandKind::acknowledge;
    const auto key = parse_unsigned(request);
    if (!key || *key == 0) {
      return R"({"error":"no track is named"})";
    }
    wanted.command.target = *key;
  } else if (word == "cancel" || word == "requeue") {
    wanted.command.kind = word == "cancel" ? CommandKind::cancel : CommandKind::requeue;
    const auto target = parse_unsigned(next_field(request, ' '));
    if (!target || *target == 0) {
      return R"({"error":"no event is named"})";
    }
    wanted.command.target = *target;
    if (word == "requeue" && !parse_hex(request, {reinterpret_cast<std::uint8_t*>(&wanted.intent),
                                                  sizeof wanted.intent})) {
      return R"({"error":"the action is not whole"})";
    }
  } else {
    return R"({"error":"unknown request"})";
  }
  const std::uint64_t number = order(wanted);
  return number == 0 ? R"({"error":"the node has more commands than it can take"})"
                     : outcome_of(number, wanted.command);
}

std::uint64_t Node::order(const Requeue& order) {
  const std::size_t bytes =
      order.command.kind == CommandKind::requeue ? sizeof order : sizeof order.command;
  EventHeader header{};
  header.observed_ns = header.received_ns =
      clock_.stepped() ? board_.now_ns.load(std::memory_order_relaxed) : clock_.now_ns();
  header.payload_bytes = static_cast<std::uint16_t>(bytes);
  header.source = kNoSource;
  header.kind = EventKind::command;
  header.event_class = EventClass::critical;
  header.record = orders_given_ + 1;
  std::uint8_t* at = commands_.reserve(event_bytes(bytes));
  if (at == nullptr) {
    return 0;
  }
  std::memcpy(at, &header, sizeof header);
  std::memcpy(at + sizeof header, &order, bytes);
  commands_.commit(event_bytes(bytes));
  return ++orders_given_;
}

// What the engine made of it, once the journal has it: what was accepted holds after a power cut.
std::string Node::outcome_of(std::uint64_t number, const Command& command) const {
  const std::int64_t until_ns = platform::monotonic_ns() + kOrderNs;
  std::uint64_t said = 0;
  bool worked = false, durable = false;
  do {
    platform::rest_ns(kOrderRestNs);
    said = board_.ordered.load(std::memory_order_acquire);
    worked = said >> 16 == number;
    durable = worked &&
              writer_.durable_sequence() >= board_.ordered_sequence.load(std::memory_order_relaxed);
  } while (!durable && platform::monotonic_ns() < until_ns);
  const auto reason = static_cast<Reason>(said & 0xFF);
  if (!worked || reason == Reason::applied) {
    return durable ? R"({"accepted":true,"durable":true})" : R"({"accepted":true,"durable":false})";
  }
  return R"({"error":")" + why_not(command, reason) + "\"}";
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
