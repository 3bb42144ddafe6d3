#include "base/time_text.hpp"

#include <random>

#include "base/text.hpp"
#include "test.hpp"

using namespace vedette;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
const std::int64_t kNow = *parse_time("2026-11-29T07:34:12.500Z");

// The moment as RFC 3339, or the error.
std::string read(std::string_view text, std::int64_t now_ns = kNow) {
  const auto moment = read_time_text(text, now_ns);
  if (!moment) {
    return moment.error();
  }
  std::string out;
  append_time(out, *moment);
  return out;
}

}  // namespace

TEST_CASE("a time of day is the latest such moment that has been") {
  CHECK(read("07:34") == "2026-11-29T07:34:00.000Z");
  CHECK(read("7:34") == "2026-11-29T07:34:00.000Z");
  CHECK(read("07:34:12") == "2026-11-29T07:34:12.000Z");
  CHECK(read("07:34:12.5") == "2026-11-29T07:34:12.500Z");
  CHECK(read("07:34:12.6") == "2026-11-28T07:34:12.600Z");
  CHECK(read("23:59") == "2026-11-28T23:59:00.000Z");
  CHECK(read("00:00") == "2026-11-29T00:00:00.000Z");
  const std::int64_t midnight = *parse_time("2026-03-01T00:00:00Z");
  CHECK(read("00:00", midnight) == "2026-03-01T00:00:00.000Z");
  CHECK(read("00:01", midnight) == "2026-02-28T00:01:00.000Z");
  CHECK(read("00:00", midnight - 1) == "2026-02-28T00:00:00.000Z");
}

TEST_CASE("a zone behind a time moves it, and the day that it is in") {
  CHECK(read("07:34Z") == "2026-11-29T07:34:00.000Z");
  CHECK(read("09:34 +02:00") == "2026-11-29T07:34:00.000Z");
  CHECK(read("09:34+0200") == "2026-11-29T07:34:00.000Z");
  CHECK(read("09:35 +02") == "2026-11-28T07:35:00.000Z");
  // It is 23:34 of the 28th in -08:00.
  CHECK(read("today 22:00 -08:00") == "2026-11-29T06:00:00.000Z");
  CHECK(read("yesterday 22:00-08:00") == "2026-11-28T06:00:00.000Z");
  CHECK(read("2026-11-29T07:34:00+14:00") == "2026-11-28T17:34:00.000Z");
}

TEST_CASE("days, dates, durations back and seconds since 1970 are times") {
  CHECK(read("now") == "2026-11-29T07:34:12.500Z");
  CHECK(read("yesterday 22:00") == "2026-11-28T22:00:00.000Z");
  CHECK(read("today 06:00") == "2026-11-29T06:00:00.000Z");
  CHECK(read("today 23:00") == "2026-11-29T23:00:00.000Z");
  CHECK(read("yesterday") == "2026-11-28T00:00:00.000Z");
  CHECK(read("2026-11-29 07:34") == "2026-11-29T07:34:00.000Z");
  CHECK(read("2026-11-29T07:34") == "2026-11-29T07:34:00.000Z");
  CHECK(read("2024-02-29") == "2024-02-29T00:00:00.000Z");
  CHECK(read(" 2026-05-01T12:00:00.25Z ") == "2026-05-01T12:00:00.250Z");
  CHECK(read("-10min") == "2026-11-29T07:24:12.500Z");
  CHECK(read("- 2 h") == "2026-11-29T05:34:12.500Z");
  CHECK(read("10 min") == "2026-11-29T07:24:12.500Z");
  CHECK(read("-1d") == "2026-11-28T07:34:12.500Z");
  CHECK(read("10m") == "2026-11-29T07:24:12.500Z");
  CHECK(read("10 minutes") == "2026-11-29T07:24:12.500Z");
  CHECK(read("1h30m") == "2026-11-29T06:04:12.500Z");
  CHECK(read("1 h 30 min 12 s") == "2026-11-29T06:04:00.500Z");
  CHECK(read("-90") == "2026-11-29T07:32:42.500Z");
  CHECK(read("@1795937640") == "2026-11-29T07:34:00.000Z");
  CHECK(read("1795937640") == "2026-11-29T07:34:00.000Z");
  CHECK(read("@0.5") == "1970-01-01T00:00:00.500Z");
}

TEST_CASE("what is no time is refused with what to write") {
  for (const char* text : {"",
                           " ",
                           "7",
                           "0734",
                           "07.34",
                           "007:34",
                           "07:3",
                           "07:34:",
                           "07:34:5",
                           "07:34:12.",
                           "07:34 x",
                           "tomorrow 07:34",
                           "todayish",
                           "today07:34",
                           "today T07:34",
                           "2026-11-29X07:34",
                           "2026-11-29T",
                           "26-11-29",
                           "Z",
                           "2026-1-29",
                           "2026-11-29 07:34 CET",
                           "07:34+2",
                           "07:34+02:0",
                           "nowadays",
                           "12345678",
                           "7.",
                           "min"}) {
    INFO(text);
    const std::string error = read(text);
    CHECK(error.find("write 07:34") != error.npos);
  }
  CHECK(read("24:00").find("00:00 to 23:59:59") != std::string::npos);
  CHECK(read("2026-02-29").find("no such day") != std::string::npos);
  CHECK(read("1969-12-31").find("no such day") != std::string::npos);
  CHECK(read("07:34 +15:00").find("-14:00") != std::string::npos);
  CHECK(read("-10 miles").find("-10min") != std::string::npos);
  CHECK(read("-100000d").find("before 1970") != std::string::npos);
  CHECK(read("@now").find("@1795937640") != std::string::npos);
  CHECK(read("@99999999999").find("@1795937640") != std::string::npos);
  CHECK(read("1970-01-01 00:00 +02:00").find("1970 to 2261") != std::string::npos);
}

TEST_CASE("any moment is read back from every form that names it") {
  std::mt19937_64 random(11);
  for (int i = 0; i < 20'000; ++i) {
    const auto now =
        static_cast<std::int64_t>(random() % 9'000'000'000) * kSecond + 86'400 * kSecond;
    const std::int64_t back = static_cast<std::int64_t>(random() % 86'400);
    const std::int64_t moment = now - back * kSecond;
    std::string text;
    append_time(text, moment);
    CHECK(read_time_text(text, now).value() == moment);
    CHECK(read_time_text(text.substr(0, 10) + " " + text.substr(11, 8), now).value() == moment);
    CHECK(read_time_text(text.substr(11, 8), now).value() == moment);
    CHECK(read_time_text("-" + std::to_string(back) + "s", now).value() == moment);
    CHECK(read_time_text("@" + std::to_string(moment / kSecond), now).value() == moment);
  }
}

TEST_CASE("any bytes are a time between 1970 and 2262 or an error") {
  constexpr std::string_view kPieces[] = {"07:34", "now", "-",   "@",      "yesterday",  "today",
                                          " ",     "T",   "Z",   "+02:00", "2026-11-29", "9",
                                          ":",     ".",   "min", "00",     "-08",        "\xff"};
  std::mt19937_64 random(12);
  for (int i = 0; i < 50'000; ++i) {
    std::string text;
    for (std::size_t n = random() % 6; n > 0; --n) {
      text += kPieces[random() % std::size(kPieces)];
    }
    const auto moment = read_time_text(text, kNow);
    CHECK((moment ? *moment >= 0 : !moment.error().empty()));
  }
}
