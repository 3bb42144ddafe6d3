// Purpose: sends each action intent once as bytes to a sink, and returns its outcome as an event.
// In: submit() of action events; the journal's durable sequence. Out: bytes at sinks, events of
// outcomes and of what was sent unrecorded. Bound: the plan's pending_actions; the engine never has
// more under way, and cancels as many in a step at most. When a sink fails: the outcome reports it,
// and no other sink is affected. Runs on: the engine thread; never waits.
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
  std::atomic<std::uint64_t> sent{0};  // accepted by the system, or by a stream
  std::atomic<std::uint64_t> failed{0};
  std::atomic<std::uint64_t> resent{0};      // of those sent: may have arrived before
  std::atomic<std::uint64_t> unrecorded{0};  // of those sent or failed: before the disk had them
  std::atomic<std::uint64_t> shortened{0};   // of those sent: texts were too long for one message
  std::atomic<std::uint64_t> confirmed{0};   // for a sink that waits for confirmation
};

class Act {
 public:
  static std::size_t bytes_needed(const plan::Plan& plan);
  // Opens the sinks; empty on success. `log` gets the text of log sinks.
  std::string init(Arena& arena, const plan::Plan& plan, platform::DeviceKeeper& devices,
                   Lane* log);

  // While this is false, actions for UDP and TCP sinks wait, at most until their horizon, because
  // the network would lose them. Null: always true.
  void wait_for_network(const std::atomic<bool>* there) { network_ = there; }
  bool network_is_there() const {
    return network_ == nullptr || network_->load(std::memory_order_acquire);
  }

  // Copies every action of another sink to the log, for people who watch.
  void echo_to_log(bool on) { echo_ = on; }

  struct Order {
    EventHeader event;
    ActionIntent intent;
    // The event of this attempt. Unless the action is `behind` it must be on disk first, or a crash
    // in between would send twice; one that is `first` waits for the disk at most record_within.
    std::uint64_t sent_by;
    std::int64_t ordered_ns;  // first attempt; the horizon counts from it
    std::int64_t newest_arrival_ns;
    bool sent_before = false;       // an earlier attempt may have arrived
    std::int64_t submitted_ns = 0;  // this attempt; set by submit()
  };
  // Sends at once if nothing prevents it, else in a later step().
  void submit(const Order& order, std::uint64_t durable_sequence, std::int64_t now_ns,
              Lane& outcomes);
  // The action left otherwise: does not send it any more.
  void withdraw(std::uint64_t sequence);
  // Sends what may be sent now.
  void step(std::uint64_t durable_sequence, std::int64_t now_ns, Lane& outcomes);

  // Keeps the send path in the caches through idle times: renders the last action again and sends
  // it to a loopback socket.
  void stay_ready() const;

  // The sinks' heartbeat, once a tick.
  void tend();
  // Connects UDP sinks whose destination had no route; main's, several times a second, because the
  // engine's thread may not connect (docs/decisions/0014-sandbox.md).
  void aim();

  // Includes partly sent and unconfirmed messages.
  std::size_t waiting() const { return count_ + unfinished_ + unconfirmed_; }
  // Any thread may read a sink's stream counters.
  const StreamPool& streams(std::size_t sink) const { return outlets_[sink].streams; }
  const SinkCounters& counters(std::size_t sink) const { return counters_[sink]; }
  const Histogram& latency_behind() const { return behind_; }
  const Histogram& latency_before() const { return before_; }

 private:
  struct Outlet {
    int fd = -1;              // udp
    platform::Endpoint to{};  // udp
    // udp: whether it is connected, and why not. The engine's thread takes it away, main gives it.
    std::atomic<bool> aimed{false};
    std::atomic<int> unaimed{0};
    plan::SinkKind kind = plan::SinkKind::log;
    StreamPool streams;  // serial, tcp
  };
  static void aim(Outlet& outlet);
  // The engine abandons an action at its horizon; drops one that still waits for the disk.
  void give_up_overdue(std::int64_t now_ns);
  // False while the network, the disk or a full outcome lane prevents sending.
  bool perform(Order& order, std::uint64_t durable_sequence, std::int64_t now_ns, Lane& outcomes);
  // Whether the disk, or the action, lets it leave; an order that leaves unrecorded is marked, and
  // the engine is told.
  bool may_leave(Order& order, std::uint64_t durable_sequence, std::int64_t now_ns, Lane& outcomes);
  void flush();
  // Polls the streams' confirmations; emits outcomes while their lane has space.
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
  std::size_t unfinished_ = 0;   // outlets with partly sent messages
  std::size_t unconfirmed_ = 0;  // of all sinks
  std::int64_t looked_ns_ = 0;   // monotonic: the last poll of confirmations
  Order last_{};                 // last one sent; event.sequence 0: none
  platform::Fd rehearsal_;       // invalid without loopback
  std::array<Outlet, limits::kSinks> outlets_;
  std::array<SinkCounters, limits::kSinks> counters_;
  Histogram behind_, before_;
};

}  // namespace vedette::sink
