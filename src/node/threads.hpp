// Purpose: starts and ends the node's threads. In: rooms, opened and recovered. Out: running
// threads; what each lacks. Runs on: main.
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "node/engine_thread.hpp"
#include "node/ingress_thread.hpp"
#include "node/watchdog.hpp"

namespace vedette::node {

class Threads {
 public:
  Threads(Rooms& rooms, EngineThread& engine, Journalling& journalling, std::string data)
      : rooms_(rooms), engine_(engine), journalling_(journalling), data_(std::move(data)) {}

  // The hot threads wait until `begin_history` has the first segment on disk.
  Failure start(const std::function<Failure()>& begin_history, std::vector<std::string>& without);
  void watch(Watchdog& watchdog) const;
  // The hot threads first: after this nothing more is admitted.
  void end_hot();
  struct Ended {
    // Null, or which thread hangs: it cannot be joined, and its buffers are the system's until
    // then.
    const char* hung;
    bool mirror_gone;  // its thread had ended by itself
  };
  // Then the journal writes the last batches, and the mirror replays them.
  Ended end_warm();

 private:
  Failure wait_until_ready(std::vector<std::string>& without) const;
  Failure become_own_user(std::vector<std::string>& without) const;

  Rooms& rooms_;
  EngineThread& engine_;
  Journalling& journalling_;
  std::string data_;
  IngressThread ingress_{rooms_};
  BeginGate gate_;
  std::atomic<bool> stop_hot_{false}, stop_journal_{false}, stop_hand_{false};
  std::thread ingress_thread_, engine_thread_, journal_thread_, hand_thread_, mirror_thread_,
      image_thread_;
};

}  // namespace vedette::node
