// Purpose: facts of a slot's image that a post must keep across an update: its update key and its
// configured interfaces. In: the front of a unified kernel image, whose section .osrel holds text
// lines by firmware/build-slot. Out: the facts, if it has any. Runs on: cold threads.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace vedette::firmware {

struct SlotFacts {
  bool told = false;  // false for older images without facts
  std::string update_key;
  std::vector<std::string> interfaces;
};
SlotFacts read_facts(Bytes front);
// Empty, or what a post with `own` facts would lose with `next`.
std::string lost_key(const SlotFacts& own, const SlotFacts& next);
std::string lost_interfaces(const SlotFacts& own, const SlotFacts& next);

}  // namespace vedette::firmware
