#include "core/deliver/delivery.hpp"

#include <algorithm>
#include <limits>

#include "base/digest.hpp"
#include "base/plausible.hpp"

namespace vedette::deliver {
namespace {

constexpr std::uint16_t kMostDoublings = 12;  // a day doubled this often still fits 64 bits
// For attempts that may have arrived: a returning receiver gets what it is owed soon.
constexpr std::uint16_t kUnconfirmedDoublings = 4;

}  // namespace

std::size_t Delivery::bytes_needed(const plan::Plan& plan) {
  return arena_bytes<Order>(plan.limits()->pending_actions()) +
         arena_bytes<ActionIntent>(plan.limits()->pending_actions());
}

std::size_t Delivery::frozen_bytes_bound(const plan::Plan& plan) {
  return 64 + sizeof breakers_ + sizeof requeued_ + sizeof requeued_at_ +
         plan.limits()->pending_actions() * (sizeof(Order) + sizeof(ActionIntent));
}

// Next attempts, plus what ends: actions past their horizon, and each sink's breaker.
DerivedBound Delivery::derived_bound(const plan::Plan& plan) {
  const std::size_t ends = std::size_t{2} * plan.limits()->pending_actions() + limits::kSinks + 2;
  return {plan.decisions()->size() * event_bytes(sizeof(ActionIntent)),
          ends * event_bytes(sizeof(Resolution)) +
              plan.limits()->batch_events() * event_bytes(sizeof(ActionIntent))};
}

void Delivery::init(Arena& arena, const Site& site) {
  const plan::Plan& plan = *site.plan;
  plan_ = &plan;
  orders_ = arena.make<Order>(plan.limits()->pending_actions());
  intents_ = arena.make<ActionIntent>(plan.limits()->pending_actions());
}

std::size_t Delivery::find(std::uint64_t sequence) const {
  for (std::size_t i = 0; i < orders_.size(); ++i) {
    if (orders_[i].sequence == sequence && orders_[i].stage != Stage::free) {
      return i;
    }
  }
  return kNone;
}

bool Delivery::lets_through(const Breaker& breaker, std::int64_t now_ns) const {
  return breaker.state == BreakerState::closed ||
         (breaker.state == BreakerState::open && now_ns >= breaker.reopen_ns);
}

void Delivery::send(std::size_t order) {
  Breaker& breaker = breakers_[intents_[order].sink];
  if (breaker.state == BreakerState::open) {
    breaker.state = BreakerState::half_open;
    breaker.probe = orders_[order].sequence;
  }
  orders_[order].stage = Stage::sent;
  ++sent_;
}

void Delivery::free(std::size_t order) {
  sent_ -= orders_[order].stage == Stage::sent ? 1 : 0;
  failed_ -= orders_[order].stage == Stage::failed ? 1 : 0;
  orders_[order] = {};
  --size_;
}

// Fairness among sinks: one may hold less than three times the free places.
bool Delivery::takes_too_many(std::uint16_t sink) const {
  const std::size_t most = 3 * (orders_.size() - size_);
  if (size_ < most || (plan_->sinks()->size() == 1 && size_ < orders_.size())) {
    return false;
  }
  std::size_t held = 0;
  for (std::size_t i = 0; i < orders_.size(); ++i) {
    held += orders_[i].stage != Stage::free && intents_[i].sink == sink ? 1 : 0;
  }
  return held >= most;
}

Delivery::Start Delivery::start(std::uint64_t sequence, EventClass event_class,
                                const ActionIntent& intent, std::int64_t ordered_ns,
                                std::int64_t now_ns) {
  if (takes_too_many(intent.sink)) {
    return Start::no_room;
  }
  const plan::Action* action = plan_->actions()->Get(intent.action);
  const std::int64_t horizon_ns = ordered_ns + action->horizon_ns();
  const Breaker& breaker = breakers_[intent.sink];
  const bool now = lets_through(breaker, now_ns);
  if (!now && (action->retries() == 0 || breaker.reopen_ns >= horizon_ns)) {
    return Start::sink_open;
  }
  std::size_t order = 0;
  while (orders_[order].stage != Stage::free) {
    ++order;
  }
  orders_[order] = {sequence, horizon_ns, breaker.reopen_ns, Stage::waits, event_class, 0, 0, {}};
  intents_[order] = intent;
  intents_[order].root = intent.root != 0 ? intent.root : sequence;
  ++size_;
  next_ns_ = std::min({next_ns_, horizon_ns, now ? horizon_ns : breaker.reopen_ns});
  if (now) {
    send(order);
  }
  return now ? Start::dispatched : Start::waits;
}

// Doubles with each attempt, with 25 % jitter, so that many nodes do not return at once.
std::int64_t Delivery::pause_ns(const ActionIntent& intent, std::int64_t backoff_ns,
                                bool unconfirmed) const {
  const std::uint16_t most = unconfirmed ? kUnconfirmedDoublings : kMostDoublings;
  const std::int64_t doubled = backoff_ns << std::min(intent.attempt, most);
  Digest seed(intent.node);
  seed.mix(intent.root << 8 | intent.attempt);
  return doubled / 4 * 3 + doubled / 2048 * static_cast<std::int64_t>(seed.value() & 1023);
}

void Delivery::succeeded(std::uint16_t sink) {
  breakers_[sink].state = BreakerState::closed;
  breakers_[sink].failures = 0;
}

void Delivery::broke(std::uint16_t sink, std::uint64_t sequence, std::int64_t now_ns) {
  const plan::Sink* s = plan_->sinks()->Get(sink);
  Breaker& breaker = breakers_[sink];
  ++breaker.failures;
  const bool probe = breaker.state == BreakerState::half_open && breaker.probe == sequence;
  const bool enough = breaker.state == BreakerState::closed && s->breaker_failures() != 0 &&
                      breaker.failures >= s->breaker_failures();
  if (probe || enough) {
    breaker.state = BreakerState::open;
    breaker.reopen_ns = now_ns + s->breaker_rest_ns();
  }
}

Delivery::End Delivery::ended(std::uint64_t sequence, Exit exit, Reason reason,
                              std::int64_t now_ns) {
  const std::size_t order = find(sequence);
  if (order == kNone || orders_[order].stage != Stage::sent) {
    return End::unknown;
  }
  const ActionIntent& intent = intents_[order];
  if (exit == Exit::success) {
    succeeded(intent.sink);
    free(order);
    return End::done;
  }
  broke(intent.sink, sequence, now_ns);
  const bool restarted = reason == Reason::unknown_after_restart;
  const bool repeatable = !restarted || orders_[order].unrecorded != 0;
  if (reason == Reason::unconfirmed || (restarted && repeatable)) {
    orders_[order].unconfirmed = 1;
    intents_[order].possible_duplicate = 1;
  }
  const plan::Action* action = plan_->actions()->Get(intent.action);
  const std::int64_t due_ns =
      std::max(now_ns + pause_ns(intent, action->backoff_ns(), orders_[order].unconfirmed != 0),
               breakers_[intent.sink].state == BreakerState::open ? breakers_[intent.sink].reopen_ns
                                                                  : std::int64_t{0});
  const bool repeats =
      repeatable && (orders_[order].unconfirmed != 0 || intent.attempt < action->retries());
  if (!repeats || due_ns >= orders_[order].horizon_ns) {
    free(order);
    return End::given_up;
  }
  orders_[order].stage = Stage::failed;
  orders_[order].due_ns = due_ns;
  next_ns_ = std::min(next_ns_, due_ns);
  --sent_;
  ++failed_;
  return End::again;
}

bool Delivery::left_unrecorded(std::uint64_t sequence) {
  const std::size_t order = find(sequence);
  if (order == kNone) {
    return false;
  }
  orders_[order].unrecorded = 1;
  return true;
}

bool Delivery::doubts(std::uint16_t action, std::int64_t now_ns) const {
  const plan::Action& a = *plan_->actions()->Get(action);
  return now_ns < doubt_until_ns_ && (!a.durable_before() || a.record_within_ns() != 0);
}

std::size_t Delivery::failed() const {
  for (std::size_t i = 0; failed_ != 0 && i < orders_.size(); ++i) {
    if (orders_[i].stage == Stage::failed) {
      return i;
    }
  }
  return kNone;
}

void Delivery::next_attempt(std::size_t order, std::uint64_t sequence) {
  ++intents_[order].attempt;
  orders_[order].sequence = sequence;
  orders_[order].stage = Stage::waits;
  --failed_;
}

bool Delivery::has_key(const ActionIntent& intent, std::uint64_t root) const {
  for (std::size_t i = 0; size_ != 0 && i < orders_.size(); ++i) {
    const ActionIntent& other = intents_[i];
    if (orders_[i].stage != Stage::free && other.root == root && other.epoch == intent.epoch &&
        other.node == intent.node) {
      return true;
    }
  }
  return false;
}

Delivery::Requeued Delivery::requeue(std::uint64_t sequence, const ActionIntent& intent,
                                     std::int64_t now_ns) {
  const std::uint64_t root = intent.root != 0 ? intent.root : sequence;
  if (find(sequence) != kNone || has_key(intent, root) ||
      std::find(requeued_.begin(), requeued_.end(), sequence) != requeued_.end()) {
    return Requeued::before;
  }
  if (takes_too_many(intent.sink)) {
    return Requeued::no_room;
  }
  requeued_[requeued_at_++ % requeued_.size()] = sequence;
  std::size_t order = 0;
  while (orders_[order].stage != Stage::free) {
    ++order;
  }
  const std::int64_t horizon_ns = plan_->actions()->Get(intent.action)->horizon_ns();
  orders_[order] = {sequence, now_ns + horizon_ns, now_ns, Stage::failed, EventClass::high, 0, 0,
                    {}};
  intents_[order] = intent;
  intents_[order].root = root;
  ++size_;
  ++failed_;
  next_ns_ = std::min(next_ns_, now_ns);
  return Requeued::ordered;
}

Delivery::Stage Delivery::cancel(std::uint64_t sequence, std::int64_t now_ns) {
  const std::size_t order = find(sequence);
  if (order == kNone || orders_[order].stage == Stage::failed) {
    return Stage::free;
  }
  const Stage stage = orders_[order].stage;
  give_up(order, now_ns);
  return stage;
}

void Delivery::look_again() {
  next_ns_ = std::numeric_limits<std::int64_t>::max();
  for (const Order& o : orders_) {
    if (o.stage != Stage::free) {
      next_ns_ =
          std::min({next_ns_, o.horizon_ns, o.stage == Stage::sent ? o.horizon_ns : o.due_ns});
    }
  }
}

std::size_t Delivery::overdue(std::int64_t now_ns) {
  if (!any_due(now_ns)) {
    return kNone;
  }
  std::size_t lowest = kNone;
  for (std::size_t i = 0; i < orders_.size(); ++i) {
    const Order& o = orders_[i];
    const bool late = (o.stage == Stage::sent || o.stage == Stage::waits) && o.horizon_ns <= now_ns;
    lowest = late && (lowest == kNone || o.sequence < orders_[lowest].sequence) ? i : lowest;
  }
  return lowest;
}

void Delivery::give_up(std::size_t order, std::int64_t now_ns) {
  const Breaker& breaker = breakers_[intents_[order].sink];
  if (breaker.state == BreakerState::half_open && breaker.probe == orders_[order].sequence) {
    broke(intents_[order].sink, orders_[order].sequence, now_ns);
  }
  free(order);
}

std::size_t Delivery::due(std::int64_t now_ns) {
  if (!any_due(now_ns)) {
    return kNone;
  }
  std::size_t lowest = kNone;
  for (std::size_t i = 0; i < orders_.size(); ++i) {
    Order& o = orders_[i];
    if (o.stage != Stage::waits || o.due_ns > now_ns) {
      continue;
    }
    const Breaker& breaker = breakers_[intents_[i].sink];
    if (!lets_through(breaker, now_ns)) {
      // Wait for the probe's outcome, or for the open breaker's next probe.
      o.due_ns = std::max(breaker.reopen_ns, now_ns + plan_->limits()->tick_ns());
      continue;
    }
    lowest = lowest == kNone || o.sequence < orders_[lowest].sequence ? i : lowest;
  }
  if (lowest == kNone) {
    look_again();
  } else {
    send(lowest);
  }
  return lowest;
}

std::size_t Delivery::changed_sink() {
  for (std::size_t i = 0; i < plan_->sinks()->size(); ++i) {
    if (breakers_[i].told != breakers_[i].state) {
      breakers_[i].told = breakers_[i].state;
      return i;
    }
  }
  return kNone;
}

SinkState Delivery::sink_state(std::size_t sink) const {
  SinkState state{};
  state.sink = static_cast<std::uint16_t>(sink);
  state.breaker = breakers_[sink].state;
  state.failures = breakers_[sink].failures;
  return state;
}

void Delivery::renumber(std::uint64_t sequence, std::uint64_t to) {
  const std::size_t i = find(sequence);
  if (i == kNone) {
    return;
  }
  orders_[i].sequence = to;
  intents_[i].root = intents_[i].root == sequence ? to : intents_[i].root;
  if (Breaker& breaker = breakers_[intents_[i].sink]; breaker.probe == sequence) {
    breaker.probe = to;
  }
}

bool Delivery::send_again(std::uint64_t sequence, std::int64_t now_ns) {
  const std::size_t i = find(sequence);
  if (i == kNone || orders_[i].stage != Stage::sent) {
    return false;
  }
  orders_[i].stage = Stage::waits;
  orders_[i].due_ns = now_ns;
  --sent_;
  next_ns_ = std::min(next_ns_, now_ns);
  if (Breaker& breaker = breakers_[intents_[i].sink]; breaker.probe == sequence) {
    breaker.state = breaker.state == BreakerState::half_open ? BreakerState::open : breaker.state;
  }
  return true;
}

void Delivery::freeze(Freezer& out, const TrackTable&) const {
  out.put(static_cast<std::uint64_t>(size_));
  for (std::size_t i = 0; i < orders_.size(); ++i) {
    if (orders_[i].stage != Stage::free) {
      out.put(static_cast<std::uint64_t>(i));
      out.put(orders_[i]);
      out.put(intents_[i]);
    }
  }
  out.put(breakers_);
  out.put(requeued_);
  out.put(requeued_at_);
  out.put(next_ns_);
  out.put(doubt_until_ns_);
}

void Delivery::slice(std::size_t at, const TrackTable&, SliceDigest& out) const {
  if (at == 0) {
    out.mix(breakers_);
    out.mix(requeued_);
    out.mix(requeued_at_);
    out.mix(next_ns_);
    out.mix(doubt_until_ns_);
  } else if (orders_[at - 1].stage != Stage::free) {
    out.mix(orders_[at - 1]);
    out.mix(intents_[at - 1]);
  }
}

bool Delivery::plausible(const Order& order, const ActionIntent& intent,
                         std::uint64_t newest) const {
  return (order.stage == Stage::sent || order.stage == Stage::waits) &&
         order.event_class <= EventClass::bulk && order.sequence <= newest &&
         find(order.sequence) == kNone && plausible_ns(order.horizon_ns) &&
         plausible_ns(order.due_ns) && fits_plan(intent);
}

bool Delivery::fits_plan(const ActionIntent& intent) const {
  return intent.action < plan_->actions()->size() && intent.sink < plan_->sinks()->size() &&
         intent.assessment < plan_->assessments()->size() &&
         (intent.decision < plan_->decisions()->size() || intent.decision == kNoDecision) &&
         intent.subject.kind <= SubjectKind::source &&
         (intent.subject.kind != SubjectKind::source ||
          intent.subject.source < plan_->sources()->size()) &&
         intent.transition <= Transition::cleared && intent.level <= Level::alarm &&
         intent.kind < IdentityKind::count;
}

// One order; under another plan it stays if that plan has its action, sink and subject, else it
// leaves.
bool Delivery::thaw_order(Thawer& in, Thawing& with) {
  const auto i = in.get<std::uint64_t>();
  const auto order = in.get<Order>();
  auto intent = in.get<ActionIntent>();
  // No order is between two attempts when a batch is sealed.
  const bool stage = order.stage == Stage::sent || order.stage == Stage::waits;
  if (!in.ok() || !stage || i >= limits::kPendingActions) {
    return false;
  }
  std::size_t place = i;
  if (Carry& carry = with.carry; !carry.same()) {
    intent.action = carry.action(intent.action);
    intent.sink = carry.sink(intent.sink);
    intent.assessment = carry.assessment(intent.assessment);
    const bool decided = intent.decision != kNoDecision;
    intent.decision = decided ? carry.decision(intent.decision) : kNoDecision;
    const bool gone = decided && intent.decision == Carry::kGone;
    if (intent.subject.kind == SubjectKind::source) {
      intent.subject.source = carry.source(intent.subject.source);
      intent.subject.key = intent.subject.source;
    }
    const bool stays = !gone && fits_plan(intent) && size_ < orders_.size();
    ++(stays ? carry.report.deliveries.kept : carry.report.deliveries.left);
    if (!stays) {
      with.leave(with.context, {order.sequence, order.stage == Stage::sent ? 1U : 0U});
      return order.sequence <= with.newest;
    }
    place = size_;
  }
  if (place >= orders_.size() || orders_[place].stage != Stage::free ||
      !plausible(order, intent, with.newest)) {
    return false;
  }
  orders_[place] = order;
  intents_[place] = intent;
  ++size_;
  sent_ += order.stage == Stage::sent ? 1 : 0;
  return true;
}

bool Delivery::thaw(Thawer& in, Thawing& with) {
  std::fill(orders_.begin(), orders_.end(), Order{});
  size_ = sent_ = failed_ = 0;
  const auto count = in.get<std::uint64_t>();
  if (count > limits::kPendingActions) {
    return false;
  }
  for (std::size_t n = 0; n < count; ++n) {
    if (!thaw_order(in, with)) {
      return false;
    }
  }
  const auto breakers = in.get<decltype(breakers_)>();
  requeued_ = in.get<decltype(requeued_)>();
  requeued_at_ = in.get<std::uint64_t>();
  next_ns_ = in.get<std::int64_t>();
  doubt_until_ns_ = in.get<std::int64_t>();
  breakers_ = {};
  for (std::uint16_t old = 0; old < limits::kSinks; ++old) {
    Breaker b = breakers[old];
    if (b.state > BreakerState::half_open || b.told > BreakerState::half_open ||
        !plausible_ns(b.reopen_ns)) {
      return false;
    }
    // Its probe may have left with the old plan, so allow another.
    if (!with.carry.same() && b.state == BreakerState::half_open && find(b.probe) == kNone) {
      b.state = BreakerState::open;
    }
    if (const std::uint16_t now = with.carry.sink(old); now < limits::kSinks) {
      breakers_[now] = b;
    }
  }
  return in.ok();
}

}  // namespace vedette::deliver
