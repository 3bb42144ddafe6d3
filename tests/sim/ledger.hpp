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
  // An action was done, by the event `sent_by`. `recorded`: its intent must be on disk. `again`: it
  // may have been done before.
  void done(std::uint32_t epoch, std::uint64_t root, std::uint64_t sent_by, bool recorded,
            bool again);
  // A person ordered it again: it may be done once more.
  void ordered_again(std::uint32_t epoch, std::uint64_t root) { done_.erase({epoch, root}); }
  // Somebody was told that this event is on disk.
  void owe(std::uint64_t sequence) { owed_.insert(sequence); }
  // Whether the state after the batch had that digest.
  bool was(std::uint64_t batch, std::uint64_t digest) const {
    const auto found = digests_.find(batch);
    return found != digests_.end() && found->second == digest;
  }
  // What `shard` holds was recovered; `durable` was acknowledged. `damaged`: blocks cannot be read:
  // belief is of an earlier batch, and numbers go on all the same.
  void recovered(const engine::Shard& shard, std::uint64_t durable, bool damaged);

 private:
  struct Entry {
    std::uint64_t sequence;
    bool enters;
  };
  void post(const Entry& entry);
  std::uint64_t batch_of(const engine::Progress& progress, bool damaged);

  std::map<std::uint64_t, std::uint64_t> digests_;
  std::map<std::uint64_t, std::vector<Entry>> entries_;  // by batch
  std::set<std::uint64_t> open_;                         // accepted, still inside
  std::set<std::pair<std::uint32_t, std::uint64_t>> done_;
  std::set<std::uint64_t> owed_;  // must be on disk: intents of what was done, commands
};

}  // namespace vedette::sim
