// A thawed state may be damaged or forged: it is refused, or an engine can continue from it.
#include <cstdlib>
#include <random>
#include <string>

#include "busy_watch.hpp"

using namespace vedette;
using namespace vedette::tests;

namespace {

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
  BusyWatch watch;
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
  BusyWatch watch;
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
  BusyWatch watch;
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
