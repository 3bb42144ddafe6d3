// Multi-part messages under floods, and when a source's tables count as full.
#include <string>
#include <vector>

#include "base/text.hpp"
#include "edge/codec/codec.hpp"
#include "node/source_tables.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::codec;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::string sentence(const std::string& body) {
  unsigned sum = 0;
  for (const char c : body) {
    sum ^= static_cast<unsigned char>(c);
  }
  constexpr char kHex[] = "0123456789ABCDEF";
  return "!" + body + "*" + kHex[sum / 16] + kHex[sum % 16];
}
// A type 5 message in two parts.
std::string part(int which, char id, char channel) {
  const std::string at = std::string(1, id) + "," + channel + ",";
  return which == 1 ? sentence("AIVDM,2,1," + at +
                               "55?MbV02;H;s<HtKR20EHE:0@T4@Dn2222222216L961O5Gf0NSQEp6ClRp8,0")
                    : sentence("AIVDM,2,2," + at + "88888888880,2");
}

}  // namespace

TEST_CASE("a flood of first parts pushes out no message of another channel or id") {
  NmeaDecoder decoder;
  const auto hears = [&](const std::string& line, std::int64_t ns) {
    return decoder.line(as_bytes(line), ns).kind;
  };
  CHECK(hears(part(1, '3', 'A'), kSecond) == NmeaKind::part);
  for (int n = 0; n < 1000; ++n) {
    const auto id = static_cast<char>('0' + n % 10);
    if (id != '3') {
      hears(part(1, id, 'A'), kSecond + n);
    }
    hears(part(1, id, 'B'), kSecond + n);
    hears(part(1, id, static_cast<char>('C' + n % 20)), kSecond + n);
  }
  CHECK(hears(part(2, '3', 'A'), 2 * kSecond) == NmeaKind::ais);
  // 29 messages have the place of their channel and id, and ten channels without one share the
  // rest; each of the others replaced one.
  CHECK(decoder.unfinished() == 2900 - 39);
  // Replacing a timed-out message is no loss.
  const std::uint64_t before = decoder.unfinished();
  hears(part(1, '3', 'A'), 100 * kSecond);
  hears(part(1, '3', 'A'), 140 * kSecond);
  CHECK(decoder.unfinished() == before);
}

TEST_CASE("a source's table is full while it loses many, and each change is told once") {
  node::SourceTables tables;
  std::vector<SourceFull> told;
  const auto look = [&](std::uint64_t unfinished, std::uint64_t aircraft, std::int64_t s) {
    const auto tell = [&](const SourceFull& full) { told.push_back(full); };
    tables.look(2, codec::crowding_of(CodecKind::nmea0183), unfinished, s * kSecond, tell);
    tables.look(3, codec::crowding_of(CodecKind::adsb), aircraft, s * kSecond, tell);
    tables.look(4, codec::crowding_of(CodecKind::mavlink), 1000, s * kSecond,
                tell);  // has no table
  };
  // A few radio losses in ten seconds are no flood.
  for (std::int64_t s = 1; s < 100; ++s) {
    look(static_cast<std::uint64_t>(s) * 4, 0, s);
  }
  CHECK(told.empty());
  look(500, 0, 100);
  REQUIRE(told.size() == 1);
  CHECK(told[0].cause == Cause::parts_full);
  CHECK(told[0].there == 1);
  CHECK(told[0].source == 2);
  CHECK(told[0].lost == 500);
  look(500, 1, 105);  // one aircraft forgotten too soon suffices
  REQUIRE(told.size() == 2);
  CHECK(told[1].cause == Cause::aircraft_full);
  CHECK(tables.full(Cause::parts_full));
  look(500, 1, 111);
  REQUIRE(told.size() == 3);
  CHECK(told[2].there == 0);
  CHECK_FALSE(tables.full(Cause::parts_full));
  CHECK(tables.full(Cause::aircraft_full));
  look(500, 1, 116);
  CHECK(told.size() == 4);
}
