#include <random>
#include <string>
#include <vector>

#include "edge/codec/codec.hpp"
#include "unit/test.hpp"

using namespace vedette;
using namespace vedette::codec;

namespace {

struct Seen {
  std::vector<Observation> observations;
  std::vector<RefusalCause> refused;
  std::size_t records = 0;
};

Seen decode_all(Bytes datagram) {
  Seen seen;
  decode_asterix(
      datagram,
      [&](const AsterixRecord& record) {
        Observation o{};
        ++seen.records;
        if (to_observation(record, o)) {
          seen.observations.push_back(o);
        }
      },
      [&](RefusalCause cause, Bytes) { seen.refused.push_back(cause); });
  return seen;
}

// A start of an update cycle and one target report 19 m west, 226 m north of the sensor.
const std::vector<std::uint8_t> kSurface{10, 0, 22, 0xD0, 10,   2,    2,    0x40, 0x13, 0x3E, 0xF2,
                                         10, 2, 1,  0x60, 0x40, 0x13, 0x3E, 0xFF, 0xED, 0x00, 0xE2};

// Mode S target report: 1 NM in 90 degrees, flight level 100, address and call sign.
std::vector<std::uint8_t> radar_report() {
  std::vector<std::uint8_t> record{0b11110101, 0b11000000, 25,   2,    0x35, 0x6D, 0x4D, 0xA0,
                                   0x01,       0x00,       0x40, 0x00, 0x01, 0x90, 0x3C, 0x66,
                                   0x0C,       0x10,       0xC2, 0x36, 0xD4, 0x18, 0x20};
  record.insert(record.begin(), {48, 0, static_cast<std::uint8_t>(record.size() + 3)});
  return record;
}

}  // namespace

TEST_CASE("a surface report is a plot in the sensor's plane, with its sensor and clock") {
  const Seen seen = decode_all(kSurface);
  REQUIRE(seen.refused.empty());
  REQUIRE(seen.observations.size() == 2);
  CHECK(seen.observations[0].has(Field::scan_start));
  CHECK_FALSE(seen.observations[0].is_plot());
  const Observation& plot = seen.observations[1];
  CHECK(plot.is_plot());
  CHECK(plot.has(Field::plot_plane));
  CHECK(plot.has(Field::group_end));
  CHECK(plot.plot[0] == -19000);
  CHECK(plot.plot[1] == 226000);
  CHECK(plot.sensor == 10 * 256 + 2);
  CHECK(plot.time_of_day == 0x40133E);
}

TEST_CASE("a radar's target report is a polar plot with height, address and call sign") {
  const Seen seen = decode_all(radar_report());
  REQUIRE(seen.refused.empty());
  REQUIRE(seen.observations.size() == 1);
  const Observation& plot = seen.observations[0];
  CHECK(plot.has(Field::plot_polar));
  CHECK(plot.plot[0] == 1852000);
  CHECK(plot.plot[1] == 90000000);
  CHECK(plot.altitude_mm == 3048000);
  CHECK(plot.identity == 0x3C660C);
  CHECK(std::string(plot.callsign) == "DLH65A");
}

TEST_CASE("a category that is not read is refused by name, and the next block is read") {
  std::vector<std::uint8_t> bytes{21, 0, 4, 0};
  bytes.insert(bytes.end(), kSurface.begin(), kSurface.end());
  const Seen seen = decode_all(bytes);
  REQUIRE(seen.refused.size() == 1);
  CHECK(seen.refused[0] == RefusalCause::unknown_category);
  CHECK(seen.records == 2);
}

TEST_CASE("every cut of a block is refused, never read past its end") {
  const std::vector<std::uint8_t> whole = radar_report();
  for (std::size_t n = 1; n < whole.size(); ++n) {
    std::vector<std::uint8_t> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));
    CHECK(decode_all(cut).refused.size() == 1);
    if (n > 3) {
      cut[2] = static_cast<std::uint8_t>(n);  // the block states its length
      CHECK(decode_all(cut).refused.size() == 1);
    }
  }
}

TEST_CASE("a million mutated blocks: each record is read or refused by a named cause") {
  std::mt19937_64 random(11);
  std::vector<std::vector<std::uint8_t>> seeds{kSurface, radar_report()};
  // Every category with each of its items alone, filled with random bytes.
  for (const int number : {10, 34, 48, 62, 65}) {
    const auto category = static_cast<std::uint8_t>(number);
    for (std::size_t item = 0; item < asterix_category(category)->items.size(); ++item) {
      std::vector<std::uint8_t> block{category, 0, 0};
      for (std::size_t byte = 0; byte <= item / 7; ++byte) {
        block.push_back(byte == item / 7 ? static_cast<std::uint8_t>(0x80 >> item % 7) : 1);
      }
      for (int i = 0; i < 60; ++i) {
        block.push_back(static_cast<std::uint8_t>(random()));
      }
      block[2] = static_cast<std::uint8_t>(block.size());
      seeds.push_back(block);
    }
  }
  std::size_t records = 0;
  std::size_t refused = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    std::vector<std::uint8_t> bytes = seeds[random() % seeds.size()];
    for (std::uint64_t n = random() % 4; n > 0; --n) {
      bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
    }
    const Seen seen = decode_all(bytes);
    const bool answered = seen.records + seen.refused.size() > 0;
    if (!answered) {
      CHECK(answered);
    }
    for (const RefusalCause cause : seen.refused) {
      if (cause == RefusalCause::none || name_of(cause) == "unknown") {
        CHECK(name_of(cause) == "a named cause");
      }
    }
    records += seen.records;
    refused += seen.refused.size();
  }
  CHECK(records > 100'000);
  CHECK(refused > 100'000);
}
