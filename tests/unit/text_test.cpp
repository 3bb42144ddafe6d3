#include "base/text.hpp"

#include <bit>
#include <random>
#include <string>

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
