// Purpose: what the simulator remembers of a node across its lives, and the promises over it: every
// event leaves once, what is counted is what is kept, an action is done once and its intent is on
// disk, a state after a recovery is the one that was.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "core/engine/shard.hpp"
#include "sim/random.hpp"

namespace vedette::sim {

class Ledger {
 public:
  // A batch that the engine has made just now.
  void take(Bytes batch, const engine::Shard& shard);
  // An action was done, by the event `sent_by`. `before`: its intent must be on disk.
  void done(std::uint32_t epoch, std::uint64_t root, std::uint64_t sent_by, bool before);
  // What `shard` holds was recovered; `durable` was acknowledged.
  void recovered(const engine::Shard& shard, std::uint64_t durable);

 private:
  struct Entry {
    std::uint64_t sequence;
    bool enters;
  };
  void post(const Entry& entry);

  std::map<std::uint64_t, std::uint64_t> digests_;
  std::map<std::uint64_t, std::vector<Entry>> entries_;  // by batch
  std::set<std::uint64_t> open_;                         // accepted, still inside
  std::set<std::pair<std::uint32_t, std::uint64_t>> done_;
  std::set<std::uint64_t> owed_;  // done, so their intents must be on disk
};

}  // namespace vedette::sim
