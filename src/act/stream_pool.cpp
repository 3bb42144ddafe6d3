#include "act/stream_pool.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "platform/socket.hpp"

namespace vedette::act {

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

bool StreamPool::ready(Stream& stream) {
  if (stream.fd < 0) {
    stream.fd = devices_->take(stream.slot);
    if (stream.fd < 0) {
      return false;
    }
    open_.fetch_add(1, std::memory_order_relaxed);
  }
  if (peer_may_close_ && platform::closed_by_peer(stream.fd)) {
    lose(stream);
    return false;
  }
  return true;
}

void StreamPool::lose(Stream& stream) {
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

int StreamPool::send(std::string_view message, std::int64_t now_ns) {
  int error = peer_may_close_ ? ENOTCONN : ENODEV;
  for (std::size_t i = 0; i < wanted_; ++i) {
    Stream& stream = streams_[i];
    if (!ready(stream)) {
      continue;
    }
    error = put(stream, message);
    if (error == 0) {
      used_at_once_ = std::max(used_at_once_, i + 1);
      break;
    }
    used_at_once_ = std::max(used_at_once_, i + (error == EAGAIN ? 1 : 0));
  }
  resize(now_ns);
  return error;
}

// One more than were in use at once is open before it is needed.
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
         streams_[wanted_ - 1].fd >= 0) {
    Stream& spare = streams_[--wanted_];
    devices_->give_back(spare.slot, spare.fd);
    spare.fd = -1;
    open_.fetch_sub(1, std::memory_order_relaxed);
  }
}

}  // namespace vedette::act
