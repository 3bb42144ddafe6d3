// Purpose: starts node time and moves it when a person or the machine's clock says so. In: the
// plan's recordings, the last record, the machine's clock. Out: the node's clock; a command for
// each move, which the journal records like any other. Runs on: main.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "node/commands.hpp"
#include "node/timekeeper.hpp"

namespace vedette::node {

class NodeTime {
 public:
  NodeTime(Rooms& rooms, Commands& commands) : rooms_(rooms), commands_(commands) {}

  // After a restart time continues from the last batch, admitted at `last_ns`; 0: none.
  void start(std::int64_t last_ns, std::vector<std::string>& without);
  // Once a second. Setting the machine's clock does not move a running node's time by itself.
  void look();
  // For a time stated by a person; none: the machine's.
  request::Answer admit(std::optional<std::int64_t> told_ns);

  bool live() const { return live_; }  // node time follows the machine's clock
  const Timekeeper& keeper() const { return keeper_; }

 private:
  void move_to(std::int64_t to_ns, std::int64_t node_ns);

  Rooms& rooms_;
  Commands& commands_;
  Timekeeper keeper_;
  bool live_ = false;
};

}  // namespace vedette::node
