// Which sources may report own position, and what happens to impossible reports.
#include <string>

#include "edge/codec/codec.hpp"
#include "unit/own_bridge.hpp"

using namespace vedette;
using namespace vedette::tests;

namespace {

constexpr const char* kSite = R"(
site = "bridge"
[own]
mmsi = [230035780]
[source.first]
driver = "udp"
listen = "127.0.0.1:1"
codec = "nmea0183"
[source.second]
driver = "udp"
listen = "127.0.0.1:2"
codec = "nmea0183"
[source.third]
driver = "udp"
listen = "127.0.0.1:3"
codec = "nmea0183"
[source.foreign]
driver = "udp"
listen = "127.0.0.1:4"
codec = "nmea0183"
own = false
[assess.jump]
of = "own"
when = "own.jump"
[assess.disagree]
of = "own"
when = "own.disagree"
[assess.doubt]
of = "own"
when = "own.in_doubt"
[assess.impostor]
of = "own"
when = "own.elsewhere >= 3"
[assess.ghost]
of = "track"
when = "track.sudden"
[decide.d]
on = "jump"
run = "a"
[action.a]
sink = "l"
[sink.l]
driver = "log"
)";

}  // namespace

TEST_CASE("AIS with our own MMSI, heard by radio, never sets own position and is raised") {
  Bridge b(kSite);
  double pulled = 0.0;
  for (int i = 0; i < 120; ++i) {
    b.fix(0, kHere);
    for (int n = 0; n < 5; ++n) {
      b.ais(kOwnMmsi, off(0, pulled += 12.0));
    }
    b.second();
  }
  CHECK(b.own_is_off() < 1.0);
  CHECK(b.raised.count("impostor") == 1);
  CHECK(b.raised.count("jump") == 0);
  CHECK(b.shard().tracks().size() == 1);
  SUBCASE("nor when the receiver has fallen silent") {
    for (int i = 0; i < 600; ++i) {
      b.ais(kOwnMmsi, off(0, 5000));
      b.second();
    }
    CHECK(b.own_is_off() < 1.0);
  }
}

TEST_CASE("our own MMSI heard where own ship is, even late, is no impostor") {
  Bridge b(kSite);
  for (int i = 0; i < 300; ++i) {
    b.fix(0, off(0, 10.0 * i), 19.4);
    if (i % 10 == 0 && i >= 20) {
      b.ais(kOwnMmsi, off(0, 10.0 * (i - 20)));  // repeated by a station
    }
    b.second();
  }
  CHECK(b.raised.empty());
}

TEST_CASE("what our transponder says by wire is own position where no receiver gives one") {
  Bridge b(kSite);
  for (int i = 0; i < 20; ++i) {
    b.ais(kOwnMmsi, kHere, true);
    b.second();
  }
  CHECK(b.own().updates == 20);
  // A receiver takes precedence, and the difference is reported.
  for (int i = 0; i < 60; ++i) {
    b.fix(0, kHere);
    b.ais(kOwnMmsi, off(0, 400), true);
    b.second();
  }
  CHECK(b.own_is_off() < 20.0);
  CHECK(b.raised.count("disagree") == 1);
}

