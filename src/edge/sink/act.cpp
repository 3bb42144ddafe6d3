#include "edge/sink/act.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "edge/sink/render.hpp"
#include "platform/clock.hpp"
#include "platform/socket.hpp"

namespace vedette::sink {
namespace {

constexpr std::int64_t kRetryNs = 1'000'000'000;  // until a broken stream is retried
// Interval of polling for confirmations: each poll is two system calls a stream.
constexpr std::int64_t kLookNs = 50'000;

std::size_t unconfirmed_of(const plan::Plan& plan, const plan::Sink& sink) {
  const bool awaits = sink.kind() == plan::SinkKind::tcp && sink.confirm() != plan::Confirm::sent;
  return awaits ? std::min<std::size_t>(limits::kUnconfirmed, plan.limits()->pending_actions()) : 0;
}

template <typename Payload>
void put(std::uint8_t* place, Lane& outcomes, EventKind kind, std::uint64_t of,
         const Payload& payload, std::int64_t now_ns) {
  EventHeader header{};
  header.observed_ns = header.received_ns = now_ns;
  header.cause = of;
  header.payload_bytes = sizeof payload;
  header.source = kNoSource;
  header.kind = kind;
  header.event_class = EventClass::high;
  std::memcpy(place, &header, sizeof header);
  std::memcpy(place + sizeof header, &payload, sizeof payload);
  outcomes.commit(event_bytes(sizeof payload));
}

void put_outcome(std::uint8_t* place, Lane& outcomes, const ActionOutcome& outcome,
                 std::int64_t now_ns) {
  put(place, outcomes, EventKind::outcome, outcome.action_sequence, outcome, now_ns);
}

// Those that a step cancels stay until it ends, beside those that it orders in their place.
std::size_t most_waiting(const plan::Plan& plan) {
  return std::size_t{2} * plan.limits()->pending_actions();
}

}  // namespace

std::size_t Act::bytes_needed(const plan::Plan& plan) {
  std::size_t bytes = arena_bytes<Order>(most_waiting(plan));
  for (const plan::Sink* sink : *plan.sinks()) {
    bytes += arena_bytes<Unconfirmed::Message>(unconfirmed_of(plan, *sink));
  }
  return bytes;
}

std::string Act::init(Arena& arena, const plan::Plan& plan, platform::DeviceKeeper& devices,
                      Lane* log) {
  plan_ = &plan;
  log_ = log;
  waiting_ = arena.make<Order>(most_waiting(plan));
  for (std::size_t i = 0; i < plan.sinks()->size(); ++i) {
    const plan::Sink* sink = plan.sinks()->Get(static_cast<flatbuffers::uoffset_t>(i));
    Outlet& outlet = outlets_[i];
    outlet.kind = sink->kind();
    if (sink->kind() == plan::SinkKind::udp) {
      auto opened = platform::open_udp_socket();
      if (!opened) {
        return "sink " + sink->name()->str() + ": " + platform::error_text(opened.error());
      }
      outlet.fd = opened.value().release();
      outlet.to = {sink->address(), sink->port()};
      aim(outlet);
      if (!rehearsal_.valid()) {
        if (auto own = platform::open_udp_to_itself(); own) {
          rehearsal_ = std::move(own).value();
        }
      }
    } else if (sink->kind() == plan::SinkKind::serial) {
      const std::size_t slot = devices.add(sink->device()->str(), sink->baud(), false, kRetryNs);
      outlet.streams.init(devices, {&slot, 1}, 1, false);
    } else if (sink->kind() == plan::SinkKind::tcp) {
      std::array<std::size_t, limits::kConnections> slots{};
      for (std::size_t c = 0; c < sink->connections_most(); ++c) {
        slots[c] = devices.add_connection({sink->address(), sink->port()}, kRetryNs,
                                          sink->confirm_within_ns());
      }
      outlet.streams.init(devices, {slots.data(), sink->connections_most()}, sink->connections(),
                          true);
      if (const std::size_t room = unconfirmed_of(plan, *sink); room != 0) {
        outlet.streams.await(sink->confirm(), sink->confirm_within_ns(),
                             arena.make<Unconfirmed::Message>(room));
      }
    }
  }
  return {};
}

void Act::withdraw(std::uint64_t sequence) {
  for (std::size_t i = 0; unconfirmed_ != 0 && i < outlets_.size(); ++i) {
    Unconfirmed& unconfirmed = outlets_[i].streams.unconfirmed();
    const std::size_t before = unconfirmed.size();
    unconfirmed.withdraw(sequence);
    unconfirmed_ -= before - unconfirmed.size();
  }
  for (std::size_t i = 0; i < count_; ++i) {
    if (waiting_[i].event.sequence == sequence) {
      std::copy(waiting_.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                waiting_.begin() + static_cast<std::ptrdiff_t>(count_),
                waiting_.begin() + static_cast<std::ptrdiff_t>(i));
      --count_;
      return;
    }
  }
}

void Act::give_up_overdue(std::int64_t now_ns) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    const Order& w = waiting_[i];
    if (w.ordered_ns + plan_->actions()->Get(w.intent.action)->horizon_ns() > now_ns) {
      if (kept != i) {
        waiting_[kept] = w;
      }
      ++kept;
    }
  }
  count_ = kept;
}

