#include "node/journalling.hpp"

#include <algorithm>
#include <utility>

#include "platform/clock.hpp"
#include "platform/file.hpp"
#include "platform/hot_thread.hpp"
#include "platform/sandbox.hpp"

namespace vedette::node {
namespace {

constexpr std::int64_t kGapRetryNs = 1'000'000'000;  // between attempts to end a gap
constexpr std::int64_t kMirrorWaitNs = 200'000'000;  // for a mirror whose lane is full
constexpr std::int64_t kCopyWaitNs = 1'000'000'000;  // for a journal that does not use a copy
constexpr std::int64_t kLastGapNs = 3'000'000'000;   // to end a gap when the node stops
constexpr std::int64_t kRestNs = 200'000;
constexpr std::int64_t kGatherNs = 2'000'000;
constexpr std::int64_t kSpaceNs = 10'000'000'000;  // between looks at the disk's space
constexpr std::int64_t kFirstMinuteNs = 60'000'000'000;
constexpr std::int64_t kSteppedRestNs = 50'000;
constexpr std::int64_t kStateWaitNs = 5'000'000'000;  // for a state that is due: node time waits
constexpr std::size_t kSteppedSlices = 32;       // of archiving after each write: node time waits
constexpr std::int64_t kHandNs = 20'000'000;     // half a lane does not fill faster
constexpr std::int64_t kHandFullNs = 2'000'000;  // while the mirror's lane is full

std::uint64_t number_of(Bytes batch) {
  return payload_as<BatchHeader>(batch.first(sizeof(BatchHeader))).number;
}

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

std::string Journalling::trouble() const {
  if (const int error = writer_.last_error(); error != 0) {
    return platform::error_text(error);
  }
  switch (trouble_.load(std::memory_order_relaxed)) {
    case Trouble::slow:
      return "the disk takes longer than a second";
    case Trouble::gap:
      return "batches are missing; the journal goes on behind them once the disk takes a state";
    default:
      return {};
  }
}

// Hands the waiting batches to the mirror although they are not on disk. False if its lane is full.
bool Journalling::hand_waiting() {
  std::size_t n = 0;
  if (const Bytes first = batches_.peek(); !first.empty()) {
    const std::uint64_t number = number_of(first);
    n = mirror_.handed() >= number ? mirror_.handed() - number + 1 : 0;
  }
  for (Bytes batch = batches_.peek(n); !batch.empty(); batch = batches_.peek(++n)) {
    if (!mirror_.take_unrecorded(batch)) {
      return false;
    }
  }
  return true;
}

// The newest batch that was there kLateNs ago.
std::uint64_t Journalling::late_batch(std::int64_t now_ns) {
  const std::size_t waiting = batches_.size();
  const Mark& last = marks_[(next_mark_ + marks_.size() - 1) % marks_.size()];
  if (waiting != 0 && now_ns - last.ns >= kMarkNs) {
    marks_[next_mark_] = {number_of(batches_.peek(waiting - 1)), now_ns};
    next_mark_ = (next_mark_ + 1) % marks_.size();
  }
  std::uint64_t late = 0;
  for (const Mark& mark : marks_) {
    late = now_ns - mark.ns >= kLateNs ? std::max(late, mark.batch) : late;
  }
  return late;
}

// Abandons the waiting batches that the mirror has; all of them if its lane stays full.
void Journalling::abandon(std::int64_t now_ns, bool all_handed) {
  if (all_handed || stuck_since_ns_ == 0) {
    stuck_since_ns_ = all_handed ? 0 : now_ns;
  }
  const bool stuck = !all_handed && now_ns - stuck_since_ns_ > kMirrorWaitNs;
  if (!stuck && mirror_.handed() <= writer_.last_batch()) {
    return;  // it has none of them yet
  }
  if (!writer_.has_gap()) {
    say_fault(now_ns - worked_ns_);
  }
  writer_.give_up(batches_, stuck ? journal::kAllBatches : mirror_.handed());
  mirror_.set_given_up(writer_.given_up_through());
}

// The mirror may wait for the copy too, and the writing thread may hang.
void Journalling::pass_copy_on(std::int64_t now_ns) {
  HandedState& copy = mirror_.copy();
  if (!copy.held_by(Holder::journal)) {
    copy_since_ns_ = 0;
  } else if (copy_since_ns_ == 0) {
    copy_since_ns_ = now_ns;
  } else if (now_ns - copy_since_ns_ > kCopyWaitNs) {
    copy.give_to(Holder::offered);
  }
}

bool Journalling::hand(std::int64_t now_ns, bool stepped) {
  const std::lock_guard guard(guard_);
  const Bytes oldest = batches_.peek();
  const std::uint64_t late = late_batch(now_ns);
  const bool is_late = !oldest.empty() && number_of(oldest) <= late;
  const bool fails = is_late || writer_.has_gap() || writer_.last_error() != 0;
  const bool overflows = fails && batches_.half_full() && !stepped;
  const bool hands = is_late || writer_.has_gap() || overflows;
  const bool all_handed = !hands || hand_waiting();
  if (overflows) {
    abandon(now_ns, all_handed);
  }
  pass_copy_on(now_ns);
  late_since_ns_ = !is_late ? 0 : late_since_ns_ == 0 ? now_ns : late_since_ns_;
  const bool slow = is_late && !stepped && now_ns - late_since_ns_ >= kLateNs;
  trouble_.store(writer_.has_gap() ? Trouble::gap
                 : slow            ? Trouble::slow
                                   : Trouble::none,
                 std::memory_order_relaxed);
  return all_handed;
}

// Requests a state for segments, or to end a gap: the mirror's; the engine's if the mirror does not
// answer, or if the journal is at its bound and the kept state is too old to drop a segment.
void Journalling::ask_for_state(std::int64_t now_ns) {
  const bool gap = writer_.has_gap();
  asked_in_gap_ = asked_in_gap_ && gap;
  if (gap && now_ns - gap_tried_ns_ > kGapRetryNs && !mirror_.copy_is_under_way()) {
    gap_tried_ns_ = now_ns;
    if (asked_in_gap_ && mirror_.state_is_wanted()) {
      mirror_.want_copy();
    } else {
      mirror_.want_state(least_for_gap());
      asked_in_gap_ = true;
    }
  }
  if (gap || writer_.last_error() != 0) {
    return;
  }
  if (writer_.state_is_due()) {
    mirror_.want_state(writer_.due_batch());
  } else if (writer_.wants_frozen()) {
    mirror_.want_state(writer_.wanted_batch());
  }
  if (writer_.must_have_frozen()) {
    mirror_.want_copy();
  }
}

Journalling::Use Journalling::use(const HandedState& state) {
  if (writer_.has_gap()) {
    if (state.batch() < least_for_gap()) {
      return Use::none;  // more was abandoned meanwhile
    }
    writer_.take_state(state.frozen(), state.batch(), batches_);
    return Use::ends_gap;
  }
  if (state.batch() > writer_.last_batch()) {
    return Use::later;
  }
  writer_.keep_frozen(state.frozen(), state.batch());
  return Use::none;
}

// Copies the states that are here, so that their holders have them back before the disk is used.
// True if it used the disk, for which now_ns may be old.
bool Journalling::take_states(std::int64_t now_ns, Guard& guard) {
  Use used = Use::none;
  std::uint64_t sequence = 0;
  if (HandedState& state = mirror_.state(); state.held_by(Holder::journal)) {
    used = use(state);
    sequence = state.sequence();
    state.give_to_next();
  }
  if (HandedState& copy = mirror_.copy(); used == Use::none && copy.held_by(Holder::journal)) {
    used = use(copy);
    sequence = copy.sequence();
    if (used != Use::later || !writer_.must_have_frozen() || writer_.last_error() != 0) {
      copy.give_to(Holder::offered);
    }
  }
  if (used == Use::ends_gap) {
    guard.unlock();
    const int error = writer_.begin_behind_gap(sequence);
    guard.lock();
    writer_.end_gap(error);
    if (error == 0) {
      say_fault(now_ns - worked_ns_);
    }
  }
  return used == Use::ends_gap;
}

bool Journalling::turn(std::int64_t now_ns) {
  const journal::OnDisk on_disk{
      [](void* mirror, Bytes batch) { static_cast<Mirror*>(mirror)->take_recorded(batch); },
      &mirror_};
  turn_since_ns_.store(now_ns, std::memory_order_relaxed);
  Guard guard(guard_);
  if (!take_states(now_ns, guard)) {
    ask_for_state(now_ns);
  }
  bool wrote = false;
  if (writer_.take(batches_)) {
    guard.unlock();
    wrote = writer_.write_taken();
    guard.lock();
    writer_.settle(batches_, on_disk);
  }
  if (!writer_.has_gap()) {
    worked_ns_ = writer_.last_error() == 0 || worked_ns_ == 0 ? now_ns : worked_ns_;
    mirror_.set_recorded(writer_.last_batch(), writer_.segment());
  }
  const bool has_time = !wrote && writer_.last_error() == 0 && !writer_.has_gap();
  guard.unlock();
  if (wrote) {
    writer_.make_ready();
    look_at_space(now_ns);
  } else if (has_time) {
    writer_.archive_some();
  }
  turn_since_ns_.store(0, std::memory_order_relaxed);
  return wrote;
}

// Only here, because this call of the disk may hang too. The rate is that of the whole run, and not
// judged in its first minute.
void Journalling::look_at_space(std::int64_t now_ns) {
  began_ns_ = began_ns_ == 0 ? now_ns : began_ns_;
  if (now_ns - looked_ns_ < kSpaceNs || now_ns - began_ns_ < kFirstMinuteNs) {
    return;
  }
  looked_ns_ = now_ns;
  const std::optional<std::uint64_t> free = platform::free_bytes(writer_.folder_path());
  const std::uint64_t saved = std::min(writer_.bytes_saved(), writer_.bytes_written());
  const auto kept = static_cast<double>(writer_.bytes_written() - saved);
  const auto lasts = [&](std::uint64_t bytes) {
    const double ns =
        kept > 0.0 ? static_cast<double>(bytes) / kept * static_cast<double>(now_ns - began_ns_)
                   : 9e18;
    return ns < 9e18 ? static_cast<std::int64_t>(ns) : kNoEnd;
  };
  const bool ends = free && *free < writer_.bytes_to_bound();
  left_ns_.store(ends ? lasts(*free) : kNoEnd, std::memory_order_relaxed);
  fit_ns_.store(lasts(writer_.bound()), std::memory_order_relaxed);
}

static std::optional<double> hours(std::int64_t ns) {
  return ns == Journalling::kNoEnd ? std::nullopt : std::optional(static_cast<double>(ns) / 3.6e12);
}

std::optional<double> Journalling::hours_left() const {
  return hours(left_ns_.load(std::memory_order_relaxed));
}

std::optional<double> Journalling::hours_fit() const {
  return hours(fit_ns_.load(std::memory_order_relaxed));
}

void Journalling::init(const plan::Limits& limits) {
  wear_.init(limits.wear_bytes(), limits.commit_ns(), limits.checkpoint_ns());
  wear_budget_.store(limits.wear_bytes(), std::memory_order_relaxed);
  commit_ns_.store(limits.commit_ns(), std::memory_order_relaxed);
  image_ns_.store(limits.checkpoint_ns(), std::memory_order_relaxed);
}

// Node time is that of the last batch written: a recording at ten times the speed has shorter days.
void Journalling::look_at_wear() {
  const bool changed =
      wear_.look(writer_.written_ns(), writer_.bytes_worn() + mirror_.imaging().bytes());
  wear_rate_.store(wear_.rate().value_or(kNoRate), std::memory_order_relaxed);
  if (!changed) {
    return;
  }
  const Wear::Step& step = wear_.step();
  writer_.set_packs(step.packs);
  mirror_.imaging().set_checkpoint(step.image_ns);
  commit_ns_.store(step.commit_ns, std::memory_order_relaxed);
  image_ns_.store(step.image_ns, std::memory_order_relaxed);
  packs_.store(step.packs, std::memory_order_relaxed);
  wear_number_.store(static_cast<std::uint8_t>(wear_.number()), std::memory_order_relaxed);
  wear_changes_.fetch_add(1, std::memory_order_release);
}

WearStep Journalling::wear_step() const {
  const auto read = [](const auto& at) { return at.load(std::memory_order_relaxed); };
  return {read(wear_rate_),
          read(wear_budget_),
          read(commit_ns_),
          read(image_ns_),
          read(wear_number_),
          static_cast<std::uint8_t>(read(packs_)),
          {}};
}

std::optional<WearStep> Journalling::newly_spares() {
  // Pairs with the release in look_at_wear(): the step is stored before the count.
  const std::uint32_t changes = wear_changes_.load(std::memory_order_acquire);
  return std::exchange(wear_told_, changes) == changes ? std::nullopt : std::optional(wear_step());
}

void Journalling::wear_members(JsonWriter<std::string>& json) const {
  const WearStep now = wear_step();
  if (now.bytes_day != kNoRate) {
    json.member_id("bytes_day", now.bytes_day);
  }
  if (now.budget != 0) {
    json.member_id("budget", now.budget);
  }
  json.member("step", std::uint64_t{now.step});
  json.member("commit_s", static_cast<double>(now.commit_ns) * 1e-9, 3);
  json.member("checkpoint_s", static_cast<double>(now.image_ns) * 1e-9, 3);
  json.member("packs", now.packs != 0);
}

bool Journalling::lane_fills() {
  const std::lock_guard guard(guard_);
  return batches_.half_full();
}

// Waits for company for the group; not long once an action waits for the disk or the lane fills.
void Journalling::gather(std::int64_t commit_ns) {
  const std::int64_t until_ns = platform::monotonic_ns() + commit_ns;
  std::int64_t left_ns = commit_ns;
  do {
    platform::rest_ns(std::min(left_ns, kGatherNs));
    left_ns = until_ns - platform::monotonic_ns();
  } while (left_ns > 0 && !hurry_.load(std::memory_order_relaxed) && !lane_fills());
  hurry_.store(false, std::memory_order_relaxed);
}

void Journalling::run(bool stepped, const std::atomic<bool>& stop) {
  platform::make_hot({"journal", -1, 0});
  platform::confine(platform::Confined::journal);
  std::int64_t stop_seen_ns = 0;
  for (;;) {
    const bool stopping = stop.load(std::memory_order_acquire);
    if (!stopping && commit_ns() > 0 && !stepped && batches_.size() != 0) {
      gather(commit_ns());
    }
    const std::int64_t now_ns = platform::monotonic_ns();
    if (turn(now_ns)) {
      for (std::size_t n = 0; stepped && n < kSteppedSlices && writer_.archive_some(); ++n) {
      }
      if (stepped) {
        wait_for_state();
      } else {  // with stepped node time the result must not depend on the disk
        look_at_wear();
      }
    } else {
      stop_seen_ns = stopping && stop_seen_ns == 0 ? now_ns : stop_seen_ns;
      if (stopping && is_over(now_ns - stop_seen_ns)) {
        break;
      }
      platform::rest_ns(stepped ? kSteppedRestNs : kRestNs);
    }
  }
  ended_.store(true, std::memory_order_release);
}

// With stepped node time, which else runs ahead of the mirror.
void Journalling::wait_for_state() {
  const std::int64_t since_ns = platform::monotonic_ns();
  for (std::int64_t now_ns = since_ns; writer_.state_is_due(); now_ns = platform::monotonic_ns()) {
    if (now_ns - since_ns > kStateWaitNs) {
      writer_.put_state_off();
      return;
    }
    Guard guard(guard_);
    if (!take_states(now_ns, guard)) {
      ask_for_state(now_ns);
    }
    guard.unlock();
    platform::rest_ns(kSteppedRestNs);
  }
}

// At a stop, after a turn that wrote nothing.
bool Journalling::is_over(std::int64_t stopping_ns) {
  const std::lock_guard guard(guard_);
  return writer_.last_error() != 0 ||
         (writer_.has_gap() ? stopping_ns > kLastGapNs : batches_.size() == 0);
}

void Journalling::run_hand(bool stepped, const std::atomic<bool>& end) {
  platform::make_hot({"hand", -1, 0});
  platform::confine(platform::Confined::hand);
  for (bool last = false; !last;) {
    last = end.load(std::memory_order_acquire);
    const bool all = hand(platform::monotonic_ns(), stepped);
    platform::rest_ns(last ? 0 : all ? kHandNs : kHandFullNs);
  }
}

}  // namespace vedette::node
