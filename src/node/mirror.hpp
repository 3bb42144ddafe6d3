// Purpose: a second shard that replays each durable batch and compares the result with the
// engine's. It provides the states of images and later segments, so that the engine stops for no
// checkpoint.
// In: batches from the journal's thread, or from the journal's files when the lane was full; copies
// of the engine's state. Out: states, the batch whose replay differs, who was wrong
// (node/verdict.hpp). Bound: one shard, its lane, two frozen states, one block of the journal, all
// allocated at init(). When its lane is full: the batch is passed over and counted. Fails as:
// lost() until it restarts from a copy of the engine's state. Runs on: its own thread; other
// threads call what names them.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/json.hpp"
#include "base/lane.hpp"
#include "core/engine/shard.hpp"
#include "edge/journal/cursor.hpp"
#include "edge/journal/format.hpp"
#include "node/alarm_list.hpp"
#include "node/handed_state.hpp"
#include "node/imaging.hpp"
#include "node/mismatches.hpp"
#include "node/stepped.hpp"
#include "node/verdict.hpp"

namespace vedette::node {

class Mirror {
 public:
  static std::size_t bytes_needed(const plan::Plan& plan);  // of the arena
  static std::size_t bytes_outside_arena(const plan::Plan& plan);
  static std::size_t lane_bytes(const plan::Plan& plan);
  static std::size_t lane_records(const plan::Plan& plan);

  Mirror() = default;
  Mirror(const Mirror&) = delete;
  Mirror& operator=(const Mirror&) = delete;

  // --- Before any thread runs. `data`: the data folder; `journal`: the journal's folder in it.
  void init(Arena& arena, const plan::Plan& plan, const std::string& data,
            const platform::Folder& journal);
  // Begins with the engine's recovered state. Returns that state, for the journal's first segment.
  Bytes begin(const engine::Shard& engine, const journal::SegmentHeader& header);
  Imaging& imaging() { return imaging_; }
  const Imaging& imaging() const { return imaging_; }

  // --- The journal's threads, one at a time. Never waits.
  // The batch is on disk. If the lane is full, the mirror reads it from the journal.
  void take_recorded(Bytes batch);
  // The batch is not on disk yet. False if the lane is full: hand it again later.
  bool take_unrecorded(Bytes batch);
  // All batches up to `batch` are on disk; `segment` is the current one.
  void set_recorded(std::uint64_t batch, std::uint64_t segment);
  // The batches up to `batch` that are not on disk were abandoned.
  void set_given_up(std::uint64_t batch);
  std::uint64_t handed() const { return handed_; }  // the last batch, on disk or not
  // Requests a state after `least_batch` or a later batch, for a segment.
  void want_state(std::uint64_t least_batch) {
    wanted_.store(least_batch, std::memory_order_relaxed);
  }
  bool state_is_wanted() const { return wanted_.load(std::memory_order_relaxed) != kNotWanted; }
  // The mirror's state and the copy of the engine's; usable while held by the journal.
  HandedState& state() { return state_; }
  HandedState& copy() { return copy_; }
  // Requests one copy of the engine's state.
  void want_copy();
  bool copy_is_under_way() const {
    return copy_.held_by(Holder::engine) || copy_.held_by(Holder::journal);
  }

  // --- The engine's thread.
  bool wants_copy() const { return copy_.held_by(Holder::engine); }
  void give_copy(const engine::Shard& engine);
  // What happened since the previous call; batch 0 if nothing did.
  struct News {
    std::uint64_t batch = 0;
    Stage stage{};
  };
  News news();

  // --- Its own thread.
  void run(bool stepped);
  void end() { stop_.store(true, std::memory_order_release); }
  bool ended() const { return ended_.load(std::memory_order_acquire); }
  // Its thread is no longer there, although nobody ended it.
  bool gone() const;
  // One turn; false if there was nothing to do.
  bool turn(std::int64_t now_ns);

  // --- The main thread. The first batch that the engine got wrong, once the node must end for it,
  // because it is recorded for the next start; else 0.
  std::uint64_t engine_wrong_since() const {
    return engine_wrong_since_.load(std::memory_order_acquire);
  }
  // Once all other threads have ended. None while it is open who was wrong.
  void write_last_image(const engine::Shard& engine) {
    if (!verdict_.is_open() && engine_wrong_since() == 0) {
      imaging_.write_last(engine, read(recorded_));
    }
  }

