// NMEA 2000: the forms of its lines, fast packets in frames, headings by a variation heard before,
// and what "not available" looks like in each field.
#include <cmath>
#include <string>
#include <vector>

#include "edge/codec/codec.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::codec;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr const char* kHeading = "2,127250,7,255,8,ff,8b,0a,ff,7f,ff,7f,fd";  // 15.4641 magnetic

struct Told {
  std::string text;
  Observation observation;
  bool used = false;
  bool comment = false;
  RefusalCause cause = RefusalCause::none;
  std::string raw;

  bool has(std::string_view part) const { return text.find(part) != std::string::npos; }
};

class Ear {
 public:
  Told hear(const std::string& line, std::int64_t ns = kSecond) {
    Told told;
    told.comment = !decoder_.line(as_bytes(line), ns, told.cause);
    if (told.comment || told.cause != RefusalCause::none) {
      return told;
    }
    JsonWriter<std::string> json(told.text);
    json.begin_object();
    describe(decoder_.message(), json);
    json.end_object();
    told.used = to_observation(decoder_.message(), told.observation);
    told.raw = as_text(decoder_.raw());
    return told;
  }
  const N2kDecoder& decoder() const { return decoder_; }

 private:
  N2kDecoder decoder_;
};

Told hear(const std::string& line) {
  Ear ear;
  return ear.hear(line);
}

std::string hex(std::uint8_t byte) {
  constexpr char kHex[] = "0123456789abcdef";
  return {kHex[byte >> 4], kHex[byte & 15]};
}
std::string plain(std::uint32_t pgn, const std::vector<std::uint8_t>& bytes) {
  std::string text = "2023-11-14T22:13:20.000Z,3," + std::to_string(pgn) + ",7,255," +
                     std::to_string(bytes.size());
  for (const std::uint8_t byte : bytes) {
    text += "," + hex(byte);
  }
  return text;
}
// The frames of a fast packet.
std::vector<std::string> frames(std::uint32_t pgn, const std::vector<std::uint8_t>& bytes,
                                unsigned sequence) {
  std::vector<std::string> lines;
  std::size_t at = 0;
  for (unsigned number = 0; at < bytes.size(); ++number) {
    std::vector<std::uint8_t> frame{static_cast<std::uint8_t>(sequence << 5 | number)};
    if (number == 0) {
      frame.push_back(static_cast<std::uint8_t>(bytes.size()));
    }
    while (frame.size() < 8) {
      frame.push_back(at < bytes.size() ? bytes[at] : std::uint8_t{0xFF});
      ++at;
    }
    lines.push_back(plain(pgn, frame));
  }
  return lines;
}

std::vector<std::uint8_t> gnss() {
  return {0xff, 0x20, 0x4e, 0x00, 0xcc, 0xbf, 0x19, 0x00, 0x00, 0xb6, 0x92, 0x23, 0x77, 0x7e, 0x07,
          0x00, 0x00, 0x4b, 0xcd, 0x6a, 0xcc, 0x86, 0x01, 0x20, 0xbc, 0xbe, 0x00, 0x00, 0x00, 0x00,
          0x00, 0x13, 0xfc, 0x08, 0x6f, 0x00, 0xbe, 0x00, 0xdd, 0xf2, 0xff, 0xff, 0x00};
}

}  // namespace

