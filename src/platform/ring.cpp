#include "platform/ring.hpp"

#include <liburing.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "platform/sandbox.hpp"

namespace vedette::platform {

struct Ring::State {
  io_uring ring{};
  io_uring_buf_ring* buffer_ring = nullptr;
  std::uint8_t* buffers = nullptr;
  std::size_t mapped_bytes = 0;
  std::size_t buffer_bytes = 0;
  unsigned buffer_count = 0;
  bool ready = false;
  msghdr with_sender{};  // template for arm_receive_from(); the kernel reads it when armed
};

Ring::Ring() : state_(std::make_unique<State>()) {}

Ring::~Ring() {
  if (state_->ready) {
    ::io_uring_queue_exit(&state_->ring);
  }
  if (state_->buffer_ring != nullptr) {
    ::munmap(state_->buffer_ring, state_->mapped_bytes);
  }
}

namespace {

// The kernel reads lines that cannot be polled in worker threads that inherit this thread's core,
// where they would starve behind a spinning FIFO thread.
void move_workers(io_uring& ring) {
  cpu_set_t mine;
  if (::sched_getaffinity(0, sizeof mine, &mine) != 0 || CPU_COUNT(&mine) != 1) {
    return;
  }
  cpu_set_t others;
  CPU_ZERO(&others);
  const long cores = ::sysconf(_SC_NPROCESSORS_ONLN);
  for (long core = 0; core < cores && core < CPU_SETSIZE; ++core) {
    if (!CPU_ISSET(static_cast<std::size_t>(core), &mine)) {
      CPU_SET(static_cast<std::size_t>(core), &others);
    }
  }
  if (CPU_COUNT(&others) != 0) {
    ::io_uring_register_iowq_aff(&ring, sizeof others, &others);
  }
}

// What a ring takes: the requests of arm_*() and cancel_all(). A file opened, or a socket
// connected, through a ring would pass no system call, so seccomp would not see it.
int restrict_to_receiving(io_uring& ring) {
  io_uring_restriction rules[5]{};
  std::size_t n = 0;
  for (const auto op :
       {IORING_OP_RECV, IORING_OP_RECVMSG, IORING_OP_READ, IORING_OP_ASYNC_CANCEL}) {
    rules[n].opcode = IORING_RESTRICTION_SQE_OP;
    rules[n++].sqe_op = static_cast<std::uint8_t>(op);
  }
  rules[n].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
  rules[n++].sqe_flags = IOSQE_BUFFER_SELECT;
  return -::io_uring_register_restrictions(&ring, rules, static_cast<unsigned>(n));
}

}  // namespace

int restricted_rings() {
  io_uring ring{};
  io_uring_params params{};
  params.flags = IORING_SETUP_R_DISABLED;
  if (const int error = ::io_uring_queue_init_params(2, &ring, &params); error != 0) {
    return -error;
  }
  const int error = restrict_to_receiving(ring);
  ::io_uring_queue_exit(&ring);
  return error;
}

// A ring begins disabled, so that it can be restricted. The thread that enables it owns it.
int Ring::init(const RingOptions& options) {
  State& s = *state_;
  io_uring_params params{};
  // Run completion work when asked, instead of interrupting the loop at any instruction.
  params.flags = IORING_SETUP_CQSIZE | IORING_SETUP_R_DISABLED;
  if (options.one_thread) {
    // A flag in memory says when there is work, so an idle poll makes no system call.
    params.flags |=
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
  }
  params.cq_entries = options.entries * 4;
  int error = ::io_uring_queue_init_params(options.entries, &s.ring, &params);
  if (error == -EINVAL) {  // kernels before 6.1
    params = {};
    params.flags = IORING_SETUP_R_DISABLED;
    error = ::io_uring_queue_init_params(options.entries, &s.ring, &params);
  }
  if (error != 0) {
    return -error;
  }
  s.ready = true;
  move_workers(s.ring);
  if (const int problem = options.buffers == 0 ? 0 : register_buffers(options); problem != 0) {
    return problem;
  }
  note_piece(SandboxPiece::rings, restrict_to_receiving(s.ring));
  return -::io_uring_enable_rings(&s.ring);
}

int Ring::register_buffers(const RingOptions& options) {
  State& s = *state_;
  const std::size_t ring_bytes = align_up(options.buffers * sizeof(io_uring_buf), 4096);
  s.mapped_bytes = ring_bytes + options.buffers * options.buffer_bytes;
  void* memory = ::mmap(nullptr, s.mapped_bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) {
    return errno;
  }
  s.buffer_ring = static_cast<io_uring_buf_ring*>(memory);
  s.buffers = static_cast<std::uint8_t*>(memory) + ring_bytes;
  s.buffer_bytes = options.buffer_bytes;
  s.buffer_count = options.buffers;
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uint64_t>(memory);
  registration.ring_entries = options.buffers;
  registration.bgid = 0;
  if (const int error = ::io_uring_register_buf_ring(&s.ring, &registration, 0); error != 0) {
    return -error;
  }
  ::io_uring_buf_ring_init(s.buffer_ring);
  for (unsigned i = 0; i < options.buffers; ++i) {
    recycle(static_cast<std::uint16_t>(i));
  }
  return 0;
}

void Ring::recycle(std::uint16_t buffer) {
  State& s = *state_;
  ::io_uring_buf_ring_add(s.buffer_ring, s.buffers + buffer * s.buffer_bytes,
                          static_cast<unsigned>(s.buffer_bytes), buffer,
                          ::io_uring_buf_ring_mask(s.buffer_count), 0);
  ::io_uring_buf_ring_advance(s.buffer_ring, 1);
}

bool Ring::arm_receive(int fd, std::uint64_t tag) {
  io_uring_sqe* sqe = ::io_uring_get_sqe(&state_->ring);
  if (sqe == nullptr) {
    return false;
  }
  ::io_uring_prep_recv_multishot(sqe, fd, nullptr, 0, MSG_TRUNC);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = 0;
  ::io_uring_sqe_set_data64(sqe, tag);
  return true;
}

bool Ring::arm_receive_from(int fd, std::uint64_t tag) {
  io_uring_sqe* sqe = ::io_uring_get_sqe(&state_->ring);
  if (sqe == nullptr) {
    return false;
  }
  state_->with_sender.msg_namelen = sizeof(sockaddr_in);
  ::io_uring_prep_recvmsg_multishot(sqe, fd, &state_->with_sender, MSG_TRUNC);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = 0;
  ::io_uring_sqe_set_data64(sqe, tag | kReceivesFrom);
  return true;
}

namespace {

static_assert(sizeof(io_uring_recvmsg_out) + sizeof(sockaddr_in) == Ring::kSenderBytes);

// Splits a buffer of arm_receive_from(): header, sender's address, datagram.
void read_sender(Completion& c) {
  c.tag &= ~Ring::kReceivesFrom;
  if (c.bytes.size() < Ring::kSenderBytes) {
    c.bytes = {};
    return;
  }
  io_uring_recvmsg_out head;
  sockaddr_in from;
  std::memcpy(&head, c.bytes.data(), sizeof head);
  std::memcpy(&from, c.bytes.data() + sizeof head, sizeof from);
  c.bytes = c.bytes.subspan(Ring::kSenderBytes);
  const std::size_t length = head.payloadlen;
  c.bytes = c.bytes.first(std::min(c.bytes.size(), length));
  // Older kernels report the truncated length and flag the truncation.
  const bool cut = (head.flags & MSG_TRUNC) != 0;
  c.result = static_cast<std::int32_t>(std::max(length, c.bytes.size() + (cut ? 1 : 0)));
  c.sender =
      head.namelen >= sizeof from && from.sin_family == AF_INET ? ntohl(from.sin_addr.s_addr) : 0;
}

}  // namespace

bool Ring::arm_receive_into(int fd, std::span<std::uint8_t> into, bool datagrams,
                            std::uint64_t tag) {
  io_uring_sqe* sqe = ::io_uring_get_sqe(&state_->ring);
  if (sqe == nullptr) {
    return false;
  }
  ::io_uring_prep_recv(sqe, fd, into.data(), into.size(), datagrams ? MSG_TRUNC : 0);
  ::io_uring_sqe_set_data64(sqe, tag);
  return true;
}

bool Ring::arm_read(int fd, std::span<std::uint8_t> into, std::uint64_t tag) {
  io_uring_sqe* sqe = ::io_uring_get_sqe(&state_->ring);
  if (sqe == nullptr) {
    return false;
  }
  constexpr std::uint64_t kWhereItIs = ~std::uint64_t{0};  // standard input may be a file
  ::io_uring_prep_read(sqe, fd, into.data(), static_cast<unsigned>(into.size()), kWhereItIs);
  ::io_uring_sqe_set_data64(sqe, tag);
  return true;
}

bool Ring::arm_cancel(std::uint64_t tag) {
  io_uring_sqe* sqe = ::io_uring_get_sqe(&state_->ring);
  if (sqe == nullptr) {
    return false;
  }
  ::io_uring_prep_cancel64(sqe, tag, 0);
  ::io_uring_sqe_set_data64(sqe, ~0ULL);
  return true;
}

std::size_t Ring::harvest(std::span<Completion> out) {
  State& s = *state_;
  if (::io_uring_sq_ready(&s.ring) != 0) {
    ::io_uring_submit(&s.ring);
  }
  io_uring_cqe* ready[kHarvest];
  const unsigned n = ::io_uring_peek_batch_cqe(
      &s.ring, ready, static_cast<unsigned>(std::min(out.size(), kHarvest)));
  for (unsigned i = 0; i < n; ++i) {
    const io_uring_cqe& cqe = *ready[i];
    Completion& c = out[i];
    c.tag = cqe.user_data;
    c.result = cqe.res;
    c.more = (cqe.flags & IORING_CQE_F_MORE) != 0;
    c.has_buffer = (cqe.flags & IORING_CQE_F_BUFFER) != 0;
    c.buffer = static_cast<std::uint16_t>(cqe.flags >> IORING_CQE_BUFFER_SHIFT);
    c.bytes = c.has_buffer && cqe.res > 0
                  ? Bytes(s.buffers + c.buffer * s.buffer_bytes,
                          std::min(static_cast<std::size_t>(cqe.res), s.buffer_bytes))
                  : Bytes();
    c.sender = 0;
    if (cqe.user_data >> 32 == 1) {
      read_sender(c);
    }
  }
  ::io_uring_cq_advance(&s.ring, n);
  return n;
}

void Ring::cancel_all() {
  State& s = *state_;
  io_uring_sqe* sqe = s.ready ? ::io_uring_get_sqe(&s.ring) : nullptr;
  if (sqe == nullptr) {
    return;
  }
  constexpr std::uint64_t kCancelled = ~0ULL - 1;
  ::io_uring_prep_cancel64(sqe, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
  ::io_uring_sqe_set_data64(sqe, kCancelled);
  Completion done[16];
  for (int waits = 0; waits < 20; ++waits) {
    const std::size_t n = harvest_wait(done, 10'000'000);
    for (std::size_t i = 0; i < n; ++i) {
      if (done[i].tag == kCancelled) {
        harvest(done);
        return;
      }
    }
  }
}

std::size_t Ring::harvest_wait(std::span<Completion> out, std::int64_t timeout_ns) {
  State& s = *state_;
  __kernel_timespec timeout{timeout_ns / 1000000000, timeout_ns % 1000000000};
  io_uring_cqe* cqe = nullptr;
  ::io_uring_submit_and_wait_timeout(&s.ring, &cqe, 1, &timeout, nullptr);
  return harvest(out);
}

}  // namespace vedette::platform
