// Purpose: a disk that loses at a power cut what was written and not synced. Linked in front of the
// journal's ordinary calls (--wrap); what goes through io_uring it does not see.
#pragma once

#include <cstdint>

namespace vedette::sim {

// Every write since the last sync of its file is undone, or only some: each bit of `lost` says so
// of one of them, the newest first.
void power_cut(std::uint64_t lost);

}  // namespace vedette::sim
