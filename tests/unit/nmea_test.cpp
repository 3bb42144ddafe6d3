// NMEA 0183: sentences of instruments and radars, what stands around a sentence, parts that belong
// together, AIS types 9, 14 and 27.
#include <string>
#include <vector>

#include "base/text.hpp"
#include "edge/codec/codec.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::codec;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::string sealed(const std::string& body) {
  constexpr char kHex[] = "0123456789ABCDEF";
  const std::uint8_t sum = checksum_of(body);
  return body + "*" + kHex[sum / 16] + kHex[sum % 16];
}
std::string dollar(const std::string& body) {
  return "$" + sealed(body);
}
std::string tagged(const std::string& block, const std::string& sentence) {
  return "\\" + sealed(block) + "\\" + sentence;
}
std::string ais(const std::string& body) {
  return "!" + sealed(body);
}

// Values of one message, by name.
struct Told {
  std::string text;
  Observation observation;
  bool used = false;
  RefusalCause cause = RefusalCause::none;

  bool has(std::string_view part) const { return text.find(part) != std::string::npos; }
};

class Ear {
 public:
  Told hear(const std::string& line, std::int64_t ns = kSecond) {
    const NmeaResult& result = decoder_.line(as_bytes(line), ns);
    Told told;
    if (result.kind == NmeaKind::refused) {
      told.cause = result.cause;
      return told;
    }
    JsonWriter<std::string> json(told.text);
    json.begin_object();
    describe(result, json);
    json.end_object();
    told.used = to_observation(result, told.observation);
    return told;
  }

 private:
  NmeaDecoder decoder_;
};

Told hear(const std::string& line) {
  Ear ear;
  return ear.hear(line);
}

// The six-bit text of an AIS message, from fields of value and width.
std::string armoured(const std::vector<std::pair<std::uint64_t, unsigned>>& fields, int& fill) {
  std::vector<bool> bits;
  for (const auto& [value, width] : fields) {
    for (unsigned i = width; i-- > 0;) {
      bits.push_back((value >> i & 1) != 0);
    }
  }
  fill = 0;
  while (bits.size() % 6 != 0) {
    bits.push_back(false);
    ++fill;
  }
  std::string text;
  for (std::size_t i = 0; i < bits.size(); i += 6) {
    int v = 0;
    for (std::size_t k = 0; k < 6; ++k) {
      v = v * 2 + (bits[i + k] ? 1 : 0);
    }
    text += static_cast<char>(v < 40 ? v + 48 : v + 56);
  }
  return text;
}
std::string message(const std::vector<std::pair<std::uint64_t, unsigned>>& fields) {
  int fill = 0;
  const std::string text = armoured(fields, fill);
  return ais("AIVDM,1,1,,A," + text + "," + std::to_string(fill));
}
constexpr std::uint64_t low(std::int64_t value, unsigned width) {
  return static_cast<std::uint64_t>(value) & ((1ULL << width) - 1);
}

// A type 5 in two parts: name and destination tell whose halves they are.
constexpr const char* kFirst = "55?MbV02;H;s<HtKR20EHE:0@T4@Dn2222222216L961O5Gf0NSQEp6ClRp8";
constexpr const char* kSecondHalf = "88888888880";
std::string part(int which, const std::string& id_and_channel, const char* talker = "AI") {
  return which == 1
             ? ais(std::string(talker) + "VDM,2,1," + id_and_channel + "," + kFirst + ",0")
             : ais(std::string(talker) + "VDM,2,2," + id_and_channel + "," + kSecondHalf + ",2");
}

}  // namespace

