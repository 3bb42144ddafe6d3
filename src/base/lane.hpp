// Purpose: a bounded single-producer single-consumer ring of variable-length records.
// In: reserve() + commit() by one thread. Out: peek() + release() by one other (or the same).
// Bound: `records` and `bytes` (below 4 GiB), both given at init. When full: reserve() returns null
// and the producer refuses or waits; nothing is overwritten. Runs on: hot and warm threads, no
// lock.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "base/arena.hpp"

namespace vedette {

class Lane {
 public:
  static constexpr std::size_t kAlignment = 64;

  static std::size_t bytes_needed(std::size_t records, std::size_t bytes) {
    return arena_bytes<Descriptor>(records) + arena_bytes<std::uint8_t>(bytes);
  }

  // Whether one thread both writes and reads. Such a lane restarts at its first byte when it is
  // empty, which is still in that core's cache. Two threads would contend for the lines that say
  // whether it is empty.
  enum class Ends { apart, together };

  // `records` must be a power of two; a record is at most half of `bytes` long.
  void init(Arena& arena, std::size_t records, std::size_t bytes, Ends ends = Ends::apart) {
    CHECK(records != 0 && (records & (records - 1)) == 0, "lane records must be a power of two");
    CHECK(bytes <= std::numeric_limits<std::uint32_t>::max(), "a lane of less than 4 GiB");
    descriptors_ = arena.make<Descriptor>(records);
    buffer_ = arena.make<std::uint8_t>(align_up(bytes, kAlignment));
    mask_ = records - 1;
    ends_ = ends;
  }

  // Space for up to `max_bytes`, or null when credits (records or bytes) are spent.
  std::uint8_t* reserve(std::size_t max_bytes) {
    const std::uint64_t head = head_.load(std::memory_order_relaxed);
    if (ends_ == Ends::together && head == tail_.load(std::memory_order_acquire)) {
      cached_tail_ = head;
      write_at_ += buffer_.size() - write_offset_;
      write_offset_ = 0;
    }
    if (head - cached_tail_ > mask_ || !place(head, max_bytes)) {
      // Pairs with the release store in release(): space that the consumer has read is free again.
      cached_tail_ = tail_.load(std::memory_order_acquire);
      if (head - cached_tail_ > mask_ || !place(head, max_bytes)) {
        return nullptr;
      }
    }
    return buffer_.data() + reserved_offset_;
  }

  // Publishes the first `bytes` of the last reservation.
  void commit(std::size_t bytes) {
    const std::uint64_t head = head_.load(std::memory_order_relaxed);
    Descriptor& d = descriptors_[head & mask_];
    d.at = reserved_at_;
    d.offset = static_cast<std::uint32_t>(reserved_offset_);
    d.bytes = static_cast<std::uint32_t>(bytes);
    write_at_ = d.end();
    write_offset_ = reserved_offset_ + (write_at_ - reserved_at_);
    // Pairs with the acquire load in peek(): the record's bytes are visible before its number.
    head_.store(head + 1, std::memory_order_release);
  }

  // The record `ahead` places after the oldest, or an empty span when there is none.
  std::span<std::uint8_t> peek(std::size_t ahead = 0) {
    const std::uint64_t at = tail_.load(std::memory_order_relaxed) + ahead;
    if (at >= cached_head_) {
      cached_head_ = head_.load(std::memory_order_acquire);
      if (at >= cached_head_) {
        return {};
      }
    }
    const Descriptor& d = descriptors_[at & mask_];
    return {buffer_.data() + d.offset, d.bytes};
  }

  // Returns the oldest `records` to the producer.
  void release(std::size_t records = 1) {
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
    tail_.store(tail + records, std::memory_order_release);
  }

  std::size_t size() const {
    return static_cast<std::size_t>(head_.load(std::memory_order_acquire) -
                                    tail_.load(std::memory_order_acquire));
  }
  // Records released so far.
  std::uint64_t taken() const { return tail_.load(std::memory_order_acquire); }
  std::size_t capacity() const { return mask_ + 1; }
  // True when half of the records or of the bytes is in use. For the consumer's thread.
  bool half_full() const {
    const std::uint64_t head = head_.load(std::memory_order_acquire);
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
    return head != tail && (head - tail > mask_ / 2 ||
                            descriptors_[(head - 1) & mask_].end() - descriptors_[tail & mask_].at >
                                buffer_.size() / 2);
  }

 private:
  struct Descriptor {
    std::uint64_t at;      // position in the stream of all bytes ever written
    std::uint32_t offset;  // in the buffer; stored because a division costs as much as a copy
    std::uint32_t bytes;

    std::uint64_t end() const { return at + align_up(bytes, kAlignment); }
  };

  // A record is contiguous: one that does not fit before the buffer's end starts at its beginning.
  bool place(std::uint64_t head, std::size_t max_bytes) {
    const std::size_t size = buffer_.size();
    const std::size_t wanted = align_up(max_bytes, kAlignment);
    const std::uint64_t free_from =
        head == cached_tail_ ? write_at_ : descriptors_[cached_tail_ & mask_].at;
    std::uint64_t at = write_at_;
    std::uint64_t offset = write_offset_;
    if (wanted > size - offset) {
      at += size - offset;
      offset = 0;
    }
    if (at + wanted - free_from > size) {
      return false;
    }
    reserved_at_ = at;
    reserved_offset_ = offset;
    return true;
  }

  std::span<Descriptor> descriptors_;
  std::span<std::uint8_t> buffer_;
  std::uint64_t mask_ = 0;
  Ends ends_ = Ends::apart;
  alignas(kCacheLineBytes) std::atomic<std::uint64_t> head_{0};
  std::uint64_t cached_tail_ = 0;
  std::uint64_t write_at_ = 0, write_offset_ = 0;
  std::uint64_t reserved_at_ = 0, reserved_offset_ = 0;
  alignas(kCacheLineBytes) std::atomic<std::uint64_t> tail_{0};
  std::uint64_t cached_head_ = 0;
};

}  // namespace vedette
