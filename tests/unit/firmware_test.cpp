// Updates: manifests, the boot state across torn writes, and when a trial confirms or gives up.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "firmware/bundle.hpp"
#include "firmware/flash.hpp"
#include "firmware/install.hpp"
#include "unit/test.hpp"

using namespace vedette;
using namespace vedette::firmware;

namespace {

const std::string kHash(64, 'a');

std::string manifest_text() {
  return "format 1\nboard qemu-x86_64\nversion 3\nminimum_version 2\nbytes 1048577\ncrc32 "
         "5\nsha256 " +
         kHash + "\nchunk " + kHash + "\nchunk " + kHash + "\n";
}

// A disk with a partition table that names the boot state and both slots, of 1 MiB each.
class DiskFile {
 public:
  DiskFile() {
    std::string bytes(5 << 20, '\0');
    const auto put = [&](std::size_t at, std::uint64_t value, std::size_t size) {
      for (std::size_t i = 0; i < size; ++i) {
        bytes[at + i] = static_cast<char>(value >> (8 * i) & 0xFF);
      }
    };
    bytes.replace(512, 8, "EFI PART");
    put(512 + 72, 2, 8);
    put(512 + 80, 3, 4);
    put(512 + 84, 128, 4);
    const char* const names[] = {"vedette-state", "vedette-slot-0", "vedette-slot-1"};
    for (std::size_t i = 0; i < 3; ++i) {
      const std::size_t entry = 1024 + i * 128;
      put(entry + 32, 2048 * (i + 1), 8);
      put(entry + 40, 2048 * (i + 2) - 1, 8);
      for (std::size_t c = 0; names[i][c] != '\0'; ++c) {
        bytes[entry + 56 + 2 * c] = names[i][c];
      }
    }
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  ~DiskFile() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }
  void spoil(std::size_t at) {
    std::fstream file(path_, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(at));
    file << "torn";
  }

 private:
  std::string path_ = "firmware-test-" + std::to_string(std::rand()) + ".img";
};

VedetteBootState first_state() {
  VedetteBootState state{};
  std::memcpy(state.magic, VEDETTE_STATE_MAGIC, sizeof state.magic);
  state.trial = state.started = VEDETTE_NO_SLOT;
  return state;
}

}  // namespace

TEST_CASE("a manifest is taken whole or not at all") {
  Manifest manifest;
  REQUIRE(parse_manifest(manifest_text(), manifest));
  CHECK(manifest.board == "qemu-x86_64");
  CHECK(manifest.version == 3);
  CHECK(manifest.minimum_version == 2);
  CHECK(manifest.chunks.size() == 2);
  // Each line is needed, none may be of another kind, and the chunks must be as many as the bytes.
  const std::string text = manifest_text();
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t end = text.find('\n', from) + 1;
    CHECK_FALSE(parse_manifest(text.substr(0, from) + text.substr(end), manifest));
    from = end;
  }
  CHECK_FALSE(parse_manifest(text + "more 1\n", manifest));
  CHECK_FALSE(parse_manifest(text + "chunk " + kHash + "\n", manifest));
  CHECK_FALSE(parse_manifest("", manifest));
}

TEST_CASE("a block map names chunks of the image in rising order, the first among them") {
  BlockMap map;
  CHECK(parse_block_map("bytes 3145728\n0 " + kHash + "\n2 " + kHash + "\n", map));
  CHECK_FALSE(parse_block_map("bytes 3145728\n1 " + kHash + "\n", map));
  CHECK_FALSE(parse_block_map("bytes 3145728\n0 " + kHash + "\n0 " + kHash + "\n", map));
  CHECK_FALSE(parse_block_map("bytes 3145728\n0 " + kHash + "\n3 " + kHash + "\n", map));
  CHECK_FALSE(parse_block_map("bytes 3145729\n0 " + kHash + "\n", map));
  CHECK_FALSE(parse_block_map("bytes 3145728\n0 beef\n", map));
}

TEST_CASE("a torn write of the boot state leaves the state before it") {
  DiskFile file;
  SlotDisk disk;
  REQUIRE(disk.open(file.path(), true) == "");
  CHECK_FALSE(disk.read_state());
  VedetteBootState state = first_state();
  REQUIRE(disk.write_state(state) == "");
  state.confirmed = 1;
  REQUIRE(disk.write_state(state) == "");
  REQUIRE(disk.read_state());
  CHECK(disk.read_state()->confirmed == 1);
  file.spoil((std::size_t{1} << 20) + state.sequence % 2 * VEDETTE_BLOCK + 40);
  REQUIRE(disk.read_state());
  CHECK(disk.read_state()->confirmed == 0);
  CHECK(disk.read_state()->sequence == state.sequence - 1);
}

TEST_CASE("going back needs something to go back to that may still run") {
  DiskFile file;
  SlotDisk disk;
  REQUIRE(disk.open(file.path(), true) == "");
  VedetteBootState state = first_state();
  state.minimum_version = 5;
  REQUIRE(disk.write_state(state) == "");
  CHECK(roll_back(disk, VEDETTE_TRIAL_WITHDRAWN, "") != "");  // the other slot is empty
  VedetteSlot head{};
  std::memcpy(head.magic, VEDETTE_SLOT_MAGIC, sizeof head.magic);
  head.bytes = 4096;
  head.version = 4;
  REQUIRE(disk.write_head(1, head) == "");
  CHECK(roll_back(disk, VEDETTE_TRIAL_WITHDRAWN, "") != "");  // older than the minimum
  head.version = 5;
  REQUIRE(disk.write_head(1, head) == "");
  CHECK(roll_back(disk, VEDETTE_TRIAL_WITHDRAWN, "") == "");
  CHECK(disk.read_state()->confirmed == 1);
  CHECK(confirm(disk) != "");  // nothing is on trial
}

TEST_CASE("a trial confirms after a healthy stretch and gives up at its end") {
  Trial healthy(10.0, 60.0);
  CHECK(healthy.look(0.0, "source ais is down") == Trial::Verdict::waits);
  CHECK(healthy.look(5.0, "") == Trial::Verdict::waits);
  CHECK(healthy.look(14.0, "mode safe") == Trial::Verdict::waits);  // begins anew
  CHECK(healthy.look(15.0, "") == Trial::Verdict::waits);
  CHECK(healthy.look(24.9, "") == Trial::Verdict::waits);
  CHECK(healthy.look(25.0, "") == Trial::Verdict::confirmed);
  Trial sick(10.0, 60.0);
  CHECK(sick.look(0.0, "") == Trial::Verdict::waits);
  CHECK(sick.look(9.0, "journal: no space") == Trial::Verdict::waits);
  CHECK(sick.look(59.0, "source ais is down") == Trial::Verdict::waits);
  CHECK(sick.look(60.0, "source ais is down") == Trial::Verdict::gives_up);
  CHECK(sick.problem() == "source ais is down");
}
