#include "node/requests.hpp"

#include "base/json.hpp"
#include "edge/journal/find_event.hpp"
#include "platform/clock.hpp"

namespace vedette::node {

struct Requests::Answering {
  Requests& self;

  request::Answer order(CommandKind kind, std::uint64_t target = 0) const {
    return self.commands_.post_and_wait(Commands::of_kind(kind, target));
  }
  request::Answer operator()(const request::Status&) const {
    return request::Document{self.status_.json()};
  }
  request::Answer operator()(const request::Interruptions&) const {
    std::string text;
    JsonWriter<std::string> json(text);
    json.begin_object().key("interruptions").begin_array();
    self.engine_.interruptions().for_each(
        [&](std::int64_t from_ns, std::int64_t took_ns) { json.value(from_ns).value(took_ns); });
    json.end_array().end_object();
    return request::Document{text};
  }
  request::Answer operator()(const request::Hold&) const { return order(CommandKind::hold); }
  request::Answer operator()(const request::Resume&) const { return order(CommandKind::resume); }
  request::Answer operator()(const request::AcceptTime& r) const {
    return self.time_.admit(r.to_ns);
  }
  request::Answer operator()(const request::Acknowledge& r) const {
    return order(CommandKind::acknowledge, track_key(r.track.kind, r.track.identity));
  }
  request::Answer operator()(const request::Cancel& r) const {
    return order(CommandKind::cancel, r.event.sequence);
  }
  request::Answer operator()(const request::Requeue& r) const {
    return self.requeue(r.event.sequence);
  }
};

request::Answer Requests::requeue(std::uint64_t sequence) {
  if (!journalling_.disk_answers(platform::monotonic_ns())) {
    return request::Refused{"the disk, which has the event, does not answer; try again later"};
  }
  const std::string event = "event " + std::to_string(sequence);
  const auto found = journal::find_event(folder_.data(), sequence, folder_.header().plan_hash);
  if (!found) {
    return request::Refused{event + " is not in the part of the journal that this site file wrote"};
  }
  if (found->header.kind != EventKind::action) {
    return request::Refused{event + " is not an action; only actions can be requeued"};
  }
  vedette::Requeue order = Commands::of_kind(CommandKind::requeue, sequence);
  order.intent = payload_as<ActionIntent>(found->payload);
  order.intent.root = order.intent.root != 0 ? order.intent.root : sequence;
  order.intent.attempt = 0;  // restarts its retries
  return commands_.post_and_wait(order);
}

std::string Requests::answer(std::string_view line) {
  const auto asked = request::decode(line);
  return encode(asked ? std::visit(Answering{*this}, asked.value())
                      : request::Refused{std::string(name_of(asked.error()))});
}

}  // namespace vedette::node
