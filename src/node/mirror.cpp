#include "node/mirror.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "edge/journal/writer.hpp"
#include "platform/clock.hpp"
#include "platform/hot_thread.hpp"
#include "platform/sandbox.hpp"

namespace vedette::node {
namespace {

constexpr std::size_t kTurnBatches = 64;              // between two looks at states and images
constexpr std::int64_t kStuckNs = 1'000'000'000;      // until a batch not in the files is lost
constexpr std::int64_t kAskAgainNs = 10'000'000'000;  // a copy stops the engine for a moment
constexpr std::int64_t kDrainNs = 3'000'000'000;      // to replay the rest when the node stops
constexpr std::int64_t kRestNs = 1'000'000;           // nobody waits for the mirror
constexpr std::int64_t kSteppedRestNs = 200'000;
constexpr int kNice = 5;  // the journal's thread runs on the same cores, and comes first
constexpr std::size_t kLaneShare = 8;  // of the engine's lane of batches: some ms at full load

std::size_t longest_block(const plan::Plan& plan) {
  return journal::Writer::longest_block(plan.limits()->segment_bytes(),
                                        engine::batch_bytes_bound(plan));
}

std::uint64_t number_of(Bytes batch) {
  BatchHeader header;
  std::memcpy(&header, batch.data(), sizeof header);
  return header.number;
}

}  // namespace

std::size_t Mirror::lane_bytes(const plan::Plan& plan) {
  return std::max<std::size_t>(plan.limits()->batch_lane_bytes() / kLaneShare,
                               2 * engine::batch_bytes_bound(plan));
}

std::size_t Mirror::lane_records(const plan::Plan& plan) {
  return std::bit_ceil(plan.limits()->batch_lane_bytes() / kLaneShare / kSmallestBatchBytes);
}

std::size_t Mirror::bytes_needed(const plan::Plan& plan) {
  return engine::Shard::bytes_needed(plan) + kCacheLineBytes +
         Lane::bytes_needed(lane_records(plan), lane_bytes(plan));
}

std::size_t Mirror::bytes_outside_arena(const plan::Plan& plan) {
  const std::size_t frozen = engine::frozen_bytes_bound(plan);
  return 2 * frozen + Imaging::bytes_needed(plan) +
         journal::Cursor::bytes_needed(longest_block(plan)) + Stepped::lane_bytes(plan) +
         AlarmList::bytes_needed(plan);
}

void Mirror::init(Arena& arena, const plan::Plan& plan, const std::string& data,
                  const platform::Folder& journal) {
  plan_ = &plan;
  data_ = data;
  verdict_.init(journal);
  shard_memory_ = arena.room(engine::Shard::bytes_needed(plan));
  lane_.init(arena, lane_records(plan), lane_bytes(plan));
  state_.init(engine::frozen_bytes_bound(plan));
  asked_alarms_.init(plan);
  copy_.init(engine::frozen_bytes_bound(plan));
  cursor_.init(journal, longest_block(plan));
  imaging_.init(plan, data);
}

Bytes Mirror::begin(const engine::Shard& engine, const journal::SegmentHeader& header) {
  header_ = header;
  imaging_.begin(header);
  stepped_.emplace(shard_, shard_memory_, engine::release_kernels().back());
  stepped_->init(*plan_, header.node, header.epoch);
  state_.freeze(engine);
  lost_.store(!stepped_->thaw(state_.frozen()), std::memory_order_relaxed);
  const std::uint64_t batch = state_.batch();
  verdict_.equal_since(batch, shard_, plan_hash_of(header_.plan_hash));
  batch_.store(batch, std::memory_order_relaxed);
  admitted_ns_.store(engine.progress().admitted_ns, std::memory_order_relaxed);
  recorded_.store(batch, std::memory_order_release);
  handed_ = batch;
  return state_.frozen();
}

bool Mirror::hand(Bytes batch) {
  const std::uint64_t number = number_of(batch);
  if (number <= handed_) {
    return true;
  }
  std::uint8_t* at = lane_.reserve(batch.size());
  if (at == nullptr) {
    return false;
  }
  std::memcpy(at, batch.data(), batch.size());
  lane_.commit(batch.size());
  handed_ = number;
  return true;
}

void Mirror::take_recorded(Bytes batch) {
  if (!hand(batch)) {
    add_one(passed_over_);
    handed_ = number_of(batch);
  }
}

bool Mirror::take_unrecorded(Bytes batch) {
  return hand(batch);
}

void Mirror::set_recorded(std::uint64_t batch, std::uint64_t segment) {
  imaging_.set_segment(segment);
  // Pairs with the acquire in follow(): the batches are in the lane before the number is seen.
  recorded_.store(batch, std::memory_order_release);
  handed_ = std::max(handed_, batch);
}

void Mirror::set_given_up(std::uint64_t batch) {
  given_up_.store(batch, std::memory_order_release);  // pairs as recorded_
  handed_ = std::max(handed_, batch);
}

// Replaces a copy that was offered and not yet taken: this may be newer.
void Mirror::want_copy() {
  copy_.take(Holder::nobody, Holder::engine) || copy_.take(Holder::offered, Holder::engine);
}

void Mirror::give_copy(const engine::Shard& engine) {
  copy_.freeze(engine);
  copy_.give_to(Holder::journal);
}

Mirror::News Mirror::news() {
  const std::uint64_t all = news_.load(std::memory_order_acquire);
  if (all == news_told_) {
    return {};
  }
  if (const std::uint64_t n = read(differed_); std::exchange(differed_told_, n) != n) {
    return {read(differed_batch_), Stage::mirror_differs};
  }
  const std::uint64_t restarted = read(restarted_batch_);
  if (restarted != 0 && std::exchange(restarted_told_, restarted) != restarted) {
    return {restarted, Stage::mirror_restarted};
  }
  news_told_ = all;
  return {};
}

// Restarts from a copy of the engine's state, once the journal's thread has offered it; not while
// it is open whether that state is right.
bool Mirror::restart() {
  if (verdict_.is_open() || engine_wrong_since() != 0 ||
      !copy_.take(Holder::offered, Holder::mirror)) {
    return false;
  }
  if (lost() || copy_.batch() > stepped_->batch()) {
    lost_.store(!stepped_->restart(copy_.frozen()), std::memory_order_relaxed);
    add_one(restarts_);
    stuck_since_ns_ = 0;
    verdict_.equal_since(copy_.batch(), shard_, plan_hash_of(header_.plan_hash));
    if (Mismatch* told = mismatches_.last();
        told != nullptr && told->wrong == Mismatch::Wrong::told && told->last_batch == 0) {
      told->last_batch = copy_.batch();
      mismatches_.keep(data_);
    }
  }
  copy_.give_to(Holder::nobody);
  return true;
}

void Mirror::lose_way(std::int64_t now_ns) {
  lost_.store(true, std::memory_order_relaxed);
  if (asked_ns_ == 0 || now_ns - asked_ns_ > kAskAgainNs) {
    asked_ns_ = now_ns;
    copy_.take(Holder::nobody, Holder::engine);  // one that is offered is its own
  }
}

bool Mirror::apply(Bytes batch, std::int64_t now_ns) {
  const bool same = stepped_->apply(batch).empty();
  add_one(compared_);
  if (same) {
    verdict_.compared(shard_);
    return true;
  }
  BatchHeader header;
  std::memcpy(&header, batch.data(), sizeof header);
  differed_batch_.store(header.number, std::memory_order_relaxed);
  differed_ns_.store(now_ns, std::memory_order_relaxed);
  // Pairs with the acquire in in_doubt(): the batch is stored before the count.
  differed_.store(read(differed_) + 1, std::memory_order_release);
  found_.store(Verdict::Found::nothing_yet, std::memory_order_relaxed);
  tell(Stage::mirror_differs, header.number);
  open_ = {{}, header.number, 0, 0, 0, header.epoch, header.admitted_ns};
  lost_.store(true, std::memory_order_relaxed);
  cursor_.close();
  mismatches_ = Mismatches::read(data_);
  verdict_.open(header.number, *stepped_, now_ns);
  return false;
}

// Its values are stored before; pairs with the acquire in news().
void Mirror::tell(Stage stage, std::uint64_t batch) {
  if (stage == Stage::mirror_restarted) {
    restarted_batch_.store(batch, std::memory_order_relaxed);
  }
  news_.store(read(news_) + 1, std::memory_order_release);
}

void Mirror::was_wrong(Mismatch::Wrong wrong) {
  open_.wrong = wrong;
  open_.first_batch = verdict_.wrong_since();
  open_.good_batch = verdict_.good();
  mismatches_.add(open_);
  // A start that does not know what is suspect would believe it: then the watch goes on.
  if (mismatches_.keep(data_) == 0 && wrong == Mismatch::Wrong::engine) {
    engine_wrong_since_.store(open_.first_batch, std::memory_order_release);
  }
}

// Goes on with the open case; false if it must wait.
bool Mirror::judge(std::int64_t now_ns) {
  const Verdict::Found found =
      verdict_.turn(*stepped_, cursor_, recorded_.load(std::memory_order_acquire),
                    given_up_.load(std::memory_order_acquire), now_ns);
  if (found == Verdict::Found::nothing_yet) {
    return false;
  }
  found_.store(found, std::memory_order_relaxed);
  if (found == Verdict::Found::mirror_wrong) {
    was_wrong(Mismatch::Wrong::mirror);
    lost_.store(false, std::memory_order_relaxed);
    add_one(restarts_);
    tell(Stage::mirror_restarted, open_.batch);
    return true;
  }
  suspect_since_.store(verdict_.wrong_since(), std::memory_order_relaxed);
  if (found == Verdict::Found::undecided) {
    was_wrong(Mismatch::Wrong::undecided);
  } else {
    const bool tells = plan_->limits()->mismatch_is_told() || mismatches_.too_many(open_.at_ns);
    was_wrong(tells ? Mismatch::Wrong::told : Mismatch::Wrong::engine);
  }
  if (engine_wrong_since() == 0) {
    lose_way(now_ns);
  }
  return true;
}

// Replays the next batches: from the lane, or from the journal's files if the lane was full.
bool Mirror::follow(std::int64_t now_ns) {
  const std::uint64_t recorded = recorded_.load(std::memory_order_acquire);
  const std::uint64_t given_up = given_up_.load(std::memory_order_acquire);
  bool worked = false;
  for (std::size_t n = 0; n < kTurnBatches && !lost(); ++n) {
    const Bytes batch = lane_.peek();
    const std::uint64_t next = stepped_->batch() + 1;
    if (batch.empty() || number_of(batch) > next) {
      break;
    }
    if (number_of(batch) == next) {
      apply(batch, now_ns);
      if (catching_up_.exchange(false, std::memory_order_relaxed)) {
        cursor_.close();  // an open file would keep a dropped segment's space
      }
    }
    lane_.release();
    worked = true;
  }
  const std::uint64_t next = stepped_->batch() + 1;
  if (worked || lost()) {
    return worked;
  }
  if (next <= recorded) {
    return follow_journal(recorded, now_ns);
  }
  catching_up_.store(false, std::memory_order_relaxed);
  stuck_since_ns_ = 0;
  if (next <= given_up) {  // neither in the lane nor on disk
    lose_way(now_ns);
  }
  return false;
}

bool Mirror::follow_journal(std::uint64_t through, std::int64_t now_ns) {
  catching_up_.store(true, std::memory_order_relaxed);
  const bool any = cursor_.read(stepped_->batch() + 1, through,
                                [&](Bytes batch) { return apply(batch, now_ns); });
  if (any) {
    stuck_since_ns_ = 0;
  } else if (stuck_since_ns_ == 0) {
    stuck_since_ns_ = now_ns;
  } else if (now_ns - stuck_since_ns_ > kStuckNs) {
    lose_way(now_ns);
  }
  return any;
}

bool Mirror::turn(std::int64_t now_ns) {
  bool worked = restart();
  if (verdict_.is_open()) {
    worked = judge(now_ns) || worked;
  } else if (engine_wrong_since() != 0) {
    // The node ends.
  } else if (lost()) {
    lose_way(now_ns);  // requests a copy again
  } else {
    worked = follow(now_ns) || worked;
    give_state(now_ns);
    asked_alarms_.answer(shard_);
  }
  add_one(turns_);
  batch_.store(stepped_->batch(), std::memory_order_relaxed);
  admitted_ns_.store(shard_.progress().admitted_ns, std::memory_order_relaxed);
  return worked;
}

// Freezes the state if the journal's thread wants one or an image is due. It goes to the journal,
// and then to the image. An image is never ahead of the journal.
void Mirror::give_state(std::int64_t now_ns) {
  if (lost() || !state_.held_by(Holder::mirror)) {
    return;
  }
  const std::uint64_t batch = stepped_->batch();
  std::uint64_t least = read(wanted_);
  const bool wanted = least != kNotWanted && batch >= least;
  const bool image_due =
      imaging_.due(batch, now_ns) && batch <= recorded_.load(std::memory_order_acquire);
  if (!wanted && !image_due) {
    return;
  }
  state_.freeze(shard_);
  state_.set_next(image_due ? Holder::image : Holder::mirror);
  state_.give_to(Holder::journal);
  // Afterwards: a journal that sees neither the state nor its request would repeat the request.
  if (wanted) {
    wanted_.compare_exchange_strong(least, kNotWanted, std::memory_order_relaxed);
  }
}

void Mirror::run(bool stepped) {
  platform::make_hot({"mirror", -1, 0});
  thread_.store(platform::thread_id(), std::memory_order_release);
  platform::give_way(kNice);
  platform::confine(platform::Confined::mirror);
  std::int64_t stop_seen_ns = 0;
  for (;;) {
    const bool stopping = stop_.load(std::memory_order_acquire);
    const std::int64_t now_ns = platform::monotonic_ns();
    const bool worked = turn(now_ns);
    if (stopping) {
      stop_seen_ns = stop_seen_ns == 0 ? now_ns : stop_seen_ns;
      if ((lost() && !verdict_.is_open()) || stepped_->batch() >= read(recorded_) ||
          now_ns - stop_seen_ns > kDrainNs) {
        break;
      }
    }
    if (!worked) {
      platform::rest_ns(stepped ? kSteppedRestNs : kRestNs);
    }
  }
  ended_.store(true, std::memory_order_release);
}

bool Mirror::gone() const {
  const int thread = thread_.load(std::memory_order_acquire);
  const bool there = thread == 0 || platform::thread_is_there(thread);
  return !there && !ended();  // asked last, because it says so before it goes
}

bool Mirror::in_doubt(std::int64_t now_ns) const {
  return differed_.load(std::memory_order_acquire) != 0 && now_ns - read(differed_ns_) < kDoubtNs;
}

std::string Mirror::doubt() const {
  const std::string batch =
      "mirror: digest differs at batch " + std::to_string(read(differed_batch_));
  switch (found_.load(std::memory_order_relaxed)) {
    case Verdict::Found::nothing_yet:
      return batch;
    case Verdict::Found::mirror_wrong:
      return batch + "; the mirror was wrong, and has restarted";
    case Verdict::Found::engine_wrong:
      return batch + "; the engine is wrong since batch " + std::to_string(read(suspect_since_));
    case Verdict::Found::undecided:
      break;
  }
  return batch + "; the journal cannot say who was wrong";
}

void Mirror::members(std::uint64_t batch, std::int64_t now_ns,
                     JsonWriter<std::string>& json) const {
  const std::uint64_t mirrored = read(batch_);
  const std::uint64_t recorded = read(recorded_);
  const std::uint64_t lag = batch > mirrored ? batch - mirrored : 0;
  const std::int64_t at_ns = read(admitted_ns_);  // 0: nothing replayed yet
  const std::int64_t lag_ns = lag != 0 && at_ns != 0 ? std::max(now_ns, at_ns) - at_ns : 0;
  json.member_id("batch", mirrored).member("lag_batches", lag);
  json.member("lag_ms", static_cast<double>(lag_ns) * 1e-6, 1);
  json.member("compared", read(compared_)).member("differed", read(differed_));
  json.member("restarts", read(restarts_)).member("catching_up", read(catching_up_) || lost());
  json.member("unrecorded", mirrored > recorded ? mirrored - recorded : 0);
  json.member("passed_over", read(passed_over_));
  json.member_id("suspect_since", read(suspect_since_));
}

}  // namespace vedette::node
