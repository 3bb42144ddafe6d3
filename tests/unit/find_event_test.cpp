// One event of a journal by number, as for requeuing a dead letter.
#include "edge/journal/find_event.hpp"

#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>

#include "edge/journal/reader.hpp"
#include "made_journal.hpp"
#include "test.hpp"

using namespace vedette;

namespace {

constexpr std::uint8_t kPlan = 7;

struct Folder {
  std::string data =
      std::filesystem::temp_directory_path() / ("find-event-" + std::to_string(::getpid()));
  MadeJournal made;
  std::uint64_t segments = 0;

  Folder() {
    std::filesystem::remove_all(data);
    std::filesystem::create_directories(journal_folder(data));
  }
  ~Folder() { std::filesystem::remove_all(data); }
  void add(std::uint8_t plan, const std::vector<MadeJournal::Batch>& batches) {
    const std::vector<std::uint8_t> bytes = made.segment(plan, batches);
    std::ofstream(journal_folder(data) + "/" + journal::segment_name(++segments), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }
  std::optional<journal::FoundEvent> find(std::uint64_t sequence) const {
    std::array<std::uint8_t, 32> plan;
    plan.fill(kPlan);
    return journal::find_event(data, sequence, plan);
  }
};

MadeJournal::Event event(std::uint64_t sequence) {
  return {sequence, EventKind::dispatch,
          std::vector<std::uint8_t>(8, static_cast<std::uint8_t>(sequence))};
}

}  // namespace

TEST_CASE("an event is found in whichever segment it is, by its number alone") {
  Folder folder;
  CHECK_FALSE(folder.find(1));
  folder.add(kPlan, {{event(1), event(2)}, {event(5)}});
  folder.add(kPlan, {{event(6), event(9)}});
  folder.add(kPlan, {});
  for (const std::uint64_t sequence : {1U, 2U, 5U, 6U, 9U}) {
    const auto found = folder.find(sequence);
    REQUIRE(found);
    CHECK(found->header.sequence == sequence);
    CHECK(found->payload == std::vector<std::uint8_t>(8, static_cast<std::uint8_t>(sequence)));
  }
  for (const std::uint64_t sequence : {3U, 7U, 10U}) {
    CHECK_FALSE(folder.find(sequence));
  }
}

TEST_CASE("an event of another plan is not found, because its indexes are that plan's") {
  Folder folder;
  folder.add(kPlan, {{event(1)}});
  folder.add(kPlan + 1, {{event(2)}});
  CHECK(folder.find(1));
  CHECK_FALSE(folder.find(2));
}

TEST_CASE("damage ahead of an event does not hide it, and what is no segment is passed over") {
  Folder folder;
  folder.add(kPlan, {{event(1)}, {event(2)}, {event(3)}});
  folder.add(kPlan, {{event(4)}});
  std::fstream file(journal_folder(folder.data) + "/" + journal::segment_name(1),
                    std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096 + 100);  // in the block of event 1
  file.put('x');
  file.close();
  std::ofstream(journal_folder(folder.data) + "/" + journal::segment_name(3)) << "no segment";
  CHECK_FALSE(folder.find(1));
  CHECK(folder.find(2));
  CHECK(folder.find(3));
  CHECK(folder.find(4));
}
