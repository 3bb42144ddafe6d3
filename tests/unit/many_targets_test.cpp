// Two hundred targets, five sensors with partial coverage, clutter and late reports: the site's
// tracker against a baseline on the same reports.
#include <algorithm>
#include <cstdlib>
#include <memory>

#include "core/perceive/assignment.hpp"
#include "load_site.hpp"
#include "shard_in_memory.hpp"
#include "tracking_world.hpp"
#include "unit/test.hpp"

using namespace vedette;
using namespace vedette::tests;

namespace {

struct Estimated {
  std::uint64_t name;
  double east, north;
};

// GOSPA (c = 20 m, p = 2, alpha = 2) and identity switches, over scans.
class Scorer {
 public:
  void scan(const std::vector<TrackingWorld::Target>& targets,
            const std::vector<Estimated>& estimates) {
    last_.resize(targets.size());
    constexpr double kCutoff = 20.0;
    std::vector<const Estimated*> near;
    for (const Estimated& e : estimates) {
      const bool close = std::any_of(targets.begin(), targets.end(), [&](const auto& t) {
        return std::hypot(t.east - e.east, t.north - e.north) < kCutoff;
      });
      if (close && near.size() < perceive::kAssignPlots) {
        near.push_back(&e);
      }
    }
    std::vector<double> gain(targets.size() * near.size(), perceive::kImpossible);
    for (std::size_t r = 0; r < targets.size(); ++r) {
      for (std::size_t c = 0; c < near.size(); ++c) {
        const double d =
            std::hypot(targets[r].east - near[c]->east, targets[r].north - near[c]->north);
        gain[r * near.size() + c] = d < kCutoff ? kCutoff * kCutoff - d * d : perceive::kImpossible;
      }
    }
    std::vector<std::uint16_t> chosen(targets.size());
    perceive::assign(gain, targets.size(), near.size(), *space_, chosen);
    double squared = 0.0;
    double pairs = 0.0;
    for (std::size_t r = 0; r < targets.size(); ++r) {
      if (chosen[r] == perceive::kAlone) {
        continue;
      }
      pairs += 1.0;
      squared += kCutoff * kCutoff - gain[r * near.size() + chosen[r]];
      const std::uint64_t name = near[chosen[r]]->name;
      switches += last_[r] != 0 && last_[r] != name ? 1 : 0;
      last_[r] = name;
    }
    const double unpaired = static_cast<double>(targets.size() + estimates.size()) - 2.0 * pairs;
    gospa_ += std::sqrt(squared + kCutoff * kCutoff / 2.0 * unpaired);
    missed += static_cast<double>(targets.size()) - pairs;
    untrue += static_cast<double>(estimates.size()) - pairs;
    square += squared;
    paired += pairs;
    ++scans;
  }
  double gospa() const { return gospa_ / static_cast<double>(scans); }
  std::uint64_t switches = 0, scans = 0;
  double missed = 0, untrue = 0, square = 0, paired = 0;

 private:
  double gospa_ = 0.0;
  std::vector<std::uint64_t> last_;
  std::unique_ptr<perceive::AssignmentSpace> space_ = std::make_unique<perceive::AssignmentSpace>();
};

// Baseline: global nearest neighbour and a constant-velocity Kalman filter; confirms after three
// reports, deletes after five silent seconds, ignores late reports.
class PlainTracker {
 public:
  void scan(double at_s, const std::vector<const Report*>& reports,
            const std::vector<SimulatedSensor>& sensors) {
    std::vector<Track*> there;
    for (Track& t : tracks_) {
      if (at_s >= t.at_s && there.size() < perceive::kAssignContacts) {
        t.predict(at_s - t.at_s);
        t.at_s = at_s;
        there.push_back(&t);
      }
    }
    const std::size_t columns = std::min(reports.size(), perceive::kAssignPlots);
    std::vector<double> gain(there.size() * columns, perceive::kImpossible);
    std::vector<double> noise(columns);
    for (std::size_t c = 0; c < columns; ++c) {
      const SimulatedSensor& s = sensors[reports[c]->sensor];
      const double range = reports[c]->observation.plot[0] * 1e-3;
      const double across = range * s.azimuth_sigma_deg / 57.29577951;
      noise[c] = (s.range_sigma * s.range_sigma + across * across) / 2.0;
      for (std::size_t r = 0; r < there.size(); ++r) {
        const double e = reports[c]->east - there[r]->x[0];
        const double n = reports[c]->north - there[r]->x[1];
        const double variance = there[r]->p[0] + noise[c];
        const double distance = (e * e + n * n) / variance;
        if (distance < 13.8) {
          gain[r * columns + c] = 20.0 - distance / 2.0 - std::log(variance);
        }
      }
    }
    std::vector<std::uint16_t> chosen(there.size());
    perceive::assign(gain, there.size(), columns, *space_, chosen);
    std::vector<bool> used(columns);
    for (std::size_t r = 0; r < there.size(); ++r) {
      if (chosen[r] != perceive::kAlone) {
        used[chosen[r]] = true;
        there[r]->update(reports[chosen[r]]->east, reports[chosen[r]]->north, noise[chosen[r]]);
        there[r]->seen_s = at_s;
        ++there[r]->hits;
      }
    }
    for (std::size_t c = 0; c < columns; ++c) {
      if (!used[c]) {
        tracks_.push_back({++names_,
                           {reports[c]->east, reports[c]->north, 0.0, 0.0},
                           {noise[c], 0.0, 25.0},
                           at_s,
                           at_s,
                           1});
      }
    }
    tracks_.erase(std::remove_if(tracks_.begin(), tracks_.end(),
                                 [&](const Track& t) { return at_s - t.seen_s > 5.0; }),
                  tracks_.end());
  }
  std::vector<Estimated> estimates(double at_s) const {
    std::vector<Estimated> out;
    for (const Track& t : tracks_) {
      if (t.hits >= 3) {
        const double dt = at_s - t.at_s;
        out.push_back({t.name, t.x[0] + t.x[2] * dt, t.x[1] + t.x[3] * dt});
      }
    }
    return out;
  }

