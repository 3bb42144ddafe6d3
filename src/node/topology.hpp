// Purpose: the node's threads and the lanes between them, in one table: who writes, who reads, how
// much fits, what happens when a lane is full. In: a plan. Out: the tables; the lanes that no room
// owns. Bound: as the table says, in the arena. Runs on: main makes them; each lane's two ends are
// in the table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/lane.hpp"
#include "edge/ingress/ingress.hpp"
#include "model/plan_generated.h"

namespace vedette::node {

enum class Worker : std::uint8_t { engine, ingress, journal, hand, mirror, image, main };

struct WorkerFacts {
  Worker worker;
  std::string_view name, does;
  bool may_wait;  // false: pinned, real time, sealed against allocation
};
std::span<const WorkerFacts> worker_facts();
std::string_view name_of(Worker worker);
// The core that the plan gives it; -1: any other core.
int core_of(const plan::Plan& plan, Worker worker);

struct LaneSize {
  std::size_t records, bytes;
};
struct LaneFacts {
  std::string_view name;
  Worker writer, reader;
  std::string_view carries, when_full;
  LaneSize (*size)(const plan::Plan& plan);
};
// All lanes but those of the sources.
std::span<const LaneFacts> lane_facts();
const LaneFacts& lane_facts(std::string_view name);
// The same facts of one source's lane.
struct SourceLane {
  std::string name;  // "source.NAME"
  LaneSize size;
  std::string_view when_full;
};
SourceLane source_lane(const plan::Source& source);

struct Lanes {
  static std::size_t batch_bytes(const plan::Plan& plan);  // of the arena, for `batches`
  static std::size_t other_bytes(const plan::Plan& plan);  // for the others
  void init(Arena& arena, const plan::Plan& plan);
  // Once ingress has its lanes: fills `admitted`.
  void order(const plan::Plan& plan, ingress::Ingress& ingress);
  // Whether a lane of the most urgent class has an event.
  bool critical_waits();

  Lane batches, outcomes, commands, faults, log, told;
  std::vector<Lane*> admitted;  // by the engine, in this order among events of equal urgency
  std::size_t critical = 0;     // how many of them, from the first
};

}  // namespace vedette::node
