// Purpose: what a compiled plan ends with: a mark and the SHA-256 of all before it. A plan in which
// a disk or a hand changed anything is refused; who made it, a signature will say. In: a plan's
// bytes. Out: the same with their seal, or what is wrong. Runs on: cold threads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace vedette::plan {

inline constexpr std::size_t kSealBytes = 8 + 32;

void seal_plan(std::vector<std::uint8_t>& bytes);
// The plan without its seal; empty, and `error` says why, when it does not have the right one.
Bytes sealed_plan(Bytes bytes, std::string& error);

}  // namespace vedette::plan
