#include "node/mirror_watch.hpp"

#include "test.hpp"

using namespace vedette;
using node::MirrorWatch;

TEST_CASE("a mirror that is ten seconds behind is told, and why") {
  constexpr std::int64_t kSecond = 1'000'000'000;
  MirrorWatch watch;
  std::int64_t now = 100 * kSecond;
  const auto look = [&](std::uint64_t engine, std::uint64_t mirror, std::uint64_t turns,
                        bool lost) {
    watch.look({engine, mirror, turns, lost}, now);
    now += kSecond;
    return watch.trouble();
  };
  for (std::uint64_t n = 1; n < 30; ++n) {  // always a little behind
    CHECK(look(10 * n, 10 * n - 9, n, false) == "");
  }
  for (std::uint64_t n = 0; n < 8; ++n) {
    CHECK(look(400, 300, 100 + n, true) == "");
  }
  for (std::uint64_t n = 0; n < 4; ++n) {
    look(400, 300, 200 + n, true);
  }
  CHECK(look(500, 300, 300, true).find("lost its way") != std::string_view::npos);
  CHECK(look(500, 301, 301, false) == "mirror: more than 10 s behind");
  CHECK(look(500, 500, 302, false) == "");
  for (std::uint64_t n = 0; n < 13; ++n) {
    look(600, 500, 302, false);
  }
  CHECK(watch.trouble() == "mirror: its thread hangs");
  watch.look({600, 500, 302, false, true}, now);
  CHECK(watch.trouble().starts_with("mirror: its thread has ended"));
}
