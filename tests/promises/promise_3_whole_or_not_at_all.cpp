// Promise 3: wherever a write is torn, reading gives whole batches in order, up to a point.
#include <unistd.h>

#include <filesystem>
#include <optional>

#include "edge/journal/reader.hpp"
#include "edge/journal/writer.hpp"
#include "node/around.hpp"
#include "platform/file.hpp"
#include "refusing_disk.hpp"
#include "shard_in_memory.hpp"
#include "small_site.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::tests;

namespace {

// An engine whose batches are copied to a lane, and a writer that writes them to its own folder.
struct Journalled {
  Journalled(const char* name, std::uint64_t segment_bytes, std::uint64_t journal_bytes)
      : plan(*small_site(plan_bytes)),
        state(engine::frozen_bytes_bound(plan)),
        folder((std::filesystem::temp_directory_path() /
                ("vedette-" + std::string(name) + "-" + std::to_string(::getpid())))
                   .string()),
        engine(plan),
        memory((1 << 20) / 8) {
    std::filesystem::create_directories(folder);
    Arena arena(memory.data(), memory.size() * 8);
    lane.init(arena, 64, 1 << 19);
    journal::WriterOptions options;
    options.folder = folder;
    options.segment_bytes = segment_bytes;
    options.journal_bytes = journal_bytes;
    options.max_batch_bytes = engine::batch_bytes_bound(plan);
    options.max_frozen_bytes = engine::frozen_bytes_bound(plan);
    REQUIRE(writer.open(options) == "");
  }
  void queue(Bytes batch) {
    std::memcpy(lane.reserve(batch.size()), batch.data(), batch.size());
    lane.commit(batch.size());
  }

  std::vector<std::uint8_t> plan_bytes;
  const plan::Plan& plan;
  std::vector<std::uint8_t> state;  // space for a frozen state
  std::string folder;
  ShardInMemory engine;
  std::vector<std::uint64_t> memory;
  Lane lane;
  journal::Writer writer;
};

std::size_t state_bound() {
  std::vector<std::uint8_t> bytes;
  return engine::frozen_bytes_bound(*small_site(bytes));
}

// A segment of blocks with `each` batches; packed if a block cannot hold them otherwise.
void check_beginnings(const char* name, std::uint64_t segment_bytes, int each, bool packed) {
  std::vector<std::vector<std::uint8_t>> batches;
  std::string folder;
  std::size_t bytes = 0;
  {
    Journalled j(name, segment_bytes, 1 << 20);
    folder = j.folder;
    for (int i = 0; i < 4 * each; ++i) {
      j.engine.put(ship(static_cast<std::uint64_t>(i % 12), 0), kStart + i * kSecond, 1);
      batches.push_back(j.engine.step(kStart + i * kSecond));
      bytes += batches.back().size();
      j.queue(batches.back());
      if (i % each == each - 1) {
        REQUIRE(j.writer.step(j.lane));
        REQUIRE(j.lane.size() == 0);  // one block held all
      }
    }
  }
  const auto content = platform::read_file(folder + "/" + journal::segment_name(1), 1 << 21);
  REQUIRE(content);
  const journal::ReadResult whole = journal::read_segment(*content, 1, {}, {});
  REQUIRE(whole.last_batch == batches.size());
  CHECK((whole.valid_bytes < bytes / 2) == packed);
  std::uint64_t before = 0;
  for (std::size_t cut = 0; cut <= whole.valid_bytes; cut += 509) {
    for (const bool overwritten : {false, true}) {
      auto torn = *content;
      if (overwritten) {
        for (std::size_t i = cut; i < std::min(cut + 5000, torn.size()); ++i) {
          torn[i] = static_cast<std::uint8_t>(i * 31 + 7);
        }
      } else {
        torn.resize(cut);
      }
      std::size_t seen = 0;
      journal::Visit visit;
      visit.batch = [&](Bytes batch) {
        CHECK(std::vector<std::uint8_t>(batch.begin(), batch.end()) == batches[seen]);
        ++seen;
        return true;
      };
      const journal::ReadResult r = journal::read_segment(torn, 1, {}, visit);
      CHECK(r.last_batch == seen);
      if (!overwritten) {
        CHECK(seen >= before);  // a longer prefix holds at least as much
        before = seen;
      }
    }
  }
  CHECK(before >= batches.size() - static_cast<std::size_t>(each));
  std::filesystem::remove_all(folder);
}

}  // namespace

