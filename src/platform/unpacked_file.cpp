#include "platform/unpacked_file.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>

#include "base/bytes.hpp"
#include "platform/file.hpp"

namespace vedette::platform {
namespace {

constexpr std::size_t kPiece = std::size_t{256} << 10;

Unread of_errno(int error) {
  return {error == ENOENT || error == ENOTDIR ? Unread::Kind::absent : Unread::Kind::io,
          error_text(error)};
}

// Bytes read, 0 at the end, or -errno: ETIMEDOUT when nobody writes into a pipe.
ssize_t read_piece(int fd, bool pipe, std::span<std::uint8_t> into) {
  if (pipe) {
    pollfd wanted{fd, POLLIN, 0};
    const int ready = ::poll(&wanted, 1, kPipeWaitMs);
    if (ready <= 0) {
      return ready == 0 ? -ETIMEDOUT : -errno;
    }
  }
  const ssize_t got = ::read(fd, into.data(), into.size());
  return got >= 0 ? got : -errno;
}

}  // namespace

Result<std::vector<std::uint8_t>, Unread> read_unpacked(const std::string& path,
                                                        const UnpackBounds& bounds) {
  // O_NONBLOCK opens a pipe without a writer, and a line without a carrier.
  const Fd file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct stat info {};
  if (!file.valid() || ::fstat(file.get(), &info) != 0) {
    return Failure{of_errno(errno)};
  }
  const bool pipe = S_ISFIFO(info.st_mode);
  if (!pipe && !S_ISREG(info.st_mode)) {
    return Failure{
        Unread{Unread::Kind::unfit, S_ISDIR(info.st_mode)
                                        ? "it is a folder; a recording is a file or a pipe"
                                        : "it is a device; a recording is a file or a pipe"}};
  }
  std::vector<std::uint8_t> content;
  std::vector<std::uint8_t> piece(kPiece);
  Unpacker unpacker(bounds, content);
  for (;;) {
    const ssize_t got = read_piece(file.get(), pipe, piece);
    if (got < 0) {
      return Failure{got == -ETIMEDOUT
                         ? Unread{Unread::Kind::io, "nobody wrote into this pipe for " +
                                                        std::to_string(kPipeWaitMs / 1000) + " s"}
                         : of_errno(static_cast<int>(-got))};
    }
    const Unfit unfit = got == 0 ? unpacker.end()
                                 : unpacker.put(Bytes(piece.data(), static_cast<std::size_t>(got)));
    if (unfit) {
      return Failure{Unread{Unread::Kind::unfit, *unfit}};
    }
    if (got == 0) {
      return content;
    }
  }
}

}  // namespace vedette::platform
