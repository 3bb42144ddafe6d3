#include "node/identity.hpp"

#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "base/text.hpp"
#include "edge/journal/segment_nodes.hpp"
#include "model/shard_id.hpp"
#include "platform/file.hpp"
#include "platform/random.hpp"

namespace vedette::node {
namespace {

constexpr int kNodeBits = 40;
constexpr std::size_t kTextBytes = 128;

std::string begun(std::uint64_t node) {
  std::string text = "vedette-identity 1 ";
  append_hex(text, node);
  return text;
}

// Never 0, which means "none".
std::uint64_t new_node() {
  for (int attempt = 0; attempt < 8; ++attempt) {
    const std::uint64_t node = platform::random_bits().value_or(0) >> (64 - kNodeBits);
    if (node != 0) {
      return node;
    }
  }
  return 0;
}

}  // namespace

std::string identity_text(std::uint64_t node) {
  std::string text = begun(node);
  const std::uint32_t sum = crc32c(as_bytes(text));
  text += ' ';
  append_hex(text, std::uint64_t{sum});
  text += '\n';
  return text;
}

std::uint64_t parse_identity(std::string_view text) {
  std::uint64_t node = 0;
  constexpr std::string_view kBegin = "vedette-identity 1 ";
  if (text.substr(0, kBegin.size()) != kBegin) {
    return 0;
  }
  for (const char c : text.substr(kBegin.size(), kNodeBits / 4)) {
    if (hex_value(c) < 0) {
      break;
    }
    node = node << 4 | static_cast<std::uint64_t>(hex_value(c));
  }
  // Accepts only the exact text that would be written.
  return node != 0 && identity_text(node) == text ? node : 0;
}

Identity identity_of_folder(const std::string& data) {
  Identity identity;
  const std::string path = data + "/identity";
  const bool there = platform::exists(path);
  const std::string text = platform::read_text_file(path, kTextBytes).value_or(std::string());
  const std::uint64_t kept = parse_identity(text);
  const std::uint64_t written = journal::node_of_journal(journal_folder(data), kept);
  identity.node = written != 0 ? written : kept;
  identity.in_journal = written != 0;
  identity.in_file = identity.node != 0 && identity.node == kept;
  const std::string wrong = path + (kept != 0 ? " names another node"
                                    : there   ? " is damaged"
                                              : " is missing");
  if (identity.node == 0) {
    identity.node = new_node();
    identity.problem = identity.node != 0
                           ? std::string()
                           : "the system gives no random bits for the identity of " + data;
    identity.told =
        there ? wrong + ", and no journal has it: the node gets a new identity, so its keys are new"
              : "";
  } else if (!identity.in_file) {
    identity.told = wrong + "; the node restores it from the journal";
  }
  return identity;
}

Identity identity_anew(const std::string& data) {
  Identity identity;
  identity.node = new_node();
  identity.problem = identity.node != 0
                         ? std::string()
                         : "the system gives no random bits for the identity of " + data;
  return identity;
}

std::string keep_identity(const std::string& data, const Identity& identity) {
  if (identity.in_file) {
    return {};
  }
  const std::string path = data + "/identity";
  const int error = platform::write_file_durably(path, as_bytes(identity_text(identity.node)));
  return error == 0 || identity.in_journal ? std::string()
                                           : path + ": " + platform::error_text(error);
}

}  // namespace vedette::node
