// Promise 7: a plan loads only if its hash matches its name; input is validated at ingress (the
// codecs' tests and the fuzz targets).
#include <filesystem>

#include "base/text.hpp"
#include "node/replay.hpp"
#include "platform/file.hpp"
#include "platform/hash.hpp"
#include "small_site.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::tests;

TEST_CASE("a kept plan with a changed byte is refused by its hash") {
  std::vector<std::uint8_t> bytes;
  REQUIRE(small_site(bytes) != nullptr);
  const std::string data =
      (std::filesystem::temp_directory_path() / ("vedette-plan-" + std::to_string(::getpid())))
          .string();
  std::filesystem::create_directories(data + "/plans");
  const platform::Sha256 hash = platform::sha256(bytes);
  std::uint8_t name[32];
  std::memcpy(name, hash.data(), sizeof name);
  REQUIRE(platform::write_file_durably(node::plan_path(data, name), bytes) == 0);
  node::KeptPlan kept;
  CHECK(node::load_kept_plan(data, name, kept) == "");
  CHECK(kept.plan != nullptr);
  for (std::size_t at = 0; at < bytes.size(); at += 101) {
    auto changed = bytes;
    changed[at] ^= 1;
    REQUIRE(platform::write_file_durably(node::plan_path(data, name), changed) == 0);
    CHECK(node::load_kept_plan(data, name, kept).find("hash") != std::string::npos);
  }
  std::filesystem::remove_all(data);
}
