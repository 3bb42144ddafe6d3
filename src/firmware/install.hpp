// Purpose: updates: a bundle into the idle slot, a trial that confirms itself or is given up, and
// the way back. Nothing here touches the slot that runs. A power cut at any moment leaves the
// confirmed slot as it was. Runs on: cold threads.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "firmware/bundle.hpp"
#include "firmware/slot_disk.hpp"

namespace vedette::firmware {

struct Installed {
  Refusal refusal = Refusal::none;
  std::string detail;  // of a refusal: what was seen
  std::uint32_t slot = 0;
};
// `starts`: how often the new version may be started before it must have confirmed itself.
// `progress` hears how many of all bytes are written.
Installed install(const Bundle& bundle, const SlotDisk& disk, std::string_view board,
                  std::uint32_t starts,
                  const std::function<void(std::uint64_t, std::uint64_t)>& progress);

// The running trial holds. Empty, or what is wrong.
std::string confirm(const SlotDisk& disk);
// The trial is over (`end`, with its note); without one, the other slot becomes the confirmed one.
std::string roll_back(const SlotDisk& disk, std::uint32_t end, std::string_view note);

// A version on trial, seen once a second by its own watch.
class Trial {
 public:
  enum class Verdict { waits, confirmed, gives_up };
  Trial(double hold_s, double within_s) : hold_s_(hold_s), within_s_(within_s) {}
  // `problem` is empty while the watch is healthy.
  Verdict look(double now_s, std::string_view problem);
  const std::string& problem() const { return problem_; }  // the last one

 private:
  double hold_s_, within_s_;
  double began_s_ = -1.0, healthy_since_s_ = -1.0;
  std::string problem_ = "never seen";
};

// A JSON object: the running and the confirmed slot with their versions, and how the last trial
// ended and why.
std::string status_json(const SlotDisk& disk);

}  // namespace vedette::firmware
