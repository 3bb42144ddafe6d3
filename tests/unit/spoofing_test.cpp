// Sensors against self-reports: each lie raises its own assessment, and the true track survives.
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>

#include "core/perceive/sensor_frame.hpp"
#include "load_site.hpp"
#include "shard_in_memory.hpp"
#include "unit/test.hpp"

using namespace vedette;
using namespace vedette::tests;

namespace {

constexpr const char* kSite = R"(
site = "strait"
[source.plots]
driver = "udp"
listen = "127.0.0.1:1"
codec = "asterix"
[source.ais]
driver = "udp"
listen = "127.0.0.1:2"
codec = "ais"
[sensor.north]
source = "plots"
sic = 1
position = [60.0, 20.0]
range = "8 km"
update = "2 s"
range_sigma = "6 m"
azimuth_sigma = "0.15 deg"
hidden = "2 %"
[sensor.south]
source = "plots"
sic = 2
position = [59.96, 20.0]
range = "8 km"
update = "2 s"
range_sigma = "6 m"
azimuth_sigma = "0.15 deg"
hidden = "2 %"
[assess.two_places]
of = "track"
kinds = ["vessel"]
when = "track.elsewhere >= 3"
[assess.jump]
of = "track"
kinds = ["vessel"]
when = "track.gated >= 1"
[assess.denied]
of = "track"
kinds = ["vessel"]
when = "track.denied >= 5"
[assess.ghost]
of = "track"
kinds = ["contact"]
when = "track.denied >= 8"
[assess.silent]
of = "track"
kinds = ["contact"]
when = "not track.identified and track.updates >= 20 and track.sensors >= 2"
[assess.unanswered]
of = "track"
kinds = ["contact"]
when = "track.updates >= 10 and not track.acknowledged and track.moving > 50 %"
hold = "40 s"
[decide.d]
on = "jump"
run = "a"
[action.a]
sink = "l"
[sink.l]
driver = "log"
)";
constexpr const char* kNames[] = {"two_places", "jump", "denied", "ghost", "silent", "unanswered"};

struct Ship {
  double east, north, velocity_east, velocity_north;  // m from 60 N 20 E, m/s
  std::uint64_t mmsi;                                 // 0: silent
  unsigned radars;                                    // bit i: radar i sees it
};

class Strait {
 public:
  Strait() : plan_(load_site(kSite, bytes_)) {
    REQUIRE(plan_ != nullptr);
    engine_ = std::make_unique<ShardInMemory>(*plan_);
  }

  std::vector<Ship> ships;
  std::set<std::pair<std::string, std::uint64_t>> raised;  // assessment, subject's key
  std::uint64_t retired = 0;

  static Place place_of(double east, double north) { return moved({60.0, 20.0}, east, north); }
  const TrackTable& tracks() { return engine_->shard().tracks(); }

  void ais(std::uint64_t mmsi, double east, double north, double ve, double vn) {
    Observation o{};
    const Place at = place_of(east, north);
    o.kind = IdentityKind::vessel;
    o.identity = mmsi;
    o.latitude_e7 = static_cast<std::int32_t>(std::lround(at.latitude * 1e7));
    o.longitude_e7 = static_cast<std::int32_t>(std::lround(at.longitude * 1e7));
    o.speed_mm_s = static_cast<std::int32_t>(std::hypot(ve, vn) * 1e3);
    o.course_e6 =
        static_cast<std::int32_t>(std::fmod(std::atan2(ve, vn) * 57.29577951 + 360.0, 360.0) * 1e6);
    for (const Field f : {Field::position, Field::speed, Field::course}) {
      o.set(f);
    }
    put(o, 1);
  }

