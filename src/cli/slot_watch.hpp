// Purpose: boot slots, judged by the watch: a version on trial confirms itself or rolls back, a
// confirmed one records that it started and ran well. Keeps what the confirmed version lacks for
// `update install`, so that a trial need not do better. In: the watch's health, once a second. Out:
// the boot state, files below /run, a restart. When the disk refuses: reports it and retries a
// second later. Runs on: the main thread, which may wait.
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

// What the confirmed version lacks now, a name a line.
inline constexpr const char* kLacksNow = "/run/vedette-lacks";
// Why the version on trial is unhealthy; empty if healthy, absent before it watches.
inline constexpr const char* kTrialProblem = "/run/vedette-trial";
// Refusals since the start.
inline constexpr const char* kRefused = "/run/vedette-refused";
// On the data partition, so that it survives the restart: firmware::baseline_of.
inline constexpr const char* kLackedBefore = "/data/lacked-before-update";

// The hosts of UDP sinks; probes each once a second.
class SinkProbes {
 public:
  explicit SinkProbes(const plan::Plan& plan);
  // Adds unreachable hosts. False while any is unknown; those are added too.
  bool look(std::int64_t now_ns, std::vector<firmware::Lack>& lacks);

 private:
  std::vector<std::pair<std::string, platform::HostProbe>> probes_;
};

// What the running version lacks on this post, a name a line: its watch's causes, and sink hosts
// without a route. Takes up to five seconds.
std::string lacks_of_this_post(const plan::Plan& plan);

class SlotWatch {
 public:
  // `interfaces`: those that the image configures, a line each.
  SlotWatch(const plan::Plan& plan, std::string interfaces);
  // False, and reported, where this machine has no slots.
  bool open();
  std::uint64_t starts() const { return state_writes_; }
  std::string status_json() const;
  void look(const node::Health& health);
  // The watch ended in order, so the start counts as successful, however short.
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
  std::uint64_t version_ = 0;  // on trial
  SinkProbes probes_;
  bool on_trial_ = false, over_ = false, last_resort_ = false;
  bool up_ = false, well_ = false;
  double first_s_ = -1.0;
  std::string no_updates_;  // why this version accepts none
  std::string before_;      // names of what the previous version lacked
  std::string written_;     // content of kLacksNow or kTrialProblem
  bool wrote_ = false;
  firmware::Trial trial_, health_;
};

}  // namespace vedette::cli