int Act::to_log(std::string_view text) {
  std::uint8_t* at = log_ == nullptr ? nullptr : log_->reserve(text.size());
  if (at == nullptr) {
    return ENOBUFS;
  }
  std::memcpy(at, text.data(), text.size());
  log_->commit(text.size());
  return 0;
}

// An unreachable network is a sink that cannot take the message now.
int Act::send_datagram(Outlet& outlet, std::string_view text) {
  if (!outlet.aimed.load(std::memory_order_acquire)) {
    return outlet.unaimed.load(std::memory_order_relaxed);
  }
  const int error = platform::send_now(outlet.fd, as_bytes(text));
  // A socket keeps the source address that it had when connected.
  if (error == ENETUNREACH || error == EHOSTUNREACH || error == EINVAL) {
    outlet.unaimed.store(error, std::memory_order_relaxed);
    outlet.aimed.store(false, std::memory_order_release);  // pairs with the load in aim()
  }
  return error;
}

void Act::aim(Outlet& outlet) {
  const int error = platform::aim_udp(outlet.fd, outlet.to);
  outlet.unaimed.store(error, std::memory_order_relaxed);
  outlet.aimed.store(error == 0, std::memory_order_release);  // pairs with send_datagram()'s load
}

void Act::aim() {
  for (Outlet& outlet : outlets_) {
    if (outlet.fd >= 0 && !outlet.aimed.load(std::memory_order_acquire)) {
      aim(outlet);
    }
  }
}

int Act::send(Outlet& outlet, const Order& order, std::string_view text, std::int64_t now_ns) {
  switch (outlet.kind) {
    case plan::SinkKind::udp:
      return send_datagram(outlet, text);
    case plan::SinkKind::log:
      return to_log(text);
    case plan::SinkKind::serial:
    case plan::SinkKind::tcp:
      return outlet.streams.send(text, now_ns, order.event.sequence,
                                 key_of(order.event, order.intent));
  }
  return EINVAL;
}

void Act::stay_ready() const {
  if (last_.event.sequence != 0) {
    char room[kRenderBytes];
    const std::string_view text = render(*plan_, last_.event, last_.intent, room);
    if (rehearsal_.valid() && outlets_[last_.intent.sink].kind == plan::SinkKind::udp) {
      platform::rehearse_sending(rehearsal_.get(), as_bytes(text));
    }
  }
}

void Act::tend() {
  for (Outlet& outlet : outlets_) {
    outlet.streams.tend();
  }
}

void Act::flush() {
  unfinished_ = 0;
  for (Outlet& outlet : outlets_) {
    outlet.streams.flush();
    unfinished_ += outlet.streams.unfinished() ? 1 : 0;
  }
}

void Act::confirm(std::int64_t now_ns, Lane& outcomes) {
  const std::int64_t monotonic = platform::monotonic_ns();
  const bool look = monotonic - looked_ns_ > kLookNs;
  looked_ns_ = look ? monotonic : looked_ns_;
  unconfirmed_ = 0;
  for (std::size_t i = 0; i < outlets_.size(); ++i) {
    StreamPool& streams = outlets_[i].streams;
    if (streams.unconfirmed().size() == 0) {
      continue;
    }
    if (look) {
      streams.look(monotonic);
    }
    streams.unconfirmed().settle([&](const Unconfirmed::Message& message) {
      std::uint8_t* const place = outcomes.reserve(event_bytes(sizeof(ActionOutcome)));
      if (place == nullptr) {
        return false;
      }
      const bool arrived = message.state == Unconfirmed::State::confirmed;
      (arrived ? counters_[i].confirmed : counters_[i].failed)
          .fetch_add(1, std::memory_order_relaxed);
      ActionOutcome outcome{};
      outcome.action_sequence = message.sequence;
      outcome.exit = arrived ? Exit::success : Exit::abandonment;
      outcome.reason = arrived ? Reason::applied : Reason::unconfirmed;
      outcome.sink = static_cast<std::uint16_t>(i);
      outcome.bytes_sent = message.bytes;
      put_outcome(place, outcomes, outcome, now_ns);
      return true;
    });
    unconfirmed_ += streams.unconfirmed().size();
  }
}

