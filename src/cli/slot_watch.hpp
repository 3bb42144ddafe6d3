// Purpose: what the first process of an image makes of its watch: a version on trial confirms
// itself or gives itself up, a confirmed one says that it came up and ran well, and what it goes
// without is kept for `update install`, so that a trial is asked for no more than the version
// before had. In: the watch's health, once a second. Out: the boot state, files below /run, a
// restart. When the disk refuses: said, and tried again a second later. Runs on: the main thread,
// which may wait.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "edge/firmware/install.hpp"
#include "edge/firmware/trial.hpp"
#include "node/standing.hpp"
#include "plan/plan.hpp"
#include "platform/host_probe.hpp"

namespace vedette::cli {

// What the confirmed version goes without now, a name a line.
inline constexpr const char* kLacksNow = "/run/vedette-lacks";
// Why the version on trial is not healthy; empty while it is, absent before it watched.
inline constexpr const char* kTrialProblem = "/run/vedette-trial";
// What was refused since the start.
inline constexpr const char* kRefused = "/run/vedette-refused";
// Kept over the restart, on the data partition: firmware::baseline_of.
inline constexpr const char* kLackedBefore = "/data/lacked-before-update";

// The hosts of UDP sinks, each asked once a second whether there is a way to it.
class SinkProbes {
 public:
  explicit SinkProbes(const plan::Plan& plan);
  // Adds those that cannot be reached, or of which nothing is known yet: then false.
  bool look(std::int64_t now_ns, std::vector<firmware::Lack>& lacks);

 private:
  std::vector<std::pair<std::string, platform::HostProbe>> probes_;
};

// What the version that runs on this post goes without, a name a line: what its watch says of
// itself, and which hosts of its sinks have no way to them. Takes up to five seconds.
std::string lacks_of_this_post(const plan::Plan& plan);

class SlotWatch {
 public:
  // `interfaces`: those that the image gives an address, a line each.
  SlotWatch(const plan::Plan& plan, std::string interfaces);
  // False where this machine has no slots, which is said.
  bool open();
  std::uint64_t starts() const { return state_writes_; }
  std::string status_json() const;
  void look(const node::Health& health);
  // The watch ended in order: that start came up, however short it was.
  void ended_in_order();

 private:
  std::vector<firmware::Lack> lacks_of(const node::Health& health, std::int64_t now_ns);
  void judge_trial(const std::vector<firmware::Lack>& lacks, double now_s);
  void note_confirmed(const node::Health& health, const std::vector<firmware::Lack>& lacks,
                      double now_s);

  const plan::Plan& plan_;
  std::string interfaces_;
  firmware::SlotDisk disk_;
  std::uint64_t state_writes_ = 0;
  std::uint64_t version_ = 0;  // of the trial
  SinkProbes probes_;
  bool on_trial_ = false, over_ = false, last_resort_ = false;
  bool up_ = false, well_ = false;
  double first_s_ = -1.0;
  std::string no_updates_;  // why this version would take none
  std::string before_;      // names of what the version before lacked
  std::string written_;     // of kLacksNow or kTrialProblem
  bool wrote_ = false;
  firmware::Trial trial_, health_;
};

}  // namespace vedette::cli