TEST_CASE("own ship stays where it was reckoned while one source says it has jumped") {
  Bridge b(kSite);
  for (int i = 0; i < 60; ++i) {
    b.fix(0, off(0, 5.0 * i), 9.7);
    b.second();
  }
  const double before = b.own_is_off();
  for (int i = 0; i < 55; ++i) {
    b.fix(0, {52.0, 4.0});
    b.second();
  }
  CHECK(b.own_is_off() > before);  // dead reckoning continued
  CHECK(b.own_is_off() < before + 600.0);
  CHECK(b.own().variance_position > 400.0);
  REQUIRE(b.raised.count("jump") == 1);
  CHECK(b.raised["jump"] - 60.0 <= 1.0);
  CHECK(b.raised.count("doubt") == 1);
  CHECK(b.changes.count(TrackChangeKind::jumped) == 1);
  CHECK(b.shard().causes().has(Cause::own_in_doubt));
  SUBCASE("a place that lasts is believed in the end, and said") {
    for (int i = 0; i < 10; ++i) {
      b.fix(0, {52.0, 4.0});
      b.second();
    }
    CHECK(b.own().latitude == doctest::Approx(52.0));
    CHECK(b.changes.count(TrackChangeKind::reacquired) == 1);
    CHECK_FALSE(b.shard().causes().has(Cause::own_in_doubt));
    b.second();
    CHECK(b.cleared.count("jump") == 1);
  }
  SUBCASE("the true place, heard in between, begins the waiting anew") {
    for (int i = 0; i < 200; ++i) {
      b.fix(0, i % 20 == 0 ? Place{b.own().latitude, b.own().longitude} : Place{52.0, 4.0});
      b.second();
    }
    CHECK(b.own_is_off() < 3000.0);
    CHECK(b.changes.count(TrackChangeKind::reacquired) == 0);
  }
}

TEST_CASE("a step of two kilometres is not believed because time has passed") {
  Bridge b(kSite);
  for (int i = 0; i < 30; ++i) {
    b.fix(0, kHere);
    b.second();
  }
  for (int i = 0; i < 55; ++i) {
    b.fix(0, off(2000, 0));
    b.second();
  }
  CHECK(b.own_is_off() < 100.0);
  CHECK(b.raised.count("jump") == 1);
}

TEST_CASE("a source that jumps alone is outvoted by the one that stays") {
  Bridge b(kSite);
  for (int i = 0; i < 30; ++i) {
    b.fix(0, kHere);
    b.fix(1, off(10, 10));
    b.second();
  }
  CHECK(b.raised.empty());
  for (int i = 0; i < 600; ++i) {
    b.fix(0, {52.0, 4.0});  // first in the site file, and wrong
    b.fix(1, off(10, 10));
    b.second();
  }
  CHECK(b.own_is_off() < 50.0);
  CHECK(b.raised.count("jump") == 1);
  CHECK(b.raised.count("disagree") == 1);
  CHECK(b.changes.count(TrackChangeKind::reacquired) == 0);
}

TEST_CASE("two of three sources that agree move own ship after the time that the site gives") {
  Bridge b(kSite);
  for (int i = 0; i < 30; ++i) {
    for (std::uint16_t s = 0; s < 3; ++s) {
      b.fix(s, kHere);
    }
    b.second();
  }
  for (int i = 0; i < 70; ++i) {
    b.fix(0, kHere);
    b.fix(1, off(0, 9000));
    b.fix(2, off(0, 9010));
    b.second();
  }
  CHECK(std::abs(b.own_is_off() - 9000.0) < 30.0);
  CHECK(b.changes.count(TrackChangeKind::reacquired) == 1);
  CHECK(b.shard().causes().has(Cause::own_in_doubt));  // the third still differs
}

