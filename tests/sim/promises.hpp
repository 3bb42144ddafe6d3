// Purpose: what must hold after each turn of a simulated node, and across its lives. In: a life,
// after a turn. Out: BrokenPromise. What is remembered of earlier lives is in the ledger.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>

#include "sim/ledger.hpp"
#include "sim/life.hpp"

namespace vedette::sim {

class Promises {
 public:
  explicit Promises(const plan::Plan& plan) : plan_(plan) {}

  // `durable`: what the last life had acknowledged. `damaged`: a block of the journal was spoilt
  // since the start before; `ever`: or earlier.
  void after_start(Life& life, std::uint64_t durable, bool damaged, bool ever);
  void before_engine(Life& life);
  void after_engine(Life& life);
  void before_journal(Life& life);
  // `disk_takes_nothing`: since before the turn.
  void after_journal(Life& life, bool disk_takes_nothing);
  void before_hand(Life& life);
  void after_hand(Life& life);
  void after_mirror(Life& life);
  void before_image(Life& life);
  // Takes what waits in the log's lanes, as people do.
  void read_log(Life& life);
  void command_refused() { ++commands_refused_; }
  void answered(Life& life, std::string_view answer);
  // The image in `folder` is whole, and no newer than what `life` was recovered to.
  void check_image(Life& life, const std::string& folder);
  // Nothing is left, and everything has caught up.
  void at_rest(Life& life);

  void end_life(const Life& life);  // whatever ends it
  std::uint64_t images() const { return images_; }
  std::uint64_t passed_over() const { return passed_over_; }
  std::uint64_t restarts() const { return restarts_; }
  std::uint64_t texts() const { return texts_; }

 private:
  struct Sending {
    std::uint64_t root;
    std::uint64_t sent_by;
    std::uint32_t epoch;
    bool before;             // or first
    std::int64_t within_ns;  // for which a `first` one waits for the disk; 0: it is none
    std::int64_t at_ns;      // node time
  };
  void note(const EventHeader& event, Bytes payload, const engine::Shard& shard);
  void note_sending(std::uint64_t sequence, std::uint64_t sent_by, const ActionIntent& intent,
                    std::int64_t at_ns);
  static bool leaves_recorded(const Life& life, const Sending& sending, std::string_view text);
  void take_texts(Life& life);
  void done(Life& life, std::string_view text);
  void check_findings(const Life& life, bool damaged) const;
  void check_counters(Life& life);

  const plan::Plan& plan_;
  Ledger ledger_;
  std::uint64_t images_ = 0, texts_ = 0, passed_over_ = 0, restarts_ = 0;  // of all lives

  // Of this life.
  std::map<std::uint64_t, Sending> sendings_;  // by the event that ordered the action
  std::set<std::uint64_t> unknown_;            // were under way at the start
  std::uint64_t batch_before_ = 0, durable_before_ = 0, handed_before_ = 0;
  std::uint64_t copied_ = 0;  // the batch of the last copy of the engine's state
  std::uint64_t engine_turns_ = 0, engine_turns_before_ = 0;
  std::map<std::uint64_t, std::int64_t> made_ns_;  // batches that are not on disk yet
  std::size_t texts_seen_ = 0;                     // of those in the lane
  std::uint64_t sent_ = 0;
  std::uint64_t told_ = 0, told_read_ = 0;
  std::uint64_t faults_due_ = 0, faults_ = 0;
  std::uint64_t commands_refused_ = 0;
  std::uint64_t images_before_ = 0;
  bool gap_before_ = false, gap_before_hand_ = false, journal_fault_due_ = false, copy_due_ = false;
};

// Lines that stand in for those that nobody reads begin so.
inline constexpr char kFiller = '#';

}  // namespace vedette::sim
