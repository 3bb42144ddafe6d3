#include "edge/firmware/trial.hpp"

#include "base/text.hpp"

namespace vedette::firmware {

std::string names_of(const std::vector<Lack>& lacks) {
  std::string names;
  for (const Lack& lack : lacks) {
    names += lack.name + "\n";
  }
  return names;
}

std::string first_beyond(const std::vector<Lack>& lacks, std::string_view names) {
  for (const Lack& lack : lacks) {
    std::string_view rest = names;
    bool before = false;
    while (!before && !rest.empty()) {
      before = next_field(rest, '\n') == lack.name;
    }
    if (!before) {
      return lack.name + ": " + lack.why;
    }
  }
  return {};
}

std::string baseline_of(std::uint64_t version, std::string_view names) {
  return "version " + std::to_string(version) + "\n" + std::string(names);
}

std::string_view names_before(std::string_view baseline, std::uint64_t version) {
  return next_field(baseline, '\n') == "version " + std::to_string(version) ? baseline
                                                                            : std::string_view();
}

Trial::Verdict Trial::look(double now_s, std::string_view problem) {
  began_s_ = began_s_ < 0.0 ? now_s : began_s_;
  if (problem.empty()) {
    healthy_since_s_ = healthy_since_s_ < 0.0 ? now_s : healthy_since_s_;
    if (now_s - healthy_since_s_ >= hold_s_) {
      return Verdict::confirmed;
    }
  } else {
    healthy_since_s_ = -1.0;
    problem_ = problem;
  }
  return now_s - began_s_ >= within_s_ ? Verdict::gives_up : Verdict::waits;
}

}  // namespace vedette::firmware
