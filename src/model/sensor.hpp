// Purpose: a sensor that detects things without identifying them: its position, coverage and
// accuracy, as declared in the plan.
#pragma once

#include <cstdint>
#include <span>

#include "base/geo.hpp"
#include "model/zone.hpp"

namespace vedette {

struct Sensor {
  std::uint16_t source;              // index in the plan
  std::uint16_t id;                  // as Observation::sensor
  bool on_own;                       // mounted on own ship
  bool turns;                        // one scan per revolution; else each datagram is a whole scan
  Place place;                       // position, unless mounted
  double range_min, range_max;       // m
  double sector_from, sector_width;  // degrees clockwise from north; a width of 360 is all round
  double update_s;                   // one scan
  double range_sigma;                // m
  double azimuth_sigma;              // rad
  double extent_sigma;               // m: spread of reports over a target of usual size
  double near_side_m;                // m: reports lie this much nearer than the target's middle
  double resolution;                 // m: closer reports merge into one
  double detection;                  // probability that a scan reports a target
  double hidden;                     // share of the time that a target in range is hidden
  double clutter;                    // false reports per square metre and scan
  double delay_s;                    // its clock is this much later than the detection
  double window_s;                   // reports this much older than the newest are still worked in
  double coast_s;                    // unseen this long: coasting
  double delete_s;                   // unseen this long: lost
  std::uint32_t confirm;             // reports needed before a contact may be confirmed
  std::uint64_t mask[4];             // bit i: zone i has only stationary clutter
};

}  // namespace vedette
