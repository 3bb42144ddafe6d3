// Purpose: joins the rooms: memory plan, threads, recovery, lifecycle. In: a loaded plan and
// options. Out: a running watch post until it is stopped. Runs on: run() on the main thread, which
// becomes the link thread; it starts the others.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/engine/shard.hpp"
#include "edge/ingress/ingress.hpp"
#include "edge/journal/writer.hpp"
#include "edge/sink/act.hpp"
#include "model/request.hpp"
#include "node/control.hpp"
#include "node/history_record.hpp"
#include "node/identity.hpp"
#include "node/interruptions.hpp"
#include "node/journalling.hpp"
#include "node/mirror.hpp"
#include "node/pace.hpp"
#include "node/replay.hpp"
#include "node/source_tables.hpp"
#include "node/standing.hpp"
#include "node/timekeeper.hpp"
#include "node/watchdog.hpp"
#include "platform/clock.hpp"
#include "platform/device_keeper.hpp"
#include "platform/hot_thread.hpp"

namespace vedette::node {

struct RunOptions {
  std::string data;          // created if missing
  std::string recordings;    // folder for relative recording names
  double for_seconds = 0.0;  // stop after so long; 0: run until stopped, or until recordings end
  std::atomic<bool>* stop = nullptr;
  bool echo_actions = false;  // actions of other sinks also go to on_log
  // Text of log sinks; false: not now, and it is offered again.
  std::function<bool(std::string_view)> on_log;
  // Journalled changes of sources and assessments, for people who follow a node; false: not now.
  std::function<bool(const EventHeader&, Bytes payload)> on_event;
  // Called after some of both: true when everything taken has been delivered.
  std::function<bool()> flush;
  // Callback: a fact about the node and its name: "runs_without" at the start, "network" later.
  std::function<void(std::string_view, std::string_view)> on_node;
  // Callback: what a start found cut, missing or foreign in the data folder.
  std::function<void(std::string_view)> on_finding;
  // Callback: what was carried from another site file.
  std::function<void(std::string_view)> on_plan;
  // Callback: each cause that begins or ends.
  std::function<void(const CauseLine&)> on_cause;
  // Called once a second.
  std::function<void(const Health&)> each_second;
  // A JSON object that `status` shows as "firmware"; null: none.
  std::function<std::string()> firmware_status;
  // Called once before packet ports open, to wait for whoever started the packet engine.
  std::function<void()> before_ports;
  // True once the machine has its network; until then network sinks wait, at most until an action's
  // horizon. Null: always.
  const std::atomic<bool>* network = nullptr;
  // Lowest epoch, so that no action key repeats even if an earlier data folder is lost.
  std::uint32_t least_epoch = 1;
  // Descriptor of the machine's watchdog, opened and armed before the node, which closes it. -1:
  // the node opens the plan's device.
  int watchdog = -1;
};

struct RoomMemory {
  const char* room;
  std::size_t bytes;
};
// A plan's memory by room: the arena is the sum of the first, the process of both.
std::vector<RoomMemory> memory_plan(const plan::Plan& plan);
std::vector<RoomMemory> memory_outside_arena(const plan::Plan& plan);
// Huge pages of platform::kHugePageBytes that the plan uses if the machine reserves them.
std::size_t huge_pages_of(const plan::Plan& plan);

// Most bytes of the belief image's file, and the problem if [limits] image is less.
std::uint64_t image_bytes_needed(const plan::Plan& plan);
std::string image_problem(const plan::Plan& plan);

class Node {
 public:
  Node(std::vector<std::uint8_t> plan_bytes, const plan::Plan& plan, RunOptions options);
  ~Node();

  struct Failure {
    int exit_code = 0;
    std::string message;
  };
  // Starts, recovers, watches, stops. exit_code 0 when it stopped in order.
  Failure run();

  std::string status_json() const;
  Health health() const;

