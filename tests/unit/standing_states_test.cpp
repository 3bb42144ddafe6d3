// States stand in the journal at least every ten minutes of node time, and packed once archived.
#include <map>

#include "edge/journal/archiver.hpp"
#include "post_in_memory.hpp"

using namespace vedette;
using namespace vedette::tests;

namespace {

constexpr std::int64_t kMinute = 60 * kSecond;

// Node times of the states that segments begin with.
std::vector<std::int64_t> state_times(const platform::Folder& folder) {
  std::map<std::uint64_t, std::int64_t> admitted;
  std::vector<std::uint64_t> batches;
  journal::Visit visit;
  visit.segment = [&](const journal::SegmentHeader& header, Bytes frozen, std::uint64_t) {
    if (!frozen.empty()) {
      batches.push_back(header.frozen_batch);
    }
    return true;
  };
  visit.batch = [&](Bytes batch) {
    const auto header = payload_as<BatchHeader>(batch);
    admitted[header.number] = header.admitted_ns;
    return true;
  };
  CHECK(journal::read_journal(folder, visit).problem == "");
  std::vector<std::int64_t> times;
  for (const std::uint64_t batch : batches) {
    times.push_back(batch == 0 ? admitted.begin()->second : admitted[batch]);
  }
  times.push_back(admitted.rbegin()->second);
  return times;
}

void check_often(const Post& post, std::size_t least) {
  const std::vector<std::int64_t> times = state_times(post.folder);
  CHECK(times.size() > least);
  for (std::size_t i = 1; i < times.size(); ++i) {
    CHECK(times[i] - times[i - 1] <= 10 * kMinute);
  }
}

}  // namespace

TEST_CASE("a state stands in the journal every ten minutes, whether anything happens or not") {
  Post silent;
  silent.watch(10);
  silent.live(1, kSecond);
  Post busy;
  for (int n = 0; n < 120; ++n) {
    silent.pass(kMinute / 2);
    silent.live(1, kSecond);
    busy.watch(30);
    busy.live(1, kSecond);
  }
  check_often(silent, 6);
  check_often(busy, 6);
}

TEST_CASE("a run that accepts nothing makes no segments by the clock") {
  Post post;
  for (int n = 0; n < 60; ++n) {
    post.pass(kMinute);
    post.live(1, kSecond);
  }
  CHECK(journal::list_segments(post.folder).size() == 1);
}

TEST_CASE("a segment that the clock ends is followed by one as short") {
  Post post(16 << 20, 256 << 20);
  for (int n = 0; n < 90; ++n) {
    post.watch(30);
    post.live(1, kSecond);
  }
  const std::vector<std::uint64_t> segments = journal::list_segments(post.folder);
  REQUIRE(segments.size() > 4);
  CHECK(post.folder.size(journal::segment_name(segments.back())).value() < 4 << 20);
}

TEST_CASE("a disk without room for the state's segment loses nothing meanwhile") {
  Post post;
  bool full = false;
  post.disk.within = [&](const std::string& call) {
    post.disk.refuses_with = full && call == "zeros" ? ENOSPC : 0;
  };
  post.watch(10);
  post.live(1, kSecond);
  full = true;
  const std::uint64_t segment = post.writer.segment();
  for (int n = 0; n < 60; ++n) {
    post.watch(30);
    post.live(1, kSecond);
    CHECK(post.writer.last_error() == 0);
  }
  CHECK(post.writer.segment() == segment);
  full = false;
  for (int n = 0; n < 40; ++n) {
    post.watch(30);
    post.live(1, kSecond);
  }
  CHECK(post.writer.segment() > segment);
  CHECK(journal::read_journal(post.folder, {}).batches == post.batch());
}

TEST_CASE("an archived segment keeps its state, deflated") {
  Post post;
  for (int n = 0; n < 60; ++n) {
    post.watch(30);
    post.live(1, kSecond);
  }
  const std::string name = journal::segment_name(journal::list_segments(post.folder)[1]);
  const journal::SegmentState before = journal::state_of(post.folder, 2);
  REQUIRE(before.frozen.size() > limits::kBlockAlignment);
  journal::BlockHeader head{};
  const std::span<std::uint8_t> bytes(reinterpret_cast<std::uint8_t*>(&head), sizeof head);
  REQUIRE(post.folder.read_at(name, 0, bytes));
  const std::uint32_t length = head.length;

  for (const bool deflates : {false, true}) {
    journal::Archiver archiver;
    const std::size_t longest = std::size_t{1} << 20;
    archiver.init(post.folder, deflates ? longest : limits::kBlockAlignment,
                  deflates ? before.frozen.size() * 4 : 0);
    std::vector<std::uint8_t> room(longest);
    archiver.begin(2);
    journal::Archiver::State state{};
    while ((state = archiver.work(room)) == journal::Archiver::State::working) {
    }
    if (!deflates) {
      continue;  // its blocks are longer than such an archiver takes
    }
    REQUIRE(state == journal::Archiver::State::done);
    REQUIRE(post.folder.rename(journal::Archiver::kName, name) == 0);
  }
  REQUIRE(post.folder.read_at(name, 0, bytes));
  CHECK(head.length < length / 2);
  CHECK(head.unpacked_bytes == before.frozen.size());
  const journal::SegmentState after = journal::state_of(post.folder, 2);
  CHECK(after.frozen == before.frozen);
  CHECK(after.header.frozen_batch == before.header.frozen_batch);
  journal::Visit visit;
  bool same = false;
  visit.segment = [&](const journal::SegmentHeader&, Bytes frozen, std::uint64_t segment) {
    same = same || (segment == 2 && std::equal(frozen.begin(), frozen.end(), before.frozen.begin(),
                                               before.frozen.end()));
    return true;
  };
  const journal::ReadResult read = journal::read_journal(post.folder, visit);
  CHECK(read.problem == "");
  CHECK(read.batches == post.batch());
  CHECK(same);
}