TEST_CASE("PLAIN lines carry their time in each form that loggers write") {
  const std::pair<const char*, const char*> forms[] = {
      {"2011-04-25-10:16:43.004", "2011-04-25T10:16:43.004Z"},
      {"2011-04-25T10:16:43.004", "2011-04-25T10:16:43.004Z"},
      {"2011-04-25 10:16:43", "2011-04-25T10:16:43.000Z"},
      {"2011-04-25T10:16:43.004123456-07:00", "2011-04-25T17:16:43.004123456Z"},
      {"2011-04-25T10:16:43.5+0530", "2011-04-25T04:46:43.500Z"},
      {"2011-04-25T10:16:43.1234567899+02", "2011-04-25T08:16:43.123456789Z"},
      {"1303726603.004", "2011-04-25T10:16:43.004Z"},
      {"1303726603004", "2011-04-25T10:16:43.004Z"}};
  for (const auto& form : forms) {
    const auto told = hear(std::string(form.first) + "," + kHeading);
    CHECK_MESSAGE(told.has(std::string("\"time\":\"") + form.second + "\""), form.first);
  }
  CHECK(hear(std::string("10:16:43.004,") + kHeading).has("\"time_of_day\":37003.004"));
  for (const char* wrong : {"", "now", "2011-04-25T10:16", "2011-04-25T10:16:43.004+xx",
                            "2011-13-25T10:16:43Z", "2011-04-25T10:16:43.004-7"}) {
    CHECK_MESSAGE(hear(std::string(wrong) + "," + kHeading).cause == RefusalCause::malformed,
                  wrong);
  }
  for (const char* behind : {" ", ",", "\t", ", ", "\r"}) {
    CHECK(hear(std::string("2011-04-25T10:16:43.004Z,") + kHeading + behind).has("15.4641"));
  }
  for (const char* nothing : {"# a note", "", "  ", "\t# format=FAST"}) {
    CHECK(hear(nothing).comment);
  }
}

TEST_CASE("each gateway's line says the same") {
  const std::string same = "\"pgn\":127250,\"src\":3,\"prio\":2,\"dst\":255";
  for (const char* line :
       {"(1502984866.421964) can0 09F11203#FF8B0AFF7FFF7FFD",
        "(2017-08-17 15:47:46.421964)  vcan1  09F11203   [8]  FF 8B 0A FF 7F FF 7F FD",
        " can0  09F11203   [8]  FF 8B 0A FF 7F FF 7F FD   '........'",
        " can0  RX - -  09F11203   [8]  FF 8B 0A FF 7F FF 7F FD",
        "<0x09f11203> [8] ff 8b 0a ff 7f ff 7f fd ",
        "10:16:43.004 R 09F11203 FF 8B 0A FF 7F FF 7F FD",
        "10:16:43.004 T 09F11203 FF 8B 0A FF 7F FF 7F FD\r",
        "A101643.004 03FF2 1F112 FF8B0AFF7FFF7FFD", "!PDGY,127250,2,3,255,481.734,/4sK/3//f/0=",
        "1303726603004;A;2011-04-25T10:16:43.004Z,2,127250,3,255,8,ff,8b,0a,ff,7f,ff,7f,fd",
        "1303726603004;A;10:16:43.004 R 09F11203 FF 8B 0A FF 7F FF 7F FD"}) {
    const auto told = hear(line);
    CHECK_MESSAGE(told.has(same), line);
    CHECK_MESSAGE(told.has("\"heading\":15.4641,\"heading_magnetic\":true"), line);
  }
  CHECK(hear("1303726603004;A;10:16:43.004 R 09F11203 FF 8B 0A FF 7F FF 7F FD")
            .has("\"time\":\"2011-04-25T10:16:43.004Z\""));
  // PDU1: the identifier's low byte says who is meant.
  N2kLine asked;
  CHECK(read_n2k_line(as_bytes("(1502984866.4) can0 18EA1103#00EE00"), asked) ==
        RefusalCause::unsupported);
  CHECK(asked.pgn == 59904);
  CHECK(asked.destination == 0x11);
  for (const char* foreign :
       {"can0 123#00", "can0 20000004#0004000000000000", "$PDGY,000000,4,,5,482,1,0"}) {
    CHECK_MESSAGE(hear(foreign).cause == RefusalCause::unsupported, foreign);
  }
  for (const char* broken :
       {"(1502984866.4 can0 09F11203#FF", "can0 09F11203#FF8", "can0 09F11203#FF8B0AFF7FFF7FFD00",
        "<0x09f11203 [8] ff", "10:16:43.004 X 09F11203 FF", "A101643.004 3FF2 1F112 FF", "can0",
        "can0 09F11203 [9] 00", "interface = can0, family = 29", "1303726603004;A;", "x;A;y",
        "!PDGY,127250,2,3,255,1,*"}) {
    CHECK_MESSAGE(hear(broken).cause == RefusalCause::malformed, broken);
  }
  CHECK(hear("can0 09F11203 [8] FF 8B 0A").cause == RefusalCause::too_short);
}

