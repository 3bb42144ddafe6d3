// Purpose: the transitions of a time zone, from the time zone data of the machine that compiles: a
// node needs none. In: a zone's name, as in "Europe/Helsinki". Out: since when which offset holds,
// within limits::kTimeFromS and kTimeToS. Standard: RFC 8536 (TZif), with the rule in its footer.
// Runs on: cold threads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace vedette::plan {

struct Transitions {
  std::vector<std::int64_t> from;    // Unix s, ascending; the first is kTimeFromS
  std::vector<std::int32_t> offset;  // s east of UTC, from then on
};

// False for bytes that are no TZif file. Total on any bytes.
bool read_transitions(Bytes tzif, Transitions& out);

// Empty on success; else the error, with `help` on what to write.
std::string load_time_zone(std::string_view name, Transitions& out, std::string& help);

}  // namespace vedette::plan
