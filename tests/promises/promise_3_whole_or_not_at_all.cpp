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

namespace {

// An engine whose batches are copied to a lane, and a writer that takes them from there to a folder
// of its own.
struct Journalled {
  Journalled(const plan::Plan& plan, const char* name, std::uint64_t segment_bytes,
             std::uint64_t journal_bytes)
      : folder((std::filesystem::temp_directory_path() /
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
    options.max_batch_bytes = node::batch_bytes_bound(plan);
    options.max_frozen_bytes = node::frozen_bytes_bound(plan);
    REQUIRE(writer.open(options) == "");
  }
  void queue(Bytes batch) {
    std::memcpy(lane.reserve(batch.size()), batch.data(), batch.size());
    lane.commit(batch.size());
  }

  std::string folder;
  ShardInMemory engine;
  std::vector<std::uint64_t> memory;
  Lane lane;
  journal::Writer writer;
};

}  // namespace

TEST_CASE("a journal cut or overwritten at any place gives a whole beginning of itself") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = small_site(bytes);
  REQUIRE(plan != nullptr);
  std::vector<std::vector<std::uint8_t>> batches;
  std::string folder;
  {
    Journalled j(*plan, "promise", 1 << 20, 1 << 20);
    folder = j.folder;
    for (int i = 0; i < 12; ++i) {
      j.engine.put(ship(static_cast<std::uint64_t>(i), 0), kStart + i * kSecond, 1);
      batches.push_back(j.engine.step(kStart + i * kSecond));
      j.queue(batches.back());
      if (i % 3 == 2) {
        REQUIRE(j.writer.step(j.lane));
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
  Journalled j(*plan, "refused", 64 << 10, 256 << 10);
  std::vector<std::uint8_t> state(node::frozen_bytes_bound(*plan));
  std::int64_t now = kStart;
  // One batch after the other, each with the state behind it kept for the next segment.
  const auto write_one = [&] {
    j.engine.put(ship(1, 0), now += kSecond, 1);
    const auto batch = j.engine.step(now);
    j.queue(batch);
    while (!j.engine.step(now).empty()) {
    }
  };
  const auto keep = [&] {
    Freezer freezer(state);
    j.engine.shard().freeze(freezer);
    j.writer.keep_frozen(Bytes(state.data(), freezer.used()),
                         j.engine.shard().progress().batch_number);
  };
  const auto segments = [&] { return journal::list_segments(j.folder); };
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit none{1, RLIM_INFINITY};
  const rlimit all{RLIM_INFINITY, RLIM_INFINITY};
  // Each write is refused once, those that begin a segment among them.
  int begun = 0;
  while (begun < 8) {
    write_one();
    const auto before = segments();
    ::setrlimit(RLIMIT_FSIZE, &none);
    CHECK_FALSE(j.writer.step(j.lane));
    ::setrlimit(RLIMIT_FSIZE, &all);
    CHECK(j.writer.last_error() != 0);
    REQUIRE(segments() == before);
    REQUIRE(j.writer.step(j.lane));
    begun += segments() != before ? 1 : 0;
    keep();
  }
  CHECK(segments().size() <= 4);
  std::filesystem::remove_all(j.folder);
}
