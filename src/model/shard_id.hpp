// Purpose: where a shard's number stands: in the sequence of each of its events, and in the data
// folder of its node. Two shards of one node never give out the same sequence.
#pragma once

#include <cstdint>
#include <string>

namespace vedette {

// The top 8 bits of a sequence are the shard's number, the others count from 1: 2^56 events are
// 228 years at ten million a second.
inline constexpr unsigned kShardShift = 56;
inline constexpr std::uint8_t kFirstShard = 0;

constexpr std::uint8_t shard_of(std::uint64_t sequence) {
  return static_cast<std::uint8_t>(sequence >> kShardShift);
}
// What stands before the first event of a shard.
constexpr std::uint64_t sequence_before_first(std::uint8_t shard) {
  return static_cast<std::uint64_t>(shard) << kShardShift;
}
constexpr std::uint64_t count_of(std::uint64_t sequence) {
  return sequence - sequence_before_first(shard_of(sequence));
}

// What is a shard's alone: its journal, its evidence, its belief image.
inline std::string shard_folder(const std::string& data, std::uint8_t shard = kFirstShard) {
  return data + "/shard-" + std::to_string(shard);
}
inline std::string journal_folder(const std::string& data, std::uint8_t shard = kFirstShard) {
  return shard_folder(data, shard) + "/journal";
}

}  // namespace vedette
