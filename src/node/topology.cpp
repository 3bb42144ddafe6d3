#include "node/topology.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include "base/check.hpp"
#include "core/engine/shard.hpp"
#include "node/mirror.hpp"

namespace vedette::node {
namespace {

constexpr std::array kWorkers{
    WorkerFacts{Worker::engine, "engine",
                "the shard's steps and sinks; ingress too, unless it has a core of its own", false},
    WorkerFacts{Worker::ingress, "ingress", "sources and codecs, with [cores] ingress", false},
    WorkerFacts{Worker::journal, "journal",
                "writes batches, hands them to the mirror, keeps evidence", true},
    WorkerFacts{Worker::hand, "hand",
                "hands the mirror what the disk takes too long for, begins a gap; never waits for "
                "the disk",
                true},
    WorkerFacts{Worker::mirror, "mirror", "replays batches in a second shard, compares them", true},
    WorkerFacts{Worker::image, "image", "writes the belief image", true},
    WorkerFacts{Worker::main, "main",
                "opens lines, answers the control socket, writes the log, feeds the watchdog",
                true},
};

constexpr LaneSize kLog{512, 1 << 18};
constexpr LaneSize kCommands{64, 1 << 16};
constexpr LaneSize kFaults{16, 1 << 12};

// Each action under way may leave unrecorded and end; as many again have just been given up.
std::size_t outcome_records(const plan::Plan& plan) {
  return std::bit_ceil(4 * static_cast<std::size_t>(plan.limits()->pending_actions()));
}
LaneSize outcomes_of(const plan::Plan& plan) {
  const std::size_t records = outcome_records(plan);
  return {records, records * align_up(event_bytes(sizeof(ActionOutcome)), Lane::kAlignment)};
}

// Enough records to fill the plan's bytes with batches of one event, so that the bytes decide how
// long a disk may stall; and the bytes of four large batches.
LaneSize batches_of(const plan::Plan& plan) {
  const std::size_t bytes = plan.limits()->batch_lane_bytes();
  return {std::bit_ceil(bytes / kSmallestBatchBytes),
          std::max<std::size_t>(bytes, 4 * engine::batch_bytes_bound(plan))};
}

LaneSize mirrored_of(const plan::Plan& plan) {
  return {Mirror::lane_records(plan), Mirror::lane_bytes(plan)};
}

// A test in tests/unit for each row says what happens when it is full ("lane NAME, full: ...").
constexpr std::array kLanes{
    LaneFacts{"commands", Worker::main, Worker::engine, "requests of people that change something",
              "the request is refused: the node has too many commands waiting "
              "(control.commands_refused)",
              [](const plan::Plan&) { return kCommands; }},
    LaneFacts{"outcomes", Worker::engine, Worker::engine,
              "what became of each action, and what left before the disk had it",
              "never: it has space for every action under way; a sink sends nothing whose outcome "
              "has no space",
              outcomes_of},
    LaneFacts{"faults", Worker::engine, Worker::engine,
              "what threads report about the node itself, as events",
              "the fault is no event but counted (faults_lost); its own counters go on",
              [](const plan::Plan&) { return kFaults; }},
    LaneFacts{"batches", Worker::engine, Worker::journal, "what each step made",
              "half full, and writes fail or the oldest batch has waited for a second: a gap; "
              "full: nothing is admitted until then",
              batches_of},
    LaneFacts{"mirrored", Worker::journal, Worker::mirror,
              "batches on disk, and those that the disk takes too long for",
              "the batch is passed over and counted (mirror.passed_over); the mirror reads it from "
              "the journal's files",
              mirrored_of},
    LaneFacts{"told", Worker::engine, Worker::main, "events for the log",
              "the line is lost and counted (log_lines_lost); the journal has the event",
              [](const plan::Plan&) { return kLog; }},
    LaneFacts{"log", Worker::engine, Worker::main, "texts of log sinks",
              "the attempt ends as sink-full", [](const plan::Plan&) { return kLog; }},
};

std::size_t bytes_of(std::string_view lane, const plan::Plan& plan) {
  const LaneSize size = lane_facts(lane).size(plan);
  return Lane::bytes_needed(size.records, size.bytes);
}

}  // namespace

std::span<const WorkerFacts> worker_facts() {
  return kWorkers;
}

std::string_view name_of(Worker worker) {
  return kWorkers[static_cast<std::size_t>(worker)].name;
}

int core_of(const plan::Plan& plan, Worker worker) {
  return worker == Worker::engine    ? plan.cores()->engine()
         : worker == Worker::ingress ? plan.cores()->ingress()
                                     : -1;
}

std::span<const LaneFacts> lane_facts() {
  return kLanes;
}

const LaneFacts& lane_facts(std::string_view name) {
  const auto* at = std::find_if(kLanes.begin(), kLanes.end(),
                                [&](const LaneFacts& lane) { return lane.name == name; });
  CHECK(at != kLanes.end(), "a lane of the table");
  return *at;
}

SourceLane source_lane(const plan::Source& source) {
  return {"source." + source.name()->str(),
          {ingress::Ingress::lane_records(source), ingress::Ingress::lane_bytes(source)},
          source.lossless()                          ? "reading pauses"
          : source.driver() >= plan::DriverKind::tcp ? "reading pauses for half a second, then the "
                                                       "event is refused as lane-full"
                                                     : "the event is refused as lane-full"};
}

std::size_t Lanes::batch_bytes(const plan::Plan& plan) {
  return bytes_of("batches", plan);
}

std::size_t Lanes::other_bytes(const plan::Plan& plan) {
  return bytes_of("outcomes", plan) + bytes_of("commands", plan) + bytes_of("faults", plan) +
         bytes_of("log", plan) + bytes_of("told", plan);
}

void Lanes::init(Arena& arena, const plan::Plan& plan) {
  const auto make = [&](Lane& lane, std::string_view name) {
    const LaneSize size = lane_facts(name).size(plan);
    lane.init(arena, size.records, size.bytes);
  };
  make(batches, "batches");
  make(outcomes, "outcomes");
  make(commands, "commands");
  make(faults, "faults");
  make(log, "log");
  make(told, "told");
}

// Outcomes come after critical lanes, because they release waiting work.
void Lanes::order(const plan::Plan& plan, ingress::Ingress& ingress) {
  const auto sources = static_cast<std::uint16_t>(plan.sources()->size());  // at most kSources
  admitted.assign(1, &commands);
  for (std::uint8_t c = 0; c < kEventClasses; ++c) {
    for (std::uint16_t s = 0; s < sources; ++s) {
      if (plan.sources()->Get(s)->event_class() == c) {
        admitted.push_back(&ingress.lane(s));
      }
    }
    if (c == static_cast<std::uint8_t>(EventClass::critical)) {
      critical = admitted.size();
      admitted.push_back(&outcomes);
      admitted.push_back(&faults);
    }
  }
}

bool Lanes::critical_waits() {
  for (std::size_t i = 0; i < critical; ++i) {
    if (!admitted[i]->peek().empty()) {
      return true;
    }
  }
  return false;
}

}  // namespace vedette::node
