#include "core/deliver/delivery.hpp"

#include <algorithm>
#include <limits>

#include "base/digest.hpp"

namespace vedette::deliver {
namespace {

constexpr std::int64_t kMostPauseNs = std::int64_t{86'400} * 1'000'000'000;  // no horizon is longer
// For attempts that may have arrived: a returning receiver gets what it is owed soon.
constexpr std::int64_t kUnconfirmedPauses = 16;  // of the first pause

}  // namespace

std::size_t Delivery::bytes_needed(const plan::Plan& plan) {
  return arena_bytes<Order>(plan.limits()->pending_actions()) +
         arena_bytes<ActionIntent>(plan.limits()->pending_actions());
}

std::size_t Delivery::frozen_bytes_bound(const plan::Plan& plan) {
  return 64 + sizeof breakers_ + sizeof requeued_ + sizeof requeued_at_ +
         plan.limits()->pending_actions() * (sizeof(Order) + sizeof(ActionIntent));
}

// A subject's orders, each of which may supersede one. Next attempts, plus what ends: actions past
// their horizon, and each sink's breaker.
DerivedBound Delivery::derived_bound(const plan::Plan& plan) {
  const std::size_t ends = std::size_t{2} * plan.limits()->pending_actions() + limits::kSinks + 2;
  return {orders_of_decisions(plan) *
              (event_bytes(sizeof(ActionIntent)) + event_bytes(sizeof(Resolution))),
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

// Grows with each attempt, with 25 % jitter, so that many nodes do not return at once.
std::int64_t Delivery::pause_ns(const ActionIntent& intent, bool unconfirmed) const {
  const plan::Action& action = *plan_->actions()->Get(intent.action);
  const std::int64_t most = unconfirmed ? action.backoff_ns() * kUnconfirmedPauses : kMostPauseNs;
  std::int64_t pause = action.backoff_ns();
  for (std::uint16_t n = 0; n < intent.attempt && pause < most; ++n) {
    pause =
        pause / 1000 * action.backoff_permille() + pause % 1000 * action.backoff_permille() / 1000;
  }
  pause = std::min(pause, most);
  Digest seed(intent.node);
  seed.mix(intent.root << 8 | intent.attempt);
  return pause / 4 * 3 + pause / 2048 * static_cast<std::int64_t>(seed.value() & 1023);
}

void Delivery::begin(std::int64_t now_ns) {
  for (Breaker& breaker : breakers_) {
    breaker.success_ns = now_ns;
  }
}

SinkFacts Delivery::facts(std::size_t sink) const {
  const Breaker& breaker = breakers_[sink];
  SinkFacts facts{breaker.success_ns, 0, breaker.failures, breaker.state};
  for (std::size_t i = 0; size_ != 0 && i < orders_.size(); ++i) {
    facts.waiting += orders_[i].stage != Stage::free && intents_[i].sink == sink ? 1 : 0;
  }
  return facts;
}

void Delivery::succeeded(std::uint16_t sink, std::int64_t now_ns) {
  breakers_[sink].success_ns = now_ns;
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
    succeeded(intent.sink, now_ns);
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
      std::max(now_ns + pause_ns(intent, orders_[order].unconfirmed != 0),
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

bool Delivery::more_urgent(std::size_t order, std::size_t than) const {
  const Level level = intents_[order].level;
  const Level other = intents_[than].level;
  return level != other ? level > other : orders_[order].sequence < orders_[than].sequence;
}

// What a newer order of the same decision on the same subject makes pointless.
std::size_t Delivery::superseded(const ActionIntent& by, std::uint64_t cause) const {
  for (std::size_t i = 0; size_ != sent_ && i < orders_.size(); ++i) {
    const ActionIntent& intent = intents_[i];
    if (orders_[i].stage == Stage::waits && orders_[i].sequence < cause &&
        orders_[i].unconfirmed == 0 && intent.decision == by.decision &&
        intent.assessment == by.assessment && intent.sink == by.sink &&
        intent.subject == by.subject) {
      return i;
    }
  }
  return kNone;
}

std::size_t Delivery::due(std::int64_t now_ns) {
  if (!any_due(now_ns)) {
    return kNone;
  }
  std::size_t first = kNone;
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
    first = first == kNone || more_urgent(i, first) ? i : first;
  }
  if (first == kNone) {
    look_again();
  } else {
    send(first);
  }
  return first;
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

}  // namespace vedette::deliver