 private:
  struct Track {
    std::uint64_t name;
    double x[4];  // east, north, and their velocities
    double p[3];  // variance of position, covariance, variance of velocity; each axis
    double at_s, seen_s;
    int hits;

    void predict(double dt) {
      constexpr double kAcceleration = 0.2;  // minimises its GOSPA here
      const double q = kAcceleration * kAcceleration;
      x[0] += x[2] * dt;
      x[1] += x[3] * dt;
      p[0] += dt * (2.0 * p[1] + dt * (p[2] + q * dt / 3.0));
      p[1] += dt * (p[2] + q * dt / 2.0);
      p[2] += q * dt;
    }
    void update(double east, double north, double variance) {
      const double s = p[0] + variance;
      const double k = p[0] / s;
      const double kv = p[1] / s;
      const double e = east - x[0];
      const double n = north - x[1];
      x[0] += k * e;
      x[1] += k * n;
      x[2] += kv * e;
      x[3] += kv * n;
      p[2] -= kv * p[1];
      p[0] *= 1.0 - k;
      p[1] *= 1.0 - k;
    }
  };
  std::vector<Track> tracks_;
  std::uint64_t names_ = 0;
  std::unique_ptr<perceive::AssignmentSpace> space_ = std::make_unique<perceive::AssignmentSpace>();
};

}  // namespace

TEST_CASE(
    "200 targets seen by five sensors: names last, and GOSPA is a third below a plain tracker's") {
  const std::vector<SimulatedSensor> sensors{{0, 0, 4500, 0, 360, 2.0, 4, 0.1, 0.9},
                                             {-2500, -2500, 4000, 0, 90, 1.5, 5, 0.12, 0.9},
                                             {2500, -2500, 4000, 270, 120, 2.5, 4, 0.1, 0.85},
                                             {2000, 2500, 3500, 150, 150, 1.0, 5, 0.15, 0.85},
                                             {-2500, 2000, 3000, 60, 180, 1.8, 4, 0.12, 0.95}};
  const char* asked = std::getenv("VEDETTE_MINUTES");
  const double minutes = asked != nullptr ? std::atof(asked) : 6.0;
  TrackingWorld world(17, 200, 3000.0, sensors, 1e-6, 0.1);
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = load_site(
      world.site("[tracker.contact]\nacceleration = \"0.1 m/s2\"\nmax_speed = \"18 m/s\"\n"
                 "gate = \"5\"\n[assess.fast]\nof = \"track\"\nkinds = [\"contact\"]\n"
                 "when = \"track.speed > 100 m/s\"\n[decide.d]\non = \"fast\"\nrun = \"a\"\n"
                 "[action.a]\nsink = \"l\"\n[sink.l]\ndriver = \"log\"\n"),
      bytes);
  REQUIRE(plan != nullptr);
  auto engine = std::make_unique<ShardInMemory>(*plan);
  PlainTracker plain;
  Scorer ours;
  Scorer baseline;
  std::uint64_t refused = 0;
  const auto count = [&](const EventHeader& event, Bytes) {
    refused += event.kind == EventKind::observation && event.state.exit() == Exit::abandonment;
  };
  double scored_s = 20.0;
  while (world.now_s() < minutes * 60.0) {
    const std::vector<Report> reports = world.next();
    const std::int64_t now_ns =
        TrackingWorld::kStartNs + static_cast<std::int64_t>(world.now_s() * 1e9);
    std::vector<const Report*> fresh;
    for (const Report& r : reports) {
      if (!engine->put(r.observation, now_ns)) {
        engine->step_into_nothing(now_ns, {}, count);
        REQUIRE(engine->put(r.observation, now_ns));
      }
      if (r.observation.is_plot() && r.seen_s == world.now_s()) {
        fresh.push_back(&r);
      }
    }
    while (engine->backlog() != 0 || engine->shard().unfinished()) {
      engine->step_into_nothing(now_ns, {}, count);
    }
    plain.scan(world.now_s(), fresh, sensors);
    if (world.now_s() < scored_s) {
      continue;
    }
    scored_s = world.now_s() + 1.0;
    std::vector<Estimated> estimates;
    const TrackTable& tracks = engine->shard().tracks();
    for (std::uint32_t i = 0; i < tracks.high_water(); ++i) {
      if (tracks.in_use(i) &&
          (tracks[i].state == TrackState::confirmed || tracks[i].state == TrackState::coasting)) {
        Place place{};
        double covariance[3];
        if (engine->shard().contacts().estimate(tracks[i], now_ns, place, covariance)) {
          const Parallel parallel = parallel_at(TrackingWorld::kLatitude);
          const Offset at = offset_between({TrackingWorld::kLatitude, TrackingWorld::kLongitude},
                                           place, parallel);
          estimates.push_back({tracks[i].key, at.east, at.north});
        }
      }
    }
    ours.scan(world.targets(), estimates);
    baseline.scan(world.targets(), plain.estimates(world.now_s()));
  }
  const double target_hours = 200.0 * minutes / 60.0;
  MESSAGE("GOSPA " << ours.gospa() << " m, plain " << baseline.gospa() << " m; switches "
                   << ours.switches << " (" << static_cast<double>(ours.switches) / target_hours
                   << " an hour a target), plain " << baseline.switches << "; missed "
                   << ours.missed / static_cast<double>(ours.scans) << ", plain "
                   << baseline.missed / static_cast<double>(ours.scans) << "; false "
                   << ours.untrue / static_cast<double>(ours.scans) << ", plain "
                   << baseline.untrue / static_cast<double>(ours.scans) << "; RMSE "
                   << std::sqrt(ours.square / ours.paired) << ", plain "
                   << std::sqrt(baseline.square / baseline.paired) << "; refused " << refused);
  CHECK(refused == 0);
  CHECK(static_cast<double>(ours.switches) <= target_hours);
  CHECK(ours.gospa() <= 0.7 * baseline.gospa());
}

