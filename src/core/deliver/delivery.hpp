// Purpose: the life of every ordered action: tried at once, retried after a failure with growing
// pauses, held back while its sink's circuit breaker is open, abandoned at its horizon. In: orders
// and their outcomes, the batch's time. Out: verdicts on what to do now, which the caller turns
// into events. Bound: the plan's pending_actions, shared fairly among sinks; when full, start()
// returns no_room. Runs on: the engine's step; all of it is state that replay repeats.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "model/derived.hpp"
#include "model/plan_generated.h"
#include "model/post_facts.hpp"
#include "model/stage.hpp"

namespace vedette::deliver {

class Delivery {
 public:
  static constexpr SectionName kSection{"deliver", 4};

  static std::size_t bytes_needed(const plan::Plan& plan);
  void init(Arena& arena, const Site& site);
  // An action for each decision on a subject; a batch's next attempts and endings.
  static DerivedBound derived_bound(const plan::Plan& plan);

  enum class Stage : std::uint8_t {
    free = 0,
    sent,    // under way; an outcome or the horizon ends it
    waits,   // for its pause or its sink
    failed,  // its next attempt needs an event
  };
  struct Order {
    std::uint64_t sequence;  // of the current attempt's event
    std::int64_t horizon_ns;
    std::int64_t due_ns;  // if it waits
    Stage stage;
    EventClass event_class;
    // An attempt was sent without confirmation: retried until the horizon.
    std::uint8_t unconfirmed;
    std::uint8_t unrecorded;  // an attempt was sent before its event was on disk
    std::uint8_t reserved[4];
  };

  enum class Start { dispatched, waits, no_room, sink_open };
  Start start(std::uint64_t sequence, EventClass event_class, const ActionIntent& intent,
              std::int64_t ordered_ns, std::int64_t now_ns);

  enum class End { unknown, done, given_up, again };
  // The outcome of an attempt. After a restart an unknown outcome is not repeated, unless an
  // attempt was sent unrecorded. An attempt lost with its connection does not count against
  // `retries`, nor does such a one: it and later failures are repeated until the horizon, as
  // possible duplicates.
  End ended(std::uint64_t sequence, Exit exit, Reason reason, std::int64_t now_ns);
  // The attempt is sent although its event is not on disk. False if there is no such order.
  bool left_unrecorded(std::uint64_t sequence);
  // The run before may have sent what no record shows. Until kDoubtNs later an action that may
  // leave unrecorded is a possible duplicate.
  void doubt(std::int64_t now_ns) { doubt_until_ns_ = now_ns + limits::kDoubtNs; }
  bool doubts(std::uint16_t action, std::int64_t now_ns) const;
  // The order's next attempt is the event `sequence`.
  void next_attempt(std::size_t order, std::uint64_t sequence);

  // An order from outside, as if its last attempt, `sequence`, had failed now. `before`: it was
  // requeued already, or another attempt is under way; nothing is done twice.
  enum class Requeued { ordered, before, no_room };
  Requeued requeue(std::uint64_t sequence, const ActionIntent& intent, std::int64_t now_ns);

  // False for an order from outside that names what the plan lacks.
  bool fits_plan(const ActionIntent& intent) const;

  // Withdraws by command; returns its stage, free if there is no such order.
  Stage cancel(std::uint64_t sequence, std::int64_t now_ns);

  // For orders that a start recomputed (node/recompute.hpp): another number; due at once although
  // it counts as sent, false if it does not.
  void renumber(std::uint64_t sequence, std::uint64_t to);
  bool send_again(std::uint64_t sequence, std::int64_t now_ns);

  static constexpr std::size_t kNone = ~std::size_t{0};
  // The next order to handle; each call searches from the beginning.
  std::size_t failed() const;
  std::size_t overdue(std::int64_t now_ns);
  void give_up(std::size_t order, std::int64_t now_ns);
  std::size_t due(std::int64_t now_ns);  // to be sent now: by level, then the oldest
  // One that waits although nobody was told, and that an order by the event `cause` supersedes.
  std::size_t superseded(const ActionIntent& by, std::uint64_t cause) const;

  // The next sink whose breaker changed since it was last reported; kNone for none.
  std::size_t changed_sink();
  SinkState sink_state(std::size_t sink) const;
  SinkFacts facts(std::size_t sink) const;
  // At the first batch: sinks have succeeded last now.
  void begin(std::int64_t now_ns);

  std::size_t size() const { return size_; }
  std::size_t sent() const { return sent_; }
  std::span<const Order> orders() const { return orders_; }
  const ActionIntent& intent(std::size_t order) const { return intents_[order]; }
  std::size_t find(std::uint64_t sequence) const;
  // False while nothing can be due.
  bool any_due(std::int64_t now_ns) const { return size_ != 0 && now_ns >= next_ns_; }

  static std::size_t frozen_bytes_bound(const plan::Plan& plan);
  void freeze(Freezer& out, const TrackTable&) const;
  bool thaw(Thawer& in, Thawing& with);
  void digest(WordsDigest& digest) const { digest.mix(std::uint64_t{size_} << 32 | sent_); }
  std::size_t slices(const TrackTable&) const { return 1 + orders_.size(); }
  void slice(std::size_t at, const TrackTable&, SliceDigest& out) const;
  bool unfinished() const { return false; }

 private:
  struct Breaker {
    std::uint32_t failures;  // consecutive
    BreakerState state;
    BreakerState told;
    std::uint8_t reserved[2];
    std::int64_t reopen_ns;
    std::int64_t success_ns;  // the last, or the start
    std::uint64_t probe;      // the attempt that a half-open breaker lets through
  };

  bool plausible(const Order& order, const ActionIntent& intent, std::uint64_t newest) const;
  bool thaw_order(Thawer& in, Thawing& with);
  bool takes_too_many(std::uint16_t sink) const;
  bool has_key(const ActionIntent& intent, std::uint64_t root) const;
  bool lets_through(const Breaker& breaker, std::int64_t now_ns) const;
  void send(std::size_t order);
  void free(std::size_t order);
  void succeeded(std::uint16_t sink, std::int64_t now_ns);
  void broke(std::uint16_t sink, std::uint64_t sequence, std::int64_t now_ns);
  std::int64_t pause_ns(const ActionIntent& intent, bool unconfirmed) const;
  bool more_urgent(std::size_t order, std::size_t than) const;
  void look_again();

  const plan::Plan* plan_ = nullptr;
  std::span<Order> orders_;
  std::span<ActionIntent> intents_;
  std::array<Breaker, limits::kSinks> breakers_{};
  // The newest events that were requeued; their retries are other events.
  std::array<std::uint64_t, limits::kRequeued> requeued_{};
  std::uint64_t requeued_at_ = 0;
  std::size_t size_ = 0;
  std::size_t sent_ = 0;
  std::size_t failed_ = 0;
  std::int64_t next_ns_ = 0;  // nothing is due before it
  std::int64_t doubt_until_ns_ = 0;
};

}  // namespace vedette::deliver
