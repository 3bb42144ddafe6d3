// Purpose: the disks of this machine: what each is, and whether something of the running system is
// on it. In: /sys/class/block, /proc/mounts and /proc/swaps below a root, so that it can be tested.
// Runs on: cold threads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace vedette::platform {

struct Disk {
  std::string name;  // "sdb"
  std::string model, serial;
  std::uint64_t bytes = 0;
  bool removable = false;  // its medium, or all of it by USB or as a card
  bool read_only = false;
  std::vector<std::string> used;  // "/mnt on sdb1", "swap on sdb2", "sdb1 below dm-0"
};

// Whole disks only; without those that are made of memory or of other disks.
std::vector<Disk> list_disks(const std::string& root);
// The name of the block device behind a path ("sdb", "sdb1"); empty when it is none.
std::string disk_name_of(const std::string& root, const std::string& path);

}  // namespace vedette::platform