  // --- The main thread: the alarms as of one batch (node/alarm_list.hpp).
  AskedAlarms& asked_alarms() { return asked_alarms_; }

  // --- Any thread.
  std::uint64_t batch() const { return read(batch_); }
  bool lost() const { return read(lost_); }
  std::uint64_t turns() const { return read(turns_); }  // of its thread
  bool in_doubt(std::int64_t now_ns) const;             // it differed within kDoubtNs
  std::string doubt() const;
  // Members of `mirror` in `status`. `batch`, `now_ns`: the engine's last batch, node time.
  void members(std::uint64_t batch, std::int64_t now_ns, JsonWriter<std::string>& json) const;

  static constexpr std::int64_t kDoubtNs = 3'600'000'000'000;

 private:
  static constexpr std::uint64_t kNotWanted = ~std::uint64_t{0};
  template <typename T>
  static T read(const std::atomic<T>& at) {
    return at.load(std::memory_order_relaxed);
  }
  template <typename T>
  static void add_one(std::atomic<T>& at) {  // one writer
    at.store(read(at) + 1, std::memory_order_relaxed);
  }

  bool hand(Bytes batch);
  bool restart();
  bool follow(std::int64_t now_ns);
  bool follow_journal(std::uint64_t through, std::int64_t now_ns);
  bool apply(Bytes batch, std::int64_t now_ns);
  bool judge(std::int64_t now_ns);
  void was_wrong(Mismatch::Wrong wrong);
  void tell(Stage stage, std::uint64_t batch);
  void lose_way(std::int64_t now_ns);
  void give_state(std::int64_t now_ns);

  const plan::Plan* plan_ = nullptr;
  std::string data_;
  journal::SegmentHeader header_{};
  engine::Shard shard_;
  std::span<std::uint8_t> shard_memory_;
  std::optional<Stepped> stepped_;
  Lane lane_;
  AskedAlarms asked_alarms_;
  journal::Cursor cursor_;
  HandedState state_{Holder::mirror};
  Imaging imaging_{state_};
  HandedState copy_{Holder::nobody};

  // Of the journal's thread.
  std::uint64_t handed_ = 0;
  // Written by the journal's thread. The mirror loads both before it peeks into its lane: a batch
  // that they cover and that the lane does not have was passed over.
  std::atomic<std::uint64_t> recorded_{0}, given_up_{0};
  std::atomic<std::uint64_t> wanted_{kNotWanted};  // reset by the mirror when it answers

  // Of the mirror's thread.
  std::int64_t stuck_since_ns_ = 0;  // the journal's files lack the next batch; 0: they do not
  std::int64_t asked_ns_ = 0;        // when it last requested a copy
  Verdict verdict_;
  Mismatches mismatches_;
  Mismatch open_{};  // of the verdict's case

  // Written by the mirror's thread.
  std::atomic<std::uint64_t> batch_{0}, compared_{0}, restarts_{0}, turns_{0};
  std::atomic<std::int64_t> admitted_ns_{0};
  std::atomic<bool> catching_up_{false}, lost_{false};
  // By the journal's.
  std::atomic<std::uint64_t> passed_over_{0};

  std::atomic<bool> stop_{false}, ended_{false};
  std::atomic<int> thread_{0};  // 0: it has not begun

  // Written by the mirror's thread; the engine reads the first each turn.
  alignas(kCacheLineBytes) std::atomic<std::uint64_t> news_{0};
  std::atomic<std::uint64_t> differed_{0};
  std::atomic<std::uint64_t> differed_batch_{0};
  std::atomic<std::int64_t> differed_ns_{0};
  std::atomic<std::uint64_t> restarted_batch_{0};
  std::atomic<Verdict::Found> found_{Verdict::Found::nothing_yet};  // of the last case
  std::atomic<std::uint64_t> suspect_since_{0}, engine_wrong_since_{0};
  // Of the engine's thread.
  std::uint64_t news_told_ = 0, differed_told_ = 0, restarted_told_ = 0;
};

}  // namespace vedette::node
