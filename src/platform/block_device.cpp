#include "platform/block_device.hpp"

#include <fcntl.h>
#include <liburing.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/check.hpp"

namespace vedette::platform {
namespace {

constexpr unsigned kInFlight = 4;

}  // namespace

void BlockBuffer::Free::operator()(std::uint8_t* at) const {
  std::free(at);
}

BlockBuffer::BlockBuffer(std::size_t bytes)
    : bytes_(static_cast<std::uint8_t*>(std::aligned_alloc(kBlockBytes, bytes))), size_(bytes) {
  CHECK(bytes_ != nullptr, "memory for a chunk");
}

int BlockDevice::open(const std::string& path, bool write) {
  const int flags = (write ? O_RDWR : O_RDONLY) | O_CLOEXEC;
  int fd = ::open(path.c_str(), flags | O_DIRECT);
  if (fd < 0 && errno == EINVAL) {  // tmpfs, for example
    fd = ::open(path.c_str(), flags);
  }
  if (fd < 0) {
    return errno;
  }
  fd_ = Fd(fd);
  return 0;
}

Result<std::uint64_t, int> BlockDevice::bytes() const {
  struct stat about {};
  if (::fstat(fd_.get(), &about) != 0) {
    return Failure{errno};
  }
  std::uint64_t size = static_cast<std::uint64_t>(about.st_size);
  if (S_ISBLK(about.st_mode) && ::ioctl(fd_.get(), BLKGETSIZE64, &size) != 0) {
    return Failure{errno};
  }
  return size;
}

int BlockDevice::read(std::uint64_t offset, std::span<std::uint8_t> into) const {
  for (std::size_t done = 0; done < into.size();) {
    const ssize_t got = ::pread(fd_.get(), into.data() + done, into.size() - done,
                                static_cast<off_t>(offset + done));
    if (got <= 0) {
      return got < 0 ? errno : EIO;
    }
    done += static_cast<std::size_t>(got);
  }
  return 0;
}

int BlockDevice::read_end(std::uint64_t offset, std::span<std::uint8_t> block,
                          std::size_t bytes) const {
  const ssize_t got = ::pread(fd_.get(), block.data(), block.size(), static_cast<off_t>(offset));
  return got < 0 ? errno : static_cast<std::size_t>(got) >= bytes ? 0 : EIO;
}

int BlockDevice::write(std::uint64_t offset, Bytes from) const {
  for (std::size_t done = 0; done < from.size();) {
    const ssize_t put = ::pwrite(fd_.get(), from.data() + done, from.size() - done,
                                 static_cast<off_t>(offset + done));
    if (put <= 0) {
      return put < 0 ? errno : EIO;
    }
    done += static_cast<std::size_t>(put);
  }
  return 0;
}

int BlockDevice::sync() const {
  return ::fdatasync(fd_.get()) == 0 ? 0 : errno;
}

struct BlockStream::State {
  const BlockDevice* device = nullptr;
  std::uint64_t offset = 0;
  io_uring ring{};
  bool ready = false;
  std::array<BlockBuffer, kInFlight> buffers;
  std::array<std::size_t, kInFlight> wanted{};  // bytes in flight; 0: free
  int error = 0;

  ~State() {
    if (ready) {
      ::io_uring_queue_exit(&ring);
    }
  }

  // Waits for one write. A short write counts as a device error.
  void take_one() {
    io_uring_cqe* done = nullptr;
    const int result = ::io_uring_wait_cqe(&ring, &done);
    if (result < 0) {
      error = error != 0 ? error : -result;
      return;
    }
    const auto at = static_cast<std::size_t>(done->user_data);
    if (done->res < 0) {
      error = error != 0 ? error : -done->res;
    } else if (static_cast<std::size_t>(done->res) != wanted[at]) {
      error = error != 0 ? error : EIO;
    }
    wanted[at] = 0;
    ::io_uring_cqe_seen(&ring, done);
  }
  std::size_t free_buffer() const {
    std::size_t at = 0;
    while (at < kInFlight && wanted[at] != 0) {
      ++at;
    }
    return at;
  }
};

BlockStream::BlockStream() : state_(std::make_unique<State>()) {}
BlockStream::~BlockStream() = default;

int BlockStream::start(const BlockDevice& device, std::uint64_t offset) {
  state_->device = &device;
  state_->offset = offset;
  const int result = ::io_uring_queue_init(kInFlight, &state_->ring, 0);
  state_->ready = result == 0;
  return -result;
}

int BlockStream::put(Bytes chunk) {
  State& s = *state_;
  CHECK(chunk.size() <= kChunkBytes, "a chunk at most");
  while (s.free_buffer() == kInFlight && s.error == 0) {
    s.take_one();
  }
  if (s.error != 0) {
    return s.error;
  }
  const std::size_t at = s.free_buffer();
  const std::size_t whole = align_up(chunk.size(), kBlockBytes);
  const std::span<std::uint8_t> into = s.buffers[at].span().first(whole);
  std::memcpy(into.data(), chunk.data(), chunk.size());
  std::memset(into.data() + chunk.size(), 0, whole - chunk.size());
  io_uring_sqe* request = ::io_uring_get_sqe(&s.ring);
  CHECK(request != nullptr, "a request for each buffer");
  ::io_uring_prep_write(request, s.device->fd(), into.data(), static_cast<unsigned>(whole),
                        s.offset);
  ::io_uring_sqe_set_data64(request, at);
  s.wanted[at] = whole;
  s.offset += whole;
  const int submitted = ::io_uring_submit(&s.ring);
  return submitted < 0 ? -submitted : 0;
}

int BlockStream::finish() {
  State& s = *state_;
  for (const std::size_t& wanted : s.wanted) {
    while (wanted != 0 && s.error == 0) {
      s.take_one();
    }
  }
  return s.error != 0 ? s.error : s.device->sync();
}

}  // namespace vedette::platform
