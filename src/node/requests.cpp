// A running node's answers to the requests of model/request.hpp.
#include <cstring>

#include "base/json.hpp"
#include "base/math.hpp"
#include "base/text.hpp"
#include "edge/journal/find_event.hpp"
#include "node/node.hpp"
#include "node/post.hpp"

namespace vedette::node {
namespace {

// Longest wait until the engine has answered and the disk has it.
constexpr std::int64_t kOrderNs = 200'000'000;
constexpr std::int64_t kOrderRestNs = 200'000;

// Why the engine refused a command.
std::string why_not(const Command& command, Reason reason) {
  const std::string event = "event " + std::to_string(command.target);
  switch (command.kind) {
    case CommandKind::acknowledge:
      return "there is no track " +
             std::string(name_of(static_cast<IdentityKind>(command.target >> 56))) + " " +
             std::to_string(identity_of(command.target)) +
             " now; take kind and identity from its alert";
    case CommandKind::cancel:
      return event + " neither waits nor is under way: it has its exit already, or never was";
    case CommandKind::requeue:
      return reason == Reason::superseded
                 ? event +
                       " was requeued before: it is under way or done, and the node does it once"
             : reason == Reason::sink_full
                 ? event +
                       " is not requeued: as many actions as [limits] pending_actions are under way"
                 : event + " is not requeued: this site file lacks its action, sink or subject";
    default:
      return "this version of the node does not know the command";
  }
}

Requeue of_kind(CommandKind kind, std::uint64_t target = 0) {
  Requeue order{};
  order.command.kind = kind;
  order.command.target = target;
  return order;
}

}  // namespace

// One overload a request.
struct Node::Answering {
  Node& node;

  request::Answer operator()(const request::Status&) const {
    node.look_at_causes();
    return request::Document{node.status_json()};
  }
  request::Answer operator()(const request::Interruptions&) const {
    std::string text;
    JsonWriter<std::string> json(text);
    json.begin_object().key("interruptions").begin_array();
    node.interruptions_.for_each(
        [&](std::int64_t from_ns, std::int64_t took_ns) { json.value(from_ns).value(took_ns); });
    json.end_array().end_object();
    return request::Document{text};
  }
  request::Answer operator()(const request::Hold&) const {
    return node.order_and_wait(of_kind(CommandKind::hold));
  }
  request::Answer operator()(const request::Resume&) const {
    return node.order_and_wait(of_kind(CommandKind::resume));
  }
  request::Answer operator()(const request::AcceptTime& r) const {
    return node.admit_time(r.to_ns);
  }
  request::Answer operator()(const request::Acknowledge& r) const {
    return node.order_and_wait(
        of_kind(CommandKind::acknowledge, track_key(r.track.kind, r.track.identity)));
  }
  request::Answer operator()(const request::Cancel& r) const {
    return node.order_and_wait(of_kind(CommandKind::cancel, r.event.sequence));
  }
  request::Answer operator()(const request::Requeue& r) const {
    const std::string event = "event " + std::to_string(r.event.sequence);
    const auto found =
        journal::find_event(node.options_.data, r.event.sequence, node.segment_header_.plan_hash);
    if (!found) {
      return request::Refused{event +
                              " is not in the part of the journal that this site file wrote"};
    }
    if (found->header.kind != EventKind::action) {
      return request::Refused{event + " is not an action; only actions can be requeued"};
    }
    Requeue order = of_kind(CommandKind::requeue, r.event.sequence);
    order.intent = payload_as<ActionIntent>(found->payload);
    order.intent.root = order.intent.root != 0 ? order.intent.root : r.event.sequence;
    order.intent.attempt = 0;  // restarts its retries
    return node.order_and_wait(order);
  }
};

std::string Node::answer_to(std::string_view line) {
  const auto asked = request::decode(line);
  return encode(asked ? std::visit(Answering{*this}, asked.value())
                      : request::Refused{std::string(name_of(asked.error()))});
}

request::Answer Node::order_and_wait(const Requeue& wanted) {
  const std::uint64_t number = order(wanted);
  return number == 0 ? request::Refused{"the node has too many commands waiting; try again"}
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
  const bool put = post(commands_, header, bytes_of(order).first(bytes), board_.commands_refused);
  return put ? ++orders_given_ : 0;
}

// The engine's answer, once the journal has it, so that an accepted command survives a power cut.
request::Answer Node::outcome_of(std::uint64_t number, const Command& command) const {
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
    return request::Accepted{durable};
  }
  return request::Refused{why_not(command, reason)};
}

// Moves node time to the clock's or the given time, from then on. The journal records the command
// like any other.
request::Answer Node::admit_time(std::optional<std::int64_t> told_ns) {
  if (!live_) {
    return request::Refused{"this node takes its time from a recording; its time cannot be set"};
  }
  const std::int64_t time_ns = told_ns.value_or(platform::realtime_ns());
  const std::int64_t node_ns = clock_.now_ns();
  if (std::string problem = timekeeper_.admit(time_ns, node_ns); !problem.empty()) {
    return request::Refused{std::move(problem)};
  }
  move_time_to(time_ns, node_ns);
  note(Cause::clock, !timekeeper_.believed());
  return request::TimeAccepted{time_ns};
}

void Node::move_time_to(std::int64_t to_ns, std::int64_t node_ns) {
  clock_.go_on_by(sub_ns(to_ns, node_ns));
  order(of_kind(CommandKind::time, static_cast<std::uint64_t>(to_ns)));
}

}  // namespace vedette::node