TEST_CASE("a journal cut or overwritten at any place gives a whole beginning of itself") {
  check_beginnings("promise", 1 << 20, 3, false);
}

TEST_CASE("so does one whose blocks are packed, because the disk was behind") {
  check_beginnings("packed", 128 << 10, 60, true);
}

TEST_CASE("a packed block that verifies and does not unpack is damage, and named") {
  Journalled j("unpacked", 128 << 10, 1 << 20);
  for (int i = 0; i < 60; ++i) {
    j.engine.put(ship(1, 0), kStart + i * kSecond, 1);
    j.queue(j.engine.step(kStart + i * kSecond));
  }
  REQUIRE(j.writer.step(j.lane));
  REQUIRE(j.writer.blocks_packed() == 1);
  const std::string path = j.folder + "/" + journal::segment_name(1);
  auto content = *platform::read_file(path, 1 << 21);
  journal::BlockHeader header;
  std::memcpy(&header, content.data(), sizeof header);
  const std::size_t at = journal::block_bytes(header.length);
  std::memcpy(&header, content.data() + at, sizeof header);
  for (const std::uint64_t bytes :
       {header.unpacked_bytes + 8, std::uint64_t{0}, std::uint64_t{journal::kUnpackedBytes} + 8}) {
    header.unpacked_bytes = bytes;
    header.crc =
        journal::block_crc(header, Bytes(content).subspan(at + sizeof header, header.length));
    std::memcpy(content.data() + at, &header, sizeof header);
    const journal::ReadResult r = journal::read_segment(content, 1, {}, {});
    CHECK(r.problem.find("a compressed block does not decompress") != std::string::npos);
    CHECK_FALSE(r.torn_tail);
    CHECK(r.last_batch == 0);
  }
  std::filesystem::remove_all(j.folder);
}

TEST_CASE("a journal of another version is named as one, and neither read nor taken for torn") {
  std::string folder;
  {
    Journalled j("version", 1 << 20, 1 << 20);
    folder = j.folder;
    for (int i = 0; i < 3; ++i) {
      j.engine.put(ship(1, 0), kStart + i * kSecond, 1);
      j.queue(j.engine.step(kStart + i * kSecond));
      REQUIRE(j.writer.step(j.lane));
    }
  }
  auto content = *platform::read_file(folder + "/" + journal::segment_name(1), 1 << 21);
  for (std::size_t at = 0; at < content.size();) {
    journal::BlockHeader header;
    std::memcpy(&header, content.data() + at, sizeof header);
    if (header.magic != journal::kBlockMagic) {
      break;
    }
    header.version = journal::kFormatVersion - 1;
    header.crc =
        journal::block_crc(header, Bytes(content).subspan(at + sizeof header, header.length));
    std::memcpy(content.data() + at, &header, sizeof header);
    at += journal::block_bytes(header.length);
  }
  std::size_t seen = 0;
  journal::Visit visit;
  visit.batch = [&](Bytes) { return ++seen != 0; };
  const journal::ReadResult r = journal::read_segment(content, 1, {}, visit);
  CHECK(r.other_version);
  CHECK(!r.torn_tail);
  CHECK(seen == 0);
  const auto format = [](int version) { return "format " + std::to_string(version); };
  CHECK(r.problem.find("has journal " + format(journal::kFormatVersion - 1)) != std::string::npos);
  CHECK(r.problem.find("this program reads " + format(journal::kFormatVersion)) !=
        std::string::npos);
  std::filesystem::remove_all(folder);
}

TEST_CASE(
    "a disk that refuses a new segment costs none of the old ones, and the writer goes on later") {
  Journalled j("refused", 64 << 10, 256 << 10);
  std::int64_t now = kStart;
  // Writes single batches, keeping each one's state for the next segment.
  const auto write_one = [&] {
    j.engine.put(ship(1, 0), now += kSecond, 1);
    for (auto batch = j.engine.step(now); !batch.empty(); batch = j.engine.step(now)) {
      j.queue(batch);
    }
  };
  const auto keep = [&] {
    Freezer freezer(j.state);
    j.engine.shard().freeze(freezer);
    j.writer.keep_frozen(Bytes(j.state.data(), freezer.used()),
                         j.engine.shard().progress().batch_number);
  };
  const auto segments = [&] { return journal::list_segments(j.folder); };
  // Refuses each write once, including those that begin a segment.
  int begun = 0;
  while (begun < 8) {
    write_one();
    const auto before = segments();
    {
      const RefusingDisk refusing;
      CHECK_FALSE(j.writer.step(j.lane));
    }
    CHECK(j.writer.last_error() != 0);
    REQUIRE(segments() == before);
    REQUIRE(j.writer.step(j.lane));
    while (j.writer.step(j.lane)) {
    }
    CHECK(j.writer.last_batch() == j.engine.shard().progress().batch_number);
    begun += segments() != before ? 1 : 0;
    keep();
  }
  CHECK(segments().size() <= 4);
  std::filesystem::remove_all(j.folder);
}

