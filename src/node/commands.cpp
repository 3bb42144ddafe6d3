#include "node/commands.hpp"

#include "node/post.hpp"

namespace vedette::node {
namespace {

// Longest wait until the engine has answered and the disk has it.
constexpr std::int64_t kOrderNs = 200'000'000;
constexpr std::int64_t kOrderRestNs = 200'000;

std::string no_alarm(std::uint64_t id) {
  return "there is no alarm " + std::to_string(id) + " now; take its number from `vedette alarms`";
}

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
    case CommandKind::acknowledge_alarm:
      return reason == Reason::superseded
                 ? "alarm " + std::to_string(command.target) + " is acknowledged already"
                 : no_alarm(command.target) +
                       "; for all alarms of a track write its kind, too: vessel 230123450";
    case CommandKind::shelve:
      return no_alarm(command.target) + ", or the time is longer than 24 h";
    case CommandKind::unshelve:
      return reason == Reason::superseded
                 ? "alarm " + std::to_string(command.target) + " is not shelved"
                 : no_alarm(command.target);
    default:
      return "this version of the node does not know the command";
  }
}

}  // namespace

Requeue Commands::of_kind(CommandKind kind, std::uint64_t target) {
  Requeue order{};
  order.command.kind = kind;
  order.command.target = target;
  return order;
}

namespace {

Command& command_of(Requeue& order) {
  return order.command;
}
Command& command_of(AlarmOrder& order) {
  return order.command;
}

}  // namespace

template <typename Order>
std::uint64_t Commands::put(Order order, std::size_t bytes) {
  command_of(order).user = user_;
  command_of(order).denied = denied_ ? 1 : 0;
  const Bytes payload = bytes_of(order).first(bytes);
  const bool stepped = rooms_.clock.stepped();
  EventHeader header{};
  header.observed_ns = header.received_ns =
      stepped ? rooms_.board.now_ns.load(std::memory_order_relaxed) : rooms_.clock.now_ns();
  header.payload_bytes = static_cast<std::uint16_t>(payload.size());
  header.source = kNoSource;
  header.kind = EventKind::command;
  header.event_class = EventClass::critical;
  header.record = posted_ + 1;
  const bool taken =
      node::post(rooms_.lanes.commands, header, payload, rooms_.board.commands_refused);
  return taken ? ++posted_ : 0;
}

std::uint64_t Commands::post(const Requeue& order) {
  const bool whole = order.command.kind == CommandKind::requeue;
  return put(order, whole ? sizeof order : sizeof order.command);
}

std::uint64_t Commands::post(const AlarmOrder& order) {
  return put(order, sizeof order);
}

request::Answer Commands::outcome_of(std::uint64_t number, const Command& command) const {
  if (number == 0) {
    return request::Refused{"the node has too many commands waiting; try again"};
  }
  const Board& board = rooms_.board;
  const std::int64_t until_ns = platform::monotonic_ns() + kOrderNs;
  std::uint64_t said = 0;
  bool worked = false, durable = false;
  do {
    platform::rest_ns(kOrderRestNs);
    said = board.ordered.load(std::memory_order_acquire);
    worked = said >> 16 == number;
    durable = worked && rooms_.writer.durable_sequence() >=
                            board.ordered_sequence.load(std::memory_order_relaxed);
  } while (!durable && platform::monotonic_ns() < until_ns);
  const auto reason = static_cast<Reason>(said & 0xFF);
  if (!worked || reason == Reason::applied) {
    return request::Accepted{durable};
  }
  return request::Refused{why_not(command, reason)};
}

}  // namespace vedette::node