TEST_CASE("a compass gives true headings, by its own variation or by one heard before") {
  const auto own = hear(dollar("HCHDG,98.3,1.0,W,12.6,E"));
  CHECK(own.has("\"heading\":109.90,\"heading_magnetic\":false"));
  CHECK(own.observation.heading_e6 / 1000.0 == doctest::Approx(109'900));
  CHECK(hear(dollar("HCHDG,3.0,,,5.5,W")).observation.heading_e6 == 357'500'000);
  Ear ear;
  const auto alone = ear.hear(dollar("HCHDM,98.3,M"));
  CHECK(alone.has("\"heading\":98.30,\"heading_magnetic\":true"));
  CHECK_FALSE(alone.used);  // nobody says which way true north is
  CHECK_FALSE(ear.hear(dollar("HCHDG,98.3,,,,")).used);
  ear.hear(dollar("GPRMC,120000,A,5200.0,N,00400.0,E,1.0,90.0,010120,2.5,W"), 2 * kSecond);
  const auto turned = ear.hear(dollar("HCHDM,98.3,M"), 3 * kSecond);
  CHECK(turned.observation.heading_e6 / 1000.0 == doctest::Approx(95'800));
  CHECK(turned.has("\"heading_true\":95.80"));
  CHECK_FALSE(ear.hear(dollar("HCHDM,98.3,M"), 3 * kSecond + Bearings::kVariationNs).used);
  CHECK(hear(dollar("IITHS,240.6,A")).observation.heading_e6 == 240'600'000);
  CHECK_FALSE(hear(dollar("IITHS,240.6,V")).used);
}

TEST_CASE("wind, water and depth are read in each unit, and empty fields say nothing") {
  CHECK(hear(dollar("IIMWV,343.0,R,36.0,K,A")).observation.wind_speed_mm_s == 10'000);
  CHECK(hear(dollar("IIMWV,343.0,T,10.0,M,A")).has("\"wind_reference\":3"));
  CHECK(hear(dollar("02MWV,327.6,R,1.89,N")).used);  // without the status of version 2.3
  CHECK_FALSE(hear(dollar("IIMWV,343.0,R,36.0,K,V")).used);
  CHECK(hear(dollar("IIMWV,,R,,N,A")).cause == RefusalCause::none);
  CHECK(hear(dollar("IIMWV,10,R,5.0,X,A")).cause == RefusalCause::malformed);
  const auto north = hear(dollar("WIMWD,270.0,T,268.0,M,10.0,N,5.144,M"));
  CHECK(north.observation.wind_angle_e6 == 270'000'000);
  CHECK(north.observation.wind_speed_mm_s == 5'144);
  CHECK(hear(dollar("IIMWD,,,,,08.16,N,04.20,M")).has("\"wind_speed\":4.2000"));
  CHECK(hear(dollar("VWVHW,,T,,M,,N,36.0,K")).observation.water_speed_mm_s == 10'000);
  CHECK(hear(dollar("VWVHW,45.0,T,43.0,M,6.0,N,,K")).observation.heading_e6 == 45'000'000);
  CHECK_FALSE(hear(dollar("VWVHW,,T,,M,,N,,K")).used);
  CHECK(hear(dollar("SDDBT,13.5,f,,M,,F")).has("\"depth\":4.11"));
  CHECK(hear(dollar("SDDBS,,f,,M,2.0,F")).has("\"depth\":3.66"));
  CHECK(hear(dollar("SDDPT,4.1,-0.5")).has("\"depth\":4.10,\"offset\":-0.50"));
  CHECK(hear(dollar("TIROT,-12.5,A")).has("\"turn\":-12.50"));
}

TEST_CASE("GNS has a position when one of its systems has") {
  const std::string before = "GNGNS,120000.00,5200.0000,N,00400.0000,E,";
  const auto good = hear(dollar(before + "NA,12,0.9,12.3,46.9,,,V"));
  CHECK(good.observation.latitude_e7 == 520'000'000);
  CHECK(good.observation.position_sigma_mm == 2700);
  CHECK_FALSE(hear(dollar(before + "NN,00,99.99,,,,,V")).observation.has(Field::position));
  CHECK_FALSE(hear(dollar(before + "S,00,0.9,,,,,V")).observation.has(Field::position));
}

TEST_CASE("satellites and their signal are told with and without a fix") {
  Ear ear;
  const Told view =
      ear.hear(dollar("GPGSV,3,1,09,02,67,180,45,05,33,090,40,09,10,300,,12,05,010,35"));
  REQUIRE(view.used);
  CHECK(view.observation.signal_db == 40);  // of the three that it hears
  CHECK_FALSE(ear.hear(dollar("GPGSV,1,1,01,02,67,180,")).used);
  CHECK_FALSE(ear.hear(dollar("GPGSV,,,,,,,,,,,,,,,,,,,")).used);
  CHECK(ear.hear(dollar("GPGSV,1,1,01,02,67,180,4x")).cause == RefusalCause::out_of_range);
  const Told none = ear.hear(dollar("GPGGA,120000,,,,,0,02,,,M,,M,,"));
  REQUIRE(none.used);
  CHECK(none.observation.satellites == 2);
  CHECK_FALSE(none.observation.has(Field::position));
}

TEST_CASE("placeholders and blanks: a receiver without a fix is no worse for them") {
  for (const char* place :
       {"8960.0000,N,00000.0000,E", "36000.0000,N,72000.0000,E", "9960.0000,N,18960.0000,W",
        "0000.0000,,00000.0000,", "----,-,-----,-"}) {
    const auto told =
        hear(dollar(std::string("GPRMC,120000.000,V,") + place + ",999.9,999.9,010120,,"));
    CHECK(told.has("\"valid\":false,\"time\":\"2020-01-01T12:00:00.000Z\""));
    CHECK_FALSE(told.has("\"lat\""));
    CHECK(hear(dollar(std::string("GPRMC,120000.000,A,") + place + ",0.0,0.0,010120,,")).cause !=
          RefusalCause::none);  // what claims a fix must have one
    CHECK_FALSE(hear(dollar(std::string("GPGLL,") + place + ",120000,V")).has("\"lat\""));
    CHECK_FALSE(
        hear(dollar(std::string("GPGGA,120000,") + place + ",0,00,999.9,,M,,M,,")).has("\"lat\""));
  }
  CHECK_FALSE(hear(dollar("GPRMC,120000,V,,,,,,,000000,,")).has("\"time\""));
  for (const char* blank : {"5200.0000,N,00400.0000,E ", "5200.0000, N,00400.0000, E",
                            " 5200.0000,N , 00400.0000\t,E"}) {
    const auto told = hear(dollar(std::string("GPGLL,") + blank + ",120000.00 ,A ,A"));
    CHECK(told.observation.latitude_e7 == 520'000'000);
    CHECK(told.observation.longitude_e7 == 40'000'000);
  }
}

TEST_CASE("a radar's own targets are plots, by the bow only while the heading is known") {
  Ear ear;
  const auto seen =
      ear.hear(dollar("RATTM,01,1.20,045.0,T,8.0,180.0,T,0.5,6.0,N,TGT1,T,,120000.00,A"));
  REQUIRE(seen.used);
  CHECK(seen.observation.kind == IdentityKind::contact);
  CHECK(seen.observation.plot[0] == 2'222'400);
  CHECK(seen.observation.plot[1] == 45'000'000);
  const std::string by_bow = dollar("RATTM,02,2.0,350.0,R,8.0,180.0,R,,,K,,T,,,A");
  CHECK_FALSE(ear.hear(by_bow).used);
  ear.hear(dollar("HEHDT,20.0,T"), 10 * kSecond);
  const auto turned = ear.hear(by_bow, 11 * kSecond);
  CHECK(turned.observation.plot[0] == 2'000'000);
  CHECK(turned.observation.plot[1] == 10'000'000);
  CHECK(turned.has("\"bearing\":350.00,\"bearing_relative\":true,\"bearing_true\":10.00"));
  CHECK_FALSE(ear.hear(by_bow, 13 * kSecond).used);
  CHECK_FALSE(ear.hear(dollar("RATTM,01,1.20,045.0,T,8.0,180.0,T,,,N,,L,,,A")).used);  // lost
  const auto placed = ear.hear(dollar("RATLL,07,5200.0,N,00400.0,E,SEVEN,120000,T,"));
  CHECK(placed.observation.latitude_e7 == 520'000'000);
  CHECK(placed.has("\"target\":7,\"name\":\"SEVEN\""));
}

TEST_CASE("AIS 9, 14 and 27 are read, and what they leave out is not there") {
  const auto aircraft = [](std::uint64_t altitude, std::uint64_t speed) {
    return hear(message({{9, 6},
                         {0, 2},
                         {111265501, 30},
                         {altitude, 12},
                         {speed, 10},
                         {1, 1},
                         {low(6'750'000, 28), 28},
                         {low(32'700'000, 27), 27},
                         {900, 12},
                         {30, 6},
                         {0, 8},
                         {0, 1},
                         {0, 3},
                         {0, 1},
                         {0, 1},
                         {0, 20}}));
  };
  const auto sar = aircraft(303, 120);
  CHECK(sar.observation.altitude_mm == 303'000);
  CHECK(sar.observation.speed_mm_s == 61'733);
  CHECK(sar.observation.course_e6 == 90'000'000);
  CHECK(sar.observation.latitude_e7 == 545'000'000);
  CHECK(aircraft(303, 600).observation.speed_mm_s == 308'667);
  const auto silent = aircraft(4095, 1023);
  CHECK_FALSE(silent.has("\"alt\""));
  CHECK_FALSE(silent.has("\"speed\""));
  CHECK_FALSE(aircraft(4094, 1022).observation.has(Field::altitude));
  CHECK_FALSE(aircraft(4094, 1022).observation.has(Field::speed));
  const auto far = [](std::int64_t lon, std::int64_t lat, std::uint64_t speed,
                      std::uint64_t course) {
    return hear(message({{27, 6},
                         {3, 2},
                         {265999001, 30},
                         {1, 1},
                         {0, 1},
                         {5, 4},
                         {low(lon, 18), 18},
                         {low(lat, 17), 17},
                         {speed, 6},
                         {course, 9},
                         {0, 1},
                         {0, 1}}));
  };
  const auto there = far(-6750, -32700, 62, 359);
  CHECK(there.observation.longitude_e7 == -112'500'000);
  CHECK(there.observation.latitude_e7 == -545'000'000);
  CHECK(there.observation.speed_mm_s == 31'896);
  CHECK(there.observation.course_e6 == 359'000'000);
  CHECK(there.observation.nav_status == 5);
  const auto nowhere = far(181 * 600, 91 * 600, 63, 511);
  CHECK_FALSE(nowhere.observation.has(Field::position));
  CHECK_FALSE(nowhere.observation.has(Field::speed));
  CHECK_FALSE(nowhere.observation.has(Field::course));
  std::vector<std::pair<std::uint64_t, unsigned>> fields{{14, 6}, {0, 2}, {974999001, 30}, {0, 2}};
  for (const char c : std::string("MAN OVERBOARD")) {
    fields.emplace_back(c & 63, 6);
  }
  const auto text = hear(message(fields));
  CHECK(text.has("\"text\":\"MAN OVERBOARD\""));
  CHECK(text.observation.identity == 974999001);
}

TEST_CASE("parts belong together by group, source, talker and channel") {
  Ear ear;
  for (int station = 0; station < 20; ++station) {  // all with the same id and channel
    const std::string number = std::to_string(station + 1);
    CHECK(ear.hear(tagged("g:1-2-" + number + ",s:st" + number + ",c:1700000000", part(1, "3,A")))
              .has("part"));
  }
  for (int station = 20; station-- > 0;) {
    CHECK(
        ear.hear(tagged("g:2-2-" + std::to_string(station + 1), part(2, "3,A"))).has("\"type\":5"));
  }
  CHECK(ear.hear(tagged("g:2-2-7", part(2, "3,A"))).cause == RefusalCause::multipart_missing);
  // The older form of a group, sources, stations of a suffix, talkers.
  ear.hear(tagged("1G2:98,s:one", part(1, "4,B")));
  CHECK(ear.hear(tagged("2G2:99", part(2, "4,B"))).cause == RefusalCause::multipart_missing);
  CHECK(ear.hear(tagged("2G2:98", part(2, "4,B"))).has("\"type\":5"));
  ear.hear(tagged("s:one", part(1, "4,B")));
  CHECK(ear.hear(tagged("s:two", part(2, "4,B"))).cause == RefusalCause::multipart_missing);
  CHECK(ear.hear(tagged("s:one", part(2, "4,B"))).has("\"type\":5"));
  ear.hear(part(1, "5,A") + ",r003669945,1241544035");
  CHECK(ear.hear(part(2, "5,A") + ",r003669946,1241544035").cause ==
        RefusalCause::multipart_missing);
  CHECK(ear.hear(part(2, "5,A") + ",r003669945,1241544035").has("\"type\":5"));
  ear.hear(part(1, "6,A", "AB"));
  ear.hear(part(1, "6,A", "BS"));
  CHECK(ear.hear(part(2, "6,A", "AB")).has("\"type\":5"));
  CHECK(ear.hear(part(2, "6,A", "BS")).has("\"type\":5"));
  // A receiver may name the channel in the first part alone.
  ear.hear(part(1, "7,B"));
  CHECK(ear.hear(part(2, "7,A")).cause == RefusalCause::multipart_missing);
  CHECK(ear.hear(part(2, "7,")).has("\"type\":5"));
  // An id that is used again is another message.
  ear.hear(part(1, "8,A"), kSecond);
  CHECK(ear.hear(part(2, "8,A"), kSecond + NmeaDecoder::kPartTimeoutNs + 1).cause ==
        RefusalCause::multipart_timeout);
}

TEST_CASE("a sentence is found behind what loggers and broken neighbours put before it") {
  const std::string good = dollar("GPGLL,5200.0000,N,00400.0000,E,120000.00,A,A");
  for (const std::string before :
       {"\xEF\xBB\xBF", " \t", "2023-11-14T22:13:20Z ", "[22:13:20.123] ", "1303726603004;N;",
        "\\s:x,c:1*00\\", "\\", "$GPGLL,5200.00", "\xB5\x62\x01\x07!"}) {
    const auto told = hear(before + good);
    CHECK_MESSAGE((told.has("\"lat\":52.0000000") || before == "\\"), before);
  }
  for (const std::string behind : {",1700000000", "\t2023-11-14", " x", ";1"}) {
    CHECK(hear(good + behind).has("\"lat\":52.0000000"));
  }
  CHECK(hear(good + "x").cause == RefusalCause::malformed);
  CHECK(hear("\\g:1-2-3*00\\").cause == RefusalCause::framing);
}
