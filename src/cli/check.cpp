// `vedette check`: the site file, and the recordings that it plays where they are there.
#include <algorithm>

#include "cli/command.hpp"
#include "cli/print.hpp"
#include "edge/ingress/recording.hpp"
#include "model/codec_kinds.hpp"
#include "platform/file.hpp"

namespace vedette::cli {
namespace {

struct Beginning {
  std::string source;
  std::int64_t first_ns;
};

std::string days_between(std::int64_t a_ns, std::int64_t b_ns) {
  constexpr std::int64_t kDayNs = std::int64_t{86'400} * 1'000'000'000;
  return std::to_string(std::max(a_ns - b_ns, b_ns - a_ns) / kDayNs);
}

void check_recording(const plan::Source& source, const std::string& folder, Beginning& reference,
                     std::vector<plan::Problem>& problems) {
  const std::string name = source.file()->str();
  const std::string path = name[0] == '/' ? name : folder + "/" + name;
  if (!platform::is_plain_file(path)) {
    return;  // here, but perhaps not where it runs
  }
  auto content = ingress::read_recording(path);
  ingress::Recording recording;
  ingress::Recording::Options options;
  options.format = static_cast<ingress::RecordingFormat>(source.format());
  options.has_interval = source.interval_ns() != 0;
  options.codec = static_cast<CodecKind>(source.codec());
  const std::string wrong =
      content ? recording.open(std::move(content).value(), path, options) : content.error().text;
  const std::string who = "source." + source.name()->str();
  if (!wrong.empty()) {
    problems.push_back({0, 0, who + ": " + path + ": " + wrong, ""});
  } else if (!recording.has_times() && source.interval_ns() == 0) {
    problems.push_back({0, 0, who + ": " + name + " carries no times",
                        "write interval = \"1 s\", the time from one of its frames to the next"});
  } else if (recording.has_date() && !source.align_start()) {
    const std::int64_t first_ns = recording.first_ns();
    if (reference.source.empty()) {
      reference = {source.name()->str(), first_ns};
    } else if (!ingress::recordings_together(reference.first_ns, first_ns)) {
      problems.push_back({0, 0,
                          who + " and source." + reference.source + " were recorded " +
                              days_between(reference.first_ns, first_ns) + " days apart",
                          "write align = \"start\" in " + who + " to begin both at once"});
    }
  }
}

}  // namespace

int check(const SiteOptions& options, const std::string& recordings, bool json) {
  LoadedPlan loaded;
  const int code = load_site(options, json, "check", loaded);
  if (code != kOk) {
    return code;
  }
  std::vector<plan::Problem> problems;
  Beginning reference{};
  for (const plan::Source* source : *loaded.plan->sources()) {
    if (source->driver() == plan::DriverKind::recording && source->file()->size() != 0) {
      check_recording(*source, recordings.empty() ? folder_of(options.path) : recordings, reference,
                      problems);
    }
  }
  if (!problems.empty()) {
    return report_problems(problems, options.path, "", json, "check");
  }
  if (json) {
    print_data("check", "{\"problems\":[]}");
  } else {
    print("%s: no problems (sources: %u, assessments: %u, decisions: %u)\n", options.path.c_str(),
          loaded.plan->sources()->size(), loaded.plan->assessments()->size(),
          loaded.plan->decisions()->size());
  }
  return kOk;
}

}  // namespace vedette::cli