TEST_CASE("a journal keeps to its bytes, also where the state is larger than a segment") {
  constexpr std::size_t kSegment = 64 << 10;
  const std::uint64_t bound = 12 * state_bound();
  REQUIRE(state_bound() > kSegment);
  Journalled j("bytes", kSegment, bound);
  std::int64_t now = kStart;
  for (int i = 0; i < 2000; ++i) {
    j.engine.put(ship(static_cast<std::uint64_t>(i), 0), now += kSecond, 1);
    j.queue(j.engine.step(now));
    REQUIRE(j.writer.step(j.lane));
    j.writer.keep_frozen(j.state, j.engine.shard().progress().batch_number);
    std::uint64_t kept = 0;
    for (const auto& file : std::filesystem::directory_iterator(j.folder)) {
      kept += file.path().extension() == ".seg" ? file.file_size() : 0;
    }
    REQUIRE(kept <= bound);
  }
  CHECK(journal::list_segments(j.folder).front() > 1);
  CHECK(journal::read_journal(j.folder, {}).problem == "");
  std::filesystem::remove_all(j.folder);
}

TEST_CASE("what a disk did not take for too long is a gap, and a replay goes on behind it") {
  Journalled j("gap", 1 << 20, 8 << 20);
  std::int64_t now = kStart;
  const auto batch = [&] {
    now += kSecond;
    j.engine.put(ship(static_cast<std::uint64_t>(now / kSecond % 40), 0), now, 1);
    j.queue(j.engine.step(now));
    return j.engine.shard().progress();
  };
  batch();
  REQUIRE(j.writer.step(j.lane));
  const std::uint64_t durable = j.writer.durable_sequence();
  std::optional<RefusingDisk> refusing(std::in_place);
  std::uint64_t lost = 0;
  while (!j.writer.must_give_up(j.lane)) {
    batch();
    ++lost;
    CHECK_FALSE(j.writer.step(j.lane));
  }
  CHECK(lost > 16);  // at least half of the lane
  j.writer.give_up(j.lane);
  CHECK(j.lane.size() == 0);
  const engine::Progress behind = batch();  // part of the state, so not recorded
  Freezer freezer(j.state);
  j.engine.shard().freeze(freezer);
  const Bytes frozen(j.state.data(), freezer.used());
  CHECK(j.writer.go_on(frozen, behind.batch_number, behind.last_sequence, j.lane) != 0);
  CHECK(j.writer.durable_sequence() == durable);
  refusing.reset();
  const engine::Progress recorded = batch();  // waits while the state is written
  REQUIRE(j.writer.go_on(frozen, behind.batch_number, behind.last_sequence, j.lane) == 0);
  CHECK(j.writer.durable_sequence() == behind.last_sequence);
  REQUIRE(j.writer.step(j.lane));
  CHECK(j.writer.durable_sequence() == recorded.last_sequence);
  CHECK(j.writer.unrecorded() == lost + 1);
  const journal::ReadResult read = journal::read_journal(j.folder, {});
  CHECK(read.problem == "");
  CHECK(read.unrecorded == lost + 1);
  CHECK(read.batches == 2);
  CHECK(read.last_batch == recorded.batch_number);
  std::filesystem::remove_all(j.folder);
}

