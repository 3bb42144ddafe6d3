// Orders and breakers as bytes, and back, also under another plan.
#include <algorithm>

#include "base/plausible.hpp"
#include "core/deliver/delivery.hpp"

namespace vedette::deliver {

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
         intent.subject.kind <= SubjectKind::pair &&
         (intent.subject.kind != SubjectKind::source ||
          intent.subject.source < plan_->sources()->size()) &&
         (intent.subject.kind != SubjectKind::sink ||
          intent.subject.source < plan_->sinks()->size()) &&
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
    } else if (intent.subject.kind == SubjectKind::sink) {
      intent.subject.source = carry.sink(intent.subject.source);
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
  begin(with.now_ns);
  for (std::uint16_t old = 0; old < limits::kSinks; ++old) {
    Breaker b = breakers[old];
    if (b.state > BreakerState::half_open || b.told > BreakerState::half_open ||
        !plausible_ns(b.reopen_ns) || !plausible_ns(b.success_ns)) {
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
