#include "sim/life.hpp"

#include <cstdlib>
#include <cstring>

namespace vedette::sim {

Life::Life(std::string data, std::vector<std::uint8_t> plan_bytes, const plan::Plan& plan)
    : rooms(plan),
      data_(std::move(data)),
      recovery_(data_, std::move(plan_bytes), 1, rooms, start_),
      status_({rooms, engine_, journalling_, start_, time_, control_, confinement_, membership_,
               nullptr},
              nullptr) {}

node::Failure Life::open_ports() {
  const std::vector<std::uint64_t> resume(rooms.plan.sources()->size());
  std::string problem = rooms.ingress.init(rooms.arena, rooms.plan, rooms.devices, "", resume);
  problem += problem.empty()
                 ? rooms.act.init(rooms.arena, rooms.plan, rooms.devices, &rooms.lanes.log)
                 : "";
  return problem.empty() ? node::Failure{} : node::Failure{74, problem};
}

node::Failure Life::start() {
  if (node::Failure failed = recovery_.open_folder(); failed.exit_code != 0) {
    return failed;
  }
  if (node::Failure failed = rooms.take_memory(false, start_.without); failed.exit_code != 0) {
    return failed;
  }
  rooms.init(data_);
  if (node::Failure failed = recovery_.recover(); failed.exit_code != 0) {
    return failed;
  }
  journal::WriterOptions options = recovery_.writer_options();
  if (const std::string problem = rooms.writer.prepare(options); !problem.empty()) {
    return {74, problem};
  }
  if (node::Failure failed = open_ports(); failed.exit_code != 0) {
    return failed;
  }
  rooms.arena.seal();
  rooms.lanes.order(rooms.plan, rooms.ingress);
  time_.start(recovery_.fresh() ? 0 : rooms.shard.progress().admitted_ns, start_.without);
  status_.begin(recovery_.epoch());
  rooms.board.publish(rooms.shard, rooms.clock.now_ns());
  engine_.begin(false, {recovery_.unanswered(), recovery_.unclosed()}, start_.findings);
  return recovery_.begin_history();
}

void Life::main_turn() {
  rooms.board.seen.store(status_.look_at_causes().bits, std::memory_order_relaxed);
  time_.look();
}

bool Life::end() {
  rooms.mirror.end();
  rooms.mirror.imaging().end();
  if (!journalling_.trouble().empty()) {
    return false;
  }
  rooms.mirror.write_last_image(rooms.shard);
  rooms.writer.close();
  return rooms.writer.last_error() == 0;
}

}  // namespace vedette::sim

// vedette::platform::map_block(): one block for all lives, because a process ends with its memory
// and a life does not.
vedette::platform::Block map_block(std::size_t bytes,
                                   bool) __asm__("__wrap__ZN7vedette8platform9map_blockEmb");
vedette::platform::Block map_block(std::size_t bytes, bool) {
  static void* base = nullptr;
  static std::size_t most = 0;
  if (bytes > most) {
    std::free(base);
    most = vedette::align_up(bytes, vedette::platform::kHugePageBytes);
    base = std::aligned_alloc(vedette::platform::kHugePageBytes, most);
  }
  std::memset(base, 0, bytes);
  return {base, bytes, false};
}

// vedette::journal::newest_state(): in one of two starts much of the journal follows it, so that
// the image is of use.
namespace vedette::journal {
SegmentState real_newest_state(const platform::Folder&, const std::vector<std::uint64_t>&) __asm__(
    "__real__ZN7vedette7journal12newest_stateERKNS_8platform6FolderERKSt6vectorImSaImEE");
SegmentState
wrapped_newest_state(const platform::Folder&, const std::vector<std::uint64_t>&) __asm__(
    "__wrap__ZN7vedette7journal12newest_stateERKNS_8platform6FolderERKSt6vectorImSaImEE");
SegmentState wrapped_newest_state(const platform::Folder& folder,
                                  const std::vector<std::uint64_t>& segments) {
  SegmentState state = real_newest_state(folder, segments);
  state.much_follows = state.much_follows || segments.size() % 2 == 0;
  return state;
}
}  // namespace vedette::journal
