#include "platform/storage.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "edge/journal/reader.hpp"
#include "edge/journal/writer.hpp"
#include "memory_disk.hpp"
#include "platform/file_in_reading.hpp"
#include "shard_in_memory.hpp"
#include "small_site.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::tests;
using platform::OpenFor;

namespace {

std::vector<std::uint8_t> bytes_of(std::size_t count, std::uint8_t first) {
  std::vector<std::uint8_t> bytes(count);
  for (std::size_t i = 0; i < count; ++i) {
    bytes[i] = static_cast<std::uint8_t>(first + i);
  }
  return bytes;
}

// Checks for every disk, the machine's and any substitute.
void check_disk(const platform::Folder& folder) {
  constexpr std::size_t kZeros = 17 * platform::kZeroBytes;
  const platform::Folder inner = folder.in("inner");
  REQUIRE(inner.make() == 0);
  CHECK(inner.list().empty());
  CHECK(inner.open("none", OpenFor::reading).error() == ENOENT);
  {
    const auto file = inner.open("b", OpenFor::blocks);
    REQUIRE(file);
    REQUIRE(file.value().write_zeros(0, kZeros) == 0);
    REQUIRE(file.value().write_zeros(kZeros, 4096) == 0);
    alignas(4096) static std::uint8_t block[4096];
    std::fill(std::begin(block), std::end(block), std::uint8_t{7});
    REQUIRE(file.value().write_synced(4096, Bytes(block, sizeof block)) == 0);
    CHECK(file.value().size().value() == kZeros + 4096);
  }
  auto whole = inner.read("b", 1 << 23);
  REQUIRE(whole);
  CHECK(std::count(whole->begin(), whole->end(), 7) == 4096);
  CHECK(std::count(whole->begin(), whole->end(), 0) == static_cast<std::ptrdiff_t>(kZeros));
  CHECK(whole.value()[4096] == 7);
  CHECK(inner.read("b", 100).error() == EFBIG);
  // `writing` keeps the content, `blocks` empties it.
  const auto some = bytes_of(100, 1);
  {
    const auto file = inner.open("a", OpenFor::writing);
    REQUIRE(file);
    CHECK(file.value().write_synced(0, some) == 0);
    CHECK(file.value().truncate(40) == 0);
    CHECK(file.value().sync() == 0);
  }
  CHECK(inner.open("a", OpenFor::writing));
  std::uint8_t read[60];
  CHECK(inner.read_at("a", 0, {read, 40}));
  CHECK(std::equal(read, read + 40, some.begin()));
  CHECK(!inner.read_at("a", 0, {read, 41}));
  const auto open = inner.open("a", OpenFor::reading);
  CHECK(open.value().read_at(30, read).value() == 10);
  CHECK(inner.size("a").value() == 40);
  CHECK(inner.list() == std::vector<std::string>{"a", "b"});
  CHECK(inner.rename("a", "b") == 0);
  CHECK(inner.sync() == 0);
  CHECK(inner.size("b").value() == 40);
  CHECK(inner.remove("a") == ENOENT);
  {
    const auto file = inner.open("b", OpenFor::blocks);
    CHECK(inner.size("b").value() == 0);
  }
  CHECK(inner.remove("b") == 0);
  CHECK(inner.list().empty());
}

}  // namespace

TEST_CASE("the machine's disk and one in memory do the same") {
  char name[] = "/tmp/vedette-storage-XXXXXX";
  REQUIRE(::mkdtemp(name) != nullptr);
  check_disk(platform::Folder(name));
  MemoryDisk disk;
  check_disk(platform::Folder("/nowhere", disk.storage()));
  std::filesystem::remove_all(name);
}

TEST_CASE("a folder is locked by one, until the lock is closed") {
  char name[] = "/tmp/vedette-storage-XXXXXX";
  REQUIRE(::mkdtemp(name) != nullptr);
  const platform::Folder folder(name);
  std::string holder = "somebody";
  {
    const auto lock = folder.lock(holder);
    REQUIRE(lock);
    CHECK(holder.empty());
    CHECK(folder.lock(holder).error() == EWOULDBLOCK);
    CHECK(holder == "process " + std::to_string(::getpid()));
  }
  CHECK(folder.lock(holder));
  std::filesystem::remove_all(name);
  CHECK(folder.lock(holder).error() == ENOENT);
}

TEST_CASE(
    "a journal is written and read on a disk that is not the machine's, and tells its refusal") {
  std::vector<std::uint8_t> plan_bytes;
  const plan::Plan& plan = *small_site(plan_bytes);
  ShardInMemory engine(plan);
  std::vector<std::uint64_t> memory((1 << 20) / 8);
  Arena arena(memory.data(), memory.size() * 8);
  Lane lane;
  lane.init(arena, 64, 1 << 19);
  MemoryDisk disk;
  const platform::Folder folder("/nowhere/journal", disk.storage());
  journal::WriterOptions options;
  options.folder = folder;
  options.segment_bytes = 64 << 10;
  options.journal_bytes = 1 << 20;
  options.max_batch_bytes = engine::batch_bytes_bound(plan);
  options.max_frozen_bytes = engine::frozen_bytes_bound(plan);
  journal::Writer writer;
  REQUIRE(writer.open(options) == "");
  for (int i = 0; i < 400; ++i) {
    engine.put(ship(static_cast<std::uint64_t>(i % 12), 0), kStart + i * kSecond, 1);
    const auto batch = engine.step(kStart + i * kSecond);
    std::memcpy(lane.reserve(batch.size()), batch.data(), batch.size());
    lane.commit(batch.size());
    if (i == 200) {
      disk.refuses_with = ENOSPC;
      CHECK(!writer.step(lane));
      CHECK(writer.last_error() == ENOSPC);
      disk.refuses_with = 0;
    }
    REQUIRE(writer.step(lane));
    CHECK(writer.last_error() == 0);
  }
  writer.close();
  const journal::ReadResult read = journal::read_journal(folder, {});
  CHECK(read.problem == "");
  CHECK(read.batches == 400);
  CHECK(read.closed);
  CHECK(journal::list_segments(folder).size() > 2);
  CHECK(disk.names().size() == journal::list_segments(folder).size());
  CHECK(!std::filesystem::exists("/nowhere"));
}
