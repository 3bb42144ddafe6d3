// Purpose: the threads of a node in one, on a disk in memory: engine, journal and mirror step when
// they are told to.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "edge/journal/reader.hpp"
#include "memory_disk.hpp"
#include "node/journalling.hpp"
#include "shard_in_memory.hpp"
#include "small_site.hpp"
#include "test.hpp"

namespace vedette::tests {

class Post {
 public:
  static constexpr std::size_t kMost = 1 << 22;  // of batches that wait

  explicit Post(std::uint64_t segment_bytes = 4 << 20, std::uint64_t journal_bytes = 64 << 20,
                const std::string& path = "/nowhere/journal")
      : folder(path, disk.storage()),
        data_((std::filesystem::temp_directory_path() /
               ("vedette-mirror-" + std::to_string(::getpid())))
                  .string()) {
    std::filesystem::create_directories(shard_folder(data_));
    memory_.resize((node::Mirror::bytes_needed(plan) + Lane::bytes_needed(8192, kMost)) / 8 + 32);
    Arena arena(memory_.data(), memory_.size() * 8);
    mirror.init(arena, plan, data_, folder);
    batches_.init(arena, 8192, kMost);
    journal::WriterOptions options;
    options.folder = folder;
    options.segment_bytes = segment_bytes;
    options.journal_bytes = journal_bytes;
    options.archives = false;  // so that few batches reach the bound
    options.max_batch_bytes = engine::batch_bytes_bound(plan);
    options.max_frozen_bytes = engine::frozen_bytes_bound(plan);
    options.header.node = 1;
    options.header.epoch = 1;
    mirror.begin(engine.shard(), options.header);
    REQUIRE(writer.open(options) == "");
  }
  ~Post() { std::filesystem::remove_all(data_); }

  void watch(int batches) {
    for (int i = 0; i < batches; ++i) {
      now_ += kSecond;
      engine.put(ship(static_cast<std::uint64_t>(now_ / kSecond % 20), i % 100), now_, 1);
      put(engine.step(now_));
    }
  }
  // Time without input: quiet steps, and the batches that follow them.
  void pass(std::int64_t ns) {
    for (const std::int64_t end = now_ + ns; now_ < end;) {
      now_ = std::min(end, std::max(now_ + 1, engine.shard().next_tick_ns()));
      if (const auto batch = engine.step(now_); !batch.empty()) {
        put(batch);
      }
    }
  }
  void answer() {  // as the engine's thread
    if (mirror.wants_copy()) {
      mirror.give_copy(engine.shard());
      ++copies;
    }
  }
  // Until nothing is left that the disk takes.
  void write() {
    do {
      answer();
    } while (journalling.turn(t_ns) || mirror.wants_copy());
    journalling.hand(t_ns, false);
  }
  // The same while the disk hangs: without the thread that writes.
  void live_beside(int turns, std::int64_t each_ns) {
    for (int i = 0; i < turns; ++i) {
      t_ns += each_ns;
      answer();
      journalling.hand(t_ns, false);
      follow();
    }
  }
  void follow() {
    while (mirror.turn(t_ns)) {
    }
  }
  void live(int turns, std::int64_t each_ns) {
    for (int i = 0; i < turns; ++i) {
      t_ns += each_ns;
      write();
      follow();
      write();  // takes the mirror's state
      mirror.imaging().turn(t_ns);
    }
  }
  std::size_t waiting() const { return batches_.size(); }  // for the disk
  std::uint64_t batch() { return engine.shard().progress().batch_number; }
  std::string status() const {
    std::string text;
    JsonWriter<std::string> json(text);
    json.begin_object();
    mirror.members(0, 0, json);
    json.end_object();
    return text;
  }
  bool says(const std::string& member) const { return status().find(member) != std::string::npos; }
  std::string image() const { return shard_folder(data_) + "/belief.mdb"; }

  std::vector<std::uint8_t> plan_bytes;
  const plan::Plan& plan = *small_site(plan_bytes);
  ShardInMemory engine{plan};
  MemoryDisk disk;
  platform::Folder folder;
  journal::Writer writer;
  node::Mirror mirror;
  std::int64_t t_ns = kSecond;
  int copies = 0;  // that the engine made

 private:
  void put(Bytes batch) {
    std::uint8_t* at = batches_.reserve(batch.size());
    REQUIRE(at != nullptr);
    std::memcpy(at, batch.data(), batch.size());
    batches_.commit(batch.size());
  }

  std::string data_;
  std::vector<std::uint64_t> memory_;
  Lane batches_;
  std::int64_t now_ = kStart;

 public:
  node::Journalling journalling{writer, mirror, batches_};
};

// The state that the mirror gives the journal is the engine's.
inline void check_same_state(Post& post) {
  node::HandedState here(node::Holder::nobody), there(node::Holder::nobody);
  here.init(engine::frozen_bytes_bound(post.plan));
  here.freeze(post.engine.shard());
  post.mirror.want_state(post.batch());
  post.mirror.turn(post.t_ns);
  const node::HandedState& given = post.mirror.state();
  REQUIRE(given.held_by(node::Holder::journal));
  CHECK(given.digest() == here.digest());
  REQUIRE(given.frozen().size() == here.frozen().size());
  CHECK(std::memcmp(given.frozen().data(), here.frozen().data(), here.frozen().size()) == 0);
}

// Ten batches are mirrored; then the disk refuses all that come, until they are a gap.
inline void fail_past_a_mirror_that_stands_still(Post& post) {
  post.watch(10);
  post.live(1, kSecond);
  post.disk.refuses_with = ENOSPC;
  for (int n = 0; !post.writer.has_gap() && n < 200; ++n) {
    post.watch(50);
    post.t_ns += kSecond / 10;
    post.write();
  }
  REQUIRE(post.writer.has_gap());
}

}  // namespace vedette::tests
