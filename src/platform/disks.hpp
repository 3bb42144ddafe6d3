// Purpose: the disks of this machine: what each is, and whether the running system uses it.
// In: /sys/class/block, /proc/mounts and /proc/swaps below a root, so that tests can supply it.
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
  bool removable = false;  // removable medium, USB, or a memory card
  bool read_only = false;
  std::vector<std::string> used;  // "/mnt on sdb1", "swap on sdb2", "sdb1 below dm-0"
};

// Whole disks only; none made of memory or of other disks.
std::vector<Disk> list_disks(const std::string& root);
// The name of the block device behind a path ("sdb", "sdb1"); empty for other files.
std::string disk_name_of(const std::string& root, const std::string& path);

}  // namespace vedette::platform
