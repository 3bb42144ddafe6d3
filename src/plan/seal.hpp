// Purpose: the seal at a compiled plan's end: a mark and the SHA-256 of all before it, so that a
// plan changed by a disk or by hand is refused. It says nothing about the author. In: a plan's
// bytes. Out: the same with its seal, or the error. Runs on: cold threads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace vedette::plan {

inline constexpr std::size_t kSealBytes = 8 + 32;

void seal_plan(std::vector<std::uint8_t>& bytes);
// The plan without its seal; empty, with `error` set, if the seal does not match.
Bytes sealed_plan(Bytes bytes, std::string& error);

}  // namespace vedette::plan
