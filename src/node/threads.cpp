#include "node/threads.hpp"

#include "node/confinement.hpp"
#include "platform/file.hpp"
#include "platform/sandbox.hpp"

namespace vedette::node {
namespace {

constexpr std::int64_t kLookNs = 1'000'000;
constexpr std::int64_t kEndNs = 10'000'000'000;  // for mirror and image, each

// Waits until a thread has ended; false if it does not.
bool ends(const std::function<bool()>& ended) {
  const std::int64_t last_ns = platform::monotonic_ns() + kEndNs;
  while (!ended()) {
    if (platform::monotonic_ns() > last_ns) {
      return false;
    }
    platform::rest_ns(kLookNs);
  }
  return true;
}

}  // namespace

Failure Threads::start(const std::function<Failure()>& begin_history,
                       std::vector<std::string>& without) {
  const plan::Cores& cores = *rooms_.plan.cores();
  // Journal, mirror and this thread run beside the hot threads' cores, never on them.
  platform::keep_off({cores.engine(), cores.ingress()});
  if (!rooms_.fused()) {
    ingress_thread_ = std::thread([this] { ingress_.run(gate_, stop_hot_); });
  }
  journalling_.init(*rooms_.plan.limits());
  engine_thread_ = std::thread([this] { engine_.run(gate_, stop_hot_); });
  Failure begun = wait_until_ready(without);
  if (begun.exit_code == 0) {
    begun = become_own_user(without);
  }
  if (begun.exit_code == 0) {
    begun = begin_history();
  }
  gate_.open(begun.exit_code == 0);
  if (begun.exit_code != 0) {
    end_hot();
    return begun;
  }
  mirror_thread_ = std::thread([this] { rooms_.mirror.run(rooms_.clock.stepped()); });
  image_thread_ = std::thread([this] { rooms_.mirror.imaging().run(); });
  journal_thread_ =
      std::thread([this] { journalling_.run(rooms_.clock.stepped(), stop_journal_); });
  hand_thread_ = std::thread([this] { journalling_.run_hand(rooms_.clock.stepped(), stop_hand_); });
  if (engine_.hot().grant.fifo && platform::fifo_is_throttled()) {
    without.emplace_back(
        "unthrottled real-time priority: hot threads sleep 60 us in every ms (see `vedette "
        "doctor`, rt-throttling)");
  }
  return {};
}

// The hot threads have their priority, which only root may give; the journal's first segment has
// not begun, so that a folder that the user may not write ends the start.
Failure Threads::become_own_user(std::vector<std::string>& without) const {
  const std::string user = own_user(rooms_.plan);
  if (user.empty()) {
    return {};
  }
  if (const std::string why = platform::become_user(user, data_); !why.empty()) {
    without.push_back("sandbox user: " + why);
  }
  const int error = platform::unwritable(data_);
  return error == 0 ? Failure{}
                    : Failure{78, data_ + ": " + platform::error_text(error) + " for user " + user +
                                      ", whom the node becomes ([sandbox] user); it must be able "
                                      "to enter each folder above, as by `chmod o+x`"};
}

Failure Threads::wait_until_ready(std::vector<std::string>& without) const {
  std::string problem;
  const auto wait = [&](const HotState& thread) {
    while (!thread.ready.load(std::memory_order_acquire)) {
      platform::rest_ns(100'000);
    }
    for (const std::string* lacking : {&thread.grant.pinning, &thread.grant.priority}) {
      if (!lacking->empty()) {
        without.push_back(*lacking);
      }
    }
    problem += thread.problem;
  };
  wait(engine_.hot());
  if (!rooms_.fused()) {
    wait(ingress_.hot());
  }
  return problem.empty() ? Failure{} : Failure{71, problem};
}

void Threads::watch(Watchdog& watchdog) const {
  watchdog.watch("engine", engine_.hot().beat);
  if (!rooms_.fused()) {
    watchdog.watch("ingress", ingress_.hot().beat);
  }
}

void Threads::end_hot() {
  stop_hot_.store(true, std::memory_order_release);
  engine_thread_.join();
  if (ingress_thread_.joinable()) {
    ingress_thread_.join();
  }
}

Threads::Ended Threads::end_warm() {
  stop_journal_.store(true, std::memory_order_release);
  while (!journalling_.ended()) {
    if (journalling_.hangs(platform::monotonic_ns())) {
      return {"journal", false};
    }
    platform::rest_ns(kLookNs);
  }
  journal_thread_.join();
  stop_hand_.store(true, std::memory_order_release);
  hand_thread_.join();
  Mirror& mirror = rooms_.mirror;
  mirror.end();
  if (!ends([&] { return mirror.ended() || mirror.gone(); })) {
    return {"mirror", false};
  }
  mirror_thread_.join();
  mirror.imaging().end();
  if (!ends([&] { return mirror.imaging().ended(); })) {
    return {"image", mirror.gone()};
  }
  image_thread_.join();
  return {nullptr, mirror.gone()};
}

}  // namespace vedette::node
