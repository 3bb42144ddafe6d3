// Purpose: a node's data folder opened for reading: the plan that its journal was written with.
#pragma once

#include <string>

#include "cli/command.hpp"
#include "journal/format.hpp"
#include "node/replay.hpp"

namespace vedette::cli {

// Prints what is wrong and returns its exit code, or kOk.
int open_data(const JournalCommand& command, const std::string& schema, node::KeptPlan& kept,
              journal::SegmentHeader& header);
// One line on stderr where the journal is not whole: what was printed goes around that.
void say_damage(const JournalCommand& command, const journal::ReadResult& read);

}  // namespace vedette::cli
