#include "node/memory_plan.hpp"

#include "base/text.hpp"
#include "edge/ingress/ingress.hpp"
#include "edge/journal/writer.hpp"
#include "edge/sink/act.hpp"
#include "node/mirror.hpp"
#include "node/topology.hpp"
#include "platform/hot_thread.hpp"
#include "platform/packet_port.hpp"

namespace vedette::node {
namespace {

// Used stacks, the C library's memory, rings: as measured, for any plan. Packet ports have their
// own.
constexpr std::size_t kLibraryBytes = std::size_t{5} << 19;
// Kept on disk, once archived, as `scripts/bench night` measures: for an event with its frame, for
// a second without any, for a track in a state.
constexpr double kEventBytes = 64.0;
constexpr double kSecondBytes = 64.0;
constexpr double kTrackBytes = 40.0;

}  // namespace

std::vector<RoomMemory> memory_plan(const plan::Plan& plan) {
  return {
      {"ingress", ingress::Ingress::bytes_needed(plan)},
      {"shard (belief, assess, decide)", engine::Shard::bytes_needed(plan)},
      {"act", sink::Act::bytes_needed(plan) + Lanes::other_bytes(plan)},
      {"batches", Lanes::batch_bytes(plan)},
      {"mirror", Mirror::bytes_needed(plan)},
  };
}

std::size_t packet_bytes(const plan::Plan& plan) {
  return platform::packet_memory_bytes(ingress::packet_devices(plan).size());
}

std::size_t arena_bytes(const plan::Plan& plan) {
  std::size_t bytes = kCacheLineBytes;
  for (const RoomMemory& room : memory_plan(plan)) {
    bytes += room.bytes;
  }
  return bytes;
}

std::vector<RoomMemory> memory_outside_arena(const plan::Plan& plan) {
  const std::size_t frozen = engine::frozen_bytes_bound(plan);
  return {
      {"receive buffers", ingress::Ingress::receive_buffer_bytes(plan)},
      {"journal", journal::Writer::bytes_needed(plan.limits()->segment_bytes(),
                                                engine::batch_bytes_bound(plan), frozen)},
      {"evidence", journal::Evidence::bytes_needed(
                       plan.limits()->evidence_bytes(),
                       journal::Writer::longest_block(plan.limits()->segment_bytes(),
                                                      engine::batch_bytes_bound(plan)))},
      {"mirror's states, belief image", Mirror::bytes_outside_arena(plan)},
      {"packet ports", packet_bytes(plan)},
      {"program", platform::program_bytes()},
      {"threads, libraries", kLibraryBytes},
  };
}

std::size_t huge_pages_of(const plan::Plan& plan) {
  const std::size_t bytes =
      align_up(arena_bytes(plan), platform::kHugePageBytes) + packet_bytes(plan);
  return plan.cores()->huge_pages() ? bytes / platform::kHugePageBytes : 0;
}

HistoryPlan history_plan(const plan::Plan& plan) {
  HistoryPlan history;
  for (const plan::Source* s : *plan.sources()) {
    const bool declared =
        s->driver() == plan::DriverKind::recording && !s->max_speed() && s->interval_ns() > 0;
    history.events_per_s +=
        declared ? s->speed() * 1e9 / static_cast<double>(s->interval_ns()) : kAssumedEvents;
    history.assumed = history.assumed || !declared;
  }
  const double states = kTrackBytes * plan.limits()->tracks() / 2.0 /
                        (static_cast<double>(journal::Writer::kStateNs) * 1e-9);
  const double per_s = history.events_per_s * kEventBytes + kSecondBytes + states;
  const auto beside = 2 * plan.limits()->segment_bytes();  // the open one and the next
  history.hours = static_cast<double>(plan.limits()->journal_bytes() - beside) / per_s / 3600.0;
  return history;
}

std::uint64_t image_bytes_needed(const plan::Plan& plan) {
  return image::ImageWriter::file_bytes_needed(engine::frozen_bytes_bound(plan),
                                               plan.limits()->tracks());
}

std::string image_problem(const plan::Plan& plan) {
  const std::uint64_t needed = image_bytes_needed(plan);
  const auto mib = [](std::uint64_t bytes) {
    return std::to_string((bytes + (1U << 20) - 1) >> 20) + " MiB";
  };
  if (plan.limits()->image_bytes() >= needed) {
    return {};
  }
  return "[limits] image is " + std::to_string(plan.limits()->image_bytes() >> 20) +
         " MiB, but this many tracks, contacts, assessments and waiting_events need " +
         mib(needed) + "; write image = \"" + mib(needed) + "\", or lower those limits";
}

}  // namespace vedette::node
