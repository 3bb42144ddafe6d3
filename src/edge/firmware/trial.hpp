// Purpose: whether to confirm a version on trial: healthy for long enough without interruption, and
// lacking nothing that the previous version had. In: once a second, what the watch lacks. Out: a
// verdict with its reason. Pure. Runs on: the main thread of the watch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vedette::firmware {

// Something that a watch lacks: "source.ais", "network"; and its meaning.
struct Lack {
  std::string name, why;
};
// Their names, one a line.
std::string names_of(const std::vector<Lack>& lacks);
// "NAME: WHY" of the first lack that is not among `names`; empty if there is none.
std::string first_beyond(const std::vector<Lack>& lacks, std::string_view names);

// What the running version lacks, recorded for the trial of the installed one.
std::string baseline_of(std::uint64_t version, std::string_view names);
// The names; empty if recorded for another version.
std::string_view names_before(std::string_view baseline, std::uint64_t version);

// Judges a version on trial, once a second.
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