TEST_CASE("a fast packet is put together from its frames, whatever stands between them") {
  Ear ear;
  const auto lines = frames(129029, gnss(), 2);
  REQUIRE(lines.size() == 7);
  auto other = gnss();
  other[33] = 9;
  const auto others = frames(129029, other, 3);
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    CHECK(ear.hear(lines[i]).has("\"n2k-part\""));
    CHECK(ear.hear(others[i]).has("\"parts\":7"));
  }
  const auto whole = ear.hear(lines.back());
  CHECK(whole.has("\"lat\":54.0000000,\"lon\":11.0000000"));
  CHECK(whole.has("\"satellites\":8"));
  CHECK(whole.raw == hear(plain(129029, gnss())).raw.substr(0, 23) + "000000" +
                         plain(129029, gnss()).substr(23));
  CHECK(hear(whole.raw).observation.latitude_e7 == whole.observation.latitude_e7);
  CHECK(ear.hear(others.back()).has("\"satellites\":9"));
  // In any order behind the first; once more is missing.
  ear.hear(lines[0]);
  for (const std::size_t i : {3U, 1U, 2U, 6U, 5U}) {
    ear.hear(lines[i]);
  }
  CHECK(ear.hear(lines[4]).has("\"lat\""));
  CHECK(ear.hear(lines[4]).cause == RefusalCause::multipart_missing);
  ear.hear(lines[0], kSecond);
  CHECK(ear.hear(lines[1], kSecond + FastPackets::kTimeoutNs + 1).cause ==
        RefusalCause::multipart_timeout);
  CHECK(ear.decoder().unfinished() == 0);
}

TEST_CASE("fast packets that never end take no more than their places") {
  Ear ear;
  const auto first = frames(129029, gnss(), 0)[0];
  const auto from = [&](int source, const std::string& line) {
    std::string changed = line;
    changed.replace(changed.find(",7,255"), 2, "," + std::to_string(source));
    return changed;
  };
  for (int source = 0; source < 70; ++source) {
    ear.hear(from(source, first), kSecond + source);
  }
  CHECK(ear.decoder().unfinished() == 70 - FastPackets::kPlaces);
  const auto lines = frames(129029, gnss(), 0);
  for (std::size_t i = 1; i + 1 < lines.size(); ++i) {
    ear.hear(from(69, lines[i]), 2 * kSecond);
  }
  CHECK(ear.hear(from(69, lines.back()), 2 * kSecond).has("\"lat\""));
  CHECK(ear.hear(from(0, lines[1]), 2 * kSecond).cause == RefusalCause::multipart_missing);
  ear.hear(from(3, "2023-11-14T22:13:20.000Z,3,129029,7,255,8,00,f0,00,00,00,00,00,00"));
  CHECK(ear.hear("2023-11-14T22:13:20.000Z,3,129029,7,255,2,00,00").cause ==
        RefusalCause::malformed);
}

