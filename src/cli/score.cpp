#include "node/score.hpp"

#include <cstdio>

#include "cli/command.hpp"
#include "cli/print.hpp"
#include "edge/ingress/recording.hpp"
#include "model/limits.hpp"
#include "platform/file.hpp"

namespace vedette::cli {

namespace {

void print_figures(const node::Score& result) {
  print("%llu scans of %llu targets, %llu tracks, %llu events\n",
        static_cast<unsigned long long>(result.scans),
        static_cast<unsigned long long>(result.targets),
        static_cast<unsigned long long>(result.tracks),
        static_cast<unsigned long long>(result.events));
  print("GOSPA %.2f m (localisation %.2f, missed %.2f, false %.2f)\n", result.gospa_m,
        result.localisation_m, result.missed_m, result.false_m);
  print("RMSE %.2f m of assigned pairs, missed %.1f %%, false %.2f a scan\n", result.rmse_m,
        result.missed * 100.0, result.false_per_scan);
  print(
      "identity switches %llu, time to confirm %.1f s, NEES %.2f, NIS %.2f (2 each when "
      "consistent)\n",
      static_cast<unsigned long long>(result.id_switches), result.time_to_confirm_s, result.nees,
      result.nis);
}

std::string figures_json(const node::Score& result) {
  std::string data;
  JsonWriter<std::string> json(data);
  json.begin_object().member("gospa_m", result.gospa_m, 3);
  json.member("gospa_localisation_m", result.localisation_m, 3);
  json.member("gospa_missed_m", result.missed_m, 3).member("gospa_false_m", result.false_m, 3);
  json.member("rmse_m", result.rmse_m, 3).member("missed", result.missed, 4);
  json.member("false_per_scan", result.false_per_scan, 3);
  json.member("id_switches", result.id_switches);
  json.member("time_to_confirm_s", result.time_to_confirm_s, 2);
  json.member("nees", result.nees, 3).member("nis", result.nis, 3);
  json.member("scans", result.scans).member("targets", result.targets);
  json.member("tracks", result.tracks).member("events", result.events);
  json.member_hex("digest", result.digest).end_object();
  return data;
}

// Reads capture and truth; kOk, or the exit code of the problem printed.
int read_files(const ScoreCommand& c, std::vector<std::uint8_t>& capture,
               std::vector<std::uint8_t>& truth) {
  for (const auto& [path, into] :
       {std::pair{&c.recording, &capture}, std::pair{&c.truth, &truth}}) {
    auto content = ingress::read_recording(*path);
    if (!content) {
      return fail_unread(c.json, "score", *path, content.error());
    }
    *into = std::move(content).value();
  }
  return kOk;
}

}  // namespace

int score(const ScoreCommand& c) {
  LoadedPlan loaded;
  if (const int code = load_site(c.site, c.json, "score", loaded); code != kOk) {
    return code;
  }
  std::vector<std::uint8_t> capture;
  std::vector<std::uint8_t> text;
  if (const int code = read_files(c, capture, text); code != kOk) {
    return code;
  }
  node::Truth truth;
  std::string problem = node::parse_truth(as_text(text), truth);
  if (!problem.empty()) {
    return fail(
        c.json, "score", kBadData, "truth", c.truth + ": " + problem,
        "write one line per position: time (Unix s), target, latitude, longitude (degrees)");
  }
  if (loaded.plan->sensors()->size() == 0) {
    return fail(c.json, "score", kConfiguration, "no-sensor",
                c.site.path + " has no [sensor.NAME], so there are no scans to measure");
  }
  node::Score result;
  problem = node::score_capture(*loaded.plan, capture, c.recording, truth, result);
  if (!problem.empty()) {
    return fail(c.json, "score", kBadData, "recording", c.recording + ": " + problem);
  }
  if (result.scans == 0) {
    return fail(c.json, "score", kBadData, "no-scan",
                c.recording + ": no scan lies within the time of the truth",
                "compare the times in both files, and the site's udp_port, sac and sic");
  }
  if (!c.svg.empty()) {
    const std::string svg = node::score_svg(truth, result);
    const int error = platform::write_file_durably(c.svg, as_bytes(svg));
    if (error != 0) {
      return fail(c.json, "score", kIo, "io", c.svg + ": " + platform::error_text(error));
    }
  }
  if (!c.json) {
    print_figures(result);
    return kOk;
  }
  print_data("score", figures_json(result));
  return kOk;
}

}  // namespace vedette::cli
