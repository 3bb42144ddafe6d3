#include "platform/line_writer.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/terminal.hpp"

namespace vedette::platform {
namespace {

// What a write after poll() can take: a pipe has a page free, a terminal the rest of a page when
// fewer than 256 characters wait.
constexpr std::size_t kPiece = 2048;

bool takes_more(int fd) {
  pollfd wanted{fd, POLLOUT, 0};
  return ::poll(&wanted, 1, 0) == 1;
}

// Lines up to a piece are written whole, because other processes may write to the same descriptor.
std::size_t piece_of(std::string_view text) {
  if (text.size() <= kPiece) {
    return text.size();
  }
  const std::size_t end = text.rfind('\n', kPiece - 1);
  return end == std::string_view::npos ? kPiece : end + 1;
}

}  // namespace

bool LineWriter::put(std::string_view line) {
  const auto no_room = [&] { return !waiting_.empty() && waiting_.size() + line.size() > kRoom; };
  if (no_room()) {
    flush();
  }
  if (no_room()) {
    return false;
  }
  append_for_terminal(waiting_, line, Lines::kept);
  return true;
}

bool LineWriter::flush() {
  std::size_t done = 0;
  while (done < waiting_.size() && takes_more(fd_)) {
    const std::string_view rest = std::string_view(waiting_).substr(done);
    const ssize_t n = ::write(fd_, rest.data(), piece_of(rest));
    if (n >= 0) {
      done += static_cast<std::size_t>(n);
    } else if (errno == EAGAIN) {  // another process set O_NONBLOCK
      break;
    } else if (errno != EINTR) {
      done = waiting_.size();  // the reader has gone
    }
  }
  waiting_.erase(0, done);
  return waiting_.empty();
}

}  // namespace vedette::platform
