#include "node/requests.hpp"

#include "base/json.hpp"
#include "edge/journal/find_event.hpp"
#include "node/source_page.hpp"
#include "platform/clock.hpp"

namespace vedette::node {
namespace {

constexpr std::int64_t kMirrorWaitNs = 500'000'000;
constexpr std::int64_t kMirrorRestNs = 200'000;

}  // namespace

struct Requests::Answering {
  Requests& self;

  request::Answer order(CommandKind kind, std::uint64_t target = 0) const {
    return self.commands_.post_and_wait(Commands::of_kind(kind, target));
  }
  // `r`: has the words of a person.
  request::Answer about(CommandKind kind, std::uint64_t target, const auto& r,
                        std::int64_t for_ns = 0) const {
    AlarmOrder order{};
    order.command.kind = kind;
    order.command.target = target;
    order.for_ns = for_ns;
    order.by.assign(r.by.text);
    order.note.assign(r.note.text);
    return self.commands_.post_and_wait(order);
  }
  request::Answer operator()(const request::Status&) const {
    return request::Document{self.status_.json()};
  }
  request::Answer operator()(const request::Source& r) const {
    auto page = source_json(self.rooms_.ingress, self.rooms_.plan, r.name.text);
    return page ? request::Answer(request::Document{std::move(*page)})
                : request::Refused{"the site has no source \"" + r.name.text + "\""};
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
    return about(CommandKind::acknowledge, track_key(r.track.kind, r.track.identity), r);
  }
  request::Answer operator()(const request::Alarms&) const { return self.alarms(); }
  request::Answer operator()(const request::AcknowledgeAlarm& r) const {
    return about(CommandKind::acknowledge_alarm, r.alarm.sequence, r);
  }
  request::Answer operator()(const request::Shelve& r) const {
    return about(CommandKind::shelve, r.alarm.sequence, r, r.for_.ns);
  }
  request::Answer operator()(const request::Unshelve& r) const {
    return about(CommandKind::unshelve, r.alarm.sequence, r);
  }
  request::Answer operator()(const request::Note& r) const {
    return about(CommandKind::note, 0, r);
  }
  request::Answer operator()(const request::Cancel& r) const {
    return order(CommandKind::cancel, r.event.sequence);
  }
  request::Answer operator()(const request::Requeue& r) const {
    return self.requeue(r.event.sequence);
  }
};

// Asks the mirror, so that the engine stops for nobody.
request::Answer Requests::alarms() {
  AskedAlarms& asked = rooms_.mirror.asked_alarms();
  asked.ask();
  const std::int64_t until_ns = platform::monotonic_ns() + kMirrorWaitNs;
  while (!asked.answered() && platform::monotonic_ns() < until_ns) {
    platform::rest_ns(kMirrorRestNs);
  }
  return asked.answered()
             ? request::Answer(request::Document{alarms_json(asked.take(), rooms_.plan)})
             : request::Refused{"the mirror does not answer now; `vedette status` shows why"};
}

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

namespace {

// What a refused request asked for, as an event.
struct AsCommand {
  Commands& commands;

  void about(CommandKind kind, std::uint64_t target, const auto& r) const {
    AlarmOrder order{};
    order.command.kind = kind;
    order.command.target = target;
    order.by.assign(r.by.text);
    order.note.assign(r.note.text);
    commands.post(order);
  }
  void plain(CommandKind kind, std::uint64_t target = 0) const {
    AlarmOrder order{};
    order.command.kind = kind;
    order.command.target = target;
    commands.post(order);
  }
  void operator()(const request::Hold&) const { plain(CommandKind::hold); }
  void operator()(const request::Resume&) const { plain(CommandKind::resume); }
  void operator()(const request::AcceptTime& r) const {
    plain(CommandKind::time, static_cast<std::uint64_t>(r.to_ns.value_or(0)));
  }
  void operator()(const request::Cancel& r) const { plain(CommandKind::cancel, r.event.sequence); }
  void operator()(const request::Requeue& r) const {
    plain(CommandKind::requeue, r.event.sequence);
  }
  void operator()(const request::Acknowledge& r) const {
    about(CommandKind::acknowledge, track_key(r.track.kind, r.track.identity), r);
  }
  void operator()(const request::AcknowledgeAlarm& r) const {
    about(CommandKind::acknowledge_alarm, r.alarm.sequence, r);
  }
  void operator()(const request::Shelve& r) const {
    about(CommandKind::shelve, r.alarm.sequence, r);
  }
  void operator()(const request::Unshelve& r) const {
    about(CommandKind::unshelve, r.alarm.sequence, r);
  }
  void operator()(const request::Note& r) const { about(CommandKind::note, 0, r); }
  void operator()(const auto&) const {}  // it only looks
};

}  // namespace

request::Answer Requests::deny(const request::Request& asked, const platform::Account& who,
                               Right right) {
  const std::int64_t now_ns = platform::monotonic_ns();
  if (now_ns - second_ns_ >= 1'000'000'000) {
    second_ns_ = now_ns;
    denied_ = 0;
  }
  if (++denied_ <= kDenied) {
    commands_.from(who.user, true);
    std::visit(AsCommand{commands_}, asked);
    commands_.from(kNobody, false);
  }
  rooms_.board.denied.fetch_add(1, std::memory_order_relaxed);
  const std::string user =
      who.user == kNobody ? "an unknown user" : "user " + std::to_string(who.user);
  return request::Refused{user + " may not " + std::string(name_of(right)) +
                          "; roles that may: " + rights_.who_may(right)};
}

std::string Requests::answer(std::string_view line, const platform::Account& who) {
  const auto asked = request::decode(line);
  if (!asked) {
    return encode(request::Answer(request::Refused{std::string(name_of(asked.error()))}));
  }
  if (const auto right = Rights::needed(asked.value()); right && !rights_.may(who, *right)) {
    return encode(deny(asked.value(), who, *right));
  }
  commands_.from(who.user, false);
  request::Answer answer = std::visit(Answering{*this}, asked.value());
  commands_.from(kNobody, false);
  return encode(answer);
}

}  // namespace vedette::node
