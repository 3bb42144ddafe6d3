// Purpose: which node wrote a journal, from its segments' headers. Runs on: cold threads; total on
// any bytes.
#pragma once

#include <cstdint>

#include "platform/storage.hpp"

namespace vedette::journal {

// The node in the newest valid segment header; `expected` if any segment names it, so that one
// foreign segment does not change a folder's identity. 0: no valid header.
std::uint64_t node_of_journal(const platform::Folder& folder, std::uint64_t expected);

}  // namespace vedette::journal
