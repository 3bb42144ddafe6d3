// The mirror: fed as the journal's thread feeds it, on a disk in memory that can refuse.
#include "post_in_memory.hpp"

using namespace vedette;
using namespace vedette::tests;
using node::Holder;

namespace {

// More than the mirror's lane holds, while it takes none.
void stand_still(Post& post) {
  for (int n = 0; n < 2; ++n) {
    post.watch(1500);  // more than one block holds: packed
    post.write();
  }
  for (int n = 0; n < 300; ++n) {
    post.watch(5);
    post.write();
  }
}

}  // namespace

TEST_CASE("the mirror follows the disk, and writes the image as of a batch that the disk has") {
  Post post;
  post.watch(50);
  post.follow();
  CHECK(post.mirror.batch() == 0);  // the disk has nothing yet
  post.live(1, kSecond);
  CHECK(post.mirror.batch() == 50);
  CHECK(post.mirror.imaging().images() == 0);
  post.live(1, 5 * kSecond);
  CHECK(post.mirror.imaging().images() == 1);
  image::ImagePosition position{};
  CHECK(image::check_image(post.image(), position) == "");
  CHECK(position.batch == 50);
  CHECK(position.digest == post.engine.shard().progress().digest);
  post.live(1, 5 * kSecond);
  CHECK(post.mirror.imaging().images() == 1);  // nothing has happened since
  CHECK(post.copies == 0);
  check_same_state(post);
}

TEST_CASE("the state of a segment is made once") {
  Post post(256 << 10);
  std::uint64_t segments = 0;
  for (int n = 0; n < 300; ++n) {
    post.watch(20);
    post.write();
    post.follow();
    if (!post.mirror.state().held_by(Holder::journal)) {
      continue;
    }
    ++segments;
    post.write();
    post.follow();
    CHECK(!post.mirror.state_is_wanted());
    CHECK(post.mirror.state().held_by(Holder::mirror));
  }
  CHECK(segments > 2);
  const std::size_t begun = journal::list_segments(post.folder).size() - 1;
  CHECK(segments <= begun);
  CHECK(segments + 1 >= begun);  // the last one's may still be made
}

TEST_CASE("lane mirrored, full: the mirror catches up from the journal, packed or not") {
  Post post(256 << 10);
  stand_still(post);
  CHECK(!post.says("\"passed_over\":0"));
  CHECK(post.writer.blocks_packed() > 0);
  CHECK(journal::list_segments(post.folder).size() > 2);
  post.mirror.turn(post.t_ns);
  while (!post.says("\"catching_up\":true") && post.mirror.turn(post.t_ns)) {
  }
  CHECK(post.says("\"catching_up\":true"));
  post.follow();
  CHECK(post.mirror.batch() == 4500);
  post.watch(10);
  post.live(2, kSecond);
  CHECK(post.mirror.batch() == 4510);  // by its lane again
  CHECK(post.says("\"catching_up\":false"));
  CHECK(post.says("\"compared\":4510,\"differed\":0,\"restarts\":0"));
  CHECK(post.copies == 0);
  check_same_state(post);
}

TEST_CASE("what the disk does not take is mirrored after a second, and recorded once it does") {
  Post post;
  post.watch(10);
  post.live(1, kSecond);
  post.disk.refuses_with = ENOSPC;
  post.watch(10);
  post.live(1, kSecond / 2);
  CHECK(post.mirror.batch() == 10);
  post.live(1, kSecond);
  CHECK(post.mirror.batch() == 20);
  CHECK(post.says("\"unrecorded\":10"));
  post.live(1, 10 * kSecond);
  CHECK(post.mirror.imaging().images() == 0);  // none is ahead of the journal
  post.disk.refuses_with = 0;
  post.live(1, kSecond);
  CHECK(post.says("\"unrecorded\":0"));
  post.watch(10);
  post.live(1, kSecond);
  CHECK(post.mirror.batch() == 30);
  CHECK(post.says("\"compared\":30,\"differed\":0,\"restarts\":0"));
  CHECK(post.mirror.imaging().images() == 1);
}

TEST_CASE("a gap ends with the mirror's state where it has seen all that was given up") {
  Post post;
  post.watch(10);
  post.live(1, kSecond);
  post.disk.refuses_with = ENOSPC;
  for (int n = 0; !post.writer.has_gap() && n < 200; ++n) {
    post.watch(50);
    post.live(1, kSecond / 10);
  }
  REQUIRE(post.writer.has_gap());
  post.live(3, kSecond);
  CHECK(post.mirror.batch() == post.batch());
  const std::uint64_t lost = post.writer.unrecorded();
  CHECK(lost > 100);
  post.disk.refuses_with = 0;
  post.live(3, kSecond);
  CHECK(!post.writer.has_gap());
  CHECK(post.journalling.newly_failed());
  post.watch(10);
  post.live(2, kSecond);
  CHECK(post.mirror.batch() == post.batch());
  CHECK(post.says("\"differed\":0,\"restarts\":0"));
  CHECK(post.copies == 0);
  post.writer.close();
  const journal::ReadResult read = journal::read_journal(post.folder, {});
  CHECK(read.problem == "");
  CHECK(read.unrecorded == lost);
  CHECK(read.last_batch == post.batch());
}

