// Purpose: a simulated sea for tests and benches of the tracker: targets that go straight and turn,
// sensors with partial coverage, clutter and late reports.
#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "base/geo.hpp"
#include "core/perceive/sensor_frame.hpp"
#include "model/observation.hpp"

namespace vedette::tests {

struct SimulatedSensor {
  double east, north;  // m from the centre
  double range, sector_from, sector_width, update_s;
  double range_sigma, azimuth_sigma_deg, detection;
};

struct Report {
  double seen_s, arrives_s;
  std::size_t sensor;
  double east, north;  // as reported, m from the centre
  Observation observation;
  bool last;  // of its scan, by arrival
};

class TrackingWorld {
 public:
  static constexpr double kLatitude = 60.0, kLongitude = 20.0;
  static constexpr std::int64_t kStartNs = 1'700'006'400'000'000'000;  // a midnight

  struct Target {
    double east, north, speed, course, turn, until_s;
  };

  TrackingWorld(std::uint64_t seed, std::size_t targets, double half_m,
                std::vector<SimulatedSensor> sensors, double clutter_per_m2, double late_share)
      : random_(seed),
        half_m_(half_m),
        sensors_(std::move(sensors)),
        clutter_(clutter_per_m2),
        late_(late_share) {
    for (std::size_t i = 0; i < targets; ++i) {
      targets_.push_back({spread(half_m), spread(half_m), 3.0 + 9.0 * share(), 6.283 * share(), 0.0,
                          60.0 * share()});
    }
    for (const SimulatedSensor& s : sensors_) {
      frames_.push_back(perceive::frame_at(place_of(s.east, s.north)));
      next_scan_.push_back(s.update_s * share());
    }
  }

  static Place place_of(double east, double north) {
    return moved({kLatitude, kLongitude}, east, north);
  }

  // The site's sections for these sensors.
  std::string site(const std::string& more) const {
    std::string text =
        "site = \"sea\"\n[limits]\ntracks = 16384\ncontacts = 12288\nbatch_events = 256\n"
        "[source.plots]\ndriver = \"udp\"\nlisten = \"127.0.0.1:1\"\ncodec = \"asterix\"\n"
        "credits = 4096\n" +
        more;
    for (std::size_t i = 0; i < sensors_.size(); ++i) {
      const SimulatedSensor& s = sensors_[i];
      const Place at = place_of(s.east, s.north);
      const auto quantity = [](double v, const char* unit) {
        return "\"" + std::to_string(v) + " " + unit + "\"\n";
      };
      text += "[sensor.s" + std::to_string(i) +
              "]\nsource = \"plots\"\nsic = " + std::to_string(i + 1) + "\nposition = [" +
              std::to_string(at.latitude) + ", " + std::to_string(at.longitude) +
              "]\nscan = \"turn\"\nrange = " + quantity(s.range, "m") +
              "update = " + quantity(s.update_s, "s") +
              "range_sigma = " + quantity(s.range_sigma, "m") +
              "azimuth_sigma = " + quantity(s.azimuth_sigma_deg, "deg") +
              "resolution = \"15 m\"\ndetection = " + std::to_string(s.detection) +
              "\nclutter = " + std::to_string(clutter_ * 1e6) + "\nwindow = \"4 s\"\n";
      if (s.sector_width < 360.0) {
        text += "sector = [" + std::to_string(s.sector_from) + ", " +
                std::to_string(std::fmod(s.sector_from + s.sector_width, 360.0)) + "]\n";
      }
    }
    return text;
  }

  double now_s() const { return now_s_; }
  const std::vector<Target>& targets() const { return targets_; }

  // Advances to the next scan; returns the reports received by then, in order of arrival.
  std::vector<Report> next() {
    std::size_t sensor = 0;
    for (std::size_t i = 1; i < sensors_.size(); ++i) {
      sensor = next_scan_[i] < next_scan_[sensor] ? i : sensor;
    }
    advance(next_scan_[sensor]);
    next_scan_[sensor] += sensors_[sensor].update_s;
    std::vector<Report> out;
    while (!waiting_.empty() && waiting_.begin()->first <= now_s_) {
      out.push_back(waiting_.begin()->second);
      waiting_.erase(waiting_.begin());
    }
    std::vector<Report> scan = look(sensor);
    for (Report& report : scan) {
      if (!report.observation.has(Field::scan_start) && share() < late_) {
        report.arrives_s += 3.0 * share();
        report.last = true;
        report.observation.set(Field::group_end);
        waiting_.emplace(report.arrives_s, report);
      } else {
        report.last = false;
        out.push_back(report);
      }
    }
    out.back().last = true;
    out.back().observation.set(Field::group_end);
    return out;
  }

