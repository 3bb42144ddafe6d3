#include "edge/firmware/data_folders.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "test.hpp"

using vedette::firmware::take_data_folder;

namespace {

const std::string kA(16, 'a');
const std::string kB(16, 'b');
const std::string kC(16, 'c');

struct Partition {
  Partition() {
    char name[] = "/tmp/vedette-data-XXXXXX";
    path = ::mkdtemp(name);
    std::filesystem::create_directories(path + "/lost+found");
  }
  ~Partition() { std::filesystem::remove_all(path); }
  void make(const std::string& name) const {
    std::filesystem::create_directories(path + "/" + name + "/vedette-data/journal");
    std::ofstream(path + "/" + name + "/vedette-data/journal/0000000001.vdj") << "journal";
  }
  // Starts `name`; returns what was removed.
  std::vector<std::string> start(const std::string& name) const {
    const auto taken = take_data_folder(path, name);
    CHECK(taken.problem == "");
    make(name);
    return taken.removed;
  }
  std::vector<std::string> folders() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      if (entry.is_directory()) {
        names.push_back(entry.path().filename());
      }
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  std::string path;
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a plan's journal stays until a second one has come after it") {
  const Partition data;
  CHECK(data.start(kA) == Names{});
  CHECK(data.start(kA) == Names{});
  CHECK(data.start(kB) == Names{});
  CHECK(data.start(kA) == Names{});  // a rollback
  CHECK(data.start(kC) == Names{kB});
  CHECK(data.folders() == Names{kA, kC, "lost+found"});
  CHECK(data.start(kC) == Names{});
  CHECK(data.start(kB) == Names{kA});
  CHECK(data.folders() == Names{kB, kC, "lost+found"});
}

TEST_CASE("what a power cut left of an older plan is removed at the next start") {
  const Partition data;
  data.start(kA);
  data.start(kB);
  data.start(kC);
  data.make(kA);
  CHECK(data.start(kC) == Names{kA});
  CHECK(data.folders() == Names{kB, kC, "lost+found"});
}

TEST_CASE("without a kept order no journal is older than another, until the next plan") {
  for (const bool empty : {false, true}) {
    const Partition data;
    data.make(kA);
    data.make(kB);
    if (empty) {
      std::ofstream(data.path + "/data-folders") << "";
    }
    CHECK(data.start(kC) == Names{});
    CHECK(data.start(kC) == Names{});
    CHECK(data.folders() == Names{kA, kB, kC, "lost+found"});
    CHECK(data.start(kA) == Names{kB});
  }
}

TEST_CASE("an order that cannot be kept removes nothing and says why") {
  const Partition data;
  data.start(kA);
  data.start(kB);
  std::filesystem::remove(data.path + "/data-folders");
  std::filesystem::create_directories(data.path + "/data-folders");  // blocks the file
  const auto taken = take_data_folder(data.path, kC);
  CHECK(taken.problem.find(data.path + "/data-folders: ") == 0);
  CHECK(data.folders() == Names{kA, kB, "data-folders", "lost+found"});
}