  // One second: each radar looks every other second, named ships report every third.
  void second() {
    ++t_;
    for (Ship& s : ships) {
      s.east += s.velocity_east;
      s.north += s.velocity_north;
      if (s.mmsi != 0 && t_ % 3 == 0) {
        ais(s.mmsi, s.east, s.north, s.velocity_east, s.velocity_north);
      }
    }
    const unsigned radar = t_ % 2 == 0 ? 0 : 1;
    const perceive::SensorFrame frame = perceive::frame_at(Place{radar == 0 ? 60.0 : 59.96, 20.0});
    std::vector<Observation> scan(1);
    scan[0].set(Field::scan_start);
    for (const Ship& s : ships) {
      if ((s.radars >> radar & 1) == 0 || random_() % 10 == 0) {
        continue;
      }
      const Offset at = perceive::in_plane(frame, ecef_of(place_of(s.east, s.north)));
      Observation o{};
      o.set(Field::plot_plane);
      o.plot[0] = static_cast<std::int32_t>(std::lround((at.east + 5.0 * normal_(random_)) * 1e3));
      o.plot[1] = static_cast<std::int32_t>(std::lround((at.north + 5.0 * normal_(random_)) * 1e3));
      scan.push_back(o);
    }
    scan.back().set(Field::group_end);
    for (Observation& o : scan) {
      o.kind = IdentityKind::contact;
      o.sensor = static_cast<std::uint16_t>(radar + 1);
    }
    REQUIRE(engine_->put_datagram(scan, now(), 0));
    while (engine_->backlog() != 0 || engine_->shard().unfinished()) {
      engine_->step_into_nothing(now(), {}, [&](const EventHeader& event, Bytes payload) {
        if (event.kind == EventKind::assessment) {
          const auto change = payload_as<AssessmentChange>(payload);
          if (change.transition == Transition::raised) {
            raised.emplace(kNames[change.assessment], change.subject.key);
          }
        } else if (event.kind == EventKind::track) {
          retired += payload_as<TrackChange>(payload).change == TrackChangeKind::retired;
        }
      });
    }
  }
  void acknowledge(std::uint64_t key) {
    REQUIRE(engine_->put_command(CommandKind::acknowledge, now(), key));
  }
  void seconds(int n) {
    for (int i = 0; i < n; ++i) {
      second();
    }
  }

  // The nearest confirmed contact within a distance.
  const Track* contact_at(double east, double north, double within) {
    const Track* best = nullptr;
    for (std::uint32_t i = 0; i < tracks().high_water(); ++i) {
      const Track& t = tracks()[i];
      if (tracks().in_use(i) && t.kind == IdentityKind::contact &&
          t.state == TrackState::confirmed) {
        const Offset o =
            offset_between(place_of(east, north), {t.latitude, t.longitude}, parallel_at(60.0));
        if (std::hypot(o.east, o.north) < within) {
          within = std::hypot(o.east, o.north);
          best = &t;
        }
      }
    }
    return best;
  }
  const Track* vessel(std::uint64_t mmsi) {
    const std::uint32_t i = tracks().find(track_key(IdentityKind::vessel, mmsi));
    return i == TrackTable::kNone ? nullptr : &tracks()[i];
  }
  bool is_raised(const std::string& name, std::uint64_t key) const {
    return raised.count({name, key}) != 0;
  }

 private:
  std::int64_t now() const { return 1'700'006'400'000'000'000 + t_ * 1'000'000'000; }
  void put(const Observation& o, std::uint16_t source) { REQUIRE(engine_->put(o, now(), source)); }

  std::vector<std::uint8_t> bytes_;
  const plan::Plan* plan_;
  std::unique_ptr<ShardInMemory> engine_;
  std::mt19937_64 random_{9};
  std::normal_distribution<double> normal_;
  std::int64_t t_ = 0;
};

constexpr std::uint64_t kMmsi = 230111222;

}  // namespace

TEST_CASE("a ship that says where it is gets its contact, and nothing is raised") {
  Strait strait;
  strait.ships = {{1000, 2000, 4, -1, kMmsi, 3}, {-2000, 1500, -2, 3, 230333444, 3}};
  strait.seconds(120);
  const Track* contact = strait.contact_at(strait.ships[0].east, strait.ships[0].north, 30);
  REQUIRE(contact != nullptr);
  CHECK(contact->partner == track_key(IdentityKind::vessel, kMmsi));
  CHECK(strait.vessel(kMmsi)->partner == contact->key);
  for (const auto& [assessment, key] : strait.raised) {
    CHECK(assessment == "unanswered");
  }
}

TEST_CASE("a name replayed at another place is a conflict; the true ship keeps contact and track") {
  Strait strait;
  strait.ships = {{1000, 2000, 4, -1, kMmsi, 3}};
  strait.seconds(60);
  for (int i = 0; i < 20; ++i) {
    strait.seconds(3);
    strait.ais(kMmsi, -3000 + 4 * i, -1000, 1.3, 0);
  }
  const std::uint64_t key = track_key(IdentityKind::vessel, kMmsi);
  CHECK(strait.is_raised("two_places", key));
  strait.seconds(6);
  const Track* contact = strait.contact_at(strait.ships[0].east, strait.ships[0].north, 30);
  REQUIRE(contact != nullptr);
  CHECK(contact->partner == key);
  CHECK(strait.retired == 0);
}

