// Purpose: the shard's number in the sequences of its events and in the node's data folder, so that
// two shards of one node never assign the same sequence.
#pragma once

#include <cstdint>
#include <string>

namespace vedette {

// The top 8 bits are the shard's number, the rest count from 1: 2^56 events are 228 years at ten
// million a second.
inline constexpr unsigned kShardShift = 56;
inline constexpr std::uint8_t kFirstShard = 0;

constexpr std::uint8_t shard_of(std::uint64_t sequence) {
  return static_cast<std::uint8_t>(sequence >> kShardShift);
}
// The sequence before a shard's first event.
constexpr std::uint64_t sequence_before_first(std::uint8_t shard) {
  return static_cast<std::uint64_t>(shard) << kShardShift;
}
constexpr std::uint64_t count_of(std::uint64_t sequence) {
  return sequence - sequence_before_first(shard_of(sequence));
}

// Folder of one shard: its journal, evidence and belief image.
inline std::string shard_folder(const std::string& data, std::uint8_t shard = kFirstShard) {
  return data + "/shard-" + std::to_string(shard);
}
inline std::string journal_folder(const std::string& data, std::uint8_t shard = kFirstShard) {
  return shard_folder(data, shard) + "/journal";
}

}  // namespace vedette
