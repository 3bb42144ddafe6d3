// Purpose: the document of `vedette status` as a screen for people: the mode and its causes, then
// alarms, sources, sinks, disk and mirror, what matters most first. In: the documents of a node's
// status and alarms. Out: lines of at most so many columns. Bound: a screen; longer lists say how
// much they leave out. Runs on: cold threads.
#pragma once

#include <string>

#include "cli/json_value.hpp"

namespace vedette::cli {

inline constexpr std::size_t kColumns = 80;  // of a terminal that does not say

// `alarms` may be empty: nobody knows them.
std::string status_screen(const JsonValue& status, const JsonValue& alarms,
                          std::size_t columns = kColumns);

}  // namespace vedette::cli
