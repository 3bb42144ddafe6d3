// ADS-B decoding state: simulated aircraft under floods of fake addresses.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "edge/codec/adsb.hpp"
#include "model/limits.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::codec;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

// An airborne position (DO-260B A.1.7.3), type code 11, as a whole frame with its parity.
struct Frame {
  std::uint8_t bytes[14];
};
Frame position_frame(std::uint32_t icao, double latitude, double longitude, bool odd) {
  constexpr double kCpr = 131072.0;
  const auto part = [](double x, double zone) { return x / zone - std::floor(x / zone); };
  const double latitude_zone = 360.0 / (odd ? 59 : 60);
  const auto y = static_cast<std::uint64_t>(std::floor(kCpr * part(latitude, latitude_zone) + 0.5));
  const double rounded =
      latitude_zone * (static_cast<double>(y) / kCpr + std::floor(latitude / latitude_zone));
  const int zones = std::max(cpr_zones(rounded) - (odd ? 1 : 0), 1);
  const auto x =
      static_cast<std::uint64_t>(std::floor(kCpr * part(longitude, 360.0 / zones) + 0.5));
  const std::uint64_t me = std::uint64_t{11} << 51 | std::uint64_t{0x5b8} << 36 |
                           std::uint64_t{odd} << 34 | (y & 0x1FFFF) << 17 | (x & 0x1FFFF);
  Frame frame{{0x8D, static_cast<std::uint8_t>(icao >> 16), static_cast<std::uint8_t>(icao >> 8),
               static_cast<std::uint8_t>(icao)}};
  for (std::size_t i = 0; i < 7; ++i) {
    frame.bytes[4 + i] = static_cast<std::uint8_t>(me >> (48 - 8 * i));
  }
  const std::uint32_t parity = modes_parity(Bytes(frame.bytes));
  for (std::size_t i = 0; i < 3; ++i) {
    frame.bytes[11 + i] = static_cast<std::uint8_t>(parity >> (16 - 8 * i));
  }
  return frame;
}

struct Sky {
  std::vector<std::uint64_t> memory = std::vector<std::uint64_t>(AircraftTable::bytes_needed() / 8);
  AircraftTable table;
  AdsbDecoder decoder{&table};
  std::uint32_t next_false = 0x500000;

  Sky() {
    Arena arena(memory.data(), memory.size() * 8);
    table.init(arena);
  }

  // Whether decoding the frame gives its true place.
  bool hears(std::uint32_t icao, double latitude, double longitude, bool odd, std::int64_t ns) {
    const auto m = decoder.frame(position_frame(icao, latitude, longitude, odd).bytes, ns);
    return m && m->has_position && std::abs(m->latitude - latitude) < 1e-4 &&
           std::abs(m->longitude - longitude) < 1e-3;
  }
  void flood(int frames, std::int64_t ns) {
    for (int i = 0; i < frames; ++i) {
      hears(next_false++, 50, 10, false, ns);
    }
  }
};

}  // namespace

TEST_CASE("2,000 aircraft keep their positions under 10,000 false addresses a second") {
  Sky sky;
  constexpr int kAircraft = 2000;
  int placed = 0;
  int asked = 0;
  // Halves at intervals of half a second, as transponders send, for 6 s, with the flood from the
  // start.
  for (int half = 0; half < 12; ++half) {
    for (int a = 0; a < kAircraft; ++a) {
      const std::int64_t ns = kSecond + half * kSecond / 2 + a * (kSecond / 2 / kAircraft);
      const bool right = sky.hears(0x400000 + static_cast<std::uint32_t>(a), -60 + a * 0.06,
                                   -170 + a * 0.17 + half * 0.001, half % 2 != 0, ns);
      asked += half > 0 ? 1 : 0;
      placed += half > 0 && right ? 1 : 0;
      sky.flood(a % 2 == 0 ? 5 : 0, ns);
    }
  }
  CHECK(placed == asked);
  CHECK(sky.table.placed() == kAircraft);
  CHECK(sky.table.fresh() == limits::kFreshAircraft);
  CHECK(sky.table.forgotten() > 0);
  // A newcomer during the flood gets its place with its second half.
  sky.hears(0x460002, 60, 25.2, false, 8 * kSecond);
  sky.flood(5000, 8 * kSecond + kSecond / 4);
  CHECK(sky.hears(0x460002, 60, 25.2, true, 8 * kSecond + kSecond / 2));
}

TEST_CASE(
    "the fresh aircraft heard longest ago is forgotten first, a placed one that is heard never") {
  std::vector<std::uint64_t> memory(AircraftTable::bytes_needed(2, 3) / 8 + 8);
  Arena arena(memory.data(), memory.size() * 8);
  AircraftTable table;
  table.init(arena, 2, 3);
  const auto place = [&](std::uint32_t icao, std::int64_t s) {
    table.place(table.heard(icao, s * kSecond), 1, 2, s * kSecond);
  };
  const auto known = [&](std::uint32_t icao, std::int64_t s) {
    return table.heard(icao, s * kSecond).placed_ns != 0;
  };
  place(1, 1);
  place(2, 2);
  for (std::uint32_t icao = 10; icao < 13; ++icao) {
    table.heard(icao, 3 * kSecond).half_ns[0] = 3 * kSecond;
  }
  table.heard(10, 4 * kSecond);
  table.heard(13, 4 * kSecond);  // 11 is evicted, because 10 was heard since
  CHECK(table.heard(10, 4 * kSecond).half_ns[0] != 0);
  CHECK(table.forgotten() == 1);
  CHECK(table.heard(11, 4 * kSecond).half_ns[0] == 0);
  // While both placed aircraft are heard, a third cannot be placed.
  place(13, 5);
  CHECK(table.turned_away() == 1);
  CHECK(table.placed() == 2);
  CHECK(known(1, 6));
  CHECK(known(2, 30));
  // The first, unheard for more than a minute, is replaced.
  place(13, 70);
  CHECK(table.placed() == 2);
  CHECK(known(13, 71));
  CHECK(known(2, 71));
  CHECK_FALSE(known(1, 71));
}