TEST_CASE("an impossible jump is raised and not believed") {
  Strait strait;
  strait.ships = {{1000, 2000, 4, -1, kMmsi, 3}};
  strait.seconds(60);
  strait.ais(kMmsi, 6000, -3000, 4, -1);
  strait.seconds(1);
  CHECK(strait.is_raised("jump", track_key(IdentityKind::vessel, kMmsi)));
  const Track* vessel = strait.vessel(kMmsi);
  const Offset o = offset_between(Strait::place_of(strait.ships[0].east, strait.ships[0].north),
                                  {vessel->latitude, vessel->longitude}, parallel_at(60.0));
  CHECK(std::hypot(o.east, o.north) < 50.0);
  CHECK(strait.contact_at(strait.ships[0].east, strait.ships[0].north, 30) != nullptr);
  CHECK(strait.retired == 0);
}

TEST_CASE("a position that radar denies is raised; a ship radar sees is not denied") {
  Strait strait;
  strait.ships = {{1000, 2000, 4, -1, kMmsi, 3}, {-2000, 1000, 2, 2, 230999888, 0}};
  strait.seconds(60);
  CHECK(strait.is_raised("denied", track_key(IdentityKind::vessel, 230999888)));
  CHECK_FALSE(strait.is_raised("denied", track_key(IdentityKind::vessel, kMmsi)));
  CHECK(strait.contact_at(strait.ships[0].east, strait.ships[0].north, 30) != nullptr);
}

TEST_CASE("where no sensor can see, none denies") {
  Strait strait;
  strait.ships = {{30000, 2000, 2, 2, 230999888, 0}};
  strait.seconds(60);
  CHECK(strait.raised.empty());
}

TEST_CASE("a ghost in one radar that another never sees is raised; the true contact stays") {
  Strait strait;
  strait.ships = {{1000, 2000, 4, -1, kMmsi, 3}, {1500, -1500, 3, 0, 0, 1}};
  strait.seconds(90);
  const Track* ghost = strait.contact_at(strait.ships[1].east, strait.ships[1].north, 40);
  REQUIRE(ghost != nullptr);
  CHECK(strait.is_raised("ghost", ghost->key));
  const Track* contact = strait.contact_at(strait.ships[0].east, strait.ships[0].north, 30);
  REQUIRE(contact != nullptr);
  CHECK_FALSE(strait.is_raised("ghost", contact->key));
}

TEST_CASE("a silent ship that sensors see is raised") {
  Strait strait;
  strait.ships = {{1000, 2000, 4, -1, kMmsi, 3}, {-1500, -500, -3, 2, 0, 3}};
  strait.seconds(90);
  const Track* silent = strait.contact_at(strait.ships[1].east, strait.ships[1].north, 30);
  REQUIRE(silent != nullptr);
  CHECK(strait.is_raised("silent", silent->key));
  const Track* contact = strait.contact_at(strait.ships[0].east, strait.ships[0].north, 30);
  REQUIRE(contact != nullptr);
  CHECK_FALSE(strait.is_raised("silent", contact->key));
  CHECK(strait.retired == 0);
}

TEST_CASE("a name that moves away from its contact is taken from it") {
  Strait strait;
  strait.ships = {{1000, 2000, 4, -1, kMmsi, 3}};
  strait.seconds(60);
  REQUIRE(strait.contact_at(strait.ships[0].east, strait.ships[0].north, 30)->partner != 0);
  // Its reports drift off at a plausible speed; the ship itself continues.
  strait.ships[0].mmsi = 0;
  double east = strait.ships[0].east;
  for (int i = 0; i < 40; ++i) {
    east += 45.0;
    strait.ais(kMmsi, east, strait.ships[0].north, 15, 0);
    strait.seconds(3);
  }
  const Track* contact = strait.contact_at(strait.ships[0].east, strait.ships[0].north, 30);
  REQUIRE(contact != nullptr);
  CHECK(contact->partner == 0);
  CHECK(strait.vessel(kMmsi)->partner == 0);
  CHECK(strait.is_raised("denied", track_key(IdentityKind::vessel, kMmsi)));
}

TEST_CASE("who is acknowledged is asked no more") {
  Strait strait;
  strait.ships = {{1000, 2000, 4, -1, 0, 3}, {-2000, 1500, -2, 3, 0, 3}};
  strait.seconds(30);
  const std::uint64_t seen =
      strait.contact_at(strait.ships[0].east, strait.ships[0].north, 30)->key;
  const std::uint64_t other =
      strait.contact_at(strait.ships[1].east, strait.ships[1].north, 30)->key;
  strait.acknowledge(seen);
  strait.seconds(60);
  CHECK_FALSE(strait.is_raised("unanswered", seen));
  CHECK(strait.is_raised("unanswered", other));
}
