// Purpose: posts commands of people to the engine and waits for their result. In: a command. Out:
// what the engine made of it, once the journal has it. Bound: the lane of commands. When full:
// refused, and counted. Runs on: main, for at most kOrderNs.
#pragma once

#include <cstdint>

#include "model/request.hpp"
#include "node/rooms.hpp"

namespace vedette::node {

class Commands {
 public:
  explicit Commands(Rooms& rooms) : rooms_(rooms) {}

  // Who the commands that follow are from. `denied`: they are recorded and have no effect.
  void from(std::uint32_t user, bool denied) {
    user_ = user;
    denied_ = denied;
  }

  // A command of this kind about an event, track or time.
  static Requeue of_kind(CommandKind kind, std::uint64_t target = 0);
  // Puts it in the engine's lane; returns its number from 1, or 0 when the lane is full.
  std::uint64_t post(const Requeue& order);
  std::uint64_t post(const AlarmOrder& order);
  // Posts it and waits until the engine has answered and the disk has it, so that an accepted
  // command survives a power cut.
  template <typename Order>
  request::Answer post_and_wait(const Order& order) {
    return outcome_of(post(order), order.command);
  }

 private:
  template <typename Order>
  std::uint64_t put(Order order, std::size_t bytes);
  // 0: it was not posted.
  request::Answer outcome_of(std::uint64_t number, const Command& command) const;

  Rooms& rooms_;
  std::uint64_t posted_ = 0;
  std::uint32_t user_ = kNobody;
  bool denied_ = false;
};

}  // namespace vedette::node
