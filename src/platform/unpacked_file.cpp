#include "platform/unpacked_file.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <span>

#include "base/bytes.hpp"
#include "platform/file.hpp"

namespace vedette::platform {
namespace {

constexpr std::size_t kPiece = std::size_t{256} << 10;
constexpr int kGzipOnly = 16 + MAX_WBITS;

using Unfit = std::optional<std::string>;  // what is wrong with the file, if anything

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

class Unpacker {
 public:
  Unpacker(const UnpackBounds& bounds, std::vector<std::uint8_t>& out)
      : bounds_(bounds), out_(out) {}
  ~Unpacker() {
    if (started_) {
      ::inflateEnd(&zip_);
    }
  }
  Unpacker(const Unpacker&) = delete;
  Unpacker& operator=(const Unpacker&) = delete;

  Unfit put(Bytes piece) {
    read_ += piece.size();
    if (!known_) {  // needs two bytes, and a pipe may deliver single ones
      head_.insert(head_.end(), piece.begin(), piece.end());
      if (head_.size() < 2) {
        return std::nullopt;
      }
      begin();
      return put_known(head_);
    }
    return put_known(piece);
  }
  Unfit end() {
    if (!known_) {
      begin();
      if (const Unfit unfit = put_known(head_)) {
        return unfit;
      }
    }
    if (!packed_ || between_) {
      return std::nullopt;
    }
    return "its gzip data ends too soon: " + std::to_string(read_) + " bytes unpack to " +
           std::to_string(out_.size()) + ", the rest and the checksum are missing";
  }

 private:
  void begin() {
    known_ = true;
    packed_ = head_.size() >= 2 && head_[0] == 0x1F && head_[1] == 0x8B;
    started_ = packed_ && ::inflateInit2(&zip_, kGzipOnly) == Z_OK;
  }
  Unfit put_known(Bytes piece) {
    if (packed_) {
      return unpack(piece);
    }
    out_.insert(out_.end(), piece.begin(), piece.end());
    return too_large();
  }
  Unfit too_large() const {
    if (out_.size() > bounds_.bytes) {
      return "it holds more than " + std::to_string(bounds_.bytes >> 20) + " MiB";
    }
    return std::nullopt;
  }
  // A gzip file may hold several members and trailing zeros.
  Unfit unpack(Bytes piece) {
    while (!piece.empty()) {
      if (between_) {
        if (piece[0] == 0) {
          padding_ = true;
          piece = piece.subspan(1);
          continue;
        }
        if (padding_ || piece[0] != 0x1F) {
          return "something else follows its gzip data at byte " +
                 std::to_string(read_ - piece.size());
        }
        ::inflateReset(&zip_);
        between_ = false;
      }
      zip_.next_in = const_cast<std::uint8_t*>(piece.data());
      zip_.avail_in = static_cast<unsigned>(piece.size());
      zip_.next_out = room_.data();
      zip_.avail_out = static_cast<unsigned>(room_.size());
      const int result = started_ ? ::inflate(&zip_, Z_NO_FLUSH) : Z_MEM_ERROR;
      out_.insert(out_.end(), room_.begin(),
                  room_.end() - static_cast<std::ptrdiff_t>(zip_.avail_out));
      piece = piece.last(zip_.avail_in);
      if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
        return "its gzip data is damaged before byte " + std::to_string(read_ - piece.size()) +
               " (" + (zip_.msg != nullptr ? zip_.msg : "no memory") + "), after " +
               std::to_string(out_.size()) + " unpacked bytes";
      }
      between_ = result == Z_STREAM_END;
      if (out_.size() > bounds_.free_bytes &&
          (out_.size() - bounds_.free_bytes) / bounds_.ratio > read_) {
        return "its gzip data unpacks to more than " + std::to_string(bounds_.ratio) +
               " times its size: " + std::to_string(out_.size()) + " bytes from " +
               std::to_string(read_) + " so far";
      }
      if (const Unfit unfit = too_large()) {
        return unfit;
      }
    }
    return std::nullopt;
  }

  const UnpackBounds& bounds_;
  std::vector<std::uint8_t>& out_;
  std::vector<std::uint8_t> head_, room_ = std::vector<std::uint8_t>(kPiece);
  z_stream zip_{};
  std::size_t read_ = 0;
  bool known_ = false, packed_ = false, started_ = false;
  bool between_ = false;  // after the end of a member
  bool padding_ = false;
};

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
