// The clock of a recorded text, in each form that loggers and receivers write times.
#include "edge/ingress/line_clock.hpp"

#include <random>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "edge/codec/nmea_tags.hpp"
#include "test.hpp"

using namespace vedette;
using ingress::LineClock;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kNight = 1'700'000'000;  // 2023-11-14T22:13:20Z

std::string sealed(const std::string& body) {
  constexpr char kHex[] = "0123456789ABCDEF";
  const std::uint8_t sum = codec::checksum_of(body);
  return body + "*" + kHex[sum / 16] + kHex[sum % 16];
}
std::string ship() {
  return "!" + sealed("AIVDM,1,1,,A,15N1u<PP1FJuvSRHOE6QIwwh0HQ6,0");
}
std::string of_length_two(std::int64_t number) {
  return (number < 10 ? "0" : "") + std::to_string(number);
}

struct Read {
  LineClock::Kind kind;
  std::int64_t first_ns;
  std::vector<std::int64_t> times;
};
Read read(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) {
    text += line + "\r\n";
  }
  LineClock clock;
  clock.choose(as_bytes(text));
  Read out{clock.kind(), clock.first_ns(), {}};
  for (const std::string& line : lines) {
    out.times.push_back(clock.take(as_bytes(line)));
  }
  return out;
}

}  // namespace

TEST_CASE("a line's own time is found wherever loggers write it") {
  const auto clock_at = [](std::int64_t s) { return "22:13:" + of_length_two(s); };
  using Form = std::string (*)(std::int64_t s, const std::string& at);
  const Form forms[] = {
      [](std::int64_t s, const std::string&) {
        return "\\" + sealed("s:rx1,c:" + std::to_string(kNight - 20 + s)) + "\\" + ship();
      },
      [](std::int64_t s, const std::string&) {
        return "\\" + sealed("c:" + std::to_string(kNight - 20 + s) + "000") + "\\" + ship();
      },
      [](std::int64_t s, const std::string&) {
        return ship() + ",rnc," + std::to_string(kNight - 20 + s);
      },
      [](std::int64_t s, const std::string&) {
        return ship() + ",s25,S1234,t221320.78,T20.34,r003669945," +
               std::to_string(kNight - 20 + s);
      },
      [](std::int64_t s, const std::string&) {
        return std::to_string(kNight - 20 + s) + " " + ship();
      },
      [](std::int64_t s, const std::string&) {
        return std::to_string(kNight - 20 + s) + "000;N;" + ship();
      },
      [](std::int64_t s, const std::string&) {
        return "(" + std::to_string(kNight - 20 + s) + ".000000) can0 09F11203#FF8B0AFF7FFF7FFD";
      },
      [](std::int64_t s, const std::string&) {
        return std::to_string(kNight - 20 + s) + "000;A;10:00:00.000 R 09F11203 FF 8B";
      },
      [](std::int64_t, const std::string& at) { return "2023-11-14T" + at + "Z," + ship(); },
      [](std::int64_t, const std::string& at) { return "[2023-11-14 " + at + "] " + ship(); },
      [](std::int64_t, const std::string& at) { return "2023/11/14," + at + ".000;" + ship(); },
      [](std::int64_t, const std::string& at) {
        return "\"2023-11-14T" + at + "Z\",\"NMEA\",\"" + ship() + "\"";
      },
      [](std::int64_t, const std::string& at) { return ship() + "\t2023-11-14 " + at; },
      [](std::int64_t, const std::string& at) {
        return "2023-11-14-" + at + ".000,2,127250,3,255,2,ff,8b";
      },
      [](std::int64_t s, const std::string&) {
        return "20231114T2213" + of_length_two(s) + "Z " + ship();
      },
  };
  for (const Form form : forms) {
    const std::vector<std::string> lines{form(20, clock_at(20)), ship(), form(30, clock_at(30))};
    const Read got = read(lines);
    CHECK_MESSAGE(got.kind == LineClock::Kind::dated, lines[0]);
    CHECK_MESSAGE(got.first_ns == kNight * kSecond, lines[0]);
    CHECK_MESSAGE(got.times[1] == kNight * kSecond, lines[0]);
    CHECK_MESSAGE(got.times[2] == (kNight + 10) * kSecond, lines[0]);
  }
}

