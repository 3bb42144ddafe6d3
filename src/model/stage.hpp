// Purpose: the face that every stage of the core has, so that the shard folds over one list of
// them (core/engine/stages.hpp) and nothing else knows how many there are.
//
//   static std::size_t bytes_needed(const plan::Plan&);  of arena
//   void init(Arena&, const Site&);
//   static DerivedBound derived_bound(const plan::Plan&);  what it adds to a batch at most
// and, of a stage with state that outlives a step:
//   static constexpr SectionName kSection;
//   static std::size_t frozen_bytes_bound(const plan::Plan&);
//   void freeze(Freezer&, const TrackTable&) const;
//   bool thaw(Thawer&, Thawing&);  false for what no engine freezes; it checks what it reads
//   void digest(Digest&) const;    what a replay must agree on after each batch
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

// Bytes of derived events, at most: for each subject that is judged, and for each batch.
struct DerivedBound {
  std::size_t per_subject = 0;
  std::size_t per_batch = 0;
};

// An accepted event that leaves because the plan that goes on has no place for it.
struct Leaver {
  std::uint64_t sequence;
  std::uint64_t transient;  // 1: it was under way; 0: it waited
};

// What a stage is thawed with: the tracks, which are thawed before all others.
struct Thawing {
  TrackTable& tracks;
  std::uint64_t newest;  // the last sequence given out
  std::int64_t now_ns;   // node time of the last batch
  Carry& carry;
  // Takes an accepted event out; its exit follows in the next batches.
  void (*leave)(void* context, const Leaver& leaver);
  void* context;
};

}  // namespace vedette
