#include "node/node.hpp"

#include <limits>

#include "base/text.hpp"
#include "platform/file.hpp"
#include "platform/machine.hpp"

namespace vedette::node {
namespace {

static_assert(platform::DeviceKeeper::kSlots >=
                  limits::kSources * limits::kStreams + limits::kSinks * limits::kConnections,
              "all streams of each source, all connections of each sink");

constexpr double kJoinSeconds = 0.2;  // between attempts to join multicast groups, to aim sinks
// Turn of the main thread without commands. It shares its core, and each wake-up interrupts what
// runs there.
constexpr int kTurnMs = 10;
constexpr std::int64_t kAskedRestNs = 200'000;
constexpr std::int64_t kLastLinesNs = 1'000'000'000;  // for a slow reader at a stop
constexpr std::int64_t kLastTurnNs = 1'000'000;       // interval of checks whether it has read

constexpr int kDiskFailed = 74;    // EX_IOERR
constexpr int kThreadFailed = 71;  // EX_OSERR

Failure io(std::string message) {
  return {kDiskFailed, std::move(message)};
}

}  // namespace

Node::Node(std::vector<std::uint8_t> plan_bytes, const plan::Plan& plan, RunOptions options)
    : options_(std::move(options)),
      rooms_(plan),
      recovery_(options_.data, std::move(plan_bytes), options_.least_epoch, rooms_, start_),
      status_({rooms_, engine_, journalling_, start_, time_, control_, confinement_, membership_,
               options_.firmware_status},
              options_.on_cause) {}

Failure Node::run() {
  started_ns_ = platform::monotonic_ns();
  // Read first, so that a network that comes up meanwhile is reported as coming up.
  const bool network =
      options_.network == nullptr || options_.network->load(std::memory_order_acquire);
  if (Failure failed = prepare(); failed.exit_code != 0) {
    return failed;
  }
  begin();
  if (Failure failed = threads_.start([this] { return recovery_.begin_history(); }, start_.without);
      failed.exit_code != 0) {
    return failed;
  }
  start_watchdog();
  take_roles();
  tell_start(network);
  platform::confine(platform::Confined::main);
  keep_watch(network);
  watchdog_.end();
  threads_.end_hot();
  status_.look_at_causes();
  const Threads::Ended ended = threads_.end_warm();
  if (ended.hung != nullptr) {
    drain_log();
    // The journal has ended before, so what the mirror was to read is on disk.
    const bool mirror = std::string_view(ended.hung) == "mirror";
    platform::end_process("the " + std::string(ended.hung) + " thread hangs" +
                              (mirror ? "; the journal is whole" : ": the disk does not answer") +
                              "; the node ends",
                          mirror ? kThreadFailed : kDiskFailed);
  }
  end_lines();
  Failure last = end_history();
  if (last.exit_code == 0 && ended.mirror_gone) {
    return {kThreadFailed,
            "the mirror's thread had ended by itself, so nothing was compared since; the journal "
            "is whole, and the next start begins a new mirror"};
  }
  return last;
}

Failure Node::prepare() {
  if (Failure failed = recovery_.open_folder(); failed.exit_code != 0) {
    return failed;
  }
  platform::SandboxNeeds needs = sandbox_needs(rooms_.plan, options_.data);
  needs.also = options_.also_writes;
  needs.reads = options_.also_reads;
  confinement_.begin(rooms_.plan, std::move(needs), start_);
  const bool packets_taken = static_cast<bool>(options_.before_ports);
  if (Failure failed = rooms_.take_memory(packets_taken, start_.without); failed.exit_code != 0) {
    return failed;
  }
  rooms_.init(options_.data);
  if (Failure failed = recovery_.recover(); failed.exit_code != 0) {
    return failed;
  }
  // Waits for the disk in parallel; the prepared segment is no part of the journal yet.
  std::string journal_problem;
  std::jthread opening(
      [&] { journal_problem = rooms_.writer.prepare(recovery_.writer_options()); });
  if (Failure failed = open_ports(); failed.exit_code != 0) {
    return failed;
  }
  rooms_.arena.seal();
  rooms_.lanes.order(rooms_.plan, rooms_.ingress);
  if (const int error = control_.listen(options_.data + "/control.sock"); error != 0) {
    start_.without.push_back("control socket: " + platform::error_text(error) +
                             "; `vedette status` and other requests cannot reach this node");
  }
  platform::trim_heap();  // releases recovery's memory
  opening.join();
  if (!journal_problem.empty()) {
    return io(journal_problem);
  }
  if (const std::string problem = platform::lock_memory(); !problem.empty()) {
    start_.without.push_back("locked memory: " + problem + " (see `vedette doctor`, memlock)");
  }
  return {};
}

// Sources resume after their last accepted record.
Failure Node::open_ports() {
  std::vector<std::uint64_t> resume;
  const auto sources = static_cast<std::uint16_t>(rooms_.plan.sources()->size());  // <= kSources
  for (std::uint16_t s = 0; s < sources; ++s) {
    const bool lossless = rooms_.plan.sources()->Get(s)->lossless();
    resume.push_back(lossless ? rooms_.shard.last_record(s) : 0);
  }
  if (options_.before_ports) {
    options_.before_ports();
  }
  platform::forbid_programs();
  ingress::Ingress& ingress = rooms_.ingress;
  ingress.isolate(confinement_.isolated());
  std::string problem =
      ingress.init(rooms_.arena, rooms_.plan, rooms_.devices, options_.recordings, resume);
  if (!problem.empty()) {
    return {ingress.recording_unfit() ? 65 : 66, problem};
  }
  if (std::string unread = membership_.begin(options_.data); !unread.empty()) {
    start_.without.push_back(std::move(unread));
  }
  const auto time = [this] { return membership_.time(); };
  problem = brokers_.init(rooms_.plan, ingress, rooms_.devices, time);
  problem = problem.empty() ? secure_.init(rooms_.plan, ingress, rooms_.devices, time) : problem;
  if (!problem.empty()) {
    return {66, problem};
  }
  const std::vector<std::string>& otherwise = ingress.played_otherwise();
  start_.without.insert(start_.without.end(), otherwise.begin(), otherwise.end());
  sink::Act& act = rooms_.act;
  act.echo_to_log(options_.echo_actions);
  act.wait_for_network(options_.network);
  if (act.network_is_there()) {  // before the network is up all of it is still to come
    start_.without.insert(start_.without.end(), ingress.lacking().begin(), ingress.lacking().end());
  }
  problem = act.init(rooms_.arena, rooms_.plan, rooms_.devices, &rooms_.lanes.log);
  return problem.empty() ? Failure{} : io(problem);
}

// The first reports include the state from before this start.
void Node::begin() {
  for (const Alarm& alarm : rooms_.shard.alarms().alarms()) {
    start_.standing += alarm.active != 0 && alarm.told == AlarmTold::raised ? 1 : 0;
  }
  time_.start(recovery_.fresh() ? 0 : rooms_.shard.progress().admitted_ns, start_.without);
  status_.begin(recovery_.epoch());
  rooms_.board.publish(rooms_.shard, rooms_.clock.now_ns());
  engine_.begin(rooms_.fused(), {recovery_.unanswered(), recovery_.unclosed()}, start_.findings);
}

void Node::start_watchdog() {
  const plan::Cores& cores = *rooms_.plan.cores();
  const flatbuffers::String* device = cores.watchdog_device();
  const std::string problem = watchdog_.init(
      cores.watchdog_ns(), device == nullptr ? "" : device->str(), platform::Fd(options_.watchdog));
  if (!problem.empty()) {
    start_.without.push_back("the machine's watchdog: " + problem);
  }
  threads_.watch(watchdog_);
}

void Node::say(std::string_view member, std::string_view what) {
  if (options_.on_node) {
    options_.on_node(member, what);
  }
}

void Node::tell_start(bool network) {
  for (const std::string& item : start_.without) {
    say("runs_without", item);
  }
  for (const StartReport::Finding& finding : start_.findings) {
    if (options_.on_finding) {
      options_.on_finding(finding.text);
    }
  }
  if (!start_.plan_told.empty() && options_.on_plan) {
    options_.on_plan(start_.plan_told);
  }
  if (start_.standing != 0) {
    say("alarms_stand", std::to_string(start_.standing) +
                            " from before this start; their actions ran then and do not run again "
                            "while the conditions hold: see `vedette alarms`");
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
         rooms_.board.finished.load(std::memory_order_acquire);
}

void Node::look_for_hang() {
  if (!watchdog_.look(platform::monotonic_ns())) {
    // What is on disk stays. A hung thread cannot be joined, so exit without cleaning up.
    drain_log();
    platform::end_process(
        "watchdog: the " + std::string(watchdog_.hung()) +
            " thread hangs; the node exits so that its supervisor starts it again",
        71);
  }
}

// The engine's memory or processor failed. What is suspect is recorded for the next start.
void Node::look_at_mirror() {
  if (const std::uint64_t batch = rooms_.mirror.engine_wrong_since(); batch != 0) {
    drain_log();
    platform::end_process("mirror: the engine is wrong since batch " + std::to_string(batch) +
                              "; the node exits so that its next start recomputes from there",
                          71);
  }
}

// Before the main thread is confined: it reads /etc/passwd and /etc/group.
void Node::take_roles() {
  const std::vector<std::string> without = rights_.init(rooms_.plan);
  start_.without.insert(start_.without.end(), without.begin(), without.end());
  if (rooms_.plan.control_group() == nullptr) {
    return;
  }
  const std::string group = rooms_.plan.control_group()->str();
  const auto number = platform::group_number(group);
  const int error =
      number ? platform::give_to_group(options_.data + "/control.sock", *number) : ENOENT;
  if (error != 0) {
    start_.without.push_back("control group \"" + group +
                             "\": " + (number ? platform::error_text(error) : "not in /etc/group") +
                             "; only the node's own user and group can ask this node");
  }
}

void Node::keep_watch(bool network) {
  double next_second = 1.0;
  double next_join = 0.0;
  for (;;) {
    look_for_hang();
    look_at_mirror();
    if (!network && rooms_.act.network_is_there()) {
      network = true;
      say("network", "up");
    }
    rooms_.devices.tend(platform::monotonic_ns(), network);
    brokers_.turn(platform::monotonic_ns());
    secure_.turn(platform::monotonic_ns());
    membership_.look(platform::monotonic_ns());
    if (running_s() >= next_join) {
      next_join = running_s() + kJoinSeconds;
      rooms_.ingress.tend();
      rooms_.act.aim();
    }
    control_.turn(platform::monotonic_ns(),
                  [this](std::string_view request, const platform::Account& who) {
                    return requests_.answer(request, who);
                  });
    drain_log();
    if (is_over()) {
      return;
    }
    rooms_.board.seen.store(status_.look_at_causes().bits, std::memory_order_relaxed);
    if (running_s() >= next_second) {
      next_second += 1.0;
      time_.look();
      if (options_.each_second) {
        options_.each_second(status_.health());
      }
    }
    // Sleeps, so that a client that repeats or waits does not make the loop spin.
    if (control_.wait(kTurnMs)) {
      platform::rest_ns(kAskedRestNs);
    }
  }
}

// True when nothing is left. What a slow reader leaves waits in its lane; the writer counts what it
// drops when the lane is full.
bool Node::drain_log() {
  Lane& log = rooms_.lanes.log;
  Lane& told = rooms_.lanes.told;
  for (auto text = log.peek(); !text.empty(); text = log.peek()) {
    if (options_.on_log && !options_.on_log(as_text(text))) {
      break;
    }
    log.release();
  }
  for (auto record = told.peek(); !record.empty(); record = told.peek()) {
    const auto* event = reinterpret_cast<const EventHeader*>(record.data());
    if (options_.on_event &&
        !options_.on_event(*event, Bytes(payload_of(event), event->payload_bytes))) {
      break;
    }
    told.release();
  }
  const bool flushed = !options_.flush || options_.flush();
  return flushed && log.peek().empty() && told.peek().empty();
}

void Node::end_lines() {
  const std::int64_t last_ns = platform::monotonic_ns() + kLastLinesNs;
  while (!drain_log() && platform::monotonic_ns() < last_ns) {
    platform::rest_ns(kLastTurnNs);
  }
}

Failure Node::end_history() {
  if (const std::string trouble = journalling_.trouble(); !trouble.empty()) {
    return io("journal: " + trouble);
  }
  journal::Writer& writer = rooms_.writer;
  rooms_.mirror.write_last_image(rooms_.shard);
  writer.close(rooms_.clock.stepped());  // a recording has time
  return writer.last_error() == 0 ? Failure{}
                                  : io("journal: " + platform::error_text(writer.last_error()));
}

}  // namespace vedette::node
