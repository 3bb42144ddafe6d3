// Purpose: parses TOML text to a table; refuses beforehand what the parser does not define. Runs
// on: cold threads.
#pragma once

#include <optional>
#include <string_view>

#include "plan/section.hpp"

namespace vedette::plan {

// Nothing, with a problem added, when the text is not TOML.
std::optional<toml::table> parse_toml(std::string_view text, Problems& problems);

}  // namespace vedette::plan
