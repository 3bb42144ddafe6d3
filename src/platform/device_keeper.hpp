// Purpose: opens lines and connections that come and go, on a thread that may wait, for threads
// that may not. In: want() by the hot thread. Out: take() returns the descriptor once it is open,
// in the hot thread's own table if it has one. Bound: one request a slot. Runs on: tend() on the
// main thread, the rest on one hot thread.
#pragma once

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>

#include "base/check.hpp"
#include "platform/hot_thread.hpp"
#include "platform/socket.hpp"

namespace vedette::platform {

class DeviceKeeper {
 public:
  static constexpr std::size_t kSlots = 96;
  static constexpr std::int64_t kConnectNs = 5'000'000'000;

  // Before the hot threads start. Returns the slot.
  std::size_t add(std::string device, std::uint32_t baud, bool blocking, std::int64_t retry_ns) {
    CHECK(used_ < kSlots, "a slot for each line and connection");
    const std::size_t slot = used_++;
    slots_[slot].device = std::move(device);
    slots_[slot].baud = baud;
    slots_[slot].blocking = blocking;
    slots_[slot].retry_ns = retry_ns;
    return slot;
  }
  std::size_t add_connection(Endpoint to, std::int64_t retry_ns, std::int64_t give_up_ns) {
    CHECK(used_ < kSlots, "a slot for each line and connection");
    const std::size_t slot = used_++;
    slots_[slot].to = to;
    slots_[slot].retry_ns = retry_ns;
    slots_[slot].give_up_ns = give_up_ns;
    return slot;
  }
  void want(std::size_t slot) { slots_[slot].state.store(kWanted, std::memory_order_release); }
  // -1 until open. Pairs with the release store in tend(), which publishes the descriptor.
  int take(std::size_t slot) {
    Slot& s = slots_[slot];
    const int fd = s.state.load(std::memory_order_acquire);
    if (fd < 0) {
      return -1;
    }
    s.state.store(kTaken, std::memory_order_relaxed);
    s.opened = fd;
    const int taken = own_descriptor(fd);
    if (taken < 0) {
      s.error.store(errno, std::memory_order_relaxed);
      s.closing.store(fd, std::memory_order_release);
      want(slot);
    }
    return taken;
  }
  int last_error(std::size_t slot) const {
    return slots_[slot].error.load(std::memory_order_relaxed);
  }
  // Leaves closing to tend(), because closing a line may wait for its output. The hot thread's
  // duplicate is not the last descriptor, so dropping it does not wait.
  void give_back(std::size_t slot, int fd) {
    drop_own_descriptor(fd);
    slots_[slot].closing.store(slots_[slot].opened, std::memory_order_release);
  }

  // Tries connections only when there is a network.
  void tend(std::int64_t now_ns, bool network) {
    for (std::size_t i = 0; i < used_; ++i) {
      Slot& s = slots_[i];
      const int closing = s.closing.exchange(-1, std::memory_order_acq_rel);
      if (closing >= 0) {
        const Fd closed(closing);
      }
      if (s.state.load(std::memory_order_acquire) != kWanted || (s.to && !network) ||
          (now_ns < s.next_ns && !s.connecting.valid())) {
        continue;
      }
      auto opened = s.to ? connect(s, now_ns) : open_serial(s.device, s.baud, s.blocking);
      if (!opened && opened.error() == EINPROGRESS) {
        continue;
      }
      s.next_ns = now_ns + s.retry_ns;
      s.error.store(opened ? 0 : opened.error(), std::memory_order_relaxed);
      if (opened) {
        s.state.store(opened.value().release(), std::memory_order_release);
      }
    }
  }

 private:
  static constexpr int kTaken = -1;
  static constexpr int kWanted = -2;
  struct Slot {
    std::optional<Endpoint> to;  // a connection; else a line
    Fd connecting;
    std::string device;
    std::uint32_t baud = 0;
    bool blocking = false;
    std::int64_t retry_ns = 0;
    std::int64_t give_up_ns = 0;  // the other end may be silent this long
    std::int64_t next_ns = 0;
    int opened = -1;  // written by the main thread, used by the hot thread
    std::atomic<int> state{kTaken};
    std::atomic<int> closing{-1};
    std::atomic<int> error{0};
  };
  // EINPROGRESS until connected.
  static Result<Fd, int> connect(Slot& s, std::int64_t now_ns) {
    if (!s.connecting.valid()) {
      auto begun = begin_connection(*s.to, s.give_up_ns);
      if (!begun) {
        return begun;
      }
      s.connecting = std::move(begun).value();
      s.next_ns = now_ns + kConnectNs;
    }
    const int error = connection_error(s.connecting.get());
    if (error == EINPROGRESS && now_ns < s.next_ns) {
      return Failure{EINPROGRESS};
    }
    Fd fd = std::move(s.connecting);
    return error == 0 ? Result<Fd, int>(std::move(fd))
                      : Result<Fd, int>(Failure{error == EINPROGRESS ? ETIMEDOUT : error});
  }

  std::array<Slot, kSlots> slots_;
  std::size_t used_ = 0;
};

}  // namespace vedette::platform
