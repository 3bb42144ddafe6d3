#include "node/identity.hpp"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "test.hpp"

using namespace vedette;

namespace {

struct Folder {
  Folder() {
    char name[] = "/tmp/vedette-identity-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  void write(const std::string& text) const { std::ofstream(path + "/identity") << text; }
  std::string path;
};

}  // namespace

TEST_CASE("a new data folder gets forty bits of its own, and keeps them") {
  const Folder one;
  const Folder two;
  const node::Identity first = node::identity_of_folder(one.path);
  REQUIRE(first.problem == "");
  CHECK(first.told == "");
  CHECK(first.node != 0);
  CHECK(first.node < std::uint64_t{1} << 40);
  CHECK_FALSE(std::filesystem::exists(one.path + "/identity"));  // reading writes nothing
  REQUIRE(node::keep_identity(one.path, first) == "");
  CHECK(node::identity_of_folder(one.path).node == first.node);
  CHECK(node::identity_of_folder(two.path).node != first.node);
}

TEST_CASE("an identity of which any byte is changed, or that ends early, is not believed") {
  const std::string text = node::identity_text(0x2A5B00FF17);
  CHECK(node::parse_identity(text) == 0x2A5B00FF17);
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string spoilt = text;
    spoilt[i] = static_cast<char>(spoilt[i] ^ 1);
    CHECK(node::parse_identity(spoilt) == 0);
    CHECK(node::parse_identity(text.substr(0, i)) == 0);
  }
  CHECK(node::parse_identity(text + " ") == 0);
  CHECK(node::parse_identity("vedette-identity 1 0 0\n") == 0);
}

TEST_CASE("a damaged identity that no journal knows is told, and new bits are made") {
  const Folder folder;
  folder.write("vedette-identity 1 2a5b00ff17 0\n");
  const node::Identity again = node::identity_of_folder(folder.path);
  CHECK(again.problem == "");
  CHECK(again.node != 0x2A5B00FF17);
  CHECK(again.told.find("is damaged") != std::string::npos);
}
