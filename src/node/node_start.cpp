// What a node does before it runs: memory, and opening all it needs.
#include <algorithm>
#include <bit>
#include <cstring>
#include <span>
#include <thread>

#include "node/identity.hpp"
#include "node/node.hpp"
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

// Used stacks, the C library's memory, rings: as measured, for any plan. Packet ports have their
// own.
constexpr std::size_t kLibraryBytes = std::size_t{5} << 19;
constexpr std::size_t kLogBytes = 1 << 18;
constexpr std::size_t kLogRecords = 512;
constexpr std::size_t kCommands = 64;
constexpr std::size_t kCommandBytes = 1 << 16;
constexpr std::size_t kFaults = 16;
constexpr std::size_t kFaultBytes = 1 << 12;

std::size_t batch_lane_bytes(const plan::Plan& plan) {
  return std::max<std::size_t>(plan.limits()->batch_lane_bytes(),
                               4 * engine::batch_bytes_bound(plan));
}
// Enough records to fill the bytes with batches of one event, so that the bytes decide how long a
// disk may stall.
std::size_t batch_records(const plan::Plan& plan) {
  return std::bit_ceil(batch_lane_bytes(plan) /
                       (sizeof(BatchHeader) + align_up(kEventBytes, Lane::kAlignment)));
}
std::size_t outcome_records(const plan::Plan& plan) {
  return std::bit_ceil(2 * static_cast<std::size_t>(plan.limits()->pending_actions()));
}
std::size_t outcome_bytes(const plan::Plan& plan) {
  return outcome_records(plan) * align_up(event_bytes(sizeof(ActionOutcome)), Lane::kAlignment);
}

}  // namespace

std::vector<RoomMemory> memory_plan(const plan::Plan& plan) {
  return {
      {"ingress", ingress::Ingress::bytes_needed(plan)},
      {"shard (belief, assess, decide)", engine::Shard::bytes_needed(plan)},
      {"act", sink::Act::bytes_needed(plan) +
                  Lane::bytes_needed(outcome_records(plan), outcome_bytes(plan)) +
                  Lane::bytes_needed(kCommands, kCommandBytes) +
                  Lane::bytes_needed(kFaults, kFaultBytes) +
                  2 * Lane::bytes_needed(kLogRecords, kLogBytes)},
      {"batches", Lane::bytes_needed(batch_records(plan), batch_lane_bytes(plan))},
      {"mirror", Mirror::bytes_needed(plan)},
  };
}

