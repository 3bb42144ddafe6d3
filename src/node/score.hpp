// Purpose: measures how well a site tracks: runs a capture through its codecs and engine at full
// speed, and compares the tracks with the truth at every scan. In: a plan, a capture, the truth.
// Out: GOSPA and its parts, errors, identity switches, and paths to draw. Bound: kAssignContacts
// targets. Runs on: a cold thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/geo.hpp"
#include "model/plan_generated.h"

namespace vedette::node {

struct TruthPoint {
  std::int64_t ns;
  Place place;
};
// By name, each ordered by time.
using Truth = std::map<std::string, std::vector<TruthPoint>>;

// Reads "time [Unix s],target,latitude,longitude" below a heading. Empty on success, else the error
// with its line.
std::string parse_truth(std::string_view text, Truth& out);

struct Score {
  // Generalised optimal sub-pattern assignment (Rahmathullah, Garcia-Fernandez, Svensson 2017) with
  // c = 20 m, p = 2, alpha = 2: the mean over scans, and the root mean square of its parts.
  double gospa_m = 0, localisation_m = 0, missed_m = 0, false_m = 0;
  double rmse_m = 0;          // of assigned pairs
  double missed = 0;          // share of targets without a track, over scans
  double false_per_scan = 0;  // tracks without a target
  double time_to_confirm_s = 0;
  double nees = 0;  // normalised estimation error squared of the position: 2 when consistent
  double nis = 0;   // normalised innovation squared: 2 when consistent
  std::uint64_t id_switches = 0, scans = 0, targets = 0, tracks = 0, events = 0;
  std::uint64_t digest = 0;
  std::map<std::string, std::vector<TruthPoint>> paths;  // of tracks, by number
};
// Empty on success.
std::string score_capture(const plan::Plan& plan, const std::vector<std::uint8_t>& capture,
                          const std::string& name, const Truth& truth, Score& out);

std::string score_svg(const Truth& truth, const Score& score);

}  // namespace vedette::node
