// Purpose: TOML text to a table; what the parser does not define is refused before it sees it.
// Runs on: cold threads.
#pragma once

#include <optional>
#include <string_view>

#include "plan/section.hpp"

namespace vedette::plan {

// Nothing, and why among the problems, when the text is not TOML.
std::optional<toml::table> parse_toml(std::string_view text, Problems& problems);

}  // namespace vedette::plan
