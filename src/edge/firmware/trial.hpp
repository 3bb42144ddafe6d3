// Purpose: whether a version on trial is good enough to stay: whole for long enough at a stretch,
// and without nothing that the version before had. In: once a second, what the watch lacks. Out: a
// verdict, and its reason in words. Pure. Runs on: the main thread of the watch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vedette::firmware {

// What a watch goes without: "source.ais", "network"; and what that means.
struct Lack {
  std::string name, why;
};
// A line each of their names.
std::string names_of(const std::vector<Lack>& lacks);
// "NAME: WHY" of the first that is not among `names`; empty when all are.
std::string first_beyond(const std::vector<Lack>& lacks, std::string_view names);

// What the version that runs lacks, kept for the trial of the one that is installed.
std::string baseline_of(std::uint64_t version, std::string_view names);
// The names; nothing where it was kept for another version.
std::string_view names_before(std::string_view baseline, std::uint64_t version);

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

}  // namespace vedette::firmware