TEST_CASE("a gap whose batches the mirror missed ends with one copy of the engine's state") {
  Post post;
  fail_past_a_mirror_that_stands_still(post);
  post.disk.refuses_with = 0;
  for (int n = 0; post.writer.has_gap() && n < 5; ++n) {
    post.t_ns += kSecond;
    post.write();
  }
  CHECK(!post.writer.has_gap());
  CHECK(post.copies == 1);
  post.watch(10);
  post.live(3, kSecond);
  CHECK(post.mirror.batch() == post.batch());
  CHECK(post.says("\"differed\":0,\"restarts\":1"));
  CHECK(post.copies == 1);
  CHECK(journal::read_journal(post.folder, {}).problem == "");
  check_same_state(post);
}

TEST_CASE("in a gap a mirror that does not answer costs the engine one copy a second") {
  Post post;
  fail_past_a_mirror_that_stands_still(post);
  const int before = post.copies;
  for (int n = 0; n < 3000; ++n) {  // three seconds, of which the disk takes nothing
    post.t_ns += kSecond / 1000;
    post.write();
  }
  CHECK(post.copies > before);
  CHECK(post.copies <= before + 3);
}

TEST_CASE("a journal keeps the newer of two states") {
  Post post;
  post.watch(10);
  post.live(1, kSecond);
  node::HandedState older(Holder::nobody);
  older.init(engine::frozen_bytes_bound(post.plan));
  older.freeze(post.engine.shard());
  post.watch(10);
  post.live(1, kSecond);
  node::HandedState newer(Holder::nobody);
  newer.init(engine::frozen_bytes_bound(post.plan));
  newer.freeze(post.engine.shard());
  post.writer.keep_frozen(newer.frozen(), newer.batch());
  post.writer.keep_frozen(older.frozen(), older.batch());
  CHECK(post.writer.kept_batch() == 20);
}

TEST_CASE("a batch that the mirror has not got is not abandoned, unless its lane stays full") {
  Post post;
  post.watch(10);
  post.live(1, kSecond);
  post.disk.refuses_with = ENOSPC;
  post.watch(4500);  // more than half of the lane, and more than the mirror's holds
  post.t_ns += kSecond / 10;
  post.write();
  REQUIRE(post.writer.has_gap());
  CHECK(post.writer.given_up_through() < post.batch());
  CHECK(post.mirror.handed() == post.writer.given_up_through());
  for (int n = 0; n < 20; ++n) {
    post.follow();
    post.t_ns += kSecond / 10;
    post.write();
  }
  post.follow();
  CHECK(!post.mirror.lost());
  CHECK(post.mirror.batch() == post.batch());
  CHECK(post.copies == 0);
}

TEST_CASE("a batch whose replay differs is named, and the mirror goes on from a copy") {
  Post post;
  post.watch(10);
  post.live(1, kSecond);
  post.engine.put(ship(3, 7), kStart + 100 * kSecond, 1);
  auto batch = post.engine.step(kStart + 100 * kSecond);
  batch.back() ^= 1;  // in what it derived
  post.mirror.take_recorded(batch);
  post.mirror.set_recorded(11, 1);
  CHECK(post.mirror.news().batch == 0);
  CHECK(!post.mirror.in_doubt(post.t_ns));
  post.mirror.turn(post.t_ns);
  const node::Mirror::News news = post.mirror.news();
  CHECK(news.batch == 11);
  CHECK(news.stage == Stage::mirror_differs);
  CHECK(post.mirror.news().batch == 0);
  CHECK(post.mirror.in_doubt(post.t_ns));
  CHECK(post.mirror.doubt() == "mirror: digest differs at batch 11");
  CHECK(post.mirror.lost());
  CHECK(
      !post.mirror.wants_copy());  // the journal does not have it yet, which would say who is wrong
  post.follow();
  post.t_ns += node::Verdict::kWaitNs + 1;
  post.mirror.turn(post.t_ns);
  CHECK(post.mirror.doubt() ==
        "mirror: digest differs at batch 11; the journal cannot say who was wrong");
  REQUIRE(post.mirror.wants_copy());
  post.mirror.give_copy(post.engine.shard());
  REQUIRE(post.mirror.copy().held_by(Holder::journal));
  post.mirror.copy().give_to(Holder::offered);
  post.mirror.turn(post.t_ns);
  CHECK(!post.mirror.lost());
  CHECK(post.mirror.batch() == 11);
  CHECK(post.says("\"compared\":11,\"differed\":1,\"restarts\":1"));
  CHECK(!post.mirror.in_doubt(post.t_ns + node::Mirror::kDoubtNs));
  check_same_state(post);
}

TEST_CASE("a journal at its bytes lets segments go past a mirror that stands still") {
  constexpr std::uint64_t kJournal = 2 << 20;
  Post post(256 << 10, kJournal);
  for (int n = 0; n < 600; ++n) {
    post.watch(10);
    post.t_ns += kSecond / 10;
    post.write();
    std::uint64_t kept = 0;
    for (const std::uint64_t segment : journal::list_segments(post.folder)) {
      kept += post.folder.size(journal::segment_name(segment)).value();
    }
    REQUIRE(kept <= kJournal);
  }
  CHECK(post.copies > 0);
  CHECK(journal::list_segments(post.folder).front() > 1);
  post.live(3, kSecond);
  CHECK(post.mirror.batch() == post.batch());
  CHECK(post.says("\"differed\":0,\"restarts\":1"));
  check_same_state(post);
}

TEST_CASE("where the journal does not give the next batch the mirror takes a copy after a second") {
  Post post(256 << 10);
  stand_still(post);
  REQUIRE(post.folder.remove(journal::segment_name(journal::list_segments(post.folder)[1])) == 0);
  post.live(1, kSecond);
  CHECK(post.copies == 0);
  post.live(4, kSecond);
  CHECK(post.copies == 1);
  CHECK(post.mirror.batch() == post.batch());
  CHECK(post.says("\"restarts\":1"));
}
