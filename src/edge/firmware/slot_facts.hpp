// Purpose: what a slot's image says of itself that a post must not lose by an update: whose updates
// it takes, and which interfaces it gives an address. In: the front of a unified kernel image; its
// section .osrel, text lines by firmware/build-slot, says it. Out: the facts, or that it says none.
// Runs on: cold threads.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace vedette::firmware {

struct SlotFacts {
  bool told = false;  // images of before say nothing
  std::string update_key;
  std::vector<std::string> interfaces;
};
SlotFacts read_facts(Bytes front);
// Empty, or what a post that is `own` would lose by going on as `next`.
std::string lost_key(const SlotFacts& own, const SlotFacts& next);
std::string lost_interfaces(const SlotFacts& own, const SlotFacts& next);

}  // namespace vedette::firmware
