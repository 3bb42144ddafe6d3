// Purpose: intents to bytes on a sink, each done once, with its outcome given back as an event.
// In: submit() of action events; the journal's durable sequence. Out: bytes at sinks, outcome
// events. Bound: the plan's pending_actions; the engine never has more under way. When a sink
// fails: the outcome says so, and no other sink notices. Runs on: the engine thread; never waits.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <string>

#include "base/arena.hpp"
#include "base/histogram.hpp"
#include "base/lane.hpp"
#include "edge/sink/stream_pool.hpp"
#include "model/derived.hpp"
#include "model/event.hpp"
#include "model/plan_generated.h"
#include "platform/device_keeper.hpp"

namespace vedette::sink {

struct SinkCounters {
  std::atomic<std::uint64_t> sent{0};  // taken by the system, or by a stream
  std::atomic<std::uint64_t> failed{0};
  std::atomic<std::uint64_t> resent{0};     // of those sent: may have arrived before
  std::atomic<std::uint64_t> shortened{0};  // of those sent: texts were too long for one message
  std::atomic<std::uint64_t> confirmed{0};  // of a sink that waits for that
};

class Act {
 public:
  static std::size_t bytes_needed(const plan::Plan& plan);
  // Opens the sinks; empty on success. `log` takes the text of log sinks.
  std::string init(Arena& arena, const plan::Plan& plan, platform::DeviceKeeper& devices,
                   Lane* log);

  // Until this is true nothing is sent to a UDP or TCP sink: what would be lost there waits, at
  // most until its horizon. Null: it is.
  void wait_for_network(const std::atomic<bool>* there) { network_ = there; }
  bool network_is_there() const {
    return network_ == nullptr || network_->load(std::memory_order_acquire);
  }

  // Every action of another sink also goes to the log, for people who watch.
  void echo_to_log(bool on) { echo_ = on; }

  struct Order {
    EventHeader event;
    ActionIntent intent;
    // The event that says that it goes out: of a `before` action it must be on disk first, or a
    // crash between the two sends it again.
    std::uint64_t sent_by;
    std::int64_t ordered_ns;  // the first attempt; the horizon counts from there
    std::int64_t newest_arrival_ns;
    bool sent_before = false;  // another attempt was, and is not known to have arrived
  };
  // Done at once where nothing stands in its way, else by a later step().
  void submit(const Order& order, std::uint64_t durable_sequence, std::int64_t now_ns,
              Lane& outcomes);
  // It has left otherwise: what is not sent yet is not sent any more.
  void withdraw(std::uint64_t sequence);
  // Does what may be done now.
  void step(std::uint64_t durable_sequence, std::int64_t now_ns, Lane& outcomes);

  // While nothing happens for long, what the way of an action needs is forgotten by the processor
  // bit by bit: the last that left is rendered again, and goes through the system to nobody.
  void stay_ready() const;

  // The sinks' heartbeat, once a tick.
  void tend();

  // Also messages of which a stream has only taken a part, and those that nobody has confirmed.
  std::size_t waiting() const { return count_ + unfinished_ + unconfirmed_; }
  // Any thread may ask what a sink's streams count.
  const StreamPool& streams(std::size_t sink) const { return outlets_[sink].streams; }
  const SinkCounters& counters(std::size_t sink) const { return counters_[sink]; }
  const Histogram& latency_behind() const { return behind_; }
  const Histogram& latency_before() const { return before_; }

 private:
  struct Outlet {
    int fd = -1;              // udp
    bool aimed = false;       // udp: connected
    platform::Endpoint to{};  // udp
    plan::SinkKind kind = plan::SinkKind::log;
    StreamPool streams;  // serial, tcp
  };
  // The engine abandons an action at its horizon; one that still waits for the disk then is not
  // sent any more, and its place is free again.
  void give_up_overdue(std::int64_t now_ns);
  // False while something stands in its way: the network, the disk, or outcomes that nobody took.
  bool perform(const Order& order, std::uint64_t durable_sequence, std::int64_t now_ns,
               Lane& outcomes);
  void flush();
  // Sees what the other ends of streams have confirmed; their outcomes, as far as there is room.
  void confirm(std::int64_t now_ns, Lane& outcomes);
  int send(Outlet& outlet, const Order& order, std::string_view text, std::int64_t now_ns);
  static int send_datagram(Outlet& outlet, std::string_view text);
  int to_log(std::string_view text);

  const plan::Plan* plan_ = nullptr;
  Lane* log_ = nullptr;
  const std::atomic<bool>* network_ = nullptr;
  bool echo_ = false;
  std::span<Order> waiting_;
  std::size_t count_ = 0;
  std::size_t unfinished_ = 0;   // outlets with such messages
  std::size_t unconfirmed_ = 0;  // of all sinks
  std::int64_t looked_ns_ = 0;   // monotonic: when other ends were last asked
  Order last_{};                 // that left; event.sequence 0: none has
  platform::Fd rehearsal_;       // invalid: there is no loopback
  std::array<Outlet, limits::kSinks> outlets_;
  std::array<SinkCounters, limits::kSinks> counters_;
  Histogram behind_, before_;
};

}  // namespace vedette::sink
