// A thawed state may be damaged or forged: it is refused, or an engine can continue from it.
#include <cstdlib>
#include <random>
#include <string>

#include "base/freeze.hpp"
#include "load_site.hpp"
#include "shard_in_memory.hpp"
#include "test.hpp"
#include "tracking_world.hpp"

using namespace vedette;
using namespace vedette::tests;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

Observation vessel(std::uint64_t mmsi, Place at) {
  Observation o;
  o.kind = IdentityKind::vessel;
  o.identity = mmsi;
  o.set(Field::position);
  o.latitude_e7 = static_cast<std::int32_t>(at.latitude * 1e7);
  o.longitude_e7 = static_cast<std::int32_t>(at.longitude * 1e7);
  return o;
}

std::string with(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

// Contacts and vessels: judged, alerted, some held back.
class Watch {
 public:
  Watch() : world_(4, 8, 1000.0, {{0, 0, 2000, 0, 360, 1.0, 5, 0.2, 0.9}}, 1e-6, 0.0) {
    std::string text = world_.site(
        "[source.ais]\ndriver = \"udp\"\nlisten = \"127.0.0.1:2\"\ncodec = \"ais\"\n"
        "[assess.near]\nof = \"track\"\nwhen = \"track.updates >= 2 and track.speed < 90 m/s\"\n"
        "[assess.own]\nof = \"own\"\nwhen = \"own.speed > 1 m/s\"\n"
        "[assess.quiet]\nof = \"source.ais\"\nwhen = \"source.age > 1 s\"\n"
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
    then_ns_ = now_ns();
  }

  const std::vector<std::uint8_t>& state() const { return state_; }

  const std::string& text() const { return text_; }
  const plan::Plan& plan() const { return *plan_; }

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
      const std::int64_t now = then_ns_ + (i + 1) * kSecond;
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
      engine.step(then_ns_ + (i + 1) * 2000 * kSecond);
    }
    return true;
  }

 private:
  void feed(ShardInMemory& engine, int i) {
    scan_.clear();
    for (const Report& r : world_.next()) {
      scan_.push_back(r.observation);
    }
    engine.put_datagram(scan_, now_ns(), 0);
    for (std::uint64_t n = 0; n < 6; ++n) {
      const auto& target = world_.targets()[n];
      engine.put(vessel(n + 1, TrackingWorld::place_of(target.east, target.north)), now_ns(), 1);
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

void change(std::vector<std::uint8_t>& state, std::mt19937_64& random) {
  static constexpr std::uint8_t kBytes[] = {0, 1, 2, 0x7F, 0x80, 0xFF};
  static constexpr std::uint64_t kWords[] = {0,
                                             1,
                                             ~std::uint64_t{0},
                                             ~std::uint64_t{0} >> 1,
                                             std::uint64_t{1} << 63,
                                             0x7FF8000000000000,   // NaN
                                             0x7FF0000000000000,   // infinity
                                             0x7FE1CCF385EBC8A0};  // 1e308
  const std::size_t at = random() % state.size();
  switch (random() % 3) {
    case 0:
      state[at] ^= static_cast<std::uint8_t>(1U << random() % 8);
      return;
    case 1:
      state[at] = kBytes[random() % std::size(kBytes)];
      return;
    default: {
      const std::size_t word = std::min(at / 4 * 4, state.size() - 8);
      std::memcpy(state.data() + word, &kWords[random() % std::size(kWords)], 8);
    }
  }
}

}  // namespace

TEST_CASE("a frozen state with bytes changed is refused, or an engine goes on from it") {
  Watch watch;
  REQUIRE(watch.goes_on(watch.state()));
  const char* asked = std::getenv("VEDETTE_DAMAGES");
  const int damages = asked != nullptr ? std::atoi(asked) : 3000;
  std::mt19937_64 random(25);
  int refused = 0;
  for (int i = 0; i < damages; ++i) {
    auto state = watch.state();
    for (std::uint64_t n = 1 + (random() % 3 == 0 ? random() % 8 : 0); n > 0; --n) {
      change(state, random);
    }
    if (random() % 50 == 0) {
      state.resize(random() % state.size());
    }
    refused += watch.goes_on(state) ? 0 : 1;
  }
  CHECK(refused > damages / 10);
  CHECK(refused < damages);
}

TEST_CASE("what another plan has a place for goes over, and a damaged state is refused there too") {
  Watch watch;
  const std::string action =
      "[decide.tell]\non = \"near\"\ntrigger = \"both\"\nrun = \"tell\"\n"
      "[action.tell]\nsink = \"log\"\nretries = 3\nhorizon = \"900 s\"\nbackoff = \"2 s\"\n";
  const std::vector<std::string> texts{
      with(watch.text(), "updates >= 2", "updates >= 5"),
      with(watch.text(), "tracks = 64", "tracks = 4"),
      with(watch.text(), action, ""),
      with(watch.text(), "pending_actions = 16", "pending_actions = 2"),
      with(watch.text(), "waiting_events = 128", "waiting_events = 1"),
      with(watch.text(), "contacts = 32", "contacts = 8"),
      with(watch.text(), "[assess.own]", "[assess.aaa]"),
      with(watch.text(), "[source.ais]", "[source.zzz]")};
  std::mt19937_64 random(26);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    CAPTURE(i);
    std::string text = texts[i];
    if (i == 7) {
      text = with(text, "source.ais", "source.zzz");
    }
    std::vector<std::uint8_t> bytes;
    const plan::Plan* to = load_site(text, bytes);
    REQUIRE(to != nullptr);
    CarryReport report{};
    REQUIRE(watch.goes_over(watch.state(), *to, report));
    CHECK((report.tracks.left != 0) == (i == 1));
    CHECK((report.contacts.left != 0) == (i == 1 || i == 5));
    CHECK((report.deliveries.left != 0) == (i == 2 || i == 3));
    CHECK((report.waiting.left != 0) == (i == 4 || i == 7));
    CHECK(report.tracks.kept != 0);
    for (int n = 0; n < 100; ++n) {
      auto state = watch.state();
      change(state, random);
      watch.goes_over(state, *to, report);
    }
  }
}

TEST_CASE("a frozen track of a kind, state, place or partner that cannot be is refused") {
  Watch watch;
  const auto refused = [&](auto&& change) {
    auto state = watch.state();
    const auto tracks = engine::frozen_tracks(state);
    std::size_t at = 0;  // a vessel, whose kind is stored only there
    while (at < tracks.size() && tracks[at].track.kind != IdentityKind::vessel) {
      ++at;
    }
    REQUIRE(at + 1 < tracks.size());
    FrozenTrack changed = tracks[at];
    change(changed, tracks[at == 0 ? 1 : 0]);
    std::memcpy(state.data() + (reinterpret_cast<const std::uint8_t*>(&tracks[at]) - state.data()),
                &changed, sizeof changed);
    return !watch.goes_on(state);
  };
  CHECK(!refused([](FrozenTrack&, const FrozenTrack&) {}));
  CHECK(refused([](FrozenTrack& t, const FrozenTrack&) { t.track.kind = IdentityKind{200}; }));
  CHECK(refused([](FrozenTrack& t, const FrozenTrack&) { t.track.state = TrackState{9}; }));
  CHECK(refused([](FrozenTrack& t, const FrozenTrack&) { t.slot = 4000; }));
  CHECK(refused([](FrozenTrack& t, const FrozenTrack& other) { t.slot = other.slot; }));
  CHECK(refused([](FrozenTrack& t, const FrozenTrack& other) { t.track.key = other.track.key; }));
  CHECK(refused([](FrozenTrack& t, const FrozenTrack&) { t.track.latitude = 1e300; }));
  CHECK(refused([](FrozenTrack& t, const FrozenTrack&) { t.track.heard_ns = INT64_MIN; }));
  CHECK(refused([](FrozenTrack& t, const FrozenTrack&) {
    t.track.partner = 1;
    t.track.partner_slot = 5000;
  }));
}
