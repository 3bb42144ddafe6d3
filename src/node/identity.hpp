// Purpose: the identity of a data folder: 40 random bits, made once, with which its idempotency
// keys begin, so that two posts of one site never share a key. In: a data folder. Out: the bits, in
// DIR/identity with a checksum, and in every journal segment's header. Fails as: a text, if they
// cannot be written. Runs on: cold threads, before the node starts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vedette::node {

struct Identity {
  std::uint64_t node = 0;   // never 0 if there is one
  bool in_journal = false;  // in some segment
  bool in_file = false;     // in DIR/identity
  std::string told;         // problems of the stored identity, and what is done about them
  std::string problem;      // not empty: no identity
};

// The journal takes precedence over the file, because replay uses it. A folder with neither is new
// and gets new bits. Only reads.
Identity identity_of_folder(const std::string& data);
// New bits for a used folder that has lost the record of its epochs.
Identity identity_anew(const std::string& data);
// Writes DIR/identity if it differs, once the folder is known to be this node's. Empty, or the
// error, unless the journal has the identity too.
std::string keep_identity(const std::string& data, const Identity& identity);

// The text of DIR/identity: "vedette-identity 1 NODE CHECKSUM", both hexadecimal.
std::string identity_text(std::uint64_t node);
std::uint64_t parse_identity(std::string_view text);  // 0: damaged, or no identity

}  // namespace vedette::node
