// Purpose: changes of the boot state by installs, trials, operators and a watch that came up, and
// its description in words. boot_choice.h has the selector's part. Pure: reads and writes no disk.
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

// Head of each slot; nothing for an empty one.
using SlotHeads = std::array<std::optional<VedetteSlot>, VEDETTE_SLOTS>;

// Returns the slot for the next version and clears what is recorded of it. Never the running slot.
std::uint32_t clear_for_install(VedetteBootState& state);
// Whether the next start runs another version than the present.
bool needs_restart(const VedetteBootState& state);
// No older version may be installed: set by versions confirmed before or now.
std::uint64_t least_version(const VedetteBootState& state, const SlotHeads& heads);
void put_on_trial(VedetteBootState& state, std::uint32_t slot, std::uint64_t version,
                  std::uint32_t starts);

// Confirms the running trial. Empty, or the error.
std::string confirm(VedetteBootState& state, const SlotHeads& heads);
// Ends a trial (`end`, with its note). Without a trial, confirms the other slot: only a version
// that was confirmed and ran well, or any with `force`.
std::string roll_back(VedetteBootState& state, const SlotHeads& heads, std::uint32_t end,
                      std::string_view note, bool force = false);
// The confirmed version watches; `well`: it has been healthy as long as a trial must be. False when
// the state knows it already.
bool came_up(VedetteBootState& state, bool well);

void set_note(VedetteBootState& state, std::string_view text);
std::string_view note_of(const VedetteBootState& state);
std::string_view text_of_end(std::uint32_t end);
// Sentences for an operator: what runs, how the last trial ended and why, where a rollback leads.
std::vector<std::string> in_words(const VedetteBootState& state, const SlotHeads& heads);

}  // namespace vedette::firmware
