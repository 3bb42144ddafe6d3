#include "node/engine_thread.hpp"

#include <algorithm>
#include <limits>

#include "node/post.hpp"
#include "platform/sandbox.hpp"

namespace vedette::node {
namespace {

// How often an idle loop warms its send path: soon after work, which displaced it from the caches,
// and else rarely.
constexpr std::int64_t kReadyAgainNs = 10'000;
constexpr std::int64_t kStayReadyNs = 100'000;
constexpr std::int64_t kDrainNs = 3'000'000'000;  // to finish what is under way at a stop
// A disk is slow if it takes three events in a row later than actions wait for it, or one this
// late; and for a while after.
constexpr std::int64_t kStallNs = 500'000'000;
constexpr std::int64_t kSlowNs = 10'000'000'000;

// The shortest time that an action waits for the disk.
std::int64_t least_record_within_ns(const plan::Plan& plan) {
  std::int64_t least = 50'000'000;
  for (const plan::Action* action : *plan.actions()) {
    const std::int64_t within_ns = action->record_within_ns();
    least = within_ns != 0 ? std::min(least, within_ns) : least;
  }
  return least;
}

}  // namespace

EngineThread::EngineThread(Rooms& rooms, Journalling& journalling)
    : plan_(rooms.plan),
      clock_(rooms.clock),
      ingress_(rooms.ingress),
      shard_(rooms.shard),
      act_(rooms.act),
      writer_(rooms.writer),
      mirror_(rooms.mirror),
      lanes_(rooms.lanes),
      board_(rooms.board),
      journalling_(journalling),
      record_within_ns_(least_record_within_ns(rooms.plan)) {}

bool EngineThread::advance_stepped_time() {
  // Stepped time advances only when everything due now has been worked.
  if (act_.waiting() != 0 || shard_.delivery().sent() != 0 || shard_.unfinished()) {
    return false;
  }
  for (Lane* lane : lanes_.admitted) {
    if (lane->size() != 0) {
      return false;
    }
  }
  const std::int64_t due = ingress_.next_due_ns();
  if (due == std::numeric_limits<std::int64_t>::max() && shard_.delivery().size() == 0) {
    return false;
  }
  clock_.advance_to(std::min(due, std::max(shard_.next_tick_ns(), clock_.now_ns())));
  return true;
}

// Called during the step that orders the action; the event is in the unfinished batch.
void EngineThread::act(void* context, const EventHeader& event, const ActionIntent& intent,
                       std::int64_t newest_arrival_ns) {
  auto& self = *static_cast<EngineThread*>(context);
  const std::int64_t since_ns = platform::monotonic_ns();
  self.act_.submit({event, intent, event.sequence, event.observed_ns, newest_arrival_ns},
                   self.writer_.durable_sequence(), event.observed_ns, self.lanes_.outcomes);
  self.journalling_.hurry();
  self.acted_ns_ += self.check_turn(Stage::act, since_ns) - since_ns;
}

// Handles retries and withdrawals in the batch, first after a step.
void EngineThread::submit(Bytes batch) {
  for_each_event(batch, [&](const EventHeader& event, Bytes payload) {
    if (event.kind == EventKind::dispatch) {
      submit_again(event, payload_as<Dispatch>(payload).sequence);
    } else if (event.kind == EventKind::resolution) {
      act_.withdraw(payload_as<Resolution>(payload).sequence);
    }
  });
}

// Publish the batch to observers after its actions have been sent. The batch stays valid in its
// lane until the next step, even after the journal has read it.
void EngineThread::after_step(Bytes batch) {
  std::uint64_t assessments = 0, decisions = 0, fallbacks = 0, actions = 0;
  for_each_event(batch, [&](const EventHeader& event, Bytes payload) {
    if (event.kind == EventKind::source_state || event.kind == EventKind::mode ||
        event.kind == EventKind::plan || event.kind == EventKind::fault ||
        event.kind == EventKind::wear) {
      tell(event, payload);
    } else if (event.kind == EventKind::assessment) {
      tell(event, payload);
      ++assessments;
    } else if (event.kind == EventKind::decision) {
      ++decisions;
      fallbacks += payload_as<DecisionMade>(payload).choice == DecisionChoice::action ? 0 : 1;
    } else if (event.kind == EventKind::action && event.state.phase() == Phase::transient) {
      ++actions;
    } else if (event.kind == EventKind::command && event.record != 0) {
      journalling_.hurry();  // whoever gave it waits for the disk
      board_.ordered_sequence.store(event.sequence, std::memory_order_relaxed);
      board_.ordered.store(event.record << 16 |
                               static_cast<std::uint64_t>(event.state.exit()) << 8 |
                               static_cast<std::uint64_t>(event.state.reason()),
                           std::memory_order_release);
    } else if (event.kind == EventKind::sink_state) {
      const auto state = payload_as<SinkState>(payload);
      board_.breakers[state.sink].store(state.breaker, std::memory_order_relaxed);
      tell(event, payload);
    }
  });
  const auto add = [](std::atomic<std::uint64_t>& at, std::uint64_t n) {
    at.store(at.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  };
  add(board_.assessments, assessments);
  add(board_.decisions, decisions);
  add(board_.fallbacks, fallbacks);
  add(board_.actions, actions);
  publish();
}

// A retry sends the original message under the same key.
void EngineThread::submit_again(const EventHeader& dispatch, std::uint64_t sequence) {
  const std::size_t i = shard_.delivery().find(sequence);
  CHECK(i != deliver::Delivery::kNone, "what is dispatched is ordered");
  const deliver::Delivery::Order& order = shard_.delivery().orders()[i];
  const ActionIntent& intent = shard_.delivery().intent(i);
  EventHeader event = dispatch;
  event.sequence = sequence;
  event.kind = EventKind::action;
  event.event_class = order.event_class;
  const std::int64_t ordered_ns =
      order.horizon_ns - plan_.actions()->Get(intent.action)->horizon_ns();
  event.observed_ns = ordered_ns;
  act_.submit({event, intent, dispatch.sequence, ordered_ns, 0, order.unconfirmed != 0},
              writer_.durable_sequence(), dispatch.observed_ns, lanes_.outcomes);
  journalling_.hurry();
}

void EngineThread::tell(const EventHeader& event, Bytes payload) {
  post(lanes_.told, event, payload, board_.untold);  // one that is lost here is in the journal
}

void EngineThread::publish() {
  board_.publish(shard_, clock_.now_ns());
}

// Only a separate ingress thread can deliver critical events during a step; on a shared thread a
// step is no longer than its batch.
bool EngineThread::critical_waits(void* context) {
  return static_cast<EngineThread*>(context)->lanes_.critical_waits();
}

// Records a turn's wall-clock overrun as an event, so that a replay has it. With stepped node time
// nothing is late.
std::int64_t EngineThread::check_turn(Stage stage, std::int64_t since_ns) {
  const std::int64_t now_ns = platform::monotonic_ns();
  const Overrun overrun{now_ns - since_ns, plan_.limits()->turn_ns(), stage, {}};
  if (overrun.took_ns > overrun.bound_ns && !clock_.stepped()) {
    board_.overruns.fetch_add(1, std::memory_order_relaxed);
    put_fault(overrun);
  }
  return now_ns;
}

void EngineThread::put_fault(const Overrun& overrun) {
  put_fault(EventKind::fault, bytes_of(overrun));
}

bool EngineThread::put_fault(EventKind kind, Bytes payload) {
  EventHeader header{};
  header.observed_ns = header.received_ns = clock_.now_ns();
  header.payload_bytes = static_cast<std::uint16_t>(payload.size());
  header.source = kNoSource;
  header.kind = kind;
  header.event_class = EventClass::high;
  return post(lanes_.faults, header, payload, board_.faults_lost);
}

void EngineThread::check_source_tables(std::int64_t now_ns) {
  const auto read = [](const auto& at) { return at.load(std::memory_order_relaxed); };
  for (std::size_t s = 0; s < ingress_.size(); ++s) {
    const ingress::SourceCounters& c = ingress_.counters(s);
    const plan::Source* source = plan_.sources()->Get(static_cast<flatbuffers::uoffset_t>(s));
    source_tables_.look(static_cast<std::uint16_t>(s),
                        codec::crowding_of(static_cast<CodecKind>(source->codec())),
                        read(c.decoding[0]), now_ns, [this](const SourceFull& full) {
                          put_fault(EventKind::source_full, bytes_of(full));
                          board_.note(full.cause, source_tables_.full(full.cause));
                        });
  }
}

// The journal thread reports, the engine thread writes to its lane.
void EngineThread::check_journal() {
  if (const auto took_ns = journalling_.newly_failed()) {
    put_fault({*took_ns, 0, Stage::journal, {}});
  }
  if (const auto step = journalling_.newly_spares()) {
    put_fault(EventKind::wear, bytes_of(*step));
  }
}

// Once a tick. With stepped node time what surrounds the node must not change its result.
void EngineThread::check_seen() {
  const std::uint64_t seen = board_.seen.load(std::memory_order_relaxed);
  if (seen != seen_ && !clock_.stepped() &&
      put_fault(EventKind::node_seen, bytes_of(NodeSeen{seen}))) {
    seen_ = seen;
  }
}

// With stepped node time nothing waits for the disk in vain.
void EngineThread::check_disk(std::int64_t now_ns) {
  const std::int64_t waited_ns = now_ns - marked_ns_;
  const std::int64_t commit_ns = std::max(plan_.limits()->commit_ns(), journalling_.commit_ns());
  const bool took = writer_.durable_sequence() >= marked_sequence_;
  if (took) {
    lates_ = marked_ns_ != 0 && waited_ns > commit_ns + record_within_ns_ ? lates_ + 1 : 0;
    marked_sequence_ = shard_.progress().last_sequence;
    marked_ns_ = now_ns;
  }
  if ((lates_ > 2 || (!took && waited_ns > commit_ns + kStallNs)) && !clock_.stepped()) {
    slow_ns_ = now_ns;
    board_.note(Cause::disk_slow, true);
  } else if (slow_ns_ != 0 && now_ns - slow_ns_ > kSlowNs) {
    slow_ns_ = 0;
    board_.note(Cause::disk_slow, false);
  }
}

// Reports a batch whose replay differs, and makes the copy of the state that the mirror or the
// journal requested. True if it made one.
bool EngineThread::check_mirror() {
  for (Mirror::News news = mirror_.news(); news.batch != 0; news = mirror_.news()) {
    put_fault({static_cast<std::int64_t>(news.batch), 0, news.stage, {}});
  }
  if (!mirror_.wants_copy()) {
    return false;
  }
  if (shard_.quiet_steps() != 0) {  // the record would lack what the copy has
    shard_.seal_quiet();
    return false;
  }
  const std::int64_t since_ns = platform::monotonic_ns();
  mirror_.give_copy(shard_);
  if (!clock_.stepped()) {
    const std::int64_t took_ns = platform::monotonic_ns() - since_ns;
    put_fault({took_ns, plan_.limits()->turn_ns(), Stage::mirror_copy, {}});
  }
  return true;
}

// To the outcome lane, which has space for every pending action.
void EngineThread::put_answer(EventKind kind, std::uint64_t of, Bytes payload) {
  EventHeader header{};
  header.observed_ns = header.received_ns = clock_.now_ns();
  header.cause = of;
  header.payload_bytes = static_cast<std::uint16_t>(payload.size());
  header.source = kNoSource;
  header.kind = kind;
  header.event_class = EventClass::high;
  const bool put = post(lanes_.outcomes, header, payload, board_.faults_lost);
  CHECK(put, "the outcome lane holds every pending action");
}

// The node stopped between intent and outcome: the result is unknown, so the action is not
// repeated, unless it was sent unrecorded. With stepped node time nothing leaves unrecorded.
void EngineThread::begin(bool takes_in, const Before& before,
                         std::span<const StartReport::Finding> findings) {
  takes_in_ = takes_in;
  seen_ = shard_.seen().bits;
  if (before.unclosed && !clock_.stepped()) {
    put_answer(EventKind::unrecorded, 0, bytes_of(Unrecorded{0}));
  }
  for (const std::uint64_t sequence : before.unanswered) {
    ActionOutcome outcome{};
    outcome.action_sequence = sequence;
    outcome.exit = Exit::abandonment;
    outcome.reason = Reason::unknown_after_restart;
    put_answer(EventKind::outcome, sequence, bytes_of(outcome));
  }
  for (const StartReport::Finding& finding : findings) {
    put_fault({static_cast<std::int64_t>(finding.count),
               static_cast<std::int64_t>(finding.last_batch),
               finding.stage,
               {}});
  }
}

EngineThread::Turn EngineThread::turn(bool stopping, std::int64_t since_ns) {
  bool busy = takes_in_ && !stopping && ingress_.step(clock_) != 0;
  std::int64_t turned_ns = check_turn(Stage::ingress, since_ns);
  const platform::NodeClock::Reading reading = clock_.at(turned_ns);
  acted_ns_ = 0;
  if (stopping) {
    shard_.seal_quiet();
  }
  const Bytes batch = shard_.step(lanes_.admitted, lanes_.batches, reading.now_ns,
                                  reading.arrival_ns, {critical_waits, this}, {act, this});
  // A step without a batch is measured by the next turn.
  const bool worked = shard_.worked();
  if (worked) {
    turned_ns = check_turn(Stage::engine, turned_ns + acted_ns_);
    submit(batch);
    busy = true;
  }
  if (worked && shard_.ticked()) {
    act_.tend();
    check_seen();
    check_source_tables(reading.now_ns);
  }
  if (act_.waiting() != 0) {
    act_.step(writer_.durable_sequence(), clock_.at(turned_ns).now_ns, lanes_.outcomes);
  }
  if (worked || act_.waiting() != 0) {
    turned_ns = check_turn(Stage::act, turned_ns);
  }
  if (!batch.empty()) {
    after_step(batch);
  } else if (worked && shard_.ticked()) {
    publish();
  }
  if (clock_.stepped() && !busy && !stopping) {
    busy = advance_stepped_time();
  }
  if (!busy && !stopping && shard_.delivery().size() == 0 && ingress_.all_recordings_ended()) {
    board_.finished.store(true, std::memory_order_release);
  }
  check_journal();
  check_disk(turned_ns);
  const bool copied = check_mirror();  // reports its own time
  if (busy || copied) {                // nothing escapes the turn's clock
    turned_ns = copied ? platform::monotonic_ns() : check_turn(Stage::engine, turned_ns);
    board_.see_turn(turned_ns - since_ns);
  }
  return {busy || copied, turned_ns};
}

void EngineThread::run(const BeginGate& gate, const std::atomic<bool>& stop) {
  hot_.grant = platform::make_hot({"engine", plan_.cores()->engine(), plan_.cores()->priority()});
  hot_.problem = takes_in_ ? ingress_.start_on_this_thread() : std::string();
  Pace pace(hot_.grant.fifo, plan_.cores()->rest());
  board_.fifo.store(hot_.grant.fifo, std::memory_order_relaxed);
  hot_.ready.store(true, std::memory_order_release);
  if (!hot_.problem.empty()) {
    return;
  }
  if (gate.wait()) {
    platform::keep_own_descriptors();
    platform::confine(platform::Confined::engine);
    platform::seal_thread();
    board_.sealed.store(platform::thread_sealed(), std::memory_order_relaxed);
    turns(pace, stop);
    platform::unseal_thread();
  }
  if (takes_in_) {
    ingress_.stop_on_this_thread();
  }
}

void EngineThread::turns(Pace& pace, const std::atomic<bool>& stop) {
  std::int64_t stop_seen_ns = 0;
  std::int64_t since_ns = platform::monotonic_ns();
  std::int64_t ready_ns = since_ns;
  bool worked = false;
  const bool stays_ready = !plan_.cores()->rest();  // a sleeping loop is late by far more
  for (;;) {
    const bool stopping = stop.load(std::memory_order_acquire);
    const auto [busy, now] = turn(stopping, since_ns);
    if (stopping) {
      stop_seen_ns = stop_seen_ns == 0 ? now : stop_seen_ns;
      if ((!busy && nothing_under_way()) || now - stop_seen_ns > kDrainNs) {
        break;
      }
    }
    worked = worked || busy;
    bool rehearsed = false;
    if (!busy) {
      interruptions_.idle_turn(since_ns, now);
      rehearsed = stays_ready && now - ready_ns > (worked ? kReadyAgainNs : kStayReadyNs);
    }
    if (rehearsed) {
      act_.stay_ready();
      ready_ns = now;
      worked = false;
    }
    since_ns = pace.turn(busy, now) || rehearsed ? platform::monotonic_ns() : now;
    hot_.beat.store(hot_.beat.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
}

}  // namespace vedette::node
