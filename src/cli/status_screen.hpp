// Purpose: the document of `vedette status` as a screen for people: the mode and its causes, then
// alarms, sources, sinks, disk and mirror, what matters most first. In: the documents of a node's
// status and alarms. Out: lines of at most kColumns. Bound: a screen; longer lists say how much
// they leave out. Runs on: cold threads.
#pragma once

#include <string>

#include "cli/json_value.hpp"

namespace vedette::cli {

inline constexpr std::size_t kColumns = 80;

// `alarms` may be empty: nobody knows them.
std::string status_screen(const JsonValue& status, const JsonValue& alarms);

}  // namespace vedette::cli