 private:
  // Written by the hot thread, read by the link thread.
  struct Board {
    std::atomic<std::uint64_t> batches{0}, sequence{0}, digest{0}, accepted{0}, waiting{0},
        transient{0}, exits[3]{}, tracks{0}, raised{0}, late_outcomes{0}, untold{0}, faults_lost{0},
        commands_refused{0}, overruns{0};
    std::atomic<std::uint64_t> second_places{0}, second_places_refused{0};
    std::atomic<std::uint64_t> assessments{0}, decisions{0}, fallbacks{0}, actions{0};
    std::atomic<std::int64_t> now_ns{0};
    std::array<std::atomic<BreakerState>, limits::kSinks> breakers{};
    std::atomic<std::uint64_t> contacts{0};
    std::array<std::atomic<std::uint64_t>, perceive::kTrackerBounds> tracker_bounds{};
    std::atomic<std::uint64_t> tracks_refused{0}, orders_refused{0}, orders{0};
    std::array<std::atomic<std::uint64_t>, 4> evicted{};  // tracks, by EvictionReason
    std::atomic<bool> finished{false}, fifo{false}, sealed{false}, held{false};
    std::atomic<std::uint64_t> causes{0};
    // Result of the newest command: its event, then its number, exit and reason.
    std::atomic<std::uint64_t> ordered_sequence{0};
    std::atomic<std::uint64_t> ordered{0};
  };
  struct Tail {
    std::uint64_t segment = 0;  // 0: nothing to cut
    std::uint64_t valid_bytes = 0;
  };

  struct Threads {
    std::thread ingress, engine, journal, mirror;  // ingress: not if the engine's loop does it

    void join_hot() {
      engine.join();
      if (ingress.joinable()) {
        ingress.join();
      }
    }
  };

  // Called by run() in this order.
  Failure prepare();
  Failure start_threads(Threads& threads);
  void start_watchdog(Watchdog& watchdog);
  void tell_start(bool network);
  void keep_watch(Watchdog& watchdog, bool network);
  void end_threads(Threads& threads);
  Failure end_history();

  // Parts of prepare().
  Failure open_data_folder();
  Failure take_memory();
  std::span<std::uint8_t> init_lanes(Arena& arena);
  Failure open_ports(Arena& arena);
  void order_lanes();

  // Parts of status_json().
  void belief_members(JsonWriter<std::string>& json) const;
  void table_members(JsonWriter<std::string>& json) const;
  void thread_members(JsonWriter<std::string>& json) const;
  void source_members(std::size_t source, JsonWriter<std::string>& json) const;
  void sink_members(std::size_t sink, JsonWriter<std::string>& json) const;
  void journal_members(JsonWriter<std::string>& json) const;

