// Purpose: a node's disk as firmware/build-image lays it out: the boot state and two slots. In: the
// disk, or a file in its place. Out: states and slot heads; a power cut leaves the old or the new.
// Errors are texts. Runs on: cold threads.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "edge/firmware/boot_steps.hpp"
#include "edge/firmware/slot_facts.hpp"
#include "platform/block_device.hpp"

namespace vedette::firmware {

struct Area {
  std::uint64_t offset = 0, bytes = 0;
};

class SlotDisk {
 public:
  // Empty, or the error.
  std::string open(const std::string& path, bool write);
  const platform::BlockDevice& device() const { return device_; }
  Area slot(std::uint32_t index) const { return slots_[index]; }

  // The newest valid copy; nothing if neither is valid.
  std::optional<VedetteBootState> read_state() const;
  // Increments its sequence and overwrites the older copy.
  std::string write_state(VedetteBootState& state) const;
  // Nothing for an empty slot.
  std::optional<VedetteSlot> read_head(std::uint32_t index) const;
  SlotHeads read_heads() const;
  // Whether the image matches its head.
  bool is_whole(std::uint32_t index, const VedetteSlot& head) const;
  SlotFacts read_facts(std::uint32_t index) const;
  // Adds the checksum and writes it; a zeroed head empties the slot.
  std::string write_head(std::uint32_t index, VedetteSlot head) const;

 private:
  platform::BlockDevice device_;
  Area state_;
  std::array<Area, VEDETTE_SLOTS> slots_;
};

// The disk with this machine's data partition; nothing if it was not started from an image.
std::optional<std::string> own_disk();

}  // namespace vedette::firmware