TEST_CASE("a magnetic direction is true by the variation of 127258") {
  Ear ear;
  const std::string heading = std::string("2011-04-25T10:16:43.004Z,") + kHeading;
  CHECK_FALSE(ear.hear(heading).used);
  CHECK(ear.hear("2011-04-25T10:16:43.004Z,6,127258,7,255,8,ff,f8,ff,ff,2b,02,ff,ff")
            .has("\"variation\":3.1799"));
  const auto told = ear.hear(heading, 2 * kSecond);
  CHECK(told.observation.heading_e6 / 1000 == 18'644);
  CHECK(told.has("\"heading\":15.4641,\"heading_magnetic\":true,\"heading_true\":18.64"));
  const auto course = ear.hear("2011-04-25T10:16:43.004Z,2,129026,7,255,8,ff,fd,8b,0a,64,00,ff,ff");
  CHECK(course.observation.course_e6 / 1000 == 18'644);
  CHECK_FALSE(ear.hear(heading, 2 * kSecond + N2kDecoder::kVariationNs).used);
  ear.hear("2011-04-25T10:16:43.004Z,6,127258,7,255,8,ff,f8,ff,ff,ff,7f,ff,ff");  // says nothing
  // What no reference goes with is no true heading.
  for (const char* unknown : {"fe", "ff"}) {
    const auto odd = hear(
        std::string("2011-04-25T10:16:43.004Z,2,127250,7,255,8,ff,8b,0a,ff,7f,ff,7f,") + unknown);
    CHECK(odd.has("\"heading\":15.4641}"));
    CHECK_FALSE(odd.used);
  }
}

TEST_CASE("nothing is made of fields that are not available") {
  const std::pair<std::uint32_t, std::size_t> all[] = {
      {129025, 8}, {129026, 8}, {129029, 43}, {127250, 8}, {127258, 8}, {128259, 8}, {130306, 8}};
  for (const auto& [pgn, size] : all) {
    std::vector<std::uint8_t> bytes(size, 0xFF);
    if (pgn == 129029) {
      bytes[30] = 0x7F;  // altitude is signed
    } else if (pgn == 127258) {
      bytes[5] = 0x7F;
    }
    const auto told = hear(plain(pgn, bytes));
    CHECK_MESSAGE(told.cause == RefusalCause::none, told.text);
    CHECK_MESSAGE(told.has("\"dst\":255,\"time\":\"2023-11-14T22:13:20.000Z\"}"), told.text);
    CHECK_FALSE(told.used);
  }
  // Signed fields have their own; senders that fill both coordinates with ones mean the same.
  std::vector<std::uint8_t> signed_fields = gnss();
  for (std::size_t i = 7; i < 31; ++i) {
    signed_fields[i] = i % 8 == 6 ? 0x7F : 0xFF;
  }
  CHECK_FALSE(hear(plain(129029, signed_fields)).has("\"lat\""));
  CHECK_FALSE(hear(plain(129029, signed_fields)).has("\"alt\""));
  auto satellites = gnss();
  satellites[33] = 0xFF;
  CHECK_FALSE(hear(plain(129029, satellites)).has("satellites"));
  auto method = gnss();
  method[31] = 0xE3;  // error
  CHECK_FALSE(hear(plain(129029, method)).has("\"lat\""));
  // A wind without direction is no wind, but its speed is told.
  const auto wind = hear(plain(130306, {0xff, 0x64, 0x00, 0xff, 0xff, 0xfa, 0xff, 0xff}));
  CHECK(wind.has("\"wind_speed\":1.00,\"wind_reference\":2}"));
  CHECK_FALSE(wind.used);
  // Of AIS only the identity must be there.
  for (const auto& [pgn, size] : {std::pair<std::uint32_t, std::size_t>{129038, 28},
                                  {129039, 27},
                                  {129794, 75},
                                  {129809, 27},
                                  {129810, 34}}) {
    std::vector<std::uint8_t> bytes(size, 0xFF);
    CHECK(hear(plain(pgn, bytes)).cause == RefusalCause::not_available);
    const std::uint32_t mmsi = 265999002;
    for (unsigned i = 0; i < 4; ++i) {
      bytes[1 + i] = static_cast<std::uint8_t>(mmsi >> 8 * i);
    }
    const auto told = hear(plain(pgn, bytes));
    CHECK(told.observation.identity == mmsi);
    constexpr std::uint32_t kSaid =
        bits_of({Field::position, Field::speed, Field::course, Field::heading, Field::name,
                 Field::callsign, Field::ship_type, Field::particulars});
    CHECK_MESSAGE((told.observation.fields & kSaid) == 0, told.text);
  }
}