 private:
  double share() { return std::uniform_real_distribution<double>(0.0, 1.0)(random_); }
  double spread(double half) { return (2.0 * share() - 1.0) * half; }
  double normal() { return std::normal_distribution<double>()(random_); }

  void advance(double to_s) {
    for (Target& t : targets_) {
      for (double left = to_s - now_s_; left > 0.0; left -= 0.5) {
        const double dt = std::min(left, 0.5);
        t.course += t.turn * dt;
        t.east += t.speed * std::sin(t.course) * dt;
        t.north += t.speed * std::cos(t.course) * dt;
      }
      if (std::abs(t.east) > half_m_ || std::abs(t.north) > half_m_) {  // turns back inside
        const double away = std::remainder(std::atan2(-t.east, -t.north) - t.course, 6.28318530718);
        t.turn = std::abs(away) < 0.3 ? 0.0 : away > 0.0 ? 0.1 : -0.1;
        t.until_s = to_s;
      } else if (to_s >= t.until_s) {
        t.turn = t.turn == 0.0 && share() < 0.3 ? 0.06 * normal() : 0.0;
        t.until_s = to_s + (t.turn == 0.0 ? 30.0 + 60.0 * share() : 5.0 + 10.0 * share());
      }
    }
    now_s_ = to_s;
  }

  bool in_sector(const SimulatedSensor& s, double range, double azimuth) const {
    const double from = std::fmod(azimuth * 57.29577951 - s.sector_from + 720.0, 360.0);
    return range <= s.range && from <= s.sector_width;
  }

  std::vector<Report> look(std::size_t sensor) {
    const SimulatedSensor& s = sensors_[sensor];
    std::vector<Report> out;
    out.push_back(report(sensor, 0.0, 0.0));
    out.back().observation.fields = 0;
    out.back().observation.set(Field::scan_start);
    out.back().observation.set(Field::time_of_day);
    for (const Target& t : targets_) {
      const Offset at = perceive::in_plane(frames_[sensor], ecef_of(place_of(t.east, t.north)));
      const double range = std::hypot(at.east, at.north);
      const double azimuth = std::atan2(at.east, at.north);
      if (in_sector(s, range, azimuth) && share() < s.detection) {
        out.push_back(report(sensor, range + s.range_sigma * normal(),
                             azimuth + s.azimuth_sigma_deg / 57.29577951 * normal()));
      }
    }
    const double area = 3.14159265 * s.range * s.range * s.sector_width / 360.0;
    for (std::uint64_t n = std::poisson_distribution<std::uint64_t>(clutter_ * area)(random_);
         n > 0; --n) {
      out.push_back(report(sensor, s.range * std::sqrt(share()),
                           (s.sector_from + s.sector_width * share()) / 57.29577951));
    }
    return out;
  }

  Report report(std::size_t sensor, double range, double azimuth) {
    Report r{now_s_, now_s_, sensor, 0.0, 0.0, {}, false};
    r.east = sensors_[sensor].east + range * std::sin(azimuth);
    r.north = sensors_[sensor].north + range * std::cos(azimuth);
    Observation& o = r.observation;
    o.kind = IdentityKind::contact;
    o.sensor = static_cast<std::uint16_t>(sensor + 1);
    o.plot[0] = static_cast<std::int32_t>(std::lround(std::max(0.0, range) * 1e3));
    o.plot[1] = static_cast<std::int32_t>(
        std::lround(std::fmod(azimuth * 57.29577951 + 720.0, 360.0) * 1e6));
    o.time_of_day = static_cast<std::uint32_t>(now_s_ * 128.0);
    o.set(Field::plot_polar);
    o.set(Field::time_of_day);
    return r;
  }

  std::mt19937_64 random_;
  double half_m_;
  std::vector<SimulatedSensor> sensors_;
  std::vector<perceive::SensorFrame> frames_;
  std::vector<double> next_scan_;
  std::vector<Target> targets_;
  std::multimap<double, Report> waiting_;
  double clutter_, late_, now_s_ = 0.0;
};

}  // namespace vedette::tests
