// Purpose: updates: installs a bundle in the idle slot, on trial; confirms or rolls back. Never
// touches the running slot: a power cut at any moment leaves the confirmed slot intact. Runs on:
// cold threads.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "edge/firmware/bundle.hpp"
#include "edge/firmware/slot_disk.hpp"

namespace vedette::firmware {

struct Installed {
  Refusal refusal = Refusal::none;
  std::string detail;  // what a refusal found
  std::uint32_t slot = 0;
};
// `starts`: starts that the new version has to confirm itself. `progress` gets bytes written and
// bytes in all.
Installed install(const Bundle& bundle, const SlotDisk& disk, std::string_view board,
                  std::uint32_t starts,
                  const std::function<void(std::uint64_t, std::uint64_t)>& progress);

// As in boot_steps.hpp, on the disk's boot state. Empty, or the error.
std::string confirm(const SlotDisk& disk);
std::string roll_back(const SlotDisk& disk, std::uint32_t end, std::string_view note,
                      bool force = false);
std::string came_up(const SlotDisk& disk, bool well);

// A JSON object: the running and the confirmed slot with their versions, the last trial's end and
// reason, each slot's history, and all that in words; `refused`: the last refused bundle, if any.
std::string status_json(const SlotDisk& disk, std::string_view refused = {});

}  // namespace vedette::firmware
