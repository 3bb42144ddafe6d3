// Purpose: a running watch post: opens its rooms, starts their threads, watches over them until it
// is stopped. In: a loaded plan and options. Out: lines, alerts, `status`. Runs on: run() on the
// main thread, which becomes the link thread; it starts the others.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "node/broker_links.hpp"
#include "node/confinement.hpp"
#include "node/membership.hpp"
#include "node/requests.hpp"
#include "node/secure_sources.hpp"
#include "node/threads.hpp"

namespace vedette::node {

struct RunOptions {
  std::string data;          // created if missing
  std::string recordings;    // folder for relative recording names
  double for_seconds = 0.0;  // stop after so long; 0: run until stopped, or until recordings end
  std::atomic<bool>* stop = nullptr;
  bool echo_actions = false;  // actions of other sinks also go to on_log
  // Text of log sinks; false: not now, and it is offered again.
  std::function<bool(std::string_view)> on_log;
  // Journalled changes of sources and assessments, for people who follow a node; false: not now.
  std::function<bool(const EventHeader&, Bytes payload)> on_event;
  // Called after some of both: true when everything taken has been delivered.
  std::function<bool()> flush;
  // Callback: a fact about the node and its name: "runs_without" at the start, "network" later.
  std::function<void(std::string_view, std::string_view)> on_node;
  // Callback: what a start found cut, missing or foreign in the data folder.
  std::function<void(std::string_view)> on_finding;
  // Callback: what was carried from another site file.
  std::function<void(std::string_view)> on_plan;
  // Callback: each cause that begins or ends.
  std::function<void(const CauseLine&)> on_cause;
  // Called once a second.
  std::function<void(const Health&)> each_second;
  // A JSON object that `status` shows as "firmware"; null: none.
  std::function<std::string()> firmware_status;
  // Called once before packet ports open, to wait for whoever started the packet engine.
  std::function<void()> before_ports;
  // True once the machine has its network; until then network sinks wait, at most until an action's
  // horizon. Null: always.
  const std::atomic<bool>* network = nullptr;
  // Folders that `each_second` writes, and reads.
  std::vector<std::string> also_writes, also_reads;
  // Lowest epoch, so that no action key repeats even if an earlier data folder is lost.
  std::uint32_t least_epoch = 1;
  // Descriptor of the machine's watchdog, opened and armed before the node, which closes it. -1:
  // the node opens the plan's device.
  int watchdog = -1;
};

class Node {
 public:
  Node(std::vector<std::uint8_t> plan_bytes, const plan::Plan& plan, RunOptions options);

  // Starts, recovers, watches, stops. exit_code 0 when it stopped in order.
  Failure run();
  std::string status_json() { return status_.json(); }

 private:
  // Called by run() in this order.
  Failure prepare();
  void begin();
  void start_watchdog();
  void tell_start(bool network);
  void keep_watch(bool network);
  void end_lines();
  Failure end_history();

  Failure open_ports();
  void say(std::string_view member, std::string_view what);
  double running_s() const;
  bool is_over() const;
  void look_for_hang();
  void look_at_mirror();
  bool drain_log();
  void take_roles();

  RunOptions options_;
  Rooms rooms_;
  StartReport start_;
  Recovery recovery_;
  Confinement confinement_;
  Journalling journalling_{rooms_.writer, rooms_.mirror, rooms_.lanes.batches};
  EngineThread engine_{rooms_, journalling_};
  Threads threads_{rooms_, engine_, journalling_, options_.data};
  Commands commands_{rooms_};
  NodeTime time_{rooms_, commands_};
  Control control_;
  Rights rights_;
  Membership membership_;
  StatusPage status_;
  Requests requests_{rooms_, recovery_, status_, engine_, journalling_, commands_, time_, rights_};
  Watchdog watchdog_;
  BrokerLinks brokers_;
  SecureSources secure_;
  std::int64_t started_ns_ = 0;
};

}  // namespace vedette::node
