// Purpose: counts what was carried to another plan, and what left.
#pragma once

#include <cstdint>

namespace vedette {

// How many of a kind the new plan took over, and how many it has no place for.
struct Carried {
  std::uint32_t kept;
  std::uint32_t left;
};
struct CarryReport {
  Carried tracks;      // left: the new table is smaller; the least valuable go
  Carried contacts;    // left: the sensors differ
  Carried raised;      // judgements; left: their assessment is gone, or is about something else
  Carried deliveries;  // actions under way; left: their action or sink is gone
  Carried waiting;     // held observations; left: their source is gone
  Carried sources;     // cursors and times; left: the source is gone
};
static_assert(sizeof(CarryReport) == 48);

}  // namespace vedette
