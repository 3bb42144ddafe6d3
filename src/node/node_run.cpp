// The life of a node: its start, the turns of its main thread, and its end.
#include <limits>
#include <thread>

#include "base/text.hpp"
#include "node/node.hpp"
#include "node/watchdog.hpp"
#include "platform/file.hpp"

namespace vedette::node {
namespace {

constexpr double kJoinSeconds = 0.2;  // between attempts to join multicast groups
// Turn of the main thread without commands. It shares its core, and each wake-up interrupts what
// runs there.
constexpr int kTurnMs = 10;
constexpr std::int64_t kAskedRestNs = 200'000;
constexpr std::int64_t kLastLinesNs = 1'000'000'000;  // for a slow reader at a stop
constexpr std::int64_t kLastTurnNs = 1'000'000;       // interval of checks whether it has read

}  // namespace

void Node::start_clock() {
  bool stepped = false;
  double speed = 1.0;
  for (const plan::Source* s : *plan_.sources()) {
    if (s->driver() == plan::DriverKind::recording) {
      stepped = stepped || s->max_speed();
      speed = s->speed();
    }
  }
  // After a restart time continues from the last batch, and the recording where it stopped.
  const std::int64_t last_ns = fresh_ ? 0 : shard_.progress().admitted_ns;
  const std::int64_t recorded_ns = ingress_.recorded_start_ns();
  const bool as_recorded = stepped || (ingress_.has_recordings() && recorded_ns != 0);
  const std::int64_t base_ns = as_recorded && recorded_ns != 0
                                   ? recorded_ns
                                   : timekeeper_.begin(platform::realtime_ns(), last_ns);
  live_ = !as_recorded && speed == 1.0;
  if (stepped) {
    clock_.start_stepped(std::max(base_ns, last_ns));
  } else {
    clock_.start_scaled(std::max(base_ns, last_ns), speed);
  }
  ingress_.set_node_start(base_ns);
  if (!timekeeper_.believed()) {
    note(Cause::clock, true);
    without_.push_back("the machine's clock: it " + timekeeper_.what());
  }
}

// Setting the clock does not move a running node's time by itself.
void Node::look_at_clock() {
  if (!live_) {
    return;
  }
  const std::int64_t node_ns = clock_.now_ns();
  const auto to_ns = timekeeper_.look(platform::realtime_ns(), node_ns, platform::monotonic_ns(),
                                      platform::realtime_is_synchronised());
  if (to_ns) {
    move_time_to(*to_ns, node_ns);
  }
  note(Cause::clock, !timekeeper_.believed());
}

Node::Failure Node::run() {
  started_ns_ = platform::monotonic_ns();
  // Read first, so that a network that comes up meanwhile is reported as coming up.
  const bool network =
      options_.network == nullptr || options_.network->load(std::memory_order_acquire);
  const Failure prepared = prepare();
  if (prepared.exit_code != 0) {
    return prepared;
  }
  start_clock();
  causes_.init(plan_);
  held_at_start_ = shard_.held();
  publish();  // so that the first reports include the state from before this start
  Threads threads;
  const Failure begun = start_threads(threads);
  if (begun.exit_code != 0) {
    return begun;
  }
  Watchdog watchdog;
  start_watchdog(watchdog);
  tell_start(network);
  keep_watch(watchdog, network);
  watchdog.end();
  end_threads(threads);
  return end_history();
}

Node::Failure Node::start_threads(Threads& threads) {
  // Journal, mirror and this thread run beside the hot threads' cores, never on them.
  platform::keep_off({plan_.cores()->engine(), plan_.cores()->ingress()});
  std::vector<HotThread*> hot{&engine_thread_};
  if (!fused()) {
    hot.push_back(&ingress_thread_);
    threads.ingress = std::thread([this] { ingress_loop(); });
  }
  threads.engine = std::thread([this] { engine_loop(); });
  for (HotThread* thread : hot) {
    while (!thread->ready.load(std::memory_order_acquire)) {
      platform::rest_ns(100'000);
    }
    for (const std::string* lacking : {&thread->grant.pinning, &thread->grant.priority}) {
      if (!lacking->empty()) {
        without_.push_back(*lacking);
      }
    }
  }
  const std::string problem = engine_thread_.problem + ingress_thread_.problem;
  const Failure begun = problem.empty() ? begin_history() : Failure{71, problem};
  begun_.store(begun.exit_code == 0 ? Begun::yes : Begun::failed, std::memory_order_release);
  if (begun.exit_code != 0) {
    threads.join_hot();
    return begun;
  }
  threads.mirror = std::thread([this] { mirror_.run(clock_.stepped()); });
  threads.journal = std::thread(
      [this] { journalling_.run(plan_.limits()->commit_ns(), clock_.stepped(), stop_journal_); });
  if (engine_thread_.grant.fifo && platform::fifo_is_throttled()) {
    without_.push_back(
        "unthrottled real-time priority: hot threads sleep 60 us in every ms (see `vedette "
        "doctor`, "
        "rt-throttling)");
  }
  return {};
}

void Node::start_watchdog(Watchdog& watchdog) {
  const flatbuffers::String* device = plan_.cores()->watchdog_device();
  const std::string problem =
      watchdog.init(plan_.cores()->watchdog_ns(), device == nullptr ? "" : device->str(),
                    platform::Fd(options_.watchdog));
  if (!problem.empty()) {
    without_.push_back("the machine's watchdog: " + problem);
  }
  watchdog.watch("engine", engine_thread_.beat);
  if (!fused()) {
    watchdog.watch("ingress", ingress_thread_.beat);
  }
}

void Node::say(std::string_view member, std::string_view what) {
  if (options_.on_node) {
    options_.on_node(member, what);
  }
}

void Node::tell_start(bool network) {
  for (const std::string& item : without_) {
    say("runs_without", item);
  }
  for (const Finding& finding : findings_) {
    if (options_.on_finding) {
      options_.on_finding(finding.text);
    }
  }
  if (!plan_told_.empty() && options_.on_plan) {
    options_.on_plan(plan_told_);
  }
  if (!network) {
    say("runs_without", "network: not up yet; messages that need it wait");
  }
}

double Node::running_s() const {
  return static_cast<double>(platform::monotonic_ns() - started_ns_) * 1e-9;
}

bool Node::is_over() const {
  return (options_.stop != nullptr && options_.stop->load(std::memory_order_relaxed)) ||
         (options_.for_seconds > 0.0 && running_s() >= options_.for_seconds) ||
         board_.finished.load(std::memory_order_acquire);
}

void Node::look_for_hang(Watchdog& watchdog) {
  if (!watchdog.look(platform::monotonic_ns())) {
    // What is on disk stays. A hung thread cannot be joined, so exit without cleaning up.
    drain_log();
    platform::end_process("watchdog: the " + std::string(watchdog.hung()) +
                          " thread hangs; the node exits so that its supervisor starts it again");
  }
}

void Node::keep_watch(Watchdog& watchdog, bool network) {
  double next_second = 1.0;
  double next_join = 0.0;
  for (;;) {
    look_for_hang(watchdog);
    if (!network && act_.network_is_there()) {
      network = true;
      say("network", "up");
    }
    devices_.tend(platform::monotonic_ns(), network);
    if (running_s() >= next_join) {
      next_join = running_s() + kJoinSeconds;
      ingress_.tend();
    }
    control_.turn(platform::monotonic_ns(),
                  [this](std::string_view request) { return answer_to(request); });
    drain_log();
    if (is_over()) {
      return;
    }
    look_at_causes();
    if (running_s() >= next_second) {
      next_second += 1.0;
      look_at_clock();
      if (options_.each_second) {
        options_.each_second(health());
      }
    }
    // Sleeps, so that a client that repeats or waits does not make the loop spin.
    if (control_.wait(kTurnMs)) {
      platform::rest_ns(kAskedRestNs);
    }
  }
}

// Stops the hot threads first, so that the journal writes their last batches and the mirror
// replays them.
void Node::end_threads(Threads& threads) {
  stop_hot_.store(true, std::memory_order_release);
  threads.join_hot();
  look_at_causes();
  stop_journal_.store(true, std::memory_order_release);
  threads.journal.join();
  mirror_.end();
  threads.mirror.join();
  const std::int64_t last_ns = platform::monotonic_ns() + kLastLinesNs;
  while (!drain_log() && platform::monotonic_ns() < last_ns) {
    platform::rest_ns(kLastTurnNs);
  }
}

Node::Failure Node::end_history() {
  if (writer_.last_error() == 0) {
    mirror_.write_last_image(shard_);
    writer_.close();
  }
  return writer_.last_error() == 0
             ? Failure{}
             : Failure{74, "journal: " + platform::error_text(writer_.last_error())};
}

}  // namespace vedette::node
