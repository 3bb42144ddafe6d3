#include "node/watchdog.hpp"

#include <algorithm>

#include "platform/machine.hpp"
#include "platform/socket.hpp"

namespace vedette::node {
namespace {

constexpr std::int64_t kFeedNs = 1'000'000'000;
constexpr std::int64_t kOneLookNs = 50'000'000;  // this thread slept in a longer gap
constexpr std::uint8_t kFood[] = {'.'};
constexpr std::uint8_t kMagicClose[] = {'V'};  // Linux watchdog API: close without a reset

}  // namespace

std::string Watchdog::init(std::int64_t limit_ns, const std::string& device, platform::Fd opened) {
  limit_ns_ = limit_ns;
  if (device.empty()) {
    return {};
  }
  device_ = std::move(opened);
  if (!device_.valid()) {
    auto now = platform::open_for_writing(device);
    if (!now) {
      return device + ": " + platform::error_text(now.error());
    }
    device_ = std::move(now).value();
  }
  // The device then finds a hang as late as this thread; devices with a fixed timeout ignore it.
  platform::set_watchdog_timeout(device_.get(), static_cast<int>(limit_ns / 1'000'000'000));
  return {};
}

void Watchdog::watch(const char* thread, const std::atomic<std::uint64_t>& beat) {
  watched_.push_back({thread, &beat, beat.load(std::memory_order_relaxed), 0});
}

bool Watchdog::look(std::int64_t now_ns) {
  const std::int64_t passed = last_look_ns_ == 0 ? 0 : std::min(now_ns - last_look_ns_, kOneLookNs);
  last_look_ns_ = now_ns;
  for (Watched& w : watched_) {
    const std::uint64_t beat = w.beat->load(std::memory_order_relaxed);
    w.still_ns = beat == w.last ? w.still_ns + passed : 0;
    w.last = beat;
    if (limit_ns_ != 0 && w.still_ns > limit_ns_) {
      hung_ = w.thread;
      return false;
    }
  }
  if (device_.valid() && now_ns - last_fed_ns_ > kFeedNs) {
    last_fed_ns_ = now_ns;
    platform::write_now(device_.get(), kFood);
  }
  return true;
}

void Watchdog::end() {
  if (device_.valid()) {
    platform::write_now(device_.get(), kMagicClose);
  }
  device_ = platform::Fd();
}

}  // namespace vedette::node
