// Purpose: a disk that loses unsynced writes at a power cut. Linked in front of the journal's
// ordinary calls (--wrap); it does not see io_uring.
#pragma once

#include <cstdint>

namespace vedette::sim {

// Undoes writes since their file's last sync, each if its bit in `lost` is set, the newest first.
void power_cut(std::uint64_t lost);

}  // namespace vedette::sim