bool Act::may_leave(Order& order, std::uint64_t durable_sequence, std::int64_t now_ns,
                    Lane& outcomes) {
  const plan::Action& action = *plan_->actions()->Get(order.intent.action);
  if (!action.durable_before() || order.sent_by <= durable_sequence ||
      order.intent.unrecorded != 0) {
    return true;
  }
  if (action.record_within_ns() == 0 || now_ns - order.submitted_ns < action.record_within_ns()) {
    return false;
  }
  std::uint8_t* const place = outcomes.reserve(event_bytes(sizeof(Unrecorded)));
  if (place == nullptr) {
    return false;
  }
  const Unrecorded left{order.event.sequence};
  put(place, outcomes, EventKind::unrecorded, left.sequence, left, now_ns);
  order.intent.unrecorded = 1;
  counters_[order.intent.sink].unrecorded.fetch_add(1, std::memory_order_relaxed);
  return true;
}

bool Act::perform(Order& order, std::uint64_t durable_sequence, std::int64_t now_ns,
                  Lane& outcomes) {
  Outlet& outlet = outlets_[order.intent.sink];
  const bool local = outlet.kind == plan::SinkKind::log || outlet.kind == plan::SinkKind::serial;
  const bool before = plan_->actions()->Get(order.intent.action)->durable_before();
  if ((!local && !network_is_there()) || !may_leave(order, durable_sequence, now_ns, outcomes)) {
    return false;
  }
  std::uint8_t* const place = outcomes.reserve(event_bytes(sizeof(ActionOutcome)));
  if (place == nullptr) {
    return false;
  }
  char room[kRenderBytes];
  bool shortened = false;
  const std::string_view text = render(*plan_, order.event, order.intent, room, &shortened);
  const bool was_unfinished = outlet.streams.unfinished();
  const int error = send(outlet, order, text, now_ns);
  unfinished_ += outlet.streams.unfinished() && !was_unfinished ? 1 : 0;
  const std::size_t sent_bytes = text.size();
  if (order.newest_arrival_ns > 0) {
    (before ? before_ : behind_).add(platform::monotonic_ns() - order.newest_arrival_ns);
  }
  if (echo_ && outlet.kind != plan::SinkKind::log) {
    // Only for people, so a full log loses nothing that is owed.
    to_log(render_line(*plan_, order.event, order.intent, room));
  }
  SinkCounters& counters = counters_[order.intent.sink];
  (error == 0 ? counters.sent : counters.failed).fetch_add(1, std::memory_order_relaxed);
  counters.resent.fetch_add(error == 0 && order.sent_before ? 1 : 0, std::memory_order_relaxed);
  counters.shortened.fetch_add(error == 0 && shortened ? 1 : 0, std::memory_order_relaxed);
  if (error == 0 && outlet.streams.awaits()) {
    ++unconfirmed_;  // its outcome follows
    last_ = order;
    return true;
  }
  ActionOutcome outcome{};
  outcome.action_sequence = order.event.sequence;
  outcome.exit = error == 0 ? Exit::success : Exit::abandonment;
  outcome.reason = error == 0                            ? Reason::applied
                   : error == EAGAIN || error == ENOBUFS ? Reason::sink_full
                                                         : Reason::sink_failed;
  outcome.sink = order.intent.sink;
  outcome.bytes_sent = error == 0 ? static_cast<std::uint32_t>(sent_bytes) : 0;
  put_outcome(place, outcomes, outcome, now_ns);
  last_ = order;
  return true;
}

void Act::submit(const Order& order, std::uint64_t durable_sequence, std::int64_t now_ns,
                 Lane& outcomes) {
  if (unfinished_ != 0) {
    flush();
  }
  Order submitted = order;
  submitted.submitted_ns = now_ns;
  if (!perform(submitted, durable_sequence, now_ns, outcomes)) {
    give_up_overdue(now_ns);
    CHECK(count_ < waiting_.size(), "the engine keeps to pending_actions");
    waiting_[count_++] = submitted;
  }
}

void Act::step(std::uint64_t durable_sequence, std::int64_t now_ns, Lane& outcomes) {
  give_up_overdue(now_ns);
  if (unfinished_ != 0) {
    flush();
  }
  if (unconfirmed_ != 0) {
    confirm(now_ns, outcomes);
  }
  for (const Level level : {Level::alarm, Level::warn, Level::info, Level::none}) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      Order& order = waiting_[i];
      if (order.intent.level != level || !perform(order, durable_sequence, now_ns, outcomes)) {
        if (kept != i) {
          waiting_[kept] = order;
        }
        ++kept;
      }
    }
    count_ = kept;
  }
}

}  // namespace vedette::sink
