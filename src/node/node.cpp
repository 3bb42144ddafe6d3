#include "node/node.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>
#include <thread>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "node/watchdog.hpp"
#include "platform/file.hpp"
#include "platform/hash.hpp"
#include "platform/machine.hpp"
#include "platform/packet_port.hpp"
#include "platform/socket.hpp"

namespace vedette::node {
namespace {

static_assert(platform::DeviceKeeper::kSlots >=
                  limits::kSources + limits::kSinks * limits::kConnections,
              "a line for each serial source, all connections of each sink");

constexpr std::size_t kBatchRecords = 4096;
// Stacks as far as they are used, the C library's own, LMDB's, the rings': as measured, whatever
// the plan. Packet ports bring their own.
constexpr std::size_t kLibraryBytes = std::size_t{4} << 20;
constexpr std::size_t kLogBytes = 1 << 18;
constexpr std::size_t kLogRecords = 512;
constexpr std::size_t kCommands = 64;
constexpr std::size_t kCommandBytes = 1 << 16;
constexpr std::size_t kRequestBytes = 1024;
constexpr std::size_t kFaults = 16;
constexpr std::size_t kFaultBytes = 1 << 12;
static_assert(kRequestBytes > 2 * sizeof(ActionIntent) + 32, "a requeued action in hexadecimal");
constexpr std::int64_t kRestNs = 60'000;
constexpr std::int64_t kThrottleRestEveryNs = 1'000'000;
constexpr std::int64_t kDrainNs = 3'000'000'000;  // for what is under way when the node stops

std::size_t batch_lane_bytes(const plan::Plan& plan) {
  return std::max<std::size_t>(plan.limits()->batch_lane_bytes(), 4 * batch_bytes_bound(plan));
}
std::size_t outcome_records(const plan::Plan& plan) {
  return std::bit_ceil(2 * static_cast<std::size_t>(plan.limits()->pending_actions()));
}
std::size_t outcome_bytes(const plan::Plan& plan) {
  return outcome_records(plan) * align_up(event_bytes(sizeof(ActionOutcome)), Lane::kAlignment);
}

// Between two turns of a hot loop: goes on at once when there is work. A FIFO thread that never
// rests is stopped by the kernel for tens of milliseconds at a time, so a throttled one rests by
// itself.
class Pace {
 public:
  Pace(bool fifo, bool rest_when_idle)
      : throttled_(fifo && platform::fifo_is_throttled()), rest_when_idle_(rest_when_idle) {}

  // True when it rested.
  bool turn(bool busy, std::int64_t now_ns) {
    if ((throttled_ && now_ns - last_rest_ns_ > kThrottleRestEveryNs) ||
        (rest_when_idle_ && !busy)) {
      platform::rest_ns(kRestNs);
      last_rest_ns_ = platform::monotonic_ns();
      return true;
    }
    if (!busy) {
      platform::relax();
    }
    return false;
  }

