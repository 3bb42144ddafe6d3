// Compiled for processors with vectors of 32 bytes: nothing of this file may be a function that
// other files have too, for the linker keeps one of them. tests/tidy/reach.py sees to that.
#if VEDETTE_WIDE_VECTORS
#include "core/assess/four_screens_kernel.hpp"

namespace vedette::assess {

void Screens::ask_four_wide(std::span<const Zone> zones, const View& view, const FourTracks& tracks,
                            NumbersOfFour& numbers) const {
  ask_four_by<LanesOf<32>>(zones, view, tracks, numbers);
}

}  // namespace vedette::assess
#endif
