// Purpose: the interface of every stage of the core. The shard folds over one list of stages
// (core/engine/stages.hpp), and nothing else depends on their number.
//
//   static std::size_t bytes_needed(const plan::Plan&);  of arena
//   void init(Arena&, const Site&);
//   static DerivedBound derived_bound(const plan::Plan&);  what it adds to a batch at most
// and, of a stage with state that outlives a step:
//   static constexpr SectionName kSection;
//   static std::size_t frozen_bytes_bound(const plan::Plan&);
//   void freeze(Freezer&, const TrackTable&) const;
//   bool thaw(Thawer&, Thawing&);  false for what no engine freezes; it checks what it reads
//   void digest(WordsDigest&) const;    what a replay must agree on after each batch
//   std::size_t slices(const TrackTable&) const;
//   void slice(std::size_t at, const TrackTable&, SliceDigest&) const;  at most kSliceBytes
//     Together the slices are all that freeze() writes, so that the self-check
//     (core/engine/self_check.hpp) sees every bit. A slice depends on what was frozen and thawed as
//     little as the state's meaning does: no caches, no links, no padding.
//   bool unfinished() const;       the next step has something to do, though nothing came
#pragma once

#include <cstdint>

#include "base/arena.hpp"
#include "base/digest.hpp"
#include "base/sections.hpp"
#include "model/carry.hpp"
#include "model/site.hpp"
#include "model/track_table.hpp"

namespace vedette {

// Most bytes of derived events: for each subject judged, and for each batch.
struct DerivedBound {
  std::size_t per_subject = 0;
  std::size_t per_batch = 0;
};

// An accepted event that leaves because the new plan has no place for it.
struct Leaver {
  std::uint64_t sequence;
  std::uint64_t transient;  // 1: it was under way; 0: it waited
};

// Context for thawing a stage; the tracks are thawed before all others.
struct Thawing {
  TrackTable& tracks;
  std::uint64_t newest;  // last sequence assigned
  std::int64_t now_ns;   // node time of the last batch
  Carry& carry;
  // Removes an accepted event; its exit follows in the next batches.
  void (*leave)(void* context, const Leaver& leaver);
  void* context;
};

}  // namespace vedette