TEST_CASE("every bound of the tracker that is reached is counted by its name") {
  // Far enough apart that each begins a contact; later reports fit a few contacts, then many.
  constexpr int kSide = 28;
  const std::vector<SimulatedSensor> sensors{{0, 0, 6000, 0, 360, 4.0, 8, 0.05, 0.9}};
  TrackingWorld world(1, 0, 1000.0, sensors, 1e-9, 0.0);
  std::vector<std::uint8_t> bytes;
  std::string site = world.site("[assess.any]\nof = \"track\"\nwhen = \"track.updates >= 1\"\n");
  const auto limit = [&](const char* from, const char* to) {
    site.replace(site.find(from), std::strlen(from), to);
  };
  limit("contacts = 12288", "contacts = 700");
  limit("resolution = \"15 m\"", "resolution = \"0.5 m\"");
  const plan::Plan* plan = load_site(site, bytes);
  REQUIRE(plan != nullptr);
  ShardInMemory engine(*plan);
  const auto look = [&](int second) {
    const std::int64_t now = TrackingWorld::kStartNs + second * 1'000'000'000LL;
    std::vector<Observation> row;
    for (int i = 0; i < kSide * kSide; ++i) {
      const double east = 200.0 + 80.0 * (i % kSide);
      const double north = 80.0 * (i / kSide);
      Observation o{};
      o.kind = IdentityKind::contact;
      o.sensor = 1;
      o.plot[0] = static_cast<std::int32_t>(std::lround(std::hypot(east, north) * 1e3));
      o.plot[1] = static_cast<std::int32_t>(std::lround(std::atan2(east, north) * 57.29577951e6));
      o.set(Field::plot_polar);
      row.push_back(o);
      if (row.size() == perceive::kGroupPlots || i + 1 == kSide * kSide) {
        row.back().set(Field::group_end);
        REQUIRE(engine.put_datagram(row, now, 0));
        row.clear();
        do {
          engine.step_into_nothing(now, {}, [](const EventHeader&, Bytes) {});
        } while (engine.backlog() != 0 || engine.shard().unfinished());
      }
    }
  };
  const auto reached = [&](perceive::TrackerBound bound) {
    return engine.shard().contacts().reached_bound(bound);
  };
  look(1);
  CHECK(reached(perceive::TrackerBound::contacts) == kSide * kSide - 700);
  look(5);
  look(17);
  for (const perceive::TrackerBound bound :
       {perceive::TrackerBound::group_contacts, perceive::TrackerBound::group_pairs,
        perceive::TrackerBound::cluster_contacts}) {
    CHECK_MESSAGE(reached(bound) > 0, perceive::name_of(bound));
  }
}
