// Purpose: io_uring for one thread: multishot receive into provided buffers, reads, durable writes.
// It takes no other requests (docs/decisions/0014-sandbox.md). In: arm_*() with a tag. Out:
// harvest() of completions. Bound: entries and buffers given at init. When full: arm_*() returns
// false and the caller retries in its next step. Runs on: the thread that called init(); unless
// one_thread is false, no other (else one at a time).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.hpp"

namespace vedette::platform {

struct RingOptions {
  unsigned entries = 256;  // power of two
  unsigned buffers = 0;    // provided receive buffers, power of two, 0 for none
  std::size_t buffer_bytes = 2048;
  bool one_thread = true;  // only the thread that calls init() uses it
};

// Whether this kernel restricts a ring to the requests below: 0, or an errno.
int restricted_rings();

struct Completion {
  std::uint64_t tag;
  std::int32_t result;  // bytes, or -errno; a datagram's full length, even if truncated
  bool more;            // false: the multishot has ended, arm it again
  bool has_buffer;
  std::uint16_t buffer;  // return it with recycle()
  Bytes bytes;           // of the provided buffer
  std::uint32_t sender;  // of arm_receive_from(): IPv4, host order; 0: not known
};

class Ring {
 public:
  Ring();
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  int init(const RingOptions& options);  // 0 or errno

  // Multishot into provided buffers. arm_receive_from() also reports the sender, which takes
  // kSenderBytes of each buffer and a little time. Its tag stays below kReceivesFrom.
  static constexpr std::size_t kSenderBytes = 32;
  static constexpr std::uint64_t kReceivesFrom = std::uint64_t{1} << 32;
  bool arm_receive(int fd, std::uint64_t tag);
  bool arm_receive_from(int fd, std::uint64_t tag);
  // Once, from a connection, which may be non-blocking. The result is a datagram's full length.
  bool arm_receive_into(int fd, std::span<std::uint8_t> into, bool datagrams, std::uint64_t tag);
  bool arm_read(int fd, std::span<std::uint8_t> into, std::uint64_t tag);
  bool arm_cancel(std::uint64_t tag);
  // Call before closing what requests read from, because a request in flight keeps a port bound for
  // a while after its process has ended. By the thread that armed them; waits 0.2 s at most.
  void cancel_all();

  // Submits armed requests and takes completed ones, at most kHarvest, without waiting. Returns how
  // many.
  static constexpr std::size_t kHarvest = 64;
  std::size_t harvest(std::span<Completion> out);
  // Waits up to `timeout_ns` for a completion (warm threads only).
  std::size_t harvest_wait(std::span<Completion> out, std::int64_t timeout_ns);
  void recycle(std::uint16_t buffer);

 private:
  int register_buffers(const RingOptions& options);  // 0 or errno

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace vedette::platform
