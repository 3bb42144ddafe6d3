// Segments that are no longer written become smaller, and stay the same journal.
#include "edge/journal/archiver.hpp"

#include <map>
#include <vector>

#include "edge/journal/cursor.hpp"
#include "edge/journal/packing.hpp"
#include "edge/journal/reader.hpp"
#include "edge/journal/writer.hpp"
#include "memory_disk.hpp"
#include "shard_in_memory.hpp"
#include "small_site.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::tests;

namespace {

using Batches = std::map<std::uint64_t, std::vector<std::uint8_t>>;

// A journal in segments of sixteen blocks, each with one batch.
struct SmallSegments {
  std::vector<std::uint8_t> plan_bytes;
  const plan::Plan& plan = *small_site(plan_bytes);
  ShardInMemory engine{plan};
  std::vector<std::uint64_t> memory = std::vector<std::uint64_t>((1 << 20) / 8);
  Lane lane;
  MemoryDisk disk;
  platform::Folder folder{"/nowhere/journal", disk.storage()};
  journal::Writer writer;
  std::int64_t now_ns = kStart;

  explicit SmallSegments(std::uint64_t journal_bytes = 64 << 20) {
    Arena arena(memory.data(), memory.size() * 8);
    lane.init(arena, 64, 1 << 19);
    journal::WriterOptions options;
    options.folder = folder;
    options.segment_bytes = 64 << 10;
    options.journal_bytes = journal_bytes;
    options.max_batch_bytes = engine::batch_bytes_bound(plan);
    options.max_frozen_bytes = engine::frozen_bytes_bound(plan);
    REQUIRE(writer.open(options) == "");
  }

  void write(int batches) {
    for (int i = 0; i < batches; ++i, now_ns += kSecond) {
      engine.put(ship(static_cast<std::uint64_t>(i % 12), 0), now_ns, 1);
      const auto batch = engine.step(now_ns);
      std::memcpy(lane.reserve(batch.size()), batch.data(), batch.size());
      lane.commit(batch.size());
      REQUIRE(writer.step(lane));
    }
  }

  Batches read(journal::ReadResult* result = nullptr) const {
    Batches batches;
    journal::Visit visit;
    visit.batch = [&](Bytes batch) {
      batches[payload_as<BatchHeader>(batch).number] = {batch.begin(), batch.end()};
      return true;
    };
    const journal::ReadResult r = journal::read_journal(folder, visit);
    CHECK(r.problem == "");
    if (result != nullptr) {
      *result = r;
    }
    return batches;
  }

  std::uint64_t bytes() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t segment : journal::list_segments(folder)) {
      sum += folder.size(journal::segment_name(segment)).value();
    }
    return sum;
  }
};

}  // namespace

TEST_CASE("an archived segment holds the same batches in a fraction of the space") {
  SmallSegments j;
  j.write(200);
  const Batches before = j.read();
  const std::uint64_t bytes = j.bytes();
  const std::size_t segments = journal::list_segments(j.folder).size();
  REQUIRE(before.size() == 200);
  REQUIRE(segments > 5);
  while (j.writer.archive_some()) {
  }
  CHECK(j.read() == before);
  CHECK(j.bytes() < bytes / 2);
  CHECK(journal::list_segments(j.folder).size() == segments);
  j.write(50);  // the chain goes on
  journal::ReadResult result;
  CHECK(j.read(&result).size() == 250);
  j.writer.close(true);
  CHECK(j.read(&result).size() == 250);
  CHECK(result.closed);
  CHECK(j.disk.names().size() == journal::list_segments(j.folder).size());

  journal::Cursor cursor;
  cursor.init(j.folder,
              journal::Writer::longest_block(64 << 10, engine::batch_bytes_bound(j.plan)));
  std::uint64_t next = 1;
  while (cursor.read(next, journal::Cursor::kFollowed, [&](Bytes batch) {
    CHECK(payload_as<BatchHeader>(batch).number == next++);
    return true;
  })) {
  }
  CHECK(next > 200);
}

TEST_CASE("a segment that is damaged, or that the disk cannot archive, stays as it is") {
  SmallSegments j;
  j.write(100);
  const std::string damaged = journal::segment_name(2);
  const std::uint8_t flipped = 0x5a;
  REQUIRE(j.folder.open(damaged, platform::OpenFor::writing)
              .value()
              .write_synced(9000, Bytes(&flipped, 1)) == 0);
  const auto before = j.folder.read(damaged, 1 << 20);
  j.disk.refuses_with = ENOSPC;
  CHECK(j.writer.archive_some());  // the first segment, in vain
  while (j.writer.archive_some()) {
    j.disk.refuses_with = j.writer.last_error();  // 0
  }
  CHECK(j.folder.read(damaged, 1 << 20).value() == before.value());
  journal::Visit around;
  around.around = true;
  CHECK(journal::read_journal(j.folder, around).batches + 5 > 100);
  for (const std::string& name : j.disk.names()) {
    CHECK(name != journal::Archiver::kName);
  }
}

TEST_CASE(
    "a journal at its bound goes on archiving, and holds several times what fits unarchived") {
  SmallSegments j(12 * (64 << 10));
  std::vector<std::uint8_t> state(engine::frozen_bytes_bound(j.plan));
  for (int i = 0; i < 2400; i += 8) {
    j.write(8);
    Freezer freezer(state);
    j.engine.shard().freeze(freezer);
    j.writer.keep_frozen(Bytes(state).first(freezer.used()),
                         j.engine.shard().progress().batch_number);
    while (j.writer.archive_some()) {
    }
    CHECK(j.bytes() <= 12 * (64 << 10));
  }
  const Batches kept = j.read();
  CHECK(kept.begin()->first > 1);  // the bound was reached
  const std::size_t segments = journal::list_segments(j.folder).size();
  CHECK_MESSAGE(segments > 14, segments);
}

TEST_CASE("an archive that a kill interrupts leaves the journal whole") {
  for (int slices = 1; slices < 60; slices += 7) {
    SmallSegments j;
    j.write(100);
    const Batches before = j.read();
    for (int i = 0; i < slices; ++i) {
      j.writer.archive_some();
    }
    CHECK(j.read() == before);
  }
}

TEST_CASE("bytes that are not deflated batches are refused") {
  std::vector<std::uint8_t> out(64);
  const std::vector<std::uint8_t> noise(100, 0xA5);
  CHECK_FALSE(journal::inflate_batches(noise, out));
  CHECK_FALSE(journal::inflate_batches({}, out));
  journal::BlockHeader header{};
  header.kind = journal::BlockKind::archived;
  header.unpacked_bytes = journal::kUnpackedBytes + 1;
  CHECK(journal::batches_in(header, noise, out).empty());
  header.unpacked_bytes = 64;
  CHECK(journal::batches_in(header, Bytes(noise).first(8), out).empty());
}
