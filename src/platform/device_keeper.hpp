// Purpose: opens lines and connections that come and go, on a thread that may wait, for threads
// that may not. In: want() by the hot thread. Out: take() returns the descriptor once it is open,
// in the hot thread's own table if it has one. Bound: one request a slot; connections accepted
// beyond a listener's slots are closed at once and counted. Fails as: errno, and another attempt
// after a pause. Runs on: tend() on the main thread, the rest on one hot thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "platform/name_lookup.hpp"
#include "platform/peer.hpp"

namespace vedette::platform {

class DeviceKeeper {
 public:
  static constexpr std::size_t kSlots = 576;
  static constexpr std::int64_t kConnectNs = 5'000'000'000;
  // The pause between rounds of attempts doubles up to this.
  static constexpr std::int64_t kPauseMostNs = 30'000'000'000;
  // After a connection that lasted this long, attempts begin anew: first target, shortest pause.
  static constexpr std::int64_t kSteadyNs = 10'000'000'000;

  // The other ends that a source tries in order.
  struct Targets {
    std::vector<std::string> to;  // "host:port", a name or an address
    std::string greeting;         // sent on each new connection
    std::int64_t retry_ns = 0;    // the shortest pause
    std::int64_t give_up_ns = 0;  // the other end may be silent this long
  };
  // What a listener did not let in.
  struct TurnedAway {
    std::uint64_t full = 0;       // all its slots were taken
    std::uint64_t strangers = 0;  // not allowed
  };

  // Before the hot threads start. Each returns the slot, add_listener() the first of `count`.
  std::size_t add(std::string device, std::uint32_t baud, bool blocking, std::int64_t retry_ns);
  // A FIFO, open once somebody writes; "-" is standard input.
  std::size_t add_pipe(std::string path, std::int64_t retry_ns);
  // With a bit rate, the keeper itself brings up an interface that is down.
  std::size_t add_can(std::string interface, std::int64_t retry_ns);
  std::size_t add_connection(Endpoint to, std::int64_t retry_ns, std::int64_t give_up_ns);
  std::size_t add_targets(Targets targets);
  // Opened by offer().
  std::size_t add_offered() {
    new_slot(Kind::accepted);
    return used_ - 1;
  }
  std::size_t add_listener(Fd listener, std::size_t count, std::int64_t give_up_ns,
                           std::function<bool(const Peer&)> allows);

  void want(std::size_t slot) { slots_[slot].state.store(kWanted, std::memory_order_release); }
  // -1 until open. Pairs with the release store in tend(), which publishes the descriptor.
  int take(std::size_t slot);
  int last_error(std::size_t slot) const {
    return slots_[slot].error.load(std::memory_order_relaxed);
  }
  // Leaves closing to tend(), because closing a line may wait for its output. The hot thread's
  // duplicate is not the last descriptor, so dropping it does not wait.
  void give_back(std::size_t slot, int fd);

  // Instead of the system's, for tests.
  void use_name_servers(std::string servers) { name_servers_ = std::move(servers); }

  // The main thread's calls. Tries buses and the connections of sinks only when there is a network.
  void tend(std::int64_t now_ns, bool network);
  // False unless the slot is wanted; then `fd` stays the caller's.
  bool offer(std::size_t slot, Fd& fd, const Peer& peer, std::int64_t now_ns);
  // Why there is nothing to offer.
  void explain(std::size_t slot, int error) {
    slots_[slot].error.store(error, std::memory_order_relaxed);
  }
  // Ends the connection, so that its reader sees the end.
  void break_off(std::size_t slot);
  // The target of a connection that is open, as add_targets() got it.
  const std::string& connected_to(std::size_t slot) const {
    return slots_[slot].targets.to[slots_[slot].target];
  }
  const Peer& peer(std::size_t slot) const { return slots_[slot].peer; }
  TurnedAway turned_away(std::size_t first_slot) const;
  // What the system dropped of a bus because nobody read it in time.
  std::uint64_t dropped(std::size_t slot) const;

 private:
  static constexpr int kTaken = -1;
  static constexpr int kWanted = -2;
  enum class Kind : std::uint8_t { line, pipe, can, sink, target, accepted };
  struct Slot {
    Kind kind = Kind::line;
    std::string device;
    std::uint32_t baud = 0;  // of a bus: 0, or its bit rate
    bool blocking = false;
    Targets targets;
    std::size_t target = 0;   // the next to try
    std::vector<Peer> found;  // its addresses still to try
    std::unique_ptr<NameLookup> lookup;
    Fd connecting;
    Fd before;  // a pipe, until it is open again: its next writer needs a reader
    Peer peer;
    std::int64_t pause_ns = 0;
    std::int64_t next_ns = 0;
    std::int64_t connected_ns = 0;
    std::uint64_t dropped = 0;  // by buses that are closed
    int live = -1;              // the main thread's descriptor of what is open
    int opened = -1;            // the same for the hot thread
    std::atomic<int> state{kTaken};
    std::atomic<int> closing{-1};
    std::atomic<int> error{0};
  };
  struct Listener {
    Fd fd;
    std::size_t first = 0;
    std::size_t count = 0;
    std::int64_t give_up_ns = 0;
    std::function<bool(const Peer&)> allows;
    TurnedAway turned_away;
  };

  Slot& new_slot(Kind kind);
  void tend(Slot& s, std::int64_t now_ns);
  static void closed(Slot& s, int fd, std::int64_t now_ns);
  Result<Fd, int> connect(Slot& s, std::int64_t now_ns);
  int look_up(Slot& s, std::int64_t now_ns);
  static bool next_target(Slot& s, int error, std::int64_t now_ns);
  void accept(Listener& listener, std::int64_t now_ns);
  static Result<Fd, int> open(Slot& s);
  static void publish(Slot& s, Fd fd, std::int64_t now_ns);

  std::array<Slot, kSlots> slots_;
  std::size_t used_ = 0;
  std::vector<Listener> listeners_;
  std::string name_servers_;
};

}  // namespace vedette::platform