TEST_CASE(
    "around a block that does not verify all others are read, and what is missing is counted") {
  Journalled j("around", 1 << 20, 8 << 20);
  std::vector<std::vector<std::uint8_t>> batches;
  for (int i = 0; i < 24; ++i) {
    j.engine.put(ship(static_cast<std::uint64_t>(i % 12), 0), kStart + i * kSecond, 1);
    batches.push_back(j.engine.step(kStart + i * kSecond));
    j.queue(batches.back());
    if (i % 4 == 3) {  // four batches a block
      REQUIRE(j.writer.step(j.lane));
    }
  }
  j.writer.close();
  const std::string path = j.folder + "/" + journal::segment_name(1);
  const std::vector<std::uint8_t> whole = platform::read_file(path, 1 << 24).value();
  std::vector<std::size_t> places;
  for (std::size_t at = 0; whole[at] == 0x56;) {
    places.push_back(at);
    journal::BlockHeader header{};
    std::memcpy(&header, whole.data() + at, sizeof header);
    at += journal::block_bytes(header.length);
  }
  REQUIRE(places.size() == 8);  // the segment's header, six of batches, the closing one
  for (std::size_t spoilt = 0; spoilt < 6; ++spoilt) {
    std::vector<std::uint8_t> bytes = whole;
    bytes[places[spoilt] + 80] ^= 1;
    std::vector<std::vector<std::uint8_t>> seen;
    journal::Visit visit;
    visit.around = true;
    visit.batch = [&](Bytes batch) {
      seen.emplace_back(batch.begin(), batch.end());
      return true;
    };
    const journal::ReadResult read = journal::read_segment(bytes, 1, {}, visit);
    std::vector<std::vector<std::uint8_t>> wanted = batches;
    if (spoilt != 0) {
      const auto first = wanted.begin() + 4 * static_cast<std::ptrdiff_t>(spoilt - 1);
      wanted.erase(first, first + 4);
    }
    CHECK(seen == wanted);
    CHECK(read.problem == "");
    CHECK(read.damaged_places == 1);
    CHECK(read.missing == (spoilt == 0 ? 0 : 4));
    CHECK(read.start_lost == (spoilt == 0));  // the header says where the journal begins
    const std::string text = node::damage_text(read);
    CHECK((text.find("; 4 batches cannot be read") == std::string::npos) == (spoilt == 0));
    CHECK((text.find("is not known") != std::string::npos) == (spoilt == 0));
    CHECK(text.find(" 0 batches") == std::string::npos);
    CHECK(read.closed);
  }
  std::filesystem::remove_all(j.folder);
}

TEST_CASE(
    "at the journal's bound a run that accepted nothing takes the place of one that did neither") {
  Journalled j("idle", 1 << 20, 3 << 20);
  std::int64_t now = kStart;
  const auto life = [&](bool accepts) {
    const journal::ReadResult before = journal::read_journal(j.folder, {});
    REQUIRE(before.problem == "");
    journal::WriterOptions options;
    options.folder = j.folder;
    options.segment_bytes = 1 << 20;
    options.journal_bytes = 3 << 20;
    options.max_batch_bytes = engine::batch_bytes_bound(j.plan);
    options.max_frozen_bytes = engine::frozen_bytes_bound(j.plan);
    options.header.epoch = before.epoch + 1;
    options.next_segment = before.last_segment + 1;
    options.next_block = before.last_block + 1;
    options.chain = before.chain;
    options.next_batch = j.engine.shard().progress().batch_number + 1;
    options.segments = before.segments;
    options.idle = before.idle;
    journal::Writer writer;
    Freezer freezer(j.state);
    j.engine.shard().freeze(freezer);
    writer.keep_frozen(Bytes(j.state.data(), freezer.used()),
                       j.engine.shard().progress().batch_number);
    REQUIRE(writer.open(options) == "");
    for (int i = 0; i < 4; ++i) {
      now += kSecond;
      if (accepts) {
        j.engine.put(ship(static_cast<std::uint64_t>(i), 0), now, 1);
      }
      const auto batch = j.engine.step(now);
      if (!batch.empty()) {
        j.queue(batch);
        REQUIRE(writer.step(j.lane));
      }
    }
    writer.close();
  };
  j.writer.close();
  life(true);
  for (int i = 0; i < 40; ++i) {
    life(false);
    REQUIRE(journal::list_segments(j.folder).front() == 1);
  }
  std::uint64_t kept = 0;
  for (const auto& file : std::filesystem::directory_iterator(j.folder)) {
    kept += file.file_size();
  }
  CHECK(kept <= 4 << 20);
  const journal::ReadResult read = journal::read_journal(j.folder, {});
  CHECK(read.problem == "");
  CHECK(read.epoch == 41);
  std::filesystem::remove_all(j.folder);
}
