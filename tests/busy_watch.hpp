// Purpose: a small watch under way and its frozen state: contacts and vessels, judged, alerted, one
// that is heard at two places, some held back.
#pragma once

#include <string>
#include <vector>

#include "base/freeze.hpp"
#include "load_site.hpp"
#include "shard_in_memory.hpp"
#include "test.hpp"
#include "tracking_world.hpp"

namespace vedette::tests {

inline Observation vessel(std::uint64_t mmsi, Place at) {
  Observation o;
  o.kind = IdentityKind::vessel;
  o.identity = mmsi;
  o.set(Field::position);
  o.latitude_e7 = static_cast<std::int32_t>(at.latitude * 1e7);
  o.longitude_e7 = static_cast<std::int32_t>(at.longitude * 1e7);
  return o;
}

inline std::string with(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

class BusyWatch {
 public:
  BusyWatch() : world_(4, 8, 1000.0, {{0, 0, 2000, 0, 360, 1.0, 5, 0.2, 0.9}}, 1e-6, 0.0) {
    std::string text = world_.site(
        "[source.ais]\ndriver = \"udp\"\nlisten = \"127.0.0.1:2\"\ncodec = \"ais\"\n"
        "[assess.near]\nof = \"track\"\nwhen = \"track.updates >= 2 and track.speed < 90 m/s\"\n"
        "[assess.own]\nof = \"own\"\nwhen = \"own.speed > 1 m/s\"\n"
        "[assess.quiet]\nof = \"source.ais\"\nwhen = \"source.age > 1 s\"\n"
        "[assess.pair]\nof = \"pair\"\nwithin = \"20 km\"\nkinds = [\"vessel\", \"contact\"]\n"
        "when = \"distance(a, b) < 15 km and a.speed < 90 m/s\"\n"
        "[decide.tell]\non = \"near\"\ntrigger = \"both\"\nrun = \"tell\"\n"
        "[action.tell]\nsink = \"log\"\nretries = 3\nhorizon = \"900 s\"\nbackoff = \"2 s\"\n"
        "[sink.log]\ndriver = \"log\"\n");
    text = with(text, "tracks = 16384\ncontacts = 12288\nbatch_events = 256",
                "tracks = 64\ncontacts = 32\nbatch_events = 16\npending_actions = 16\n"
                "waiting_events = 128");
    plan_ = load_site(text, bytes_);
    REQUIRE(plan_ != nullptr);
    text_ = text;
    ShardInMemory engine(*plan_);
    for (int i = 0; i < 30; ++i) {
      feed(engine, i);
      const std::int64_t now = now_ns();
      if (i == 27) {
        engine.put_command(CommandKind::hold, now);
      }
      for (int steps = 0; steps < 60; ++steps) {
        const auto b = engine.step(now);
        if (b.empty()) {
          break;
        }
        for_each_event(b, [&](const EventHeader& e, Bytes) {
          const bool sent = e.kind == EventKind::action && e.state.phase() == Phase::transient;
          if (sent && e.sequence % 3 != 0) {
            engine.put_outcome(e.sequence, now,
                               e.sequence % 3 == 1 ? Exit::success : Exit::abandonment);
          }
        });
      }
    }
    state_.resize(engine::frozen_bytes_bound(*plan_));
    Freezer freezer(state_);
    engine.shard().freeze(freezer);
    state_.resize(freezer.used());
    CHECK(engine.shard().waiting().size() > 2);
    CHECK(engine.shard().contacts().size() > 2);
    CHECK(engine.shard().delivery().size() > 2);
    CHECK(engine.shard().tracks().size() > 10);
    CHECK(engine.shard().second_places().size() == 1);
    then_ns_ = now_ns();
  }

  const std::vector<std::uint8_t>& state() const { return state_; }

  const std::string& text() const { return text_; }
  const plan::Plan& plan() const { return *plan_; }
  std::int64_t then_ns() const { return then_ns_; }  // of the state

  // False when refused. An accepted state continues: events, ticks, a command, time.
  bool goes_on(Bytes state) {
    ShardInMemory engine(*plan_);
    return !engine.shard().thaw(state) && goes_on(engine);
  }
  // The same under another plan.
  bool goes_over(Bytes state, const plan::Plan& to, CarryReport& report) {
    ShardInMemory engine(to);
    std::vector<std::uint32_t> slots(plan_->limits()->tracks());
    Carry carry(*plan_, to, slots);
    if (engine.shard().thaw(state, carry, {})) {
      return false;
    }
    report = carry.report;
    return goes_on(engine);
  }
  bool goes_on(ShardInMemory& engine) {
    for (int i = 0; i < 3; ++i) {
      const std::int64_t now = then_ns_ + (i + 1) * kOneSecond;
      for (std::uint64_t n = 0; n < 6; ++n) {
        engine.put(vessel(n + 1, TrackingWorld::place_of(static_cast<double>(n) * 100.0, i * 10.0)),
                   now, 1);
      }
      engine.put_datagram(scan_, now, 0);
      if (i == 1) {
        engine.put_command(CommandKind::resume, now);
      }
      for (int steps = 0; steps < 40 && !engine.step(now).empty(); ++steps) {
      }
    }
    for (int i = 0; i < 3; ++i) {  // until everything is lost and retired
      engine.step(then_ns_ + (i + 1) * 2000 * kOneSecond);
    }
    return true;
  }

 private:
  static constexpr std::int64_t kOneSecond = 1'000'000'000;

  void feed(ShardInMemory& engine, int i) {
    scan_.clear();
    for (const Report& r : world_.next()) {
      scan_.push_back(r.observation);
    }
    engine.put_datagram(scan_, now_ns(), 0);
    for (std::uint64_t n = 0; n < 6; ++n) {
      const auto& target = world_.targets()[n];
      const double jump = n == 5 && i > 20 ? 60'000.0 : 0.0;
      engine.put(vessel(n + 1, TrackingWorld::place_of(target.east + jump, target.north)), now_ns(),
                 1);
    }
    Observation own = vessel(0, TrackingWorld::place_of(i * 5.0, 0.0));
    own.kind = IdentityKind::own;
    engine.put(own, now_ns(), 1);
  }
  std::int64_t now_ns() const {
    return TrackingWorld::kStartNs + static_cast<std::int64_t>(world_.now_s() * 1e9);
  }

  TrackingWorld world_;
  std::string text_;
  std::vector<std::uint8_t> bytes_;
  const plan::Plan* plan_ = nullptr;
  std::vector<std::uint8_t> state_;
  std::vector<Observation> scan_;
  std::int64_t then_ns_ = 0;
};

}  // namespace vedette::tests
