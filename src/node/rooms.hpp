// Purpose: the rooms of one node, in its memory: what its threads work on. In: a plan. Out: the
// rooms, with their memory taken; each opens what it needs by itself. Bound: the plan's memory, all
// taken here. Runs on: main makes them before any thread runs; then each belongs to the thread
// below.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/engine/shard.hpp"
#include "edge/ingress/ingress.hpp"
#include "edge/journal/writer.hpp"
#include "edge/sink/act.hpp"
#include "node/board.hpp"
#include "node/failure.hpp"
#include "node/mirror.hpp"
#include "node/topology.hpp"
#include "platform/clock.hpp"
#include "platform/device_keeper.hpp"
#include "platform/hot_thread.hpp"

namespace vedette::node {

struct Rooms {
  explicit Rooms(const plan::Plan& with) : plan(with) {}

  // Maps the arena; `without` gets what the machine lacks. `packets_taken`: the packet engine's
  // memory is not to be counted, because it is taken concurrently.
  Failure take_memory(bool packets_taken, std::vector<std::string>& without);
  // Creates what recovery needs. `data`: the data folder.
  void init(const std::string& data);
  // One thread for ingress and engine.
  bool fused() const { return plan.cores()->fused() || clock.stepped(); }

  const plan::Plan& plan;
  platform::Block block;
  Arena arena{nullptr, 0};
  std::span<std::uint8_t> shard_memory;  // for recovery
  platform::NodeClock clock;
  platform::DeviceKeeper devices;  // main
  ingress::Ingress ingress;        // ingress
  engine::Shard shard;             // engine
  sink::Act act;                   // engine
  journal::Writer writer;          // journal
  Mirror mirror;                   // mirror; its header names the exceptions
  Lanes lanes;
  Board board;
};

}  // namespace vedette::node