  void say(std::string_view member, std::string_view what);
  double running_s() const;
  bool is_over() const;
  void look_for_hang(Watchdog& watchdog);
  Failure recover(std::span<std::uint8_t> shard_memory);
  std::uint64_t begin_with_newest(Stepped& stepped, const std::vector<std::uint64_t>& segments);
  Failure unfit(const std::string& problem) const;
  void begin_epoch(const journal::ReadResult& read, const KeptHistory& kept);
  void plan_writer(const journal::ReadResult& read, const KeptHistory& kept,
                   const std::vector<std::uint64_t>& segments);
  void recover_around(Stepped& stepped, const KeptHistory& kept, journal::ReadResult& read);
  void find_gaps(const journal::ReadResult& read, const KeptHistory& kept);
  void found(Stage stage, std::uint64_t count, std::string text);
  std::string change_plan(Stepped& stepped);
  Failure set_aside();
  Failure begin_history();
  bool wait_for_history() const;
  // The last batch of the state; 0 if there is none.
  std::uint64_t begin_with_image(Stepped& stepped, std::uint64_t least_batch);
  void engine_loop();
  void put_unanswered();
  void engine_turns(Pace& pace);
  // Checks the time since `since_ns`; returns now.
  std::int64_t check_turn(Stage stage, std::int64_t since_ns);
  void put_fault(const Overrun& overrun);
  void put_fault(EventKind kind, Bytes payload);
  void check_source_tables(std::int64_t now_ns);
  void check_journal();
  bool check_mirror();
  static bool critical_waits(void* context);
  void ingress_loop();
  bool fused() const;  // one thread for ingress and engine
  static void act(void* context, const EventHeader& event, const ActionIntent& intent,
                  std::int64_t newest_arrival_ns);
  void submit(Bytes batch);
  void after_step(Bytes batch);
  bool advance_stepped_time();
  void publish();
  void submit_again(const EventHeader& dispatch, std::uint64_t sequence);
  void tell(const EventHeader& event, Bytes payload);
  struct Answering;  // answers a request by its type
  std::string answer_to(std::string_view line);
  request::Answer order_and_wait(const Requeue& wanted);
  // Puts it in the engine's lane; returns its number from 1, or 0 when the lane is full.
  std::uint64_t order(const Requeue& order);
  request::Answer outcome_of(std::uint64_t number, const Command& command) const;
  request::Answer admit_time(std::optional<std::int64_t> told_ns);
  void move_time_to(std::int64_t to_ns, std::int64_t node_ns);  // moves node time by a command
  void start_clock();
  void look_at_clock();
  bool drain_log();
  void look_at_causes();
  // From any thread: sets or clears a cause that is not the engine's.
  void note(Cause cause, bool there) {
    Causes bit;
    bit.set(cause);
    there ? noted_.fetch_or(bit.bits, std::memory_order_relaxed)
          : noted_.fetch_and(~bit.bits, std::memory_order_relaxed);
  }

  std::vector<std::uint8_t> plan_bytes_;
  const plan::Plan& plan_;
  RunOptions options_;
  platform::Block block_;
  platform::StorageFile lock_;  // of the data folder
  Control control_;
  platform::NodeClock clock_;
  platform::DeviceKeeper devices_;
  ingress::Ingress ingress_;
  engine::Shard shard_;
  sink::Act act_;
  journal::WriterOptions writer_options_;  // set by recovery
  journal::Writer writer_;
  Mirror mirror_;
  Lane batches_, outcomes_, commands_, faults_, log_, told_;
  Journalling journalling_{writer_, mirror_, batches_};
  std::vector<Lane*> lanes_;        // in order of admission
  std::size_t critical_lanes_ = 0;  // how many of them, from the first
  journal::SegmentHeader segment_header_{};
  std::vector<std::uint64_t> unanswered_;  // intents without an outcome after a restart
  std::uint32_t epoch_ = 1;
  bool fresh_ = true;
  Identity identity_;
  Tail tail_;  // set by recovery
  struct Finding {
    Stage stage;
    std::uint64_t count;
    std::string text;
  };
  std::vector<Finding> findings_;
  std::string plan_told_;  // what was carried from another plan; empty: no change
  std::vector<journal::ReadResult::Strange> strange_;  // to be renamed
  // Nothing is accepted until the journal's first segment is on disk.
  enum class Begun : int { waiting, yes, failed };
  std::atomic<Begun> begun_{Begun::waiting};

  Board board_;
  std::uint64_t orders_given_ = 0;
  Interruptions interruptions_;  // of the engine's thread
  std::int64_t acted_ns_ = 0;    // time spent sending in the current step
  std::atomic<bool> stop_hot_{false};
  std::atomic<bool> stop_journal_{false};
  // For the engine's thread and a separate ingress thread.
  struct HotThread {
    std::atomic<bool> ready{false};
    std::atomic<std::uint64_t> beat{0};  // turns of its loop, for the watchdog
    std::string problem;                 // readable once ready
    platform::HotGrant grant;
  };
  HotThread engine_thread_, ingress_thread_;
  std::atomic<std::uint64_t> noted_{0};  // Causes
  SourceTables source_tables_;
  CauseBook causes_;
  Timekeeper timekeeper_;
  bool live_ = false;  // node time follows the clock
  bool held_at_start_ = false;
  std::vector<std::string> without_;
  std::int64_t started_ns_ = 0;
};

}  // namespace vedette::node
