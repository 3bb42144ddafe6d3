// Purpose: the disk under a simulated node: it refuses, takes its time, and at a power cut loses
// what was not synced: writes, in part or whole, and files that were made, renamed or removed.
// In: the process's own file calls below one folder (linked with --wrap).
// Out: the same calls, performed, refused or undone. Bound: one disk a process, because those calls
// carry no context.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "sim/random.hpp"

namespace vedette::sim {

enum class Refusal : std::uint8_t {
  nothing,
  full,       // files do not grow, and none is made
  all_full,   // nothing is written, not even over what is there
  broken,     // writes and syncs fail, some of them after a part
  read_only,  // nothing is opened for writing, renamed or removed either
};

struct DiskCounters {
  std::uint64_t syncs = 0, refused = 0;
  std::uint64_t lost_writes = 0, torn_writes = 0, lost_names = 0;  // by power cuts
};

// A new disk for what lies below `folder`. What is removed is kept in `aside`, on the same file
// system, until its folder is synced.
void begin_disk(const std::string& folder, const std::string& aside, Random& random);
// `wait` is called while a sync is under way: others go on meanwhile.
void while_syncing(std::function<void()> wait);
void set_refusal(Refusal refusal);
Refusal refusal();
// The process has been killed: what it still calls changes nothing.
void stop_disk();
// The next process begins; with `power_cut` it finds only what is on disk.
void restart_disk(bool power_cut);
const DiskCounters& disk_counters();

}  // namespace vedette::sim
