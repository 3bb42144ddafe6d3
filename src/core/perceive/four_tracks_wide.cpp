// Compiled for vectors of 32 bytes. It must share no function with other files, because the linker
// keeps only one copy; tests/tidy/reach.py checks that.
#if VEDETTE_WIDE_VECTORS
#include "core/perceive/four_tracks_kernel.hpp"

namespace vedette::perceive {

unsigned take_ordinary_wide(const std::array<Fix, kLanes>& fixes, unsigned wanted) {
  return take_ordinary_by<LanesOf<32>>(fixes, wanted);
}

}  // namespace vedette::perceive
#endif
