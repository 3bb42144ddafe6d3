// Purpose: ends the node when a hot thread hangs, so that its supervisor, or the machine's
// watchdog, restarts it: a node that looks alive and does nothing is worse than none. In: each hot
// thread's beat. Out: false from look() when one hung; then the device is no longer fed. Runs on:
// the main thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "platform/file.hpp"

namespace vedette::node {

class Watchdog {
 public:
  // `limit_ns` 0: watches nothing. `opened`: the device, if it is already open. Empty on success;
  // on an error the node runs without the device.
  std::string init(std::int64_t limit_ns, const std::string& device, platform::Fd opened);
  void watch(const char* thread, const std::atomic<std::uint64_t>& beat);

  // Call often. Counts only time in which this thread ran, so that resuming a stopped process does
  // not end it.
  bool look(std::int64_t now_ns);
  const char* hung() const { return hung_; }
  // The node ends in order: disarms the device.
  void end();

 private:
  struct Watched {
    const char* thread;
    const std::atomic<std::uint64_t>* beat;
    std::uint64_t last;
    std::int64_t still_ns;
  };
  std::vector<Watched> watched_;
  platform::Fd device_;
  std::int64_t limit_ns_ = 0;
  std::int64_t last_look_ns_ = 0;
  std::int64_t last_fed_ns_ = 0;
  const char* hung_ = nullptr;
};

}  // namespace vedette::node
