// Purpose: who a data folder is: 40 random bits, made once, that its idempotency keys begin with,
// so that two posts of one site never use the same. In: a data folder. Out: the bits, kept in
// DIR/identity with a checksum, and in the header of every journal segment. Fails as: a text, when
// they cannot be kept. Runs on: cold threads, before the node does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vedette::node {

struct Identity {
  std::uint64_t node = 0;   // never 0 where there is one
  bool in_journal = false;  // some segment names it
  bool in_file = false;     // DIR/identity does
  std::string told;         // what was amiss with what was kept, and what is done about it
  std::string problem;      // not empty: there is none
};

// What the journal says goes before the file, because it is replayed with that; with neither, the
// folder is new and gets bits of its own. Only reads.
Identity identity_of_folder(const std::string& data);
// New bits for a folder that was used before and has lost which epochs it used.
Identity identity_anew(const std::string& data);
// Writes DIR/identity where it does not say so yet: once the folder is known to be this node's.
// Empty, or what went wrong where the journal does not have it either.
std::string keep_identity(const std::string& data, const Identity& identity);

// DIR/identity as it is written: "vedette-identity 1 NODE CHECKSUM", both hexadecimal.
std::string identity_text(std::uint64_t node);
std::uint64_t parse_identity(std::string_view text);  // 0: it is none, or damaged

}  // namespace vedette::node
