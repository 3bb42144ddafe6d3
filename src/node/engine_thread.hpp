// Purpose: the engine's thread: steps the shard, sends its actions, publishes each batch, reports
// faults of the node as events; ingress too, unless that has its own thread. In: the sources' and
// the engine's lanes. Out: batches, messages of sinks, the board. Bound: one batch and one burst of
// ingress a turn; a turn that takes longer than the plan's is a fault. When the lane of batches is
// full: admits nothing. Runs on: its own thread, sealed; the simulator calls turn() by itself.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "node/hot_state.hpp"
#include "node/interruptions.hpp"
#include "node/journalling.hpp"
#include "node/pace.hpp"
#include "node/rooms.hpp"
#include "node/source_tables.hpp"
#include "node/start_report.hpp"

namespace vedette::node {

class EngineThread {
 public:
  EngineThread(Rooms& rooms, Journalling& journalling);

  // Until `stop`, and nothing is under way, or for kDrainNs longer.
  void run(const BeginGate& gate, const std::atomic<bool>& stop);

  // What a start knows of the run before.
  struct Before {
    std::span<const std::uint64_t> unanswered = {};  // sent actions whose outcome is unknown
    bool unclosed = false;                           // it was killed
  };
  // Before run(): `before` and what the start found become events. `takes_in`: ingress runs here
  // too.
  void begin(bool takes_in, const Before& before, std::span<const StartReport::Finding> findings);
  // One turn, since the last one ended at `since_ns`; returns whether it found work.
  struct Turn {
    bool busy;
    std::int64_t ended_ns;  // monotonic
  };
  Turn turn(bool stopping, std::int64_t since_ns);
  bool nothing_under_way() const { return act_.waiting() == 0 && shard_.delivery().size() == 0; }

  const HotState& hot() const { return hot_; }
  const Interruptions& interruptions() const { return interruptions_; }

 private:
  static void act(void* context, const EventHeader& event, const ActionIntent& intent,
                  std::int64_t newest_arrival_ns);
  static bool critical_waits(void* context);
  void turns(Pace& pace, const std::atomic<bool>& stop);
  void submit(Bytes batch);
  void submit_again(const EventHeader& dispatch, std::uint64_t sequence);
  void after_step(Bytes batch);
  void publish();
  void tell(const EventHeader& event, Bytes payload);
  bool advance_stepped_time();
  std::int64_t check_turn(Stage stage, std::int64_t since_ns);
  void check_source_tables(std::int64_t now_ns);
  void check_journal();
  void check_disk(std::int64_t now_ns);
  void check_seen();
  bool check_mirror();
  void put_fault(const Overrun& overrun);
  bool put_fault(EventKind kind, Bytes payload);
  void put_answer(EventKind kind, std::uint64_t of, Bytes payload);

  const plan::Plan& plan_;
  platform::NodeClock& clock_;
  ingress::Ingress& ingress_;
  engine::Shard& shard_;
  sink::Act& act_;
  const journal::Writer& writer_;
  Mirror& mirror_;
  Lanes& lanes_;
  Board& board_;
  Journalling& journalling_;
  bool takes_in_ = false;

  HotState hot_;
  Interruptions interruptions_;
  SourceTables source_tables_;
  std::int64_t acted_ns_ = 0;  // time spent sending in the current step

  std::uint64_t seen_ = 0;  // as the last event said
  // Whether the disk is slow: when it takes marked events. Times are monotonic.
  std::int64_t record_within_ns_;  // the shortest of all actions
  std::uint64_t marked_sequence_ = 0;
  std::int64_t marked_ns_ = 0;  // when the marked event was the newest
  std::uint32_t lates_ = 0;     // in a row
  std::int64_t slow_ns_ = 0;    // when it was slow last; 0: not lately
};

}  // namespace vedette::node