namespace {

std::size_t packet_bytes_of(const plan::Plan& plan) {
  return platform::packet_memory_bytes(ingress::packet_devices(plan).size());
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
  const std::size_t frozen = engine::frozen_bytes_bound(plan);
  return {
      {"receive buffers", ingress::Ingress::receive_buffer_bytes(plan)},
      {"journal", journal::Writer::bytes_needed(plan.limits()->segment_bytes(),
                                                engine::batch_bytes_bound(plan), frozen)},
      {"evidence", journal::Evidence::bytes_needed(
                       plan.limits()->evidence_bytes(),
                       journal::Writer::longest_block(plan.limits()->segment_bytes(),
                                                      engine::batch_bytes_bound(plan)))},
      {"mirror's states, belief image", Mirror::bytes_outside_arena(plan)},
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

namespace {

Node::Failure io(std::string message) {
  return {74, std::move(message)};
}

}  // namespace

Node::Failure Node::prepare() {
  const Failure opened = open_data_folder();
  if (opened.exit_code != 0) {
    return opened;
  }
  const Failure taken = take_memory();
  if (taken.exit_code != 0) {
    return taken;
  }
  Arena arena(block_.base, block_.bytes);
  const Failure recovered = recover(init_lanes(arena));
  if (recovered.exit_code != 0) {
    return recovered;
  }
  // Waits for the disk in parallel; the prepared segment is no part of the journal yet.
  std::string journal_problem;
  std::jthread opening([&] { journal_problem = writer_.prepare(writer_options_); });
  const Failure ports = open_ports(arena);
  if (ports.exit_code != 0) {
    return ports;
  }
  arena.seal();
  order_lanes();
  if (const int error = control_.listen(options_.data + "/control.sock"); error != 0) {
    without_.push_back("control socket: " + platform::error_text(error) +
                       "; `vedette status` and other requests cannot reach this node");
  }
  platform::trim_heap();  // releases recovery's memory
  opening.join();
  if (!journal_problem.empty()) {
    return io(journal_problem);
  }
  if (!writer_.has_ring()) {
    without_.push_back(
        "io_uring for the journal: writes take longer (see `vedette doctor`, io-uring)");
  }
  const std::string problem = platform::lock_memory();
  if (!problem.empty()) {
    without_.push_back("locked memory: " + problem + " (see `vedette doctor`, memlock)");
  }
  return {};
}

Node::Failure Node::open_data_folder() {
  if (const std::string why = journal::why_other_layout(options_.data); !why.empty()) {
    return unfit(why);
  }
  for (const std::string& folder : {journal_folder(options_.data), options_.data + "/plans"}) {
    if (const int error = platform::make_folders(folder); error != 0) {
      return io(folder + ": " + platform::error_text(error));
    }
  }
  std::string holder;
  auto lock = platform::Folder(options_.data).lock(holder);
  if (!lock) {
    return lock.error() == EWOULDBLOCK
               ? Failure{75, "another node is using " + options_.data +
                                 (holder.empty() ? "" : ": " + holder + " holds its lock")}
               : io("cannot lock " + options_.data + ": " + platform::error_text(lock.error()));
  }
  lock_ = std::move(lock).value();
  if (const int error = platform::unwritable(options_.data); error != 0) {
    return io(options_.data + ": " + platform::error_text(error));
  }
  const platform::Sha256 hash = platform::sha256(plan_bytes_);
  std::memcpy(segment_header_.plan_hash, hash.data(), hash.size());
  identity_ = identity_of_folder(options_.data);
  if (!identity_.problem.empty()) {
    return io(identity_.problem);
  }
  if (!identity_.told.empty()) {
    without_.push_back(identity_.told);
  }
  segment_header_.node = identity_.node;
  return {};
}

Node::Failure Node::take_memory() {
  const std::size_t bytes = arena_bytes_of(plan_);
  // All memory is locked, and a machine without enough would kill the process silently.
  std::size_t whole = bytes;
  for (const RoomMemory& room : memory_outside_arena(plan_)) {
    whole += room.bytes;
  }
  if (options_.before_ports) {  // the packet engine takes its memory concurrently
    whole -= packet_bytes_of(plan_);
  }
  // Huge pages help only if they hold the whole block.
  const std::uint64_t huge = platform::free_huge_bytes();
  const bool in_huge = plan_.cores()->huge_pages() && huge >= bytes;
  if (const std::uint64_t there = platform::available_memory() + (in_huge ? huge : 0);
      there != 0 && there < whole) {
    return {71, "not enough memory: the plan needs " + std::to_string(whole >> 20) + " MiB, " +
                    std::to_string(there >> 20) +
                    " MiB are free; lower [limits] tracks, contacts, pending_actions or "
                    "waiting_events"};
  }
  block_ = platform::map_block(bytes, plan_.cores()->huge_pages());
  if (block_.base == nullptr) {
    return {71,
            "not enough memory: the plan needs " + std::to_string(bytes) + " bytes in one piece"};
  }
  if (plan_.cores()->huge_pages() && !block_.huge) {
    without_.push_back("huge pages: too few are free (see `vedette doctor`, huge-pages)");
  }
  return {};
}

// Creates what recovery needs; returns the shard's part of the arena.
std::span<std::uint8_t> Node::init_lanes(Arena& arena) {
  const std::span<std::uint8_t> shard_memory = arena.room(engine::Shard::bytes_needed(plan_));
  mirror_.init(arena, plan_, options_.data, journal_folder(options_.data));
  batches_.init(arena, batch_records(plan_), batch_lane_bytes(plan_));
  outcomes_.init(arena, outcome_records(plan_), outcome_bytes(plan_));
  commands_.init(arena, kCommands, kCommandBytes);
  faults_.init(arena, kFaults, kFaultBytes);
  log_.init(arena, kLogRecords, kLogBytes);
  told_.init(arena, kLogRecords, kLogBytes);
  return shard_memory;
}

// Sources resume after their last accepted record.
Node::Failure Node::open_ports(Arena& arena) {
  std::vector<std::uint64_t> resume;
  const auto sources = static_cast<std::uint16_t>(plan_.sources()->size());  // at most kSources
  for (std::uint16_t s = 0; s < sources; ++s) {
    resume.push_back(plan_.sources()->Get(s)->lossless() ? shard_.last_record(s) : 0);
  }
  if (options_.before_ports) {
    options_.before_ports();
  }
  std::string problem = ingress_.init(arena, plan_, devices_, options_.recordings, resume);
  if (!problem.empty()) {
    return {ingress_.recording_unfit() ? 65 : 66, problem};
  }
  act_.echo_to_log(options_.echo_actions);
  act_.wait_for_network(options_.network);
  if (act_.network_is_there()) {  // before the network is up all of it is still to come
    without_.insert(without_.end(), ingress_.lacking().begin(), ingress_.lacking().end());
  }
  problem = act_.init(arena, plan_, devices_, &log_);
  return problem.empty() ? Failure{} : io(problem);
}

// Order of lanes of equal urgency; outcomes come after critical lanes, because they release waiting
// work.
void Node::order_lanes() {
  const auto sources = static_cast<std::uint16_t>(plan_.sources()->size());  // at most kSources
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
}

}  // namespace vedette::node