TEST_CASE("Gatehouse's line dates the sentence behind it") {
  const Read got =
      read({"# head", "$" + sealed("PGHP,1,2023,11,14,22,13,20,10,338,2,,1,09"), ship(),
            "$" + sealed("PGHP,1,2023,11,14,22,13,30,20,338,2,,1,09"), ship()});
  CHECK(got.kind == LineClock::Kind::dated);
  CHECK(got.times == std::vector<std::int64_t>{0, kNight * kSecond + 10'000'000,
                                               kNight * kSecond + 10'000'000,
                                               (kNight + 10) * kSecond + 20'000'000,
                                               (kNight + 10) * kSecond + 20'000'000});
}

TEST_CASE("a receiver's fix is the last resort, and only a good one") {
  const auto rmc = [](const char* time, const char* status, const char* date) {
    return "$" + sealed(std::string("GPRMC,") + time + "," + status +
                        ",5200.0,N,00400.0,E,1.0,2.0," + date + ",,");
  };
  const Read got = read({ship(), rmc("000000", "V", "060180"), rmc("221320", "A", "141123"), ship(),
                         "$" + sealed("GPZDA,221330.00,14,11,2023,00,00"), ship()});
  CHECK(got.kind == LineClock::Kind::fix);
  CHECK(got.first_ns == kNight * kSecond);
  CHECK(got.times == std::vector<std::int64_t>{0, 0, kNight * kSecond, kNight * kSecond,
                                               (kNight + 10) * kSecond, (kNight + 10) * kSecond});
  // A damaged sentence has no time.
  std::string damaged = rmc("221320", "A", "141123");
  damaged[8] = '9';
  CHECK(read({damaged, damaged, ship()}).kind == LineClock::Kind::none);
}

TEST_CASE("times of day keep the pace, over midnight as well") {
  const auto at = [](const char* time) { return std::string(time) + " R 09F11203 FF 8B"; };
  const Read raw =
      read({at("23:59:58.000"), at("23:59:59.500"), at("00:00:01.000"), at("23:59:59.900")});
  CHECK(raw.kind == LineClock::Kind::of_day);
  CHECK(raw.times[1] - raw.times[0] == 1'500'000'000);
  CHECK(raw.times[2] - raw.times[0] == 3 * kSecond);
  CHECK(raw.times[3] - raw.times[0] == 1'900'000'000);  // late, not a day later
  const Read gll = read({"$" + sealed("GPGLL,5200.0,N,00400.0,E,095559,A,D"), ship(),
                         "$" + sealed("GPZDA,095601,,,,00,")});
  CHECK(gll.kind == LineClock::Kind::of_day);
  CHECK(gll.times[2] - gll.times[1] == 2 * kSecond);
}

TEST_CASE("what carries no time has none") {
  CHECK(read({ship(), ship(), ship() + ",rnc,97", ship() + ",S1234"}).kind ==
        LineClock::Kind::none);
  CHECK(read({"*8D40621D58C382D690C8AC2863A7;", "8D40621D58C382D690C8AC2863A7"}).kind ==
        LineClock::Kind::none);
  CHECK(read({"", "#", "(", "$", "\\", "$PGHP,1,", "1;"}).kind == LineClock::Kind::none);
}

TEST_CASE("any bytes have a clock or none") {
  std::mt19937_64 random(7);
  constexpr std::string_view kParts = "$!\\*,;:-.()[]0123456789TZ\n\r GPRMCZDAc";
  for (int i = 0; i < 2000; ++i) {
    std::string text(random() % 200, ' ');
    for (char& c : text) {
      c = i % 2 == 0 ? static_cast<char>(random()) : kParts[random() % kParts.size()];
    }
    LineClock clock;
    clock.choose(as_bytes(text));
    CHECK(clock.take(as_bytes(text)) >= 0);
  }
}

TEST_CASE("a gateway's timer of a thousand seconds is a recording's pace") {
  const auto at = [](const char* timer) {
    return "!PDGY,127250,2,3,255," + std::string(timer) + ",2C20AAAAAAE=";
  };
  const Read read_back =
      read({at("999.37"), at("999.117"), "$PDGY,000000,4,,5,482,1,0", at("0.2"), at("1.999")});
  CHECK(read_back.kind == LineClock::Kind::of_day);
  const std::int64_t first = read_back.first_ns;
  const auto ms = [&](std::size_t i) { return (read_back.times[i] - first) / 1'000'000; };
  CHECK(ms(0) == 0);
  CHECK(ms(1) == 80);  // 37 ms and 117 ms
  CHECK(ms(2) == 80);
  CHECK(ms(3) == 965);
  CHECK(ms(4) == 2962);
  CHECK(read({at("999.1000"), at("1000.0"), at(""), at("1")}).kind == LineClock::Kind::none);
}
