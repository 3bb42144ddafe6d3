// Compiled for processors with vectors of 32 bytes: nothing of this file may be a function that
// other files have too, for the linker keeps one of them. tests/tidy/reach.py sees to that.
#if VEDETTE_WIDE_VECTORS
#include "core/perceive/four_tracks_kernel.hpp"

namespace vedette::perceive {

unsigned take_ordinary_wide(const std::array<Fix, kLanes>& fixes, unsigned wanted) {
  return take_ordinary_by<LanesOf<32>>(fixes, wanted);
}

}  // namespace vedette::perceive
#endif
