// Purpose: bits that nobody can guess, from the kernel. Runs on: cold threads; at boot it waits
// until the kernel has gathered enough.
#pragma once

#include <cstdint>
#include <optional>

namespace vedette::platform {

// Nothing where the system gives none.
std::optional<std::uint64_t> random_bits();

}  // namespace vedette::platform
