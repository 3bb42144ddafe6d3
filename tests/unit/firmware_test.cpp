// Updates: manifests, the boot state across torn writes, and when a trial confirms or rolls back.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "edge/firmware/bundle.hpp"
#include "edge/firmware/flash.hpp"
#include "edge/firmware/install.hpp"
#include "edge/firmware/trial.hpp"
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

// A disk with a partition table for the boot state and both slots, 1 MiB each.
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
  CHECK(manifest.never_before == 0);
  // Each line is required, none may be of another kind, and the number of chunks must match the
  // bytes.
  const std::string text = manifest_text();
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t end = text.find('\n', from) + 1;
    CHECK_FALSE(parse_manifest(text.substr(0, from) + text.substr(end), manifest));
    from = end;
  }
  REQUIRE(parse_manifest(text + "never_before 3\n", manifest));
  CHECK(manifest.never_before == 3);
  CHECK_FALSE(parse_manifest(text + "never_before 4\n", manifest));  // it would exclude itself
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

TEST_CASE("an image says what a post must not lose by it, and no image at all says nothing") {
  const std::string said = "ID=vedette\nVEDETTE_UPDATE_KEY=abc\nVEDETTE_INTERFACES=\"eth0 eth1\"\n";
  std::string image(4096, '\0');
  const auto put = [&](std::size_t at, std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
      image[at + i] = static_cast<char>(value >> (8 * i) & 0xFF);
    }
  };
  image.replace(0, 2, "MZ");
  put(0x3C, 128, 4);
  image.replace(128, 4, std::string("PE\0\0", 4));
  put(128 + 6, 2, 2);
  put(128 + 20, 240, 2);
  const std::size_t second = 128 + 24 + 240 + 40;
  image.replace(second - 40, 5, ".text");
  image.replace(second, 6, ".osrel");
  put(second + 16, 512, 4);
  put(second + 20, 2048, 4);
  image.replace(2048, said.size(), said);
  const auto read = [&] { return read_facts(as_bytes(image)); };
  const SlotFacts own = read();
  REQUIRE(own.told);
  CHECK(own.update_key == "abc");
  CHECK(own.interfaces == std::vector<std::string>{"eth0", "eth1"});
  SlotFacts next = own;
  CHECK(lost_key(own, next) == "");
  CHECK(lost_interfaces(own, next) == "");
  next.update_key = "";
  next.interfaces = {"eth1"};
  CHECK(lost_key(own, next) != "");
  CHECK(lost_key(next, own) == "");
  CHECK(lost_interfaces(own, next).find("eth0 ") == 0);
  CHECK(lost_key(own, SlotFacts{}) != "");  // an older image without facts
  CHECK(lost_key(SlotFacts{}, next) == "");
  // A truncated image is not read, nor read past its end.
  for (const std::size_t bytes :
       {std::size_t{0}, std::size_t{63}, second + 39, std::size_t{2559}}) {
    CHECK_FALSE(read_facts(as_bytes(std::string_view(image).substr(0, bytes))).told);
  }
  put(second + 20, 0xFFFFFFFF, 4);
  CHECK_FALSE(read().told);
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

TEST_CASE("going back leads only to what was confirmed, ran well and may still run") {
  DiskFile file;
  SlotDisk disk;
  REQUIRE(disk.open(file.path(), true) == "");
  VedetteBootState state = first_state();
  REQUIRE(disk.write_state(state) == "");
  VedetteSlot head{};
  std::memcpy(head.magic, VEDETTE_SLOT_MAGIC, sizeof head.magic);
  head.bytes = 4096;
  head.image_crc32 = 0xC71C0011;  // CRC of zeros
  head.version = 6;
  head.never_before = 5;
  REQUIRE(disk.write_head(0, head) == "");
  const auto back = [&] { return roll_back(disk, VEDETTE_TRIAL_WITHDRAWN, ""); };
  CHECK(back().find("slot 1 holds no intact version") == 0);
  head.version = 4;
  REQUIRE(disk.write_head(1, head) == "");
  for (std::uint8_t end = 0; end < VEDETTE_TRIAL_ENDS; ++end) {
    state.slots[1].end = end;
    REQUIRE(disk.write_state(state) == "");
    const std::string refused = back();
    CHECK(refused.find("version 4 in slot 1") == 0);
    CHECK((refused.find("forbids") != std::string::npos) == (end == VEDETTE_TRIAL_CONFIRMED));
    CHECK(disk.read_state()->confirmed == 0);
  }
  state.slots[1].end = VEDETTE_TRIAL_CONFIRMED;
  REQUIRE(disk.write_state(state) == "");
  head.version = 5;
  REQUIRE(disk.write_head(1, head) == "");
  head.image_crc32 ^= 1;
  REQUIRE(disk.write_head(1, head) == "");
  CHECK(back().find("slot 1 holds no intact version") == 0);  // it decayed
  head.image_crc32 ^= 1;
  REQUIRE(disk.write_head(1, head) == "");
  CHECK(back() == "");
  CHECK(disk.read_state()->confirmed == 1);
  CHECK(confirm(disk) == "no version is on trial: there is nothing to confirm");
  // With the card in another machine an operator may force it.
  CHECK(back() != "");
  CHECK(roll_back(disk, VEDETTE_TRIAL_WITHDRAWN, "", true) == "");
  CHECK(disk.read_state()->confirmed == 0);
}

TEST_CASE("a trial confirms after a healthy stretch and gives up at its end") {
  Trial healthy(10.0, 60.0);
  CHECK(healthy.look(0.0, "source ais is down") == Trial::Verdict::waits);
  CHECK(healthy.look(5.0, "") == Trial::Verdict::waits);
  CHECK(healthy.look(14.0, "mode safe") == Trial::Verdict::waits);  // starts over
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

TEST_CASE("a trial is asked for what the version before had, and for no more") {
  const std::vector<Lack> lacks = {{"network", "no link at eth0"}, {"sink.out", "no way to it"}};
  CHECK(first_beyond(lacks, "") == "network: no link at eth0");
  CHECK(first_beyond(lacks, "network\n") == "sink.out: no way to it");
  CHECK(first_beyond(lacks, "sink.out\nnetwork\n") == "");
  CHECK(first_beyond(lacks, "sink.out2\nnetwork\n") == "sink.out: no way to it");
  CHECK(first_beyond({}, "") == "");
  const std::string kept = baseline_of(7, names_of(lacks));
  CHECK(names_before(kept, 7) == "network\nsink.out\n");
  CHECK(names_before(kept, 8) == "");  // for an earlier install
  CHECK(names_before("", 7) == "");
}
