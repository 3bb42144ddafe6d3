#include "edge/journal/evidence.hpp"

#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "model/batch.hpp"
#include "model/derived.hpp"
#include "platform/clock.hpp"
#include "platform/file.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::journal;

namespace {

void append(std::vector<std::uint8_t>& out, const void* bytes, std::size_t count) {
  const auto* from = static_cast<const std::uint8_t*>(bytes);
  out.insert(out.end(), from, from + count);
}

void put_event(std::vector<std::uint8_t>& out, EventKind kind, std::uint64_t sequence,
               const void* payload, std::size_t bytes) {
  EventHeader event{};
  event.sequence = sequence;
  event.kind = kind;
  event.source = kNoSource;
  event.payload_bytes = static_cast<std::uint16_t>(bytes);
  append(out, &event, sizeof event);
  append(out, payload, bytes);
}

// A batch of ten observations; a judgement names the third as its cause.
std::vector<std::uint8_t> a_batch(std::uint64_t number, bool judged) {
  std::vector<std::uint8_t> batch(sizeof(BatchHeader));
  const std::uint64_t first = number * 100;
  const Observation observation{};
  for (std::uint64_t i = 0; i < 10; ++i) {
    put_event(batch, EventKind::observation, first + i, &observation, sizeof observation);
  }
  AssessmentChange change{};
  change.causes[0] = first + 2;
  change.level = Level::alarm;
  if (judged) {
    put_event(batch, EventKind::assessment, first + 10, &change, sizeof change);
  }
  BatchHeader header{};
  header.magic = kBatchMagic;
  header.bytes = static_cast<std::uint32_t>(batch.size());
  header.number = number;
  header.input_count = 10;
  header.derived_count = judged ? 1 : 0;
  std::memcpy(batch.data(), &header, sizeof header);
  return batch;
}

struct Folder {
  std::string path;
  Folder() {
    char name[] = "/tmp/vedette-evidence-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    path = name;
    REQUIRE(platform::make_folders(path + "/journal") == 0);
  }
  ~Folder() { platform::remove_folder(path); }

  void put_segment(std::uint64_t number, const std::vector<std::vector<std::uint8_t>>& blocks) {
    std::vector<std::uint8_t> file;
    for (const auto& payload : blocks) {
      BlockHeader header{};
      header.magic = kBlockMagic;
      header.version = kFormatVersion;
      header.kind = BlockKind::batches;
      header.segment = number;
      header.length = static_cast<std::uint32_t>(payload.size());
      header.crc = block_crc(header, payload);
      append(file, &header, sizeof header);
      file.insert(file.end(), payload.begin(), payload.end());
      file.resize(align_up(file.size(), limits::kBlockAlignment));
    }
    file.resize(file.size() + 8 * limits::kBlockAlignment);
    char name[32];
    std::snprintf(name, sizeof name, "/journal/%016llx.seg",
                  static_cast<unsigned long long>(number));
    REQUIRE(platform::write_file_durably(path + name, file) == 0);
  }
  void drop(std::uint64_t number) {
    char name[32];
    std::snprintf(name, sizeof name, "/journal/%016llx.seg",
                  static_cast<unsigned long long>(number));
    ::unlink((path + name).c_str());
  }
  std::vector<std::uint64_t> kept(std::string* problem = nullptr) const {
    std::vector<std::uint64_t> events;
    const EvidenceRead read = read_evidence(path, [&](const EvidenceHeader&, Bytes batch) {
      for_each_event(batch, [&](const EventHeader& e, Bytes) { events.push_back(e.sequence); });
    });
    if (problem != nullptr) {
      *problem = read.problem;
    }
    return events;
  }
};

constexpr std::uint8_t kHash[32] = {7};
constexpr std::uint64_t kBound = 262144;

}  // namespace

