// Purpose: what becomes of every action ordered: tried at once, again after a failure with growing
// pauses, not at all while its sink's circuit breaker is open; given up at its horizon.
// In: orders and their outcomes, the batch's time. Out: what is to be done now, as verdicts; the
// caller makes events of them. Bound: the plan's pending_actions, of which no sink among several
// takes all; when full start() says no_room.
// Runs on: the engine's step; all of it is state that replay repeats.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "model/derived.hpp"
#include "model/plan_generated.h"
#include "model/stage.hpp"

namespace vedette::deliver {

class Delivery {
 public:
  static constexpr SectionName kSection{"deliver", 1};

  static std::size_t bytes_needed(const plan::Plan& plan);
  void init(Arena& arena, const Site& site);
  // An action for each decision on a subject; a batch's next attempts, and what ends.
  static DerivedBound derived_bound(const plan::Plan& plan);

  enum class Stage : std::uint8_t {
    free = 0,
    sent,    // under way; an outcome or the horizon ends it
    waits,   // for its pause or its sink
    failed,  // its next attempt is to be made an event
  };
  struct Order {
    std::uint64_t sequence;  // of the event that is the present attempt
    std::int64_t horizon_ns;
    std::int64_t due_ns;  // of one that waits
    Stage stage;
    EventClass event_class;
    // An attempt was sent and is not known to have arrived: it goes on until its horizon.
    std::uint8_t unconfirmed;
    std::uint8_t reserved[5];
  };

  enum class Start { dispatched, waits, no_room, sink_open };
  Start start(std::uint64_t sequence, EventClass event_class, const ActionIntent& intent,
              std::int64_t ordered_ns, std::int64_t now_ns);

  enum class End { unknown, done, given_up, again };
  // The outcome of an attempt. After a restart nobody knows whether it was done, and it is not
  // repeated. One that was sent and lost with its connection does not count against the action's
  // `retries`: it, and what fails behind it, is repeated until its horizon.
  End ended(std::uint64_t sequence, Exit exit, Reason reason, std::int64_t now_ns);
  // The order's next attempt is the event `sequence` from now on.
  void next_attempt(std::size_t order, std::uint64_t sequence);

  // An order from outside, as if its last attempt, `sequence`, had failed now. `before`: it was
  // ordered so already, or another attempt of it is under way; nothing is done twice.
  enum class Requeued { ordered, before, no_room };
  Requeued requeue(std::uint64_t sequence, const ActionIntent& intent, std::int64_t now_ns);

  // False of an order from outside that names what the plan does not have.
  bool fits_plan(const ActionIntent& intent) const;

  // Withdrawn by a command; what it was, free when there is no such order.
  Stage cancel(std::uint64_t sequence, std::int64_t now_ns);

  static constexpr std::size_t kNone = ~std::size_t{0};
  // Orders to see to now, one after the other; each call begins where the plan's order does.
  std::size_t failed() const;
  std::size_t overdue(std::int64_t now_ns);
  void give_up(std::size_t order, std::int64_t now_ns);
  std::size_t due(std::int64_t now_ns);  // it is sent now

  // A sink whose breaker changed since it was last asked; kNone for none.
  std::size_t changed_sink();
  SinkState sink_state(std::size_t sink) const;

  std::size_t size() const { return size_; }
  std::size_t sent() const { return sent_; }
  std::span<const Order> orders() const { return orders_; }
  const ActionIntent& intent(std::size_t order) const { return intents_[order]; }
  std::size_t find(std::uint64_t sequence) const;
  // True when something can be due at `now_ns`.
  bool any_due(std::int64_t now_ns) const { return size_ != 0 && now_ns >= next_ns_; }

  static std::size_t frozen_bytes_bound(const plan::Plan& plan);
  void freeze(Freezer& out, const TrackTable&) const;
  bool thaw(Thawer& in, Thawing& with);
  void digest(Digest& digest) const { digest.mix(std::uint64_t{size_} << 32 | sent_); }
  bool unfinished() const { return false; }

 private:
  struct Breaker {
    std::uint32_t failures;  // one after the other
    BreakerState state;
    BreakerState told;
    std::uint8_t reserved[2];
    std::int64_t reopen_ns;
    std::uint64_t probe;  // the attempt that a half-open breaker lets through
  };

  bool plausible(const Order& order, const ActionIntent& intent, std::uint64_t newest) const;
  bool thaw_order(Thawer& in, Thawing& with);
  bool takes_too_many(std::uint16_t sink) const;
  bool has_key(const ActionIntent& intent, std::uint64_t root) const;
  bool lets_through(const Breaker& breaker, std::int64_t now_ns) const;
  void send(std::size_t order);
  void free(std::size_t order);
  void succeeded(std::uint16_t sink);
  void broke(std::uint16_t sink, std::uint64_t sequence, std::int64_t now_ns);
  std::int64_t pause_ns(const ActionIntent& intent, std::int64_t backoff_ns,
                        bool unconfirmed) const;
  void look_again();

  const plan::Plan* plan_ = nullptr;
  std::span<Order> orders_;
  std::span<ActionIntent> intents_;
  std::array<Breaker, limits::kSinks> breakers_{};
  // The newest events that were ordered again: what one of them became is another event.
  std::array<std::uint64_t, limits::kRequeued> requeued_{};
  std::uint64_t requeued_at_ = 0;
  std::size_t size_ = 0;
  std::size_t sent_ = 0;
  std::size_t failed_ = 0;
  std::int64_t next_ns_ = 0;  // nothing is due before
};

}  // namespace vedette::deliver