 private:
  bool throttled_;
  bool rest_when_idle_;
  std::int64_t last_rest_ns_ = platform::monotonic_ns();
};

}  // namespace

std::uint64_t node_id_of(const plan::Plan& plan) {
  Digest digest;
  digest.mix(as_bytes(plan.site()->string_view()));
  return digest.value() >> 24;  // 40 bits
}

std::vector<RoomMemory> memory_plan(const plan::Plan& plan) {
  return {
      {"ingress", ingress::Ingress::bytes_needed(plan)},
      {"shard (belief, assess, decide)", Shard::bytes_needed(plan)},
      {"act", act::Act::bytes_needed(plan) +
                  Lane::bytes_needed(outcome_records(plan), outcome_bytes(plan)) +
                  Lane::bytes_needed(kCommands, kCommandBytes) +
                  Lane::bytes_needed(kFaults, kFaultBytes) +
                  2 * Lane::bytes_needed(kLogRecords, kLogBytes)},
      {"batches", Lane::bytes_needed(kBatchRecords, batch_lane_bytes(plan))},
  };
}

namespace {

std::size_t packet_bytes_of(const plan::Plan& plan) {
  return ingress::packet_devices(plan).empty() ? 0 : platform::kPacketMemoryBytes;
}

std::size_t arena_bytes_of(const plan::Plan& plan) {
  std::size_t bytes = kCacheLineBytes;
  for (const RoomMemory& room : memory_plan(plan)) {
    bytes += room.bytes;
  }
  return bytes;
}

}  // namespace

std::vector<RoomMemory> memory_outside_arena(const plan::Plan& plan) {
  const std::size_t frozen = frozen_bytes_bound(plan);
  return {
      {"receive buffers", ingress::Ingress::receive_buffer_bytes(plan)},
      {"journal", journal::Writer::bytes_needed(batch_bytes_bound(plan), frozen)},
      {"belief image", frozen + plan.limits()->tracks() * sizeof(Track)},
      {"packet ports", packet_bytes_of(plan)},
      {"program", platform::program_bytes()},
      {"threads, libraries", kLibraryBytes},
  };
}

std::size_t huge_pages_of(const plan::Plan& plan) {
  const std::size_t bytes =
      align_up(arena_bytes_of(plan), platform::kHugePageBytes) + packet_bytes_of(plan);
  return plan.cores()->huge_pages() ? bytes / platform::kHugePageBytes : 0;
}

Node::Node(std::vector<std::uint8_t> plan_bytes, const plan::Plan& plan, RunOptions options)
    : plan_bytes_(std::move(plan_bytes)), plan_(plan), options_(std::move(options)) {}

Node::~Node() = default;

Node::Failure Node::prepare() {
  const auto io = [](std::string message) { return Failure{74, std::move(message)}; };
  for (const char* folder : {"", "/journal", "/plans"}) {
    const int error = platform::make_folders(options_.data + folder);
    if (error != 0) {
      return io(options_.data + folder + ": " + platform::error_text(error));
    }
  }
  std::string problem = platform::lock_folder(options_.data, lock_);
  if (!problem.empty()) {
    return {75, problem};
  }
  const platform::Sha256 hash = platform::sha256(plan_bytes_);
  std::memcpy(segment_header_.plan_hash, hash.data(), hash.size());
  segment_header_.node = node_id_of(plan_);
  const std::size_t bytes = arena_bytes_of(plan_);
  // All of it is locked: a machine that has it not would end without a word.
  std::size_t whole = bytes;
  for (const RoomMemory& room : memory_outside_arena(plan_)) {
    whole += room.bytes;
  }
  if (options_.before_ports) {  // somebody else is taking the packets' part meanwhile
    whole -= packet_bytes_of(plan_);
  }
  // Huge pages help only where they are enough for the whole block.
  const std::uint64_t huge = platform::free_huge_bytes();
  const bool in_huge = plan_.cores()->huge_pages() && huge >= bytes;
  if (const std::uint64_t there = platform::available_memory() + (in_huge ? huge : 0);
      there != 0 && there < whole) {
    return {71, "no memory: the plan needs " + std::to_string(whole >> 20) + " MiB and " +
                    std::to_string(there >> 20) +
                    " MiB are there; lower [limits] tracks, contacts, pending_actions or "
                    "waiting_events"};
  }
  block_ = platform::map_block(bytes, plan_.cores()->huge_pages());
  if (block_.base == nullptr) {
    return {71, "no memory: the plan needs " + std::to_string(bytes) + " bytes"};
  }
  if (plan_.cores()->huge_pages() && !block_.huge) {
    without_.push_back("huge pages");
  }
  Arena arena(block_.base, block_.bytes);
  shard_.init(arena, plan_, segment_header_.node, 1, engine::release_kernels().back());
  frozen_.resize(frozen_bytes_bound(plan_));
  image_tracks_.reserve(plan_.limits()->tracks());
  batches_.init(arena, kBatchRecords, batch_lane_bytes(plan_));
  outcomes_.init(arena, outcome_records(plan_), outcome_bytes(plan_));
  commands_.init(arena, kCommands, kCommandBytes);
  faults_.init(arena, kFaults, kFaultBytes);
  log_.init(arena, kLogRecords, kLogBytes);
  told_.init(arena, kLogRecords, kLogBytes);
  const Failure recovered = recover();
  if (recovered.exit_code != 0) {
    return recovered;
  }
  std::vector<std::uint64_t> resume;
  const auto sources = static_cast<std::uint16_t>(plan_.sources()->size());  // at most kSources
  for (std::uint16_t s = 0; s < sources; ++s) {
    resume.push_back(plan_.sources()->Get(s)->lossless() ? shard_.last_record(s) : 0);
  }
  if (options_.before_ports) {
    options_.before_ports();
  }
  problem = ingress_.init(arena, plan_, devices_, options_.recordings, resume);
  if (!problem.empty()) {
    return {66, problem};
  }
  act_.echo_to_log(options_.echo_actions);
  problem = act_.init(arena, plan_, devices_, &log_);
  if (!problem.empty()) {
    return io(problem);
  }
  arena.seal();
  // Where two are as urgent as each other the first lane goes first; outcomes stand behind what is
  // critical, they free what waits.
  lanes_.push_back(&commands_);
  for (std::uint8_t c = 0; c < kEventClasses; ++c) {
    for (std::uint16_t s = 0; s < sources; ++s) {
      if (plan_.sources()->Get(s)->event_class() == c) {
        lanes_.push_back(&ingress_.lane(s));
      }
    }
    if (c == static_cast<std::uint8_t>(EventClass::critical)) {
      critical_lanes_ = lanes_.size();
      lanes_.push_back(&outcomes_);
      lanes_.push_back(&faults_);
    }
  }
  auto listening = platform::listen_unix(options_.data + "/control.sock");
  if (listening) {
    control_ = std::move(listening).value();
  } else {
    without_.push_back("control socket: " + platform::error_text(listening.error()));
  }
  platform::trim_heap();  // recovery's own is not needed any more
  problem = platform::lock_memory();
  if (!problem.empty()) {
    without_.push_back("locked memory: " + problem);
  }
  return {};
}

Node::Failure Node::recover() {
  const std::string journal_folder = options_.data + "/journal";
  const std::string image_problem = image_.open(options_.data, plan_.limits()->image_bytes());
  if (!image_problem.empty()) {
    return {74, image_problem};
  }
  journal::WriterOptions writer;
  const auto segments = journal::list_segments(journal_folder);
  Stepped stepped;
  stepped.init(plan_, segment_header_.node, 1);
  std::uint64_t from = 0;
  belief::ImagePosition position{};
  std::vector<std::uint8_t> frozen;
  if (!segments.empty() && image_.read(position, frozen) &&
      std::memcmp(position.plan_hash, segment_header_.plan_hash, 32) == 0 && stepped.thaw(frozen)) {
    from = position.batch;
  } else {
    stepped.init(plan_, segment_header_.node, 1);
  }
  ReplayResult result = replay(options_.data, stepped, from);
  const bool damaged = !result.problem.empty() && !result.journal.torn_tail;
  if (from != 0 && (result.journal.last_batch < from || damaged)) {
    // The image is no help: the journal is the truth and rebuilds it.
    stepped.init(plan_, segment_header_.node, 1);
    result = replay(options_.data, stepped, 0);
  }
  if (result.journal.last_segment != 0 && result.journal.last_block != 0 &&
      std::memcmp(result.journal.header.plan_hash, segment_header_.plan_hash, 32) != 0) {
    return {78,
            options_.data +
                " was written by another plan; run with another --data, or move this one aside"};
  }
  if (!result.problem.empty() && !result.journal.torn_tail) {
    return {74, options_.data + ": " + result.problem + "; nothing was changed (`vedette replay " +
                    options_.data + " --verify` tells more)"};
  }
  if (result.journal.torn_tail) {
    const int error =
        journal::cut_tail(journal_folder, result.journal.last_segment, result.journal.valid_bytes);
    if (error != 0) {
      return {74, "cutting the torn tail: " + platform::error_text(error)};
    }
  }
  fresh_ = result.journal.last_batch == 0;
  epoch_ = std::max(result.journal.epoch + 1, options_.least_epoch);
  std::vector<std::uint8_t> state(frozen_bytes_bound(plan_));
  Freezer freezer(state);
  stepped.shard().freeze(freezer);
  Thawer thawer(Bytes(state.data(), freezer.used()));
  if (!freezer.ok() || !shard_.thaw(thawer)) {
    return {70, "the recovered state could not be taken over"};
  }
  shard_.set_epoch(epoch_);
  for (const act::Delivery::Order& order : shard_.delivery().orders()) {
    if (order.stage == act::Delivery::Stage::sent) {
      unanswered_.push_back(order.sequence);
    }
  }
  std::sort(unanswered_.begin(), unanswered_.end());
  const std::string kept = plan_path(options_.data, segment_header_.plan_hash);
  if (!platform::exists(kept)) {
    const int error = platform::write_file_durably(kept, plan_bytes_);
    if (error != 0) {
      return {74, kept + ": " + platform::error_text(error)};
    }
  }
  segment_header_.epoch = epoch_;
  writer.folder = journal_folder;
  writer.segment_bytes =
      plan_.limits()->segment_bytes() / limits::kBlockAlignment * limits::kBlockAlignment;
  writer.journal_bytes = plan_.limits()->journal_bytes();
  writer.max_batch_bytes = batch_bytes_bound(plan_);
  writer.max_frozen_bytes = frozen_bytes_bound(plan_);
  writer.header = segment_header_;
  writer.next_segment = (segments.empty() ? 0 : segments.back()) + 1;
  writer.next_block = result.journal.last_block + 1;
  writer.chain = result.journal.chain;
  writer.durable_sequence = shard_.progress().last_sequence;
  writer.next_batch = shard_.progress().batch_number + 1;
  writer.segments = result.journal.segments;
  if (!fresh_) {
    writer_.keep_frozen(Bytes(state.data(), freezer.used()), shard_.progress().batch_number);
  }
  const std::string problem = writer_.open(writer);
  if (!writer_.has_ring()) {
    without_.push_back("io_uring for the journal: one call for each write and sync");
  }
  return problem.empty() ? Failure{} : Failure{74, problem};
}

bool Node::advance_stepped_time() {
  // Time stands still until everything known at this instant has been worked off.
  if (act_.waiting() != 0 || shard_.delivery().sent() != 0 || shard_.unfinished()) {
    return false;
  }
  for (Lane* lane : lanes_) {
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

// What the batch sets going: the first thing after a step.
void Node::submit(Bytes batch) {
  std::int64_t newest = 0;
  for_each_event(batch, [&](const EventHeader& event, Bytes payload) {
    if (event.kind == EventKind::assessment) {
      newest = payload_as<AssessmentChange>(payload).newest_arrival_ns;
    } else if (event.kind == EventKind::action && event.state.phase() == Phase::transient) {
      act_.submit(
          {event, payload_as<ActionIntent>(payload), event.sequence, event.observed_ns, newest},
          event.observed_ns);
    } else if (event.kind == EventKind::dispatch) {
      submit_again(event, payload_as<Dispatch>(payload).sequence);
    } else if (event.kind == EventKind::resolution) {
      act_.withdraw(payload_as<Resolution>(payload).sequence);
    }
  });
}

// What others are told of it, once its actions are out. The batch stands in its lane until the next
// step, also when the journal has it.
void Node::after_step(Bytes batch) {
  std::uint64_t assessments = 0, decisions = 0, fallbacks = 0, actions = 0;
  for_each_event(batch, [&](const EventHeader& event, Bytes payload) {
    if (event.kind == EventKind::source_state || event.kind == EventKind::mode ||
        event.kind == EventKind::fault) {
      tell(event, payload);
    } else if (event.kind == EventKind::assessment) {
      tell(event, payload);
      ++assessments;
    } else if (event.kind == EventKind::tick) {
      act_.tend();
    } else if (event.kind == EventKind::decision) {
      ++decisions;
      fallbacks += payload_as<DecisionMade>(payload).choice == DecisionChoice::action ? 0 : 1;
    } else if (event.kind == EventKind::action && event.state.phase() == Phase::transient) {
      ++actions;
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
  if (frozen_state_.load(std::memory_order_acquire) == kWanted) {
    Freezer freezer(frozen_);
    shard_.freeze(freezer);
    CHECK(freezer.ok(), "frozen state within the plan's bound");
    frozen_used_ = freezer.used();
    frozen_batch_ = shard_.progress().batch_number;
    frozen_digest_ = shard_.progress().digest;
    frozen_sequence_ = shard_.progress().last_sequence;
    // Pairs with the acquire in journal_loop(): the bytes before the word that says they are there.
    frozen_state_.store(kReady, std::memory_order_release);
  }
  publish();
}

// Another attempt says what the first said, under the same key.
void Node::submit_again(const EventHeader& dispatch, std::uint64_t sequence) {
  const std::size_t i = shard_.delivery().find(sequence);
  CHECK(i != act::Delivery::kNone, "what is dispatched is ordered");
  const act::Delivery::Order& order = shard_.delivery().orders()[i];
  const ActionIntent& intent = shard_.delivery().intent(i);
  EventHeader event = dispatch;
  event.sequence = sequence;
  event.kind = EventKind::action;
  event.event_class = order.event_class;
  const std::int64_t ordered_ns =
      order.horizon_ns - plan_.actions()->Get(intent.action)->horizon_ns();
  event.observed_ns = ordered_ns;
  act_.submit({event, intent, dispatch.sequence, ordered_ns, 0}, dispatch.observed_ns);
}

void Node::tell(const EventHeader& event, Bytes payload) {
  std::uint8_t* at = told_.reserve(event_bytes(payload.size()));
  if (at == nullptr) {
    board_.untold.fetch_add(1, std::memory_order_relaxed);  // the journal has it
    return;
  }
  std::memcpy(at, &event, sizeof event);
  std::memcpy(at + sizeof event, payload.data(), payload.size());
  told_.commit(event_bytes(payload.size()));
}

void Node::publish() {
  const engine::Progress& p = shard_.progress();
  const auto set = [](auto& at, auto value) { at.store(value, std::memory_order_relaxed); };
  set(board_.batches, p.batch_number);
  set(board_.sequence, p.last_sequence);
  set(board_.digest, p.digest);
  set(board_.accepted, p.accepted);
  set(board_.waiting, p.waiting);
  set(board_.transient, p.transient);
  for (std::size_t i = 0; i < 3; ++i) {
    set(board_.exits[i], p.exits[i]);
  }
  set(board_.tracks, static_cast<std::uint64_t>(shard_.tracks().size()));
  set(board_.raised, static_cast<std::uint64_t>(shard_.assess().raised()));
  set(board_.late_outcomes, shard_.late_outcomes());
  set(board_.held, shard_.held());
  set(board_.mode, shard_.mode());
  set(board_.contacts, static_cast<std::uint64_t>(shard_.contacts().size()));
  for (std::size_t i = 0; i < perceive::kTrackerBounds; ++i) {
    set(board_.tracker_bounds[i],
        shard_.contacts().reached_bound(static_cast<perceive::TrackerBound>(i)));
  }
  set(board_.now_ns, clock_.now_ns());
}

bool Node::fused() const {
  return plan_.cores()->fused() || clock_.stepped();
}

void Node::ingress_loop() {
  HotThread& self = ingress_thread_;
  self.grant = platform::make_hot({"ingress", plan_.cores()->ingress(), plan_.cores()->priority()});
  self.problem = ingress_.start_on_this_thread();
  self.ready.store(true, std::memory_order_release);
  if (!self.problem.empty()) {
    return;
  }
  Pace pace(self.grant.fifo, plan_.cores()->rest());
  platform::seal_thread();
  while (!stop_hot_.load(std::memory_order_acquire)) {
    pace.turn(ingress_.step(clock_) != 0, platform::monotonic_ns());
    self.beat.fetch_add(1, std::memory_order_relaxed);
  }
  platform::unseal_thread();
  ingress_.stop_on_this_thread();
}

// With an ingress thread of its own, what is critical arrives while a step is under way; where one
// thread does both, a step is never longer than its batch.
bool Node::critical_waits(void* context) {
  auto& self = *static_cast<Node*>(context);
  for (std::size_t i = 0; i < self.critical_lanes_; ++i) {
    if (!self.lanes_[i]->peek().empty()) {
      return true;
    }
  }
  return false;
}

// The wall clock says how long a turn took; what it says becomes an event, so that a replay has it
// too. Where node time stands still nothing is late.
std::int64_t Node::check_turn(Stage stage, std::int64_t since_ns) {
  const std::int64_t now_ns = platform::monotonic_ns();
  Overrun overrun{now_ns - since_ns, plan_.limits()->turn_ns(), stage, {}};
  if (overrun.took_ns <= overrun.bound_ns || clock_.stepped()) {
    return now_ns;
  }
  board_.overruns.fetch_add(1, std::memory_order_relaxed);
  EventHeader header{};
  header.observed_ns = header.received_ns = clock_.now_ns();
  header.payload_bytes = sizeof overrun;
  header.source = kNoSource;
  header.kind = EventKind::fault;
  header.event_class = EventClass::high;
  if (std::uint8_t* at = faults_.reserve(event_bytes(sizeof overrun)); at != nullptr) {
    std::memcpy(at, &header, sizeof header);
    std::memcpy(at + sizeof header, &overrun, sizeof overrun);
    faults_.commit(event_bytes(sizeof overrun));
  }
  return now_ns;
}

void Node::engine_loop() {
  HotThread& self = engine_thread_;
  self.grant = platform::make_hot({"engine", plan_.cores()->engine(), plan_.cores()->priority()});
  const bool takes_in = fused();
  self.problem = takes_in ? ingress_.start_on_this_thread() : std::string();
  for (const std::uint64_t sequence : unanswered_) {
    // The node stopped between intent and outcome: whether it was done is not known, and it is not
    // done again.
    ActionOutcome outcome{};
    outcome.action_sequence = sequence;
    outcome.exit = Exit::abandonment;
    outcome.reason = Reason::unknown_after_restart;
    EventHeader header{};
    header.observed_ns = header.received_ns = clock_.now_ns();
    header.cause = sequence;
    header.payload_bytes = sizeof outcome;
    header.source = kNoSource;
    header.kind = EventKind::outcome;
    header.event_class = EventClass::high;
    std::uint8_t* at = outcomes_.reserve(event_bytes(sizeof outcome));
    CHECK(at != nullptr, "the outcome lane holds every pending action");
    std::memcpy(at, &header, sizeof header);
    std::memcpy(at + sizeof header, &outcome, sizeof outcome);
    outcomes_.commit(event_bytes(sizeof outcome));
  }
  Pace pace(self.grant.fifo, plan_.cores()->rest());
  board_.fifo.store(self.grant.fifo, std::memory_order_relaxed);
  self.ready.store(true, std::memory_order_release);
  if (!self.problem.empty()) {
    return;
  }
  platform::seal_thread();
  board_.sealed.store(platform::thread_sealed(), std::memory_order_relaxed);
  std::int64_t stop_seen_ns = 0;
  std::int64_t idle_since_ns = platform::monotonic_ns();
  const Urgency urgency{critical_waits, this};
  for (;;) {
    const bool stopping = stop_hot_.load(std::memory_order_acquire);
    std::int64_t turned_ns = platform::monotonic_ns();
    bool busy = takes_in && !stopping && ingress_.step(clock_) != 0;
    turned_ns = check_turn(Stage::ingress, turned_ns);
    const Bytes batch =
        shard_.step(lanes_, batches_, clock_.now_ns(), clock_.arrival_ns(), urgency);
    if (!batch.empty()) {
      submit(batch);
      busy = true;
    }
    turned_ns = check_turn(Stage::engine, turned_ns);
    if (act_.waiting() != 0) {
      act_.step(writer_.durable_sequence(), clock_.now_ns(), outcomes_);
      turned_ns = check_turn(Stage::act, turned_ns);
    }
    if (!batch.empty()) {
      after_step(batch);
    }
    if (clock_.stepped() && !busy && !stopping) {
      busy = advance_stepped_time();
    }
    const std::int64_t now = turned_ns;
    if (stopping) {
      stop_seen_ns = stop_seen_ns == 0 ? now : stop_seen_ns;
      if ((!busy && act_.waiting() == 0 && shard_.delivery().size() == 0) ||
          now - stop_seen_ns > kDrainNs) {
        break;
      }
    }
    if (!busy && !stopping && shard_.delivery().size() == 0 && ingress_.all_recordings_ended()) {
      board_.finished.store(true, std::memory_order_release);
    }
    if (!busy) {
      interruptions_.idle_turn(idle_since_ns, now);
    }
    idle_since_ns = pace.turn(busy, now) ? platform::monotonic_ns() : now;
    self.beat.fetch_add(1, std::memory_order_relaxed);
  }
  platform::unseal_thread();
  if (takes_in) {
    ingress_.stop_on_this_thread();
  }
}

void Node::write_image() {
  if (frozen_sequence_ > writer_.durable_sequence()) {
    return;  // never ahead of the journal
  }
  const Bytes frozen(frozen_.data(), frozen_used_);
  belief::ImagePosition position{};
  position.batch = frozen_batch_;
  position.digest = frozen_digest_;
  std::memcpy(position.plan_hash, segment_header_.plan_hash, sizeof position.plan_hash);
  image_tracks_.clear();
  // The frozen state begins with what Shard::freeze puts first: progress, scalars, then the tracks.
  Thawer in(frozen);
  in.get<engine::Progress>();
  in.get<std::int64_t>();
  in.get<std::uint32_t>();
  in.get<std::uint32_t>();
  in.get<std::uint64_t>();
  in.get<std::uint32_t>();
  const auto count = in.get<std::uint32_t>();
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    in.get<std::uint32_t>();
    image_tracks_.push_back(in.get<Track>());
  }
  image_problem_ = image_.write(position, frozen, image_tracks_);
  if (image_problem_.empty()) {
    images_written_.fetch_add(1, std::memory_order_relaxed);
  }
  writer_.keep_frozen(frozen, frozen_batch_);
  frozen_state_.store(kIdle, std::memory_order_release);
}

void Node::journal_loop() {
  platform::make_hot({"journal", -1, 0});
  std::int64_t last_image_ns = platform::monotonic_ns();
  const std::int64_t commit_ns = plan_.limits()->commit_ns();
  for (;;) {
    const bool stopping = stop_journal_.load(std::memory_order_acquire);
    if (!stopping && commit_ns > 0 && !clock_.stepped() && batches_.size() != 0) {
      platform::rest_ns(std::min<std::int64_t>(commit_ns, 999'999'999));  // company for the group
    }
    const bool wrote = writer_.step(batches_);
    const std::int64_t now = platform::monotonic_ns();
    if ((now - last_image_ns > plan_.limits()->checkpoint_ns() || writer_.wants_frozen()) &&
        frozen_state_.load(std::memory_order_relaxed) == kIdle) {
      last_image_ns = now;
      frozen_state_.store(kWanted, std::memory_order_release);
    }
    if (frozen_state_.load(std::memory_order_acquire) == kReady) {
      write_image();
    }
    if (!wrote) {
      if (stopping && (batches_.size() == 0 || writer_.last_error() != 0)) {
        break;
      }
      platform::rest_ns(clock_.stepped() ? 50'000 : 200'000);
    }
  }
}

void Node::drain_log() {
  for (auto text = log_.peek(); !text.empty(); text = log_.peek()) {
    if (options_.on_log) {
      options_.on_log(as_text(text));
    }
    log_.release();
  }
  for (auto record = told_.peek(); !record.empty(); record = told_.peek()) {
    const auto* event = reinterpret_cast<const EventHeader*>(record.data());
    if (options_.on_event) {
      options_.on_event(*event, Bytes(payload_of(event), event->payload_bytes));
    }
    told_.release();
  }
}

void Node::serve_control() {
  if (!control_.valid()) {
    return;
  }
  for (;;) {
    auto client = platform::accept_unix(control_.get());
    if (!client) {
      return;
    }
    std::uint8_t request[kRequestBytes];
    if (platform::wait_readable(client.value().get(), 200)) {
      const auto got = platform::receive_now(client.value().get(), request);
      const std::string_view text =
          got > 0 ? as_text(Bytes(request, static_cast<std::size_t>(got))) : std::string_view{};
      const std::string answer = answer_to(text.substr(0, text.find('\n')));
      platform::write_now(client.value().get(), as_bytes(answer + "\n"));
    }
  }
}

// status | interruptions | hold | resume | acknowledge KEY | cancel EVENT | requeue EVENT HEX,
// where HEX is the action's intent. Interruptions are pairs of monotonic ns: when one began and
// what it took.
std::string Node::answer_to(std::string_view request) {
  const std::string_view word = next_field(request, ' ');
  if (word == "status") {
    return status_json();
  }
  if (word == "interruptions") {
    std::string text;
    JsonWriter<std::string> json(text);
    json.begin_object().key("interruptions").begin_array();
    interruptions_.for_each(
        [&](std::int64_t from_ns, std::int64_t took_ns) { json.value(from_ns).value(took_ns); });
    json.end_array().end_object();
    return text;
  }
  Requeue order{};
  if (word == "hold" || word == "resume") {
    order.command.kind = word == "hold" ? CommandKind::hold : CommandKind::resume;
  } else if (word == "acknowledge") {
    order.command.kind = CommandKind::acknowledge;
    const auto key = parse_unsigned(request);
    if (!key || *key == 0) {
      return R"({"error":"no track is named"})";
    }
    order.command.target = *key;
  } else if (word == "cancel" || word == "requeue") {
    order.command.kind = word == "cancel" ? CommandKind::cancel : CommandKind::requeue;
    const auto target = parse_unsigned(next_field(request, ' '));
    if (!target || *target == 0) {
      return R"({"error":"no event is named"})";
    }
    order.command.target = *target;
    if (word == "requeue" && !parse_hex(request, {reinterpret_cast<std::uint8_t*>(&order.intent),
                                                  sizeof order.intent})) {
      return R"({"error":"the action is not whole"})";
    }
  } else {
    return R"({"error":"unknown request"})";
  }
  const std::size_t bytes =
      order.command.kind == CommandKind::requeue ? sizeof order : sizeof order.command;
  EventHeader header{};
  header.observed_ns = header.received_ns =
      clock_.stepped() ? board_.now_ns.load(std::memory_order_relaxed) : clock_.now_ns();
  header.payload_bytes = static_cast<std::uint16_t>(bytes);
  header.source = kNoSource;
  header.kind = EventKind::command;
  header.event_class = EventClass::critical;
  std::uint8_t* at = commands_.reserve(event_bytes(bytes));
  if (at == nullptr) {
    return R"({"error":"the node has more commands than it can take"})";
  }
  std::memcpy(at, &header, sizeof header);
  std::memcpy(at + sizeof header, &order, bytes);
  commands_.commit(event_bytes(bytes));
  return R"({"accepted":true})";
}

Node::Failure Node::run() {
  started_ns_ = platform::monotonic_ns();
  const Failure prepared = prepare();
  if (prepared.exit_code != 0) {
    return prepared;
  }
  bool stepped = false;
  double speed = 1.0;
  for (const plan::Source* s : *plan_.sources()) {
    if (s->driver() == plan::DriverKind::recording) {
      stepped = stepped || s->max_speed();
      speed = s->speed();
    }
  }
  // After a restart time goes on from the last batch: the recording is taken up where it was left.
  const std::int64_t recorded = ingress_.recorded_start_ns();
  const std::int64_t base = recorded != 0 ? recorded : platform::realtime_ns();
  const std::int64_t resume_at = shard_.next_tick_ns();
  const bool recordings = ingress_.has_recordings();
  if (stepped) {
    clock_.start_stepped(std::max(base, fresh_ ? 0 : resume_at));
  } else if (recordings && recorded != 0) {
    clock_.start_scaled(std::max(base, fresh_ ? 0 : resume_at), speed);
  } else if (speed != 1.0) {
    clock_.start_scaled(platform::realtime_ns(), speed);
  } else if (!fresh_ && resume_at > platform::realtime_ns()) {
    // A clock without a battery, say: what is recorded has happened, so time goes on from there.
    clock_.start_scaled(resume_at, 1.0);
    without_.push_back(
        "a clock that is right: it stands before the last record, from which time goes on");
  } else {
    clock_.start_live();
  }
  ingress_.set_node_start(base);
  std::thread journal([this] { journal_loop(); });
  std::thread ingress;
  std::vector<HotThread*> hot{&engine_thread_};
  if (!fused()) {
    hot.push_back(&ingress_thread_);
    ingress = std::thread([this] { ingress_loop(); });
  }
  std::thread engine([this] { engine_loop(); });
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
  const std::string hot_problem = engine_thread_.problem + ingress_thread_.problem;
  if (engine_thread_.grant.fifo && platform::fifo_is_throttled()) {
    without_.push_back("unthrottled SCHED_FIFO: resting 60 us in every ms");
  }
  Watchdog watchdog;
  const flatbuffers::String* device = plan_.cores()->watchdog_device();
  std::string problem;
  const auto seconds = [this] {
    return static_cast<double>(platform::monotonic_ns() - started_ns_) * 1e-9;
  };
  problem = watchdog.init(plan_.cores()->watchdog_ns(), device == nullptr ? "" : device->str());
  if (!problem.empty()) {
    without_.push_back("watchdog " + problem);
  }
  watchdog.watch("engine", engine_thread_.beat);
  if (!fused()) {
    watchdog.watch("ingress", ingress_thread_.beat);
  }
  for (const std::string& item : without_) {
    if (options_.on_lacking) {
      options_.on_lacking(item);
    }
  }
  double next_second = 1.0;
  int journal_error = 0;
  while (hot_problem.empty()) {
    if (!watchdog.look(platform::monotonic_ns())) {
      // What is on disk stays; a thread that hangs cannot be joined, so nothing is tidied up.
      drain_log();
      platform::end_process("watchdog: the " + std::string(watchdog.hung()) +
                            " thread does not turn; the node ends and is to be started again");
    }
    devices_.tend(platform::monotonic_ns());
    serve_control();
    drain_log();
    const bool told = options_.stop != nullptr && options_.stop->load(std::memory_order_relaxed);
    const bool over = options_.for_seconds > 0.0 && seconds() >= options_.for_seconds;
    if (told || over || board_.finished.load(std::memory_order_acquire)) {
      break;
    }
    if (const int error = writer_.last_error(); error != journal_error) {
      journal_error = error;
      if (options_.on_lacking) {
        options_.on_lacking(error != 0
                                ? "a journal: " + platform::error_text(error)
                                : std::string("nothing of it: the journal is written again"));
      }
    }
    if (options_.each_second && seconds() >= next_second) {
      next_second += 1.0;
      options_.each_second(health_problem());
    }
    platform::rest_ns(5'000'000);
  }
  watchdog.end();
  stop_hot_.store(true, std::memory_order_release);
  engine.join();
  if (ingress.joinable()) {
    ingress.join();
  }
  drain_log();
  stop_journal_.store(true, std::memory_order_release);
  journal.join();
  if (writer_.last_error() == 0) {
    Freezer freezer(frozen_);
    shard_.freeze(freezer);
    frozen_used_ = freezer.used();
    frozen_batch_ = shard_.progress().batch_number;
    frozen_digest_ = shard_.progress().digest;
    frozen_sequence_ = shard_.progress().last_sequence;
    write_image();
    writer_.close();
  }
  if (!hot_problem.empty()) {
    return {71, hot_problem};
  }
  return writer_.last_error() == 0
             ? Failure{}
             : Failure{74, "journal: " + platform::error_text(writer_.last_error())};
}

}  // namespace vedette::node
