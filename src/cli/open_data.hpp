// Purpose: a node's data folder opened for reading: the plan that its journal was written with.
#pragma once

#include <functional>
#include <string>

#include "cli/command.hpp"
#include "edge/journal/format.hpp"
#include "node/replay.hpp"

namespace vedette::cli {

// Prints what is wrong and returns its exit code, or kOk.
int open_data(const JournalCommand& command, const std::string& schema, node::KeptPlan& kept,
              journal::SegmentHeader& header);
// What is kept of segments that are gone, batch by batch, before what the journal has. The last
// event in it.
std::uint64_t read_kept_evidence(const JournalCommand& command,
                                 const journal::SegmentHeader& header,
                                 const std::function<bool(Bytes batch)>& visit);
// One line on stderr where the journal is not whole: what was printed goes around that.
void say_damage(const JournalCommand& command, const journal::ReadResult& read);

}  // namespace vedette::cli
