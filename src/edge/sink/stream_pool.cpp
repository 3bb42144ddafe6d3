#include "edge/sink/stream_pool.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "platform/clock.hpp"
#include "platform/socket.hpp"

namespace vedette::sink {
namespace {

// Most input read from one stream at once.
constexpr std::size_t kHeardBytes = 1024;
constexpr int kHeardTimes = 4;

}  // namespace

void StreamPool::init(platform::DeviceKeeper& devices, std::span<const std::size_t> slots,
                      std::size_t least, bool peer_may_close) {
  devices_ = &devices;
  most_ = slots.size();
  least_ = least;
  peer_may_close_ = peer_may_close;
  for (std::size_t i = 0; i < most_; ++i) {
    streams_[i].slot = slots[i];
  }
  for (; wanted_ < least_; ++wanted_) {
    devices_->want(streams_[wanted_].slot);
  }
}

void StreamPool::await(plan::Confirm confirm, std::int64_t within_ns,
                       std::span<Unconfirmed::Message> room) {
  confirm_ = confirm;
  within_ns_ = within_ns;
  unconfirmed_.init(room);
}

bool StreamPool::ready(Stream& stream) {
  if (stream.fd < 0) {
    stream.fd = devices_->take(stream.slot);
    if (stream.fd < 0) {
      return false;
    }
    open_.fetch_add(1, std::memory_order_relaxed);
  }
  if (peer_may_close_ && !hear(stream)) {
    lose(stream);
    return false;
  }
  return true;
}

// Reads the other end's input; false when it closed or reset the connection, or is silent. Discards
// it unless answers are expected.
bool StreamPool::hear(Stream& stream) {
  std::uint8_t heard[kHeardBytes];
  for (int i = 0; i < kHeardTimes; ++i) {
    const std::int64_t got = platform::receive_now(stream.fd, heard);
    if (got <= 0) {
      return got == -EAGAIN || got == -EINTR;
    }
    if (confirm_ == plan::Confirm::answer) {
      const Bytes bytes(heard, static_cast<std::size_t>(got));
      stream.answers.feed(as_text(bytes), [&](const std::optional<MessageKey>& key) {
        if (key && unconfirmed_.confirm(*key)) {
          stream.answered_ns = platform::monotonic_ns();
        } else {
          strange_.fetch_add(1, std::memory_order_relaxed);
        }
      });
    }
  }
  return true;
}

void StreamPool::see_acknowledged(const Stream& stream) {
  if (confirm_ == plan::Confirm::acknowledged) {
    const std::int64_t owed = platform::unacknowledged_bytes(stream.fd);
    const std::uint64_t taken = stream.given_bytes - stream.rest_bytes;
    if (owed >= 0 && static_cast<std::uint64_t>(owed) <= taken) {
      unconfirmed_.confirm_through(number_of(stream), taken - static_cast<std::uint64_t>(owed));
    }
  }
}

void StreamPool::look(std::int64_t now_ns) {
  for (std::size_t i = 0; i < most_; ++i) {
    Stream& stream = streams_[i];
    if (stream.fd < 0 || !unconfirmed_.waits(i)) {
      continue;
    }
    if (!hear(stream)) {
      lose(stream);
      continue;
    }
    see_acknowledged(stream);
    const std::int64_t oldest_ns = unconfirmed_.oldest_ns(i);
    if (oldest_ns == Unconfirmed::kNever || now_ns - oldest_ns <= within_ns_) {
      continue;
    }
    if (stream.answered_ns > oldest_ns) {
      unconfirmed_.lose(i, now_ns - within_ns_);  // the peer is alive but did not answer these
    } else {
      lose(stream);
    }
  }
}

// Messages answered or acknowledged before the end count; the rest are lost.
void StreamPool::lose(Stream& stream) {
  if (awaits()) {
    hear(stream);
    see_acknowledged(stream);
    unconfirmed_.lose(number_of(stream));
  }
  stream.given_bytes = 0;
  stream.answers.reset();
  stream.answered_ns = 0;
  devices_->give_back(stream.slot, stream.fd);
  devices_->want(stream.slot);
  stream.fd = -1;
  open_.fetch_sub(1, std::memory_order_relaxed);
  unfinished_ -= stream.rest_bytes != 0 ? 1 : 0;
  stream.rest_bytes = 0;
}

int StreamPool::flush(Stream& stream) {
  while (stream.rest_bytes != 0) {
    const std::int64_t wrote =
        platform::write_now(stream.fd, as_bytes({stream.rest, stream.rest_bytes}));
    if (wrote <= 0) {
      return wrote == 0 ? EAGAIN : static_cast<int>(-wrote);
    }
    stream.rest_bytes = static_cast<std::uint16_t>(stream.rest_bytes - wrote);
    std::memmove(stream.rest, stream.rest + wrote, stream.rest_bytes);
    unfinished_ -= stream.rest_bytes == 0 ? 1 : 0;
  }
  return 0;
}

int StreamPool::put(Stream& stream, std::string_view message) {
  int error = flush(stream);
  if (error == 0 && !message.empty()) {
    const std::int64_t wrote = platform::write_now(stream.fd, as_bytes(message));
    error = wrote < 0 ? static_cast<int>(-wrote) : 0;
    if (error == 0 && static_cast<std::size_t>(wrote) < message.size()) {
      message.remove_prefix(static_cast<std::size_t>(wrote));
      std::memcpy(stream.rest, message.data(), message.size());
      stream.rest_bytes = static_cast<std::uint16_t>(message.size());
      ++unfinished_;
    }
  }
  if (error != 0 && error != EAGAIN) {
    lose(stream);
  }
  return error;
}

void StreamPool::tend() {
  for (std::size_t i = 0; i < wanted_; ++i) {
    ready(streams_[i]);
  }
}

void StreamPool::flush() {
  for (std::size_t i = 0; i < wanted_ && unfinished_ != 0; ++i) {
    if (streams_[i].rest_bytes != 0) {
      put(streams_[i], {});
    }
  }
}

int StreamPool::send(std::string_view message, std::int64_t now_ns, std::uint64_t sequence,
                     const MessageKey& key) {
  int error = peer_may_close_ ? ENOTCONN : ENODEV;
  if (awaits() && unconfirmed_.full()) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    return EAGAIN;
  }
  for (std::size_t i = 0; i < wanted_; ++i) {
    Stream& stream = streams_[i];
    if (!ready(stream)) {
      continue;
    }
    error = put(stream, message);
    if (error == 0) {
      used_at_once_ = std::max(used_at_once_, i + 1);
      stream.given_bytes += message.size();
      if (awaits()) {
        unconfirmed_.add({sequence, key, stream.given_bytes, platform::monotonic_ns(),
                          static_cast<std::uint32_t>(message.size()), static_cast<std::uint16_t>(i),
                          Unconfirmed::State::waits});
      }
      break;
    }
    used_at_once_ = std::max(used_at_once_, i + (error == EAGAIN ? 1 : 0));
  }
  resize(now_ns);
  return error;
}

// Keeps one more open than were in use at once.
void StreamPool::resize(std::int64_t now_ns) {
  const std::size_t wanted = std::clamp(used_at_once_ + 1, least_, most_);
  for (; wanted_ < wanted; ++wanted_) {
    devices_->want(streams_[wanted_].slot);
  }
  if (now_ns - window_ns_ < kWindowNs) {
    return;
  }
  window_ns_ = now_ns;
  used_at_once_ = 0;
  while (wanted_ > wanted && streams_[wanted_ - 1].rest_bytes == 0 &&
         streams_[wanted_ - 1].fd >= 0 && !unconfirmed_.waits(wanted_ - 1)) {
    Stream& spare = streams_[--wanted_];
    spare.given_bytes = 0;
    spare.answers.reset();
    spare.answered_ns = 0;
    devices_->give_back(spare.slot, spare.fd);
    spare.fd = -1;
    open_.fetch_sub(1, std::memory_order_relaxed);
  }
}

}  // namespace vedette::sink
