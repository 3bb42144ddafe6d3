// Purpose: a calendar queue: slots ordered by time, for deadlines. Each of a few rings (one per
// class) has 4,096 buckets of `grain_ns` under a bitmap with a summary word, so that adding,
// removing and finding the earliest take constant time.
// Order: by bucket, then by insertion; times within one grain count as equal. A time beyond the
// ring's reach (4,095 grains from now) is parked in the last bucket and refiled from there.
// Bound: the slots given at init. Runs on: the engine thread.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <span>

#include "base/arena.hpp"
#include "base/digest.hpp"
#include "base/freeze.hpp"
#include "base/plausible.hpp"

namespace vedette::engine {

class Calendar {
 public:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;
  static constexpr std::size_t kBuckets = 4096;
  static constexpr std::size_t kRings = 4;

  static std::size_t bytes_needed(std::size_t slots) {
    return arena_bytes<Link>(slots) + arena_bytes<Ring>(kRings);
  }
  void init(Arena& arena, std::size_t slots, std::int64_t grain_ns) {
    links_ = arena.make<Link>(slots);
    rings_ = arena.make<Ring>(kRings);
    grain_ns_ = grain_ns;
    clear();
  }
  void clear() {
    std::fill(links_.begin(), links_.end(), Link{});
    std::fill(rings_.begin(), rings_.end(), Ring{});
  }

  void add(std::uint32_t slot, std::size_t ring, std::int64_t at_ns) {
    add_at_tick(slot, ring, at_ns, at_ns / grain_ns_);
  }
  // Restores a slot's bucket after a thaw; parked slots need it.
  void add_at_tick(std::uint32_t slot, std::size_t ring, std::int64_t at_ns, std::int64_t tick) {
    Ring& r = rings_[ring];
    tick = std::clamp(tick, r.base_tick, r.base_tick + static_cast<std::int64_t>(kBuckets) - 1);
    const std::size_t bucket = static_cast<std::size_t>(tick) % kBuckets;
    Bucket& b = r.buckets[bucket];
    r.parked += at_ns / grain_ns_ > tick ? 1 : 0;
    links_[slot] = {at_ns, kNone, b.last, static_cast<std::uint16_t>(bucket),
                    static_cast<std::uint16_t>(ring)};
    (b.last == kNone ? b.first : links_[b.last].next) = slot;
    b.last = slot;
    r.words[bucket / 64] |= std::uint64_t{1} << bucket % 64;
    r.summary |= std::uint64_t{1} << bucket / 64;
  }

  void remove(std::uint32_t slot) {
    const Link link = links_[slot];
    Ring& r = rings_[link.ring];
    Bucket& b = r.buckets[link.bucket];
    r.parked -= link.at_ns / grain_ns_ > tick(slot) ? 1 : 0;
    (link.previous == kNone ? b.first : links_[link.previous].next) = link.next;
    (link.next == kNone ? b.last : links_[link.next].previous) = link.previous;
    if (b.first == kNone) {
      r.words[link.bucket / 64] &= ~(std::uint64_t{1} << link.bucket % 64);
      if (r.words[link.bucket / 64] == 0) {
        r.summary &= ~(std::uint64_t{1} << link.bucket / 64);
      }
    }
    links_[slot] = {};
  }

  // The earliest slot in a ring; kNone when the ring is empty.
  std::uint32_t first(std::size_t ring) const {
    const std::size_t bucket = first_bucket(rings_[ring]);
    return bucket == kBuckets ? kNone : rings_[ring].buckets[bucket].first;
  }
  std::int64_t at_ns(std::uint32_t slot) const { return links_[slot].at_ns; }

  // The slot before it in the same bucket.
  std::uint32_t before(std::uint32_t slot) const { return links_[slot].previous; }
  std::int64_t tick(std::uint32_t slot) const {
    const Ring& r = rings_[links_[slot].ring];
    const std::size_t base = static_cast<std::size_t>(r.base_tick) % kBuckets;
    return r.base_tick +
           static_cast<std::int64_t>((links_[slot].bucket + kBuckets - base) % kBuckets);
  }

  // Advances time: a ring's start follows, but never passes a slot in it.
  void advance(std::int64_t now_ns) {
    for (Ring& r : rings_) {
      if (now_ns / grain_ns_ - r.base_tick > kFarTicks) {
        rebase(r, now_ns / grain_ns_);
      }
      std::size_t bucket = 0;
      do {
        bucket = first_bucket(r);
        std::int64_t tick = now_ns / grain_ns_;
        if (bucket != kBuckets) {
          const std::size_t base = static_cast<std::size_t>(r.base_tick) % kBuckets;
          tick = std::min(
              tick, r.base_tick + static_cast<std::int64_t>((bucket + kBuckets - base) % kBuckets));
        }
        r.base_tick = std::max(r.base_tick, tick);
      } while (refile(r, bucket));
    }
  }

