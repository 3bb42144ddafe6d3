// Cost of tracking unidentified targets: 100 to 10,000 at one density, five sensors with one look a
// second each, reports in datagrams of a hundred. Prints one JSON line a figure: bench, metric,
// value, unit, floor, ratio, bar, holds.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "load_site.hpp"
#include "platform/clock.hpp"
#include "shard_in_memory.hpp"
#include "tracking_world.hpp"

using namespace vedette;

namespace {

constexpr std::size_t kDatagram = 100;
constexpr double kDetections = 50'000.0;  // a second, required of one core

struct Cost {
  double per_detection_us = 0, p999_us = 0, longest_us = 0;
  std::size_t confirmed = 0;
};

Cost run(std::size_t targets) {
  const double half = 150.0 * std::sqrt(static_cast<double>(targets));
  std::vector<tests::SimulatedSensor> sensors;
  for (int i = 0; i < 5; ++i) {
    // Equal accuracy at the edge for every size, so that only the number of tracks differs.
    sensors.push_back({0.1 * half * i, -0.1 * half * i, 3.0 * half, 0, 360, 1.0, 5,
                       57.3 * 10.0 / (3.0 * half), 0.95});
  }
  tests::TrackingWorld world(5, targets, half, sensors, 1e-9, 0.0);
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = tests::load_site(
      world.site("[tracker.contact]\nacceleration = \"0.2 m/s2\"\nmax_speed = \"18 m/s\"\n"
                 "[assess.fast]\nof = \"track\"\nkinds = [\"contact\"]\nwhen = \"track.speed > 40 "
                 "kn\"\n[decide.d]\non = \"fast\"\nrun = \"a\"\n[action.a]\nsink = \"l\"\n"
                 "[sink.l]\ndriver = \"log\"\n"),
      bytes);
  if (plan == nullptr) {
    std::exit(65);
  }
  auto engine = std::make_unique<tests::ShardInMemory>(*plan);
  std::vector<double> spent;
  std::size_t detections = 0;
  double sum = 0.0;
  const std::size_t enough = 400'000;
  while (detections < enough) {
    const std::vector<tests::Report> reports = world.next();
    const std::int64_t now_ns =
        tests::TrackingWorld::kStartNs + static_cast<std::int64_t>(world.now_s() * 1e9);
    const bool settled = world.now_s() > 8.0;
    for (std::size_t at = 0; at < reports.size(); at += kDatagram) {
      std::vector<Observation> datagram;
      for (std::size_t i = at; i < std::min(at + kDatagram, reports.size()); ++i) {
        datagram.push_back(reports[i].observation);
      }
      datagram.back().set(Field::group_end);
      engine->put_datagram(datagram, now_ns, 0);
      const std::int64_t begin = platform::monotonic_ns();
      while (engine->backlog() != 0 || engine->shard().unfinished()) {
        engine->step_into_nothing(now_ns, {}, [](const EventHeader&, Bytes) {});
      }
      const double us = static_cast<double>(platform::monotonic_ns() - begin) * 1e-3;
      if (settled) {
        spent.push_back(us);
        sum += us;
        detections += datagram.size();
      }
    }
  }
  Cost cost;
  std::sort(spent.begin(), spent.end());
  cost.per_detection_us = sum / static_cast<double>(detections);
  cost.p999_us = spent[spent.size() * 999 / 1000];
  cost.longest_us = spent.back();
  const TrackTable& tracks = engine->shard().tracks();
  for (std::uint32_t i = 0; i < tracks.high_water(); ++i) {
    cost.confirmed += tracks.in_use(i) && tracks[i].state == TrackState::confirmed ? 1 : 0;
  }
  return cost;
}

void figure(const std::string& metric, double value, const char* unit, double floor, double bar,
            bool holds) {
  std::string text;
  JsonWriter<std::string> json(text);
  json.begin_object().member("bench", "tracking").member("metric", std::string_view(metric));
  json.member("value", value, 3).member("unit", unit).member("floor", floor, 3);
  json.member("ratio", floor > 0 ? value / floor : 0.0, 3).member("bar", bar, 3);
  json.member("holds", holds).end_object();
  std::printf("%s\n", text.c_str());
}

}  // namespace

int main() {
  double least = 0.0;
  Cost cost;
  for (const std::size_t targets : {std::size_t{100}, std::size_t{1000}, std::size_t{10'000}}) {
    cost = run(targets);
    least = least == 0.0 ? cost.per_detection_us : std::min(least, cost.per_detection_us);
    const std::string name = std::to_string(targets);
    figure("detection-of-" + name, cost.per_detection_us, "us", least, 2.0 * least,
           cost.per_detection_us <= 2.0 * least);
    figure("confirmed-of-" + name, static_cast<double>(cost.confirmed), "tracks",
           static_cast<double>(targets), 0.95 * static_cast<double>(targets),
           static_cast<double>(cost.confirmed) >= 0.95 * static_cast<double>(targets));
  }
  // The interval of datagrams at 50,000 detections a second.
  const double room = kDatagram / kDetections * 1e6;
  const double busy = cost.per_detection_us * kDetections * 1e-6;
  figure("core-at-50000-a-second", busy * 100.0, "percent", 0.0, 100.0, busy < 1.0);
  figure("datagram-p999", cost.p999_us, "us", room, room, cost.p999_us <= room);
  figure("datagram-longest", cost.longest_us, "us", room, 0.0, true);
  return 0;
}