TEST_CASE("of a segment that goes, judgements stay with what they name, here or in the next one") {
  Folder folder;
  // The judgement of the second segment names an observation of the first.
  std::vector<std::uint8_t> late = a_batch(5, true);
  const std::uint64_t earlier = 302;
  std::memcpy(
      late.data() + late.size() - sizeof(AssessmentChange) + offsetof(AssessmentChange, causes) + 8,
      &earlier, 8);
  std::vector<std::uint8_t> damaged = a_batch(2, true);
  folder.put_segment(1, {a_batch(1, true), damaged, a_batch(3, false)});
  folder.put_segment(2, {a_batch(4, false), late});
  folder.put_segment(3, {a_batch(6, true)});
  Evidence evidence;
  evidence.open(folder.path + "/journal", folder.path + "/journal-evidence", kBound, 1 << 20,
                kHash);
  evidence.look_ahead(1, 2);
  evidence.keep(1, 2);
  CHECK(folder.kept().empty());  // still in the journal
  folder.drop(1);
  CHECK(folder.kept() == std::vector<std::uint64_t>{102, 110, 202, 210, 302});
  evidence.keep(2, 3);
  folder.drop(2);
  CHECK(folder.kept() == std::vector<std::uint64_t>{102, 110, 202, 210, 302, 502, 510});
  CHECK(evidence.events() == 7);
  CHECK(evidence.lost_segments() == 0);
  // Another run finds the evidence and appends to it; duplicates count once.
  Evidence next;
  next.open(folder.path + "/journal", folder.path + "/journal-evidence", kBound, 1 << 20, kHash);
  next.keep(3, 4);
  next.keep(3, 4);
  folder.drop(3);
  CHECK(folder.kept().size() == 9);
  CHECK(platform::list_folder(folder.path + "/journal-evidence").size() == 1);
}

TEST_CASE(
    "evidence keeps to its bound, the oldest goes first, and a flipped byte ends it by name") {
  Folder folder;
  Evidence evidence;
  evidence.open(folder.path + "/journal", folder.path + "/journal-evidence", kBound, 1 << 20,
                kHash);
  for (std::uint64_t segment = 1; segment <= 40; ++segment) {
    std::vector<std::vector<std::uint8_t>> blocks;
    for (std::uint64_t i = 0; i < 60; ++i) {
      blocks.push_back(a_batch(segment * 100 + i, true));
    }
    folder.put_segment(segment, blocks);
    evidence.keep(segment, segment + 1);
    folder.drop(segment);
    std::uint64_t bytes = 0;
    for (const std::string& name : platform::list_folder(folder.path + "/journal-evidence")) {
      bytes += platform::read_file(folder.path + "/journal-evidence/" + name, 1 << 20)->size();
    }
    REQUIRE(bytes <= kBound);
    REQUIRE(evidence.bytes() == bytes);
  }
  std::string problem;
  std::vector<std::uint64_t> events = folder.kept(&problem);
  CHECK(problem.empty());
  REQUIRE(!events.empty());
  CHECK(events.front() > 200 * 100);  // none of the first segment is left
  CHECK(events.back() >= 4000 * 100);
  const std::string name = platform::list_folder(folder.path + "/journal-evidence").back();
  auto content = *platform::read_file(folder.path + "/journal-evidence/" + name, 1 << 20);
  content[sizeof(EvidenceHeader) + 40] ^= 4;
  REQUIRE(platform::write_file_durably(folder.path + "/journal-evidence/" + name, content) == 0);
  CHECK(folder.kept(&problem).size() < events.size());
  CHECK(problem.find(name + ": damaged from byte 0") != std::string::npos);
}

TEST_CASE("a list of names takes each once, is full in time, and names beyond cost no sort each") {
  NameList list;
  list.reserve(kNames);
  const std::uint64_t most = 8 * kNames;
  std::uint64_t taken = 0;
  for (std::uint64_t n = 0; n < most; ++n) {
    taken += list.put(n * 7919 % most + 1) ? 1 : 0;
  }
  CHECK(list.full);
  CHECK(list.all.size() == kNames);
  CHECK(taken == kNames);
  CHECK(list.put(list.all[5]));  // it has that one
  // A sort each would take minutes here.
  const std::int64_t start = platform::monotonic_ns();
  for (std::uint64_t n = 0; n < most; ++n) {
    list.put(most + 1 + n);
  }
  CHECK(platform::monotonic_ns() - start < 5'000'000'000);
  CHECK(list.all.size() == kNames);
  list.clear();
  for (std::uint64_t n = 0; n < most; ++n) {
    CHECK(list.put(1 + n % 1000));
  }
  list.sort();
  CHECK(list.all.size() == 1000);
  CHECK(list.has(1000));
  CHECK(!list.has(1001));
}
