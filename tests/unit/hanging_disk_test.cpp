// The journal and the mirror on a disk in memory whose calls take long, or do not end.
#include "post_in_memory.hpp"

using namespace vedette;
using namespace vedette::tests;

namespace {

// For five seconds a call does not return, and a thousand batches come in each. `to_none`: then
// until none waits, because all were abandoned.
void hang(Post& post, bool to_none) {
  const std::int64_t end_ns = post.t_ns + 5 * kSecond;
  for (int n = 0; post.t_ns < end_ns || (to_none && post.waiting() != 0); ++n) {
    post.watch(20);
    post.t_ns += kSecond / 50;
    const std::uint64_t newest = post.batch();
    post.answer();
    post.journalling.hand(post.t_ns, false);
    post.follow();
    if (n > 100) {
      CHECK(newest - post.mirror.batch() <= 2000);  // what came in two seconds
    }
    if (post.writer.has_gap()) {
      CHECK(newest == post.mirror.batch());
    }
  }
  CHECK(post.writer.has_gap());
  CHECK(post.journalling.newly_failed());
}

// The call `name` hangs once, and ends with `error`.
void hang_in(const std::string& name, int error) {
  CAPTURE(name);
  CAPTURE(error);
  Post post(256 << 10, 2 << 20);
  post.watch(10);
  post.live(1, kSecond);
  bool hung = false;
  post.disk.within = [&](const std::string& call) {
    if (hung || call != name) {
      return;
    }
    hung = true;
    hang(post, error == 0);
    post.disk.refuses_with = error;
  };
  for (int n = 0; !hung && n < 2000; ++n) {
    post.watch(20);
    post.live(1, kSecond / 50);
  }
  REQUIRE(hung);
  post.live(3, kSecond);
  post.disk.refuses_with = 0;
  post.live(3, kSecond);
  CHECK(!post.writer.has_gap());
  CHECK(post.journalling.trouble().empty());
  post.watch(10);
  post.live(2, kSecond);
  CHECK(post.mirror.batch() == post.batch());
  CHECK(post.says("\"differed\":0,\"restarts\":0"));
  CHECK(post.copies == 0);
  check_same_state(post);
  post.writer.close();
  const journal::ReadResult read = journal::read_journal(post.folder, {});
  CHECK(read.problem == "");
  CHECK(read.last_batch == post.batch());
  CHECK(read.unrecorded == post.writer.unrecorded());
}

}  // namespace

TEST_CASE("whatever call of the disk hangs, the engine goes on and the mirror is level") {
  for (const char* call : {"write", "zeros", "sync", "rename", "sync folder", "remove"}) {
    hang_in(call, 0);
    hang_in(call, EIO);
  }
}

TEST_CASE("what is abandoned while a gap's end hangs is the next gap") {
  for (const int error : {0, EIO}) {
    Post post;
    post.watch(10);
    post.live(1, kSecond);
    post.disk.refuses_with = ENOSPC;
    post.mirror.want_state(post.batch() + 1'000'000);  // not the one that ends the gap
    while (!post.writer.has_gap()) {
      post.watch(50);
      post.live(1, kSecond / 10);
    }
    bool hung = false;
    post.disk.within = [&](const std::string& call) {
      if (call == "truncate" && !std::exchange(hung, true)) {
        hang(post, false);
        post.disk.refuses_with = error;
      }
    };
    post.disk.refuses_with = 0;
    for (int n = 0; !hung && n < 100; ++n) {
      post.live(1, kSecond / 10);
    }
    REQUIRE(hung);
    CHECK(post.writer.has_gap());
    post.live(3, kSecond);
    post.disk.refuses_with = 0;
    post.live(3, kSecond);
    CHECK(!post.writer.has_gap());
    CHECK(post.copies == 0);
    post.watch(10);
    post.live(2, kSecond);
    const journal::ReadResult read = journal::read_journal(post.folder, {});
    CHECK(read.problem == "");
    CHECK(read.last_batch == post.batch());
    CHECK(read.unrecorded == post.writer.unrecorded());
    check_same_state(post);
  }
}

TEST_CASE("a disk that is slow and works is told after two seconds") {
  Post post;
  post.watch(10);
  post.live(1, kSecond);
  bool hung = false;
  post.disk.within = [&](const std::string&) {
    for (int n = 0; n < 30 && !hung; ++n) {
      post.live_beside(1, kSecond / 10);
      CHECK(post.journalling.trouble().empty() == (n < 20));
    }
    hung = true;
  };
  post.watch(10);
  post.live(2, kSecond);
  CHECK(hung);
  CHECK(post.journalling.trouble().empty());
  CHECK(!post.writer.has_gap());
}

TEST_CASE("a mirror that is lost while the disk hangs gets the engine's copy") {
  Post post;
  post.watch(10);
  post.live(1, kSecond);
  bool hung = false;
  post.disk.within = [&](const std::string&) {
    if (std::exchange(hung, true)) {
      return;
    }
    for (int n = 0; n < 200; ++n) {  // more than its lane holds, and it stands still
      post.watch(50);
      post.t_ns += kSecond / 50;
      post.journalling.hand(post.t_ns, false);
    }
    CHECK(post.writer.given_up_through() > post.mirror.batch() + 4000);
    post.live_beside(150, kSecond / 50);
    CHECK(post.copies == 1);
    CHECK(!post.mirror.lost());
    CHECK(post.mirror.batch() == post.batch());
  };
  post.watch(1);
  post.live(3, kSecond);
  CHECK(hung);
  CHECK(!post.writer.has_gap());
  post.watch(10);
  post.live(2, kSecond);
  CHECK(post.mirror.batch() == post.batch());
  CHECK(journal::read_journal(post.folder, {}).problem == "");
}

TEST_CASE("in a gap nothing stops the engine, whether the mirror answers or not") {
  Post post;
  fail_past_a_mirror_that_stands_still(post);
  for (int n = 0; n < 300; ++n) {  // half a lane a second
    post.watch(80);
    post.t_ns += kSecond / 50;
    post.write();
  }
  post.disk.refuses_with = 0;
  for (int n = 0; n < 300; ++n) {
    post.watch(80);
    post.t_ns += kSecond / 50;
    post.write();
    post.follow();
  }
  CHECK(!post.writer.has_gap());
  CHECK(!post.mirror.lost());
}
