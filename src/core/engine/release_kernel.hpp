// Purpose: the ways there are to release a ready set, and which of them this processor can run.
// Asked once at start; an engine is told, and gives the same order with each.
#pragma once

#include <cstdint>
#include <span>

namespace vedette::engine {

enum class ReleaseKernel : std::uint8_t { scalar = 0, sse, avx512, neon };

// The fastest last; never empty.
std::span<const ReleaseKernel> release_kernels();

}  // namespace vedette::engine
