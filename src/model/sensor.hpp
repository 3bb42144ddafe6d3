// Purpose: the sensor that sees things without knowing what they are: where it stands, what it can
// see and how well; declared in the plan.
#pragma once

#include <cstdint>
#include <span>

#include "base/geo.hpp"
#include "model/zone.hpp"

namespace vedette {

struct Sensor {
  std::uint16_t source;              // index in the plan
  std::uint16_t id;                  // as Observation::sensor
  bool on_own;                       // it moves with own ship
  bool turns;                        // a scan lasts a turn; else each datagram is a whole scan
  Place place;                       // where it stands, unless it moves
  double range_min, range_max;       // m
  double sector_from, sector_width;  // degrees clockwise from north; a width of 360 is all round
  double update_s;                   // one scan
  double range_sigma;                // m
  double azimuth_sigma;              // rad
  double extent_sigma;               // m: where on a target of its usual size the report lies
  double near_side_m;                // a report lies so much nearer than the target's middle
  double resolution;                 // m: two reports closer than this are one thing
  double detection;                  // probability that a scan reports what is there
  double hidden;                     // share of the time that a thing in its reach hides from it
  double clutter;                    // false reports per square metre and scan
  double delay_s;                    // its clock is so much later than what it saw
  double window_s;                   // reports so much older than the newest are still worked in
  double coast_s;                    // unseen for so long: coasting
  double delete_s;                   // unseen for so long: lost
  std::uint32_t confirm;             // reports until a contact may be confirmed
  std::uint64_t mask[4];             // bit i: reports from zone i are not of things that move
};

}  // namespace vedette
