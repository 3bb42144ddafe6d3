// Purpose: one life of a node: the product's own rooms and threads' turns, joined as node/node.hpp
// joins them, without threads, sockets and devices. In: a data folder. Out: turns that the world
// calls in any order. The seam: sources' lines are never opened, so the world writes into their
// lanes.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "node/requests.hpp"

namespace vedette::sim {

inline constexpr std::uint64_t kNode = 7;  // the data folder's identity

class Life {
 public:
  Life(std::string data, std::vector<std::uint8_t> plan_bytes, const plan::Plan& plan);

  // As Node::prepare(), begin() and begin_history().
  node::Failure start();
  node::EngineThread::Turn engine_turn(bool stopping, std::int64_t since_ns) {
    return engine_.turn(stopping, since_ns);
  }
  bool nothing_under_way() const { return engine_.nothing_under_way(); }
  bool journal_turn(std::int64_t now_ns) { return journalling_.turn(now_ns); }
  bool hand_turn(std::int64_t now_ns) { return journalling_.hand(now_ns, false); }
  bool mirror_turn(std::int64_t now_ns) { return rooms.mirror.turn(now_ns); }
  bool image_turn(std::int64_t now_ns) { return rooms.mirror.imaging().turn(now_ns); }
  void main_turn();
  std::string ask(std::string_view line) { return requests_.answer(line, {}); }
  std::uint64_t post(CommandKind kind, std::uint64_t target) {
    return commands_.post(node::Commands::of_kind(kind, target));
  }
  // As Node::end_history(), once nothing turns any more. False if the journal is not whole.
  bool end();

  std::uint32_t epoch() const { return recovery_.epoch(); }
  const node::StartReport& report() const { return start_; }

  node::Rooms rooms;

 private:
  node::Failure open_ports();

  std::string data_;
  node::StartReport start_;
  node::Recovery recovery_;
  node::Journalling journalling_{rooms.writer, rooms.mirror, rooms.lanes.batches};
  node::EngineThread engine_{rooms, journalling_};
  node::Commands commands_{rooms};
  node::NodeTime time_{rooms, commands_};
  node::Control control_;
  node::Confinement confinement_;  // never begun: one thread does everything
  node::Membership membership_;    // of no fleet
  node::StatusPage status_;
  node::Rights rights_;  // no roles: everybody may
  node::Requests requests_{rooms,        recovery_, status_, engine_,
                           journalling_, commands_, time_,   rights_};
};

}  // namespace vedette::sim