  // Every slot in order of time, ring by ring.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (const Ring& r : rings_) {
      const std::size_t base = static_cast<std::size_t>(r.base_tick) % kBuckets;
      for (std::size_t i = 0; i < kBuckets; ++i) {
        const Bucket& b = r.buckets[(base + i) % kBuckets];
        for (std::uint32_t slot = b.first; slot != kNone; slot = links_[slot].next) {
          visit(slot);
        }
      }
    }
  }
  void freeze(Freezer& out) const {
    for (const Ring& r : rings_) {
      out.put(r.base_tick);
    }
  }
  void mix(SliceDigest& out) const {
    for (const Ring& r : rings_) {
      out.mix(r.base_tick);
    }
  }
  // Empties it; the owner adds the slots again in for_each's order.
  bool thaw(Thawer& in) {
    clear();
    bool good = true;
    for (Ring& r : rings_) {
      r.base_tick = in.get<std::int64_t>();
      good = good && r.base_tick >= 0 && r.base_tick <= kFarthestNs / grain_ns_;
    }
    return good;
  }

 private:
  struct Link {
    std::int64_t at_ns = 0;
    std::uint32_t next = kNone;
    std::uint32_t previous = kNone;
    std::uint16_t bucket = 0;
    std::uint16_t ring = 0;
  };
  struct Bucket {
    std::uint32_t first = kNone;
    std::uint32_t last = kNone;
  };
  struct Ring {
    std::uint64_t summary = 0;  // bit w: words[w] is not zero
    std::int64_t base_tick = 0;
    std::uint64_t parked = 0;  // slots parked in an earlier bucket than their own
    std::array<std::uint64_t, kBuckets / 64> words{};
    std::array<Bucket, kBuckets> buckets{};
  };

  // Longest span to advance tick by tick; a carried or forged state may lie centuries behind.
  static constexpr std::int64_t kFarTicks = std::int64_t{1} << 24;

  // Restarts the ring at `tick`, or at its first slot if that is earlier, and refiles every slot.
  void rebase(Ring& r, std::int64_t tick) {
    std::uint32_t head = kNone;
    std::uint32_t tail = kNone;
    const std::size_t base = static_cast<std::size_t>(r.base_tick) % kBuckets;
    for (std::size_t i = 0; i < kBuckets; ++i) {
      const Bucket& b = r.buckets[(base + i) % kBuckets];
      if (b.first != kNone) {
        (tail == kNone ? head : links_[tail].next) = b.first;
        tail = b.last;
      }
    }
    for (std::uint32_t slot = head; slot != kNone; slot = links_[slot].next) {
      tick = std::min(tick, links_[slot].at_ns / grain_ns_);
    }
    const auto ring = static_cast<std::size_t>(&r - rings_.data());
    r = Ring{};
    r.base_tick = std::max<std::int64_t>(tick, 0);
    for (std::uint32_t slot = head; slot != kNone;) {
      const Link link = links_[slot];
      add(slot, ring, link.at_ns);
      slot = link.next;
    }
  }

  static std::size_t first_bucket(const Ring& r) {
    if (r.summary == 0) {
      return kBuckets;
    }
    const std::size_t base = static_cast<std::size_t>(r.base_tick) % kBuckets;
    const std::size_t word = base / 64;
    const std::uint64_t here = r.words[word] & ~std::uint64_t{0} << base % 64;
    if (here != 0) {
      return word * 64 + static_cast<std::size_t>(std::countr_zero(here));
    }
    const std::uint64_t later = word == 63 ? 0 : r.summary & ~std::uint64_t{0} << (word + 1);
    const auto next = static_cast<std::size_t>(std::countr_zero(later != 0 ? later : r.summary));
    return next * 64 + static_cast<std::size_t>(std::countr_zero(r.words[next]));
  }

  // Moves parked slots of a bucket as far as the ring now reaches. True when one moved.
  bool refile(Ring& r, std::size_t bucket) {
    if (bucket == kBuckets || r.parked == 0) {
      return false;
    }
    bool moved = false;
    const auto ring = static_cast<std::size_t>(&r - rings_.data());
    const std::uint32_t last = r.buckets[bucket].last;
    for (std::uint32_t slot = r.buckets[bucket].first; slot != kNone;) {
      const Link link = links_[slot];
      if (link.at_ns / grain_ns_ > tick(slot)) {
        remove(slot);
        add(slot, ring, link.at_ns);
        moved = moved || links_[slot].bucket != bucket;
      }
      slot = slot == last ? kNone : link.next;
    }
    return moved;
  }

  std::span<Link> links_;
  std::span<Ring> rings_;
  std::int64_t grain_ns_ = 1;
};

}  // namespace vedette::engine
