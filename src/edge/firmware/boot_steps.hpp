// Purpose: what installing, a trial, an operator and a watch that came up make of the boot state,
// and what it says in words. The selector's part is boot_choice.h. Pure: reads and writes no disk.
// Runs on: cold threads.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "edge/firmware/boot_choice.h"

namespace vedette::firmware {

// What stands in each slot; nothing where it is empty.
using SlotHeads = std::array<std::optional<VedetteSlot>, VEDETTE_SLOTS>;

// The slot that the next version goes into; from now on nothing is known of what stands there. It
// is never the one that runs.
std::uint32_t clear_for_install(VedetteBootState& state);
// The version that runs is not the one that the next start runs.
bool needs_restart(const VedetteBootState& state);
// Nothing older is installed: what was ever confirmed here asked for that, or what is now.
std::uint64_t least_version(const VedetteBootState& state, const SlotHeads& heads);
void put_on_trial(VedetteBootState& state, std::uint32_t slot, std::uint64_t version,
                  std::uint32_t starts);

// The running trial holds. Empty, or what is wrong.
std::string confirm(VedetteBootState& state, const SlotHeads& heads);
// The trial is over (`end`, with its note). Without one, the other slot becomes the confirmed one:
// only a version that was confirmed and ran well, or with `force` any that is there.
std::string roll_back(VedetteBootState& state, const SlotHeads& heads, std::uint32_t end,
                      std::string_view note, bool force = false);
// The confirmed version watches; `well`: and was healthy for as long as a trial must be. False when
// that is no news.
bool came_up(VedetteBootState& state, bool well);

void set_note(VedetteBootState& state, std::string_view text);
std::string_view note_of(const VedetteBootState& state);
std::string_view text_of_end(std::uint32_t end);
// Sentences for an operator: what runs, how the last trial ended and why, where one can go back to.
std::vector<std::string> in_words(const VedetteBootState& state, const SlotHeads& heads);

}  // namespace vedette::firmware
