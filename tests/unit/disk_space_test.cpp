// How long the disk lasts, told from the space of the machine's own and the journal's rate.
#include <filesystem>

#include "post_in_memory.hpp"

using namespace vedette;
using namespace vedette::tests;

TEST_CASE("a disk that is full before the journal is at its bound says for how long it lasts") {
  const std::string here = std::filesystem::temp_directory_path().string();
  Post post(1 << 20, std::uint64_t{1} << 60, here);
  post.watch(10);
  post.live(1, kSecond);
  CHECK_FALSE(post.journalling.hours_left());  // the rate of a minute is the least
  for (int n = 0; n < 100; ++n) {
    post.watch(10);
    post.live(1, kSecond);
  }
  const auto hours = post.journalling.hours_left();
  REQUIRE(hours);
  const double rate = static_cast<double>(post.writer.bytes_written()) / 100.0;
  const auto left = static_cast<double>(std::filesystem::space(here).available);
  CHECK(*hours == doctest::Approx(left / rate / 3600.0).epsilon(0.2));
}

TEST_CASE("a disk with space for all that the site allows lasts, as one that says nothing") {
  const std::string here = std::filesystem::temp_directory_path().string();
  for (const bool silent : {false, true}) {
    Post post(1 << 20, silent ? std::uint64_t{1} << 60 : 4 << 20, silent ? "/nowhere" : here);
    for (int n = 0; n < 100; ++n) {
      post.watch(1);
      post.live(1, kSecond);
    }
    CHECK_FALSE(post.journalling.hours_left());
    if (!silent) {
      const auto fit = post.journalling.hours_fit();
      REQUIRE(fit);
      const auto kept =
          static_cast<double>(post.writer.bytes_written() - post.writer.bytes_saved());
      CHECK(*fit == doctest::Approx((4 << 20) / (kept / 100.0) / 3600.0).epsilon(0.2));
    }
  }
}