TEST_CASE(
    "three sentences of one receiver are one opinion: one second of them is no disagreement") {
  Bridge b(kSite);
  for (int i = 0; i < 100; ++i) {
    b.fix(1, kHere);
    for (int n = 0; n < 3; ++n) {
      b.fix(0, i == 50 ? off(0, 20'000) : kHere);
    }
    b.second();
  }
  CHECK(b.raised.count("jump") == 1);
  CHECK(b.raised.count("disagree") == 0);
  CHECK(b.own_is_off() < 1.0);
}

TEST_CASE("two antennas on board are no doubt") {
  Bridge b(kSite);
  for (int i = 0; i < 300; ++i) {
    b.fix(0, off(0, 6.0 * i), 11.7);
    b.fix(1, off(30, 6.0 * i - 40.0), 11.7);
    b.second();
  }
  CHECK(b.raised.empty());
}

TEST_CASE("sources that creep apart disagree, and own ship follows the first of them") {
  Bridge b(kSite);
  for (int i = 0; i < 200; ++i) {
    b.fix(0, kHere);
    b.fix(1, off(3.0 * i, 0));
    b.second();
  }
  CHECK(b.raised.count("disagree") == 1);
  CHECK(b.raised["disagree"] < 80.0);
  CHECK(b.own_is_off() < 30.0);
}

TEST_CASE("a source that may not speak of own ship is not heard about it") {
  Bridge b(kSite);
  for (int i = 0; i < 100; ++i) {
    b.fix(0, kHere);
    b.fix(3, {52.0, 4.0});
    b.second();
    CHECK(b.reasons.back() == Reason::not_own);
  }
  CHECK(b.own_is_off() < 1.0);
  CHECK(b.raised.empty());
}

TEST_CASE("what appears near own ship, where it ought to have been heard before, is sudden") {
  Bridge b(kSite);
  for (int i = 0; i < 700; ++i) {
    b.fix(0, kHere);
    if (i % 10 == 0) {
      b.ais(230000001, off(0, 30'000.0 - 5.0 * i));
    }
    if (i == 300) {
      b.ais(230000002, off(900, 0));  // the node has not listened long enough
    }
    if (i > 650) {
      b.ais(230000003, off(0, 8000));  // far enough to have approached unseen
    }
    b.second();
  }
  CHECK(b.raised.count("ghost") == 0);
  b.ais(230000004, off(700, 700));
  b.second();
  CHECK(b.raised.count("ghost") == 1);
}

TEST_CASE("own ship's doubts come back from a snapshot as they were") {
  Bridge b(kSite);
  for (int i = 0; i < 30; ++i) {
    b.fix(0, kHere);
    b.fix(1, kHere);
    b.second();
  }
  for (int i = 0; i < 40; ++i) {
    b.fix(0, off(0, 9000));
    b.second();
  }
  Bridge again(kSite);
  std::vector<std::uint8_t> frozen(1 << 22);
  Freezer out(frozen);
  b.shard().freeze(out);
  REQUIRE(out.ok());
  REQUIRE(!again.shard().thaw(Bytes(frozen).first(out.used())));
  std::vector<std::uint8_t> twice(1 << 22);
  Freezer second(twice);
  again.shard().freeze(second);
  REQUIRE(second.used() == out.used());
  CHECK(std::memcmp(frozen.data(), twice.data(), out.used()) == 0);
  CHECK(again.shard().causes().has(Cause::own_in_doubt));
}

TEST_CASE("a bus's own transponder is told from what it heard by radio") {
  // PGN 129038 with AIS transceiver information 2 (own transmission) and 0 (heard on channel A).
  const auto report = [](unsigned transceiver) {
    std::vector<std::uint8_t> p(28, 0);
    const std::uint32_t mmsi = kOwnMmsi;
    const std::int32_t longitude = 250000000, latitude = 600000000;
    std::memcpy(&p[1], &mmsi, 4);
    std::memcpy(&p[5], &longitude, 4);
    std::memcpy(&p[9], &latitude, 4);
    p[20] = static_cast<std::uint8_t>(transceiver << 3);
    std::string line = "2016-02-28T19:57:02.364Z,4,129038,43,255,28";
    for (const std::uint8_t byte : p) {
      char hex[4];
      std::snprintf(hex, sizeof hex, ",%02x", byte);
      line += hex;
    }
    codec::N2kDecoder decoder;
    RefusalCause cause = RefusalCause::none;
    REQUIRE(decoder.line(as_bytes(line), 1, cause));
    REQUIRE(cause == RefusalCause::none);
    Observation o{};
    REQUIRE(codec::to_observation(decoder.message(), o));
    return o;
  };
  CHECK(report(2).own_report == 1);
  CHECK(report(0).own_report == 0);
}
