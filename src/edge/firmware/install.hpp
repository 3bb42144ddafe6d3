// Purpose: updates: a bundle into the idle slot, a trial that confirms itself or is given up, and
// the way back. Nothing here touches the slot that runs. A power cut at any moment leaves the
// confirmed slot as it was. Runs on: cold threads.
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
  std::string detail;  // of a refusal: what was seen
  std::uint32_t slot = 0;
};
// `starts`: how often the new version may be started before it must have confirmed itself.
// `progress` hears how many of all bytes are written.
Installed install(const Bundle& bundle, const SlotDisk& disk, std::string_view board,
                  std::uint32_t starts,
                  const std::function<void(std::uint64_t, std::uint64_t)>& progress);

// The same as of a boot state (boot_steps.hpp), read from the disk and written to it. Empty, or
// what is wrong.
std::string confirm(const SlotDisk& disk);
std::string roll_back(const SlotDisk& disk, std::uint32_t end, std::string_view note,
                      bool force = false);
std::string came_up(const SlotDisk& disk, bool well);

// A JSON object: the running and the confirmed slot with their versions, how the last trial ended
// and why, what is known of each slot, and all that in words; `refused`:
// the last bundle that was refused, if any.
std::string status_json(const SlotDisk& disk, std::string_view refused = {});

}  // namespace vedette::firmware
