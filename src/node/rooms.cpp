#include "node/rooms.hpp"

#include "node/memory_plan.hpp"
#include "platform/machine.hpp"

namespace vedette::node {

Failure Rooms::take_memory(bool packets_taken, std::vector<std::string>& without) {
  const std::size_t bytes = arena_bytes(plan);
  // All memory is locked, and a machine without enough would kill the process silently.
  std::size_t whole = bytes;
  for (const RoomMemory& room : memory_outside_arena(plan)) {
    whole += room.bytes;
  }
  whole -= packets_taken ? packet_bytes(plan) : 0;
  // Huge pages help only if they hold the whole block.
  const std::uint64_t huge = platform::free_huge_bytes();
  const bool in_huge = plan.cores()->huge_pages() && huge >= bytes;
  if (const std::uint64_t there = platform::available_memory() + (in_huge ? huge : 0);
      there != 0 && there < whole) {
    return {71, "not enough memory: the plan needs " + std::to_string(whole >> 20) + " MiB, " +
                    std::to_string(there >> 20) +
                    " MiB are free; lower [limits] tracks, contacts, pending_actions or "
                    "waiting_events"};
  }
  block = platform::map_block(bytes, plan.cores()->huge_pages());
  if (block.base == nullptr) {
    return {71,
            "not enough memory: the plan needs " + std::to_string(bytes) + " bytes in one piece"};
  }
  if (plan.cores()->huge_pages() && !block.huge) {
    without.emplace_back("huge pages: too few are free (see `vedette doctor`, huge-pages)");
  }
  arena = Arena(block.base, block.bytes);
  return {};
}

void Rooms::init(const std::string& data) {
  shard_memory = arena.room(engine::Shard::bytes_needed(plan));
  mirror.init(arena, plan, data, journal_folder(data));
  lanes.init(arena, plan);
}

}  // namespace vedette::node
