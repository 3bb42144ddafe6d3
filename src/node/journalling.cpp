#include "node/journalling.hpp"

#include <algorithm>
#include <utility>

#include "platform/clock.hpp"
#include "platform/hot_thread.hpp"

namespace vedette::node {
namespace {

constexpr std::int64_t kGapRetryNs = 1'000'000'000;  // between attempts to end a gap
constexpr std::int64_t kMirrorWaitNs = 200'000'000;  // for a mirror whose lane is full
constexpr std::int64_t kRestNs = 200'000;
constexpr std::int64_t kSteppedRestNs = 50'000;

}  // namespace

void Journalling::say_fault(std::int64_t took_ns) {
  took_ns_.store(took_ns, std::memory_order_relaxed);
  // Pairs with the acquire in newly_failed(): the time is stored before the count.
  faults_.fetch_add(1, std::memory_order_release);
}

std::optional<std::int64_t> Journalling::newly_failed() {
  const std::uint32_t faults = faults_.load(std::memory_order_acquire);
  return std::exchange(faults_told_, faults) == faults
             ? std::nullopt
             : std::optional(took_ns_.load(std::memory_order_relaxed));
}

// Hands the waiting batches to the mirror although they are not on disk. False if its lane is full.
bool Journalling::hand_unrecorded() {
  std::size_t n = 0;
  if (const Bytes first = batches_.peek(); !first.empty()) {
    const std::uint64_t number = payload_as<BatchHeader>(first.first(sizeof(BatchHeader))).number;
    n = mirror_.handed() >= number ? mirror_.handed() - number + 1 : 0;
  }
  for (Bytes batch = batches_.peek(n); !batch.empty(); batch = batches_.peek(++n)) {
    if (!mirror_.take_unrecorded(batch)) {
      return false;
    }
  }
  return true;
}

// Called while one write takes long: the mirror gets the batches that wait behind it.
void Journalling::wait_on() {
  if (platform::monotonic_ns() - wrote_ns_ > kUnrecordedNs) {
    hand_unrecorded();
  }
}

// Abandons the waiting batches that the mirror has; all of them if its lane stays full.
void Journalling::abandon(std::int64_t now_ns) {
  const bool all = hand_unrecorded();
  if (all || stuck_since_ns_ == 0) {
    stuck_since_ns_ = all ? 0 : now_ns;
  }
  const bool stuck = !all && now_ns - stuck_since_ns_ > kMirrorWaitNs;
  if (!stuck && mirror_.handed() <= writer_.last_batch()) {
    return;  // it has none of them yet
  }
  writer_.give_up(batches_, stuck ? journal::kAllBatches : mirror_.handed());
  mirror_.set_given_up(writer_.given_up_through());
}

// The requested state includes all abandoned batches and ends the gap; until then later batches
// stay in their lane.
void Journalling::give_up(std::int64_t now_ns) {
  const bool gap = writer_.has_gap();
  if (!writer_.must_give_up(batches_) || mirror_.copy_is_under_way()) {
    return;
  }
  const bool try_again = !gap || now_ns - gap_tried_ns_ > kGapRetryNs;
  if (gap && mirror_.state_is_wanted()) {
    if (try_again) {  // the mirror does not answer
      gap_tried_ns_ = now_ns;
      mirror_.want_copy();
    }
    return;
  }
  if (try_again || batches_.half_full()) {
    abandon(now_ns);
  }
  if (!gap && writer_.has_gap()) {
    say_fault(now_ns - wrote_ns_);
  }
  if (try_again && writer_.has_gap()) {
    gap_tried_ns_ = now_ns;
    mirror_.want_state(least_for_gap());
  }
}

// Requests a state for segments: the mirror's, or the engine's if the journal is at its bound and
// the kept state is too old to drop a segment.
void Journalling::ask_for_state() {
  if (writer_.has_gap() || writer_.last_error() != 0) {
    return;
  }
  if (writer_.wants_frozen()) {
    mirror_.want_state(writer_.wanted_batch());
  }
  if (writer_.must_have_frozen()) {
    mirror_.want_copy();
  }
}

// False if the journal has not yet reached the state's batch.
bool Journalling::use(const HandedState& state, std::int64_t now_ns) {
  if (!writer_.has_gap()) {
    const bool reached = state.batch() <= writer_.last_batch();
    if (reached) {
      writer_.keep_frozen(state.frozen(), state.batch());
    }
    return reached;
  }
  if (state.batch() >= least_for_gap() &&
      writer_.go_on(state.frozen(), state.batch(), state.sequence(), batches_) == 0) {
    say_fault(now_ns - wrote_ns_);
  }
  return true;
}

void Journalling::take_states(std::int64_t now_ns) {
  if (HandedState& state = mirror_.state(); state.held_by(Holder::journal)) {
    use(state, now_ns);
    state.give_to(Holder::mirror);
  }
  if (HandedState& copy = mirror_.copy(); copy.held_by(Holder::journal)) {
    if (use(copy, now_ns) || !writer_.must_have_frozen() || writer_.last_error() != 0) {
      copy.give_to(Holder::offered);
    }
  }
}

bool Journalling::turn(std::int64_t now_ns, bool stepped) {
  const journal::OnDisk on_disk{
      [](void* mirror, Bytes batch) { static_cast<Mirror*>(mirror)->take_recorded(batch); },
      &mirror_};
  const bool wrote = writer_.step(batches_, on_disk);
  wrote_ns_ = writer_.last_error() == 0 || wrote_ns_ == 0 ? now_ns : wrote_ns_;
  if (now_ns - wrote_ns_ > kUnrecordedNs) {
    hand_unrecorded();
  }
  if (!stepped) {
    give_up(now_ns);
  }
  ask_for_state();
  take_states(now_ns);
  if (!writer_.has_gap()) {
    mirror_.set_recorded(writer_.last_batch(), writer_.segment());
  }
  return wrote;
}

void Journalling::run(std::int64_t commit_ns, bool stepped, const std::atomic<bool>& stop) {
  platform::make_hot({"journal", -1, 0});
  writer_.while_waiting([](void* self) { static_cast<Journalling*>(self)->wait_on(); }, this);
  for (;;) {
    const bool stopping = stop.load(std::memory_order_acquire);
    if (!stopping && commit_ns > 0 && !stepped && batches_.size() != 0) {
      platform::rest_ns(std::min<std::int64_t>(commit_ns, 999'999'999));  // company for the group
    }
    if (!turn(platform::monotonic_ns(), stepped)) {
      if (stopping && (batches_.size() == 0 || writer_.last_error() != 0)) {
        break;
      }
      platform::rest_ns(stepped ? kSteppedRestNs : kRestNs);
    }
  }
}

}  // namespace vedette::node
