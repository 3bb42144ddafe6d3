// Purpose: which node wrote a journal, by the headers that its segments begin with.
// Runs on: cold threads; total on any bytes.
#pragma once

#include <cstdint>

#include "platform/storage.hpp"

namespace vedette::journal {

// The node that the newest segment with a whole header names; `expected` where any segment names
// it, so that one strange segment does not change who a folder is. 0: there is no such segment.
std::uint64_t node_of_journal(const platform::Folder& folder, std::uint64_t expected);

}  // namespace vedette::journal
