#include "base/text.hpp"

#include <bit>
#include <random>
#include <string>

#include "base/json.hpp"
#include "test.hpp"

using namespace vedette;

namespace {

std::string by_library(double value, int decimals) {
  char buffer[400];
  const auto done =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed, decimals);
  return {buffer, done.ptr};
}

std::string ours(double value, int decimals) {
  std::string text;
  append_decimal(text, value, decimals);
  return text;
}

}  // namespace

TEST_CASE("decimals are written as the library writes them, to the last digit") {
  std::mt19937_64 random(5);
  std::uniform_real_distribution<double> any(-1.1e9, 1.1e9), small(-360.0, 360.0),
      tiny(-1e-7, 1e-7);
  for (int i = 0; i < 200'000; ++i) {
    const int decimals = i % 10;
    for (const double value : {any(random), small(random), tiny(random)}) {
      REQUIRE(ours(value, decimals) == by_library(value, decimals));
    }
  }
}

TEST_CASE("decimals that lie half-way go to the even digit, and zeros keep their sign") {
  for (const double value : {0.5, 1.5, 2.5, 0.25, 0.125, 0.375, -0.125, 0.0, -0.0, 1e-300, -1e-300,
                             4.9e-324, 999999999.9999999, 0.05, 1e9, -1e9}) {
    for (int decimals = 0; decimals < 10; ++decimals) {
      CHECK(ours(value, decimals) == by_library(value, decimals));
    }
  }
}

TEST_CASE("integers of every length are written as the library writes them") {
  std::mt19937_64 random(7);
  for (int i = 0; i < 200'000; ++i) {
    const std::uint64_t value = i < 64 ? ~std::uint64_t{0} >> i : random() >> random() % 64;
    std::string unsigned_text, signed_text, hex;
    append_unsigned(unsigned_text, value);
    append_integer(signed_text, static_cast<std::int64_t>(value));
    append_hex(hex, value);
    REQUIRE(unsigned_text == std::to_string(value));
    REQUIRE(signed_text == std::to_string(static_cast<std::int64_t>(value)));
    char library[20];
    REQUIRE(hex == std::string(library, std::to_chars(library, library + 20, value, 16).ptr));
  }
}

TEST_CASE("a time is written as it is read") {
  std::mt19937_64 random(8);
  for (int i = 0; i < 20'000; ++i) {
    const auto ns = static_cast<std::int64_t>(random() % 9'214'646'400'000'000'000ULL);
    std::string whole, milliseconds;
    append_time(whole, ns, true);
    append_time(milliseconds, ns);
    REQUIRE(parse_time(whole) == ns);
    REQUIRE(milliseconds == whole.substr(0, 23) + "Z");
  }
  std::string text;
  append_time(text, 951'782'400'000'000'000);
  CHECK(text == "2000-02-29T00:00:00.000Z");
}

TEST_CASE("a time with anything else in it is none") {
  const std::string time = "2014-08-15T19:26:41.042Z";
  const auto ns = parse_time(time);
  REQUIRE(ns == 1'408'130'801'042'000'000);
  for (std::size_t at = 0; at < time.size(); ++at) {
    for (int c = 0; c < 256; ++c) {
      std::string other = time;
      other[at] = static_cast<char>(c);
      const auto read = parse_time(other);
      const bool digit = c >= '0' && c <= '9' && time[at] >= '0' && time[at] <= '9';
      const bool same = other[at] == time[at] || (at == 10 && c == ' ');
      CHECK_MESSAGE((read == ns) == same, other);
      if (!digit && !same) {
        CHECK_MESSAGE(!read, other);
      }
    }
  }
  CHECK(!parse_time("2014-13-15T19:26:41Z"));
  CHECK(!parse_time("2014-08-32T19:26:41Z"));
  CHECK(!parse_time("2014-08-15T24:26:41Z"));
  CHECK(!parse_time("2014-08-15T19:60:41Z"));
  CHECK(!parse_time("1969-08-15T19:26:41Z"));
  CHECK(!parse_time("2014-08-15T19:26:4Z"));
  CHECK(parse_time("2014-08-15T19:26:41Z") == 1'408'130'801'000'000'000);
}

TEST_CASE("JSON in a fixed buffer is what it is in a string, cut where the buffer ends") {
  std::mt19937_64 random(9);
  const auto write = [](auto& out, std::string_view text, std::uint64_t number) {
    JsonWriter json(out);
    json.begin_object().member("text", text).member_id("id", number);
    json.member("number", static_cast<double>(number % 1'000'000) / 64.0, 3).member("flag", true);
    json.key("again").begin_array().value(text).value(number).end_array().end_object();
  };
  for (int i = 0; i < 50'000; ++i) {
    std::string text;
    for (std::size_t n = random() % 40; n > 0; --n) {
      // Mostly plain, sometimes in need of escapes or invalid UTF-8.
      text += static_cast<char>(random() % 8 == 0 ? random() : 'a' + random() % 26);
    }
    std::string whole;
    const std::uint64_t number = random();
    write(whole, text, number);
    char buffer[1024];
    FixedText fixed{std::span<char>(buffer)};
    write(fixed, text, number);
    REQUIRE(fixed.view() == whole);
    REQUIRE(!fixed.truncated());
    const std::size_t room = random() % whole.size();
    buffer[room] = '\x7F';
    FixedText tight{std::span<char>(buffer, room)};
    write(tight, text, number);
    REQUIRE(tight.view() == whole.substr(0, room));
    REQUIRE(tight.truncated());
    REQUIRE(buffer[room] == '\x7F');
  }
}
