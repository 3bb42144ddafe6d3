// Promise 3: wherever a write was torn, what is read back is whole batches in order, up to a point.
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "journal/reader.hpp"
#include "journal/writer.hpp"
#include "platform/file.hpp"
#include "shard_in_memory.hpp"
#include "small_site.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::tests;

TEST_CASE("a journal cut or overwritten at any place gives a whole beginning of itself") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = small_site(bytes);
  REQUIRE(plan != nullptr);
  const std::string folder =
      (std::filesystem::temp_directory_path() / ("vedette-promise-" + std::to_string(::getpid())))
          .string();
  std::filesystem::create_directories(folder);
  std::vector<std::vector<std::uint8_t>> batches;
  {
    ShardInMemory engine(*plan);
    std::vector<std::uint64_t> memory((1 << 20) / 8);
    Arena arena(memory.data(), memory.size() * 8);
    Lane lane;
    lane.init(arena, 64, 1 << 19);
    journal::WriterOptions options;
    options.folder = folder;
    options.segment_bytes = options.journal_bytes = 1 << 20;
    options.max_batch_bytes = node::batch_bytes_bound(*plan);
    options.max_frozen_bytes = node::frozen_bytes_bound(*plan);
    journal::Writer writer;
    REQUIRE(writer.open(options) == "");
    for (int i = 0; i < 12; ++i) {
      engine.put(ship(static_cast<std::uint64_t>(i), 0), kStart + i * kSecond, 1);
      batches.push_back(engine.step(kStart + i * kSecond));
      std::memcpy(lane.reserve(batches.back().size()), batches.back().data(),
                  batches.back().size());
      lane.commit(batches.back().size());
      if (i % 3 == 2) {
        REQUIRE(writer.step(lane));
      }
    }
  }
  const auto content = platform::read_file(folder + "/" + journal::segment_name(1), 1 << 21);
  REQUIRE(content);
  const journal::ReadResult whole = journal::read_segment(*content, 1, {}, {});
  REQUIRE(whole.last_batch == batches.size());
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
        CHECK(seen >= before);  // the longer the beginning, the more of it is there
        before = seen;
      }
    }
  }
  CHECK(before >= batches.size() - 3);
  std::filesystem::remove_all(folder);
}

TEST_CASE(
    "a disk that refuses a new segment costs none of the old ones, and the writer goes on later") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = small_site(bytes);
  REQUIRE(plan != nullptr);
  const std::string folder =
      (std::filesystem::temp_directory_path() / ("vedette-refused-" + std::to_string(::getpid())))
          .string();
  std::filesystem::create_directories(folder);
  ShardInMemory engine(*plan);
  std::vector<std::uint64_t> memory((1 << 20) / 8);
  Arena arena(memory.data(), memory.size() * 8);
  Lane lane;
  lane.init(arena, 64, 1 << 19);
  journal::WriterOptions options;
  options.folder = folder;
  options.segment_bytes = 64 << 10;
  options.journal_bytes = 4 * options.segment_bytes;
  options.max_batch_bytes = node::batch_bytes_bound(*plan);
  options.max_frozen_bytes = node::frozen_bytes_bound(*plan);
  journal::Writer writer;
  REQUIRE(writer.open(options) == "");
  std::vector<std::uint8_t> state(options.max_frozen_bytes);
  std::int64_t now = kStart;
  // One batch after the other, each with the state behind it kept for the next segment.
  const auto write_one = [&] {
    engine.put(ship(1, 0), now += kSecond, 1);
    const auto batch = engine.step(now);
    std::memcpy(lane.reserve(batch.size()), batch.data(), batch.size());
    lane.commit(batch.size());
    while (!engine.step(now).empty()) {
    }
  };
  const auto keep = [&] {
    Freezer freezer(state);
    engine.shard().freeze(freezer);
    writer.keep_frozen(Bytes(state.data(), freezer.used()), engine.shard().progress().batch_number);
  };
  const auto segments = [&] { return journal::list_segments(folder); };
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit none{1, RLIM_INFINITY};
  const rlimit all{RLIM_INFINITY, RLIM_INFINITY};
  // Each write is refused once, those that begin a segment among them.
  int begun = 0;
  while (begun < 8) {
    write_one();
    const auto before = segments();
    ::setrlimit(RLIMIT_FSIZE, &none);
    CHECK_FALSE(writer.step(lane));
    ::setrlimit(RLIMIT_FSIZE, &all);
    CHECK(writer.last_error() != 0);
    REQUIRE(segments() == before);
    REQUIRE(writer.step(lane));
    begun += segments() != before ? 1 : 0;
    keep();
  }
  CHECK(segments().size() <= 4);
  std::filesystem::remove_all(folder);
}
