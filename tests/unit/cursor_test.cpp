#include "edge/journal/cursor.hpp"

#include <vector>

#include "post_in_memory.hpp"

using namespace vedette;
using namespace vedette::tests;

namespace {

struct Read {
  explicit Read(Post& post) {
    cursor.init(post.folder,
                journal::Writer::longest_block(256 << 10, engine::batch_bytes_bound(post.plan)));
  }
  // How many batches the block of `next` has from there on.
  std::size_t from(std::uint64_t next) {
    std::size_t count = 0;
    cursor.read(next, journal::Cursor::kFollowed, [&](Bytes) { return ++count != 0; });
    return count;
  }
  journal::Cursor cursor;
};

}  // namespace

TEST_CASE("what another process follows is on disk: each block once another has begun") {
  Post post(256 << 10, 2 << 20);
  Read read(post);
  CHECK(read.cursor.newest() == 0);
  post.watch(10);
  post.write();
  CHECK(read.cursor.newest() == 10);
  CHECK(read.from(1) == 0);
  CHECK(read.cursor.first_behind() == 0);
  post.watch(5);
  post.write();
  CHECK(read.from(1) == 10);
  CHECK(read.from(4) == 7);
  CHECK(read.from(11) == 0);
  std::uint64_t next = 11;
  for (int n = 0; n < 600; ++n) {  // until segments are gone
    post.watch(10);
    post.live(1, kSecond);
    for (std::size_t count = read.from(next); count != 0; count = read.from(next)) {
      next += count;
    }
    REQUIRE(next + 20 > post.batch());
  }
  CHECK(journal::list_segments(post.folder).front() > 1);
}

TEST_CASE("who follows a journal goes on behind a block that is damaged") {
  Post post(256 << 10, 2 << 20);
  Read read(post);
  for (int n = 0; n < 3; ++n) {
    post.watch(10);
    post.write();
  }
  const auto file = post.folder.open(journal::segment_name(1), platform::OpenFor::writing).value();
  std::vector<std::uint8_t> bytes(file.size().value());
  REQUIRE(file.read_whole(0, bytes));
  std::size_t blocks = 0;
  for (std::size_t at = 0; at < bytes.size(); at += limits::kBlockAlignment) {
    journal::BlockHeader head{};
    std::memcpy(&head, bytes.data() + at, sizeof head);
    if (head.magic == journal::kBlockMagic && head.first_batch == 11) {
      const std::uint8_t other = bytes[at + sizeof head + 99] ^ 1U;
      REQUIRE(file.write_synced(at + sizeof head + 99, {&other, 1}) == 0);
      ++blocks;
    }
  }
  REQUIRE(blocks == 1);
  CHECK(read.from(1) == 10);
  CHECK(read.from(11) == 0);
  CHECK(read.cursor.first_behind() == 21);
  CHECK(read.from(21) == 0);  // nothing follows it
  post.watch(1);
  post.write();
  CHECK(read.from(21) == 10);
}

TEST_CASE("who follows a journal learns what it no longer has, and what it never had") {
  Post post(256 << 10, 2 << 20);
  Read read(post);
  for (int n = 0; n < 600; ++n) {
    post.watch(10);
    post.live(1, kSecond);
  }
  CHECK(read.from(1) == 0);
  const std::uint64_t oldest = read.cursor.first_behind();
  CHECK(oldest > 1);
  CHECK(read.cursor.segment() == journal::list_segments(post.folder).front());
  CHECK(read.from(oldest) != 0);
  const std::uint64_t last = post.batch();
  post.disk.refuses_with = ENOSPC;
  while (!post.writer.has_gap()) {
    post.watch(100);
    post.live(1, kSecond / 10);
  }
  post.disk.refuses_with = 0;
  post.live(5, kSecond);
  for (int n = 0; n < 3; ++n) {
    post.watch(10);
    post.write();
  }
  CHECK(read.from(last + 1) == 0);
  CHECK(read.cursor.first_behind() > last + 1);
  CHECK(read.cursor.segment() != journal::list_segments(post.folder).front());
  CHECK(read.from(read.cursor.first_behind()) != 0);
}
