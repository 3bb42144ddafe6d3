// Serial lines, pipes, TCP connections, MQTT subscriptions and CAN buses: opens them by the device
// keeper, and reads each by one request at a time, so that none takes more than its turn.
#include <algorithm>
#include <cerrno>

#include "base/trouble.hpp"
#include "edge/ingress/can_frame.hpp"
#include "edge/ingress/ingress.hpp"
#include "platform/denied_call.hpp"
#include "platform/file.hpp"
#include "platform/hot_thread.hpp"

namespace vedette::ingress {
namespace {

constexpr std::string_view kStandardInput = "-";
constexpr int kBindTries = 60;  // three seconds
constexpr std::int64_t kBindRestNs = 50'000'000;

// Beyond a read's bytes, so that no read fills the half of a lane that has_room() asks for: the
// shortest line that becomes an event is longer.
constexpr std::size_t kBytesAnEvent = 16;
constexpr std::int64_t kBusQuietNs = 10'000'000'000;
constexpr std::size_t kReadBytes = 1024;  // of a stream at once

}  // namespace

void Ingress::make_streams(Arena& arena, Source& source) {
  const std::size_t count = streams_of(*source.plan);
  source.stream_room = std::make_unique<Stream[]>(count);
  source.streams = {source.stream_room.get(), count};
  for (Stream& stream : source.streams) {
    stream.decoder = codec::Decoder(static_cast<CodecKind>(source.plan->codec()));
    stream.decoder.init(arena);
  }
}

std::string Ingress::open_tcp(Source& source) {
  const plan::Source& s = *source.plan;
  if (s.tls()) {  // node/secure_sources.hpp offers it
    source.streams[0].slot = devices_->add_offered();
    devices_->want(source.streams[0].slot);
    return {};
  }
  if (s.listen() == nullptr) {
    platform::DeviceKeeper::Targets targets;
    for (const auto* to : *s.to()) {
      targets.to.push_back(to->str());
    }
    targets.greeting = s.greet()->str();
    targets.retry_ns = s.retry_ns();
    targets.give_up_ns = limits::kKeepaliveNs;
    source.streams[0].slot = devices_->add_targets(std::move(targets));
    devices_->want(source.streams[0].slot);
    return {};
  }
  const std::string at = s.listen()->str();
  const auto listen = platform::parse_peer(at);
  if (!listen) {
    return at + " is no address of this machine";
  }
  auto opened = platform::listen_tcp(*listen);
  // The process before may not be gone yet.
  for (int tries = 0; !opened && opened.error() == EADDRINUSE && tries < kBindTries; ++tries) {
    platform::rest_ns(kBindRestNs);
    opened = platform::listen_tcp(*listen);
  }
  if (!opened && opened.error() == EADDRNOTAVAIL) {
    opened = platform::listen_tcp(*listen, true);
    lacking_.push_back("source " + s.name()->str() + ": " + at +
                       " is no address of this machine; nobody can connect until it is");
  }
  if (!opened) {
    return at + ": " + platform::error_text(opened.error());
  }
  const std::size_t first = devices_->add_listener(
      std::move(opened).value(), source.streams.size(), limits::kKeepaliveNs,
      [&source](const platform::Peer& from) {
        return !source.senders.named() || source.senders.allow(platform::ipv4_of(from));
      });
  for (std::size_t i = 0; i < source.streams.size(); ++i) {
    source.streams[i].slot = first + i;
    devices_->want(first + i);
  }
  return {};
}

// A listener's neighbours never wait for its free slots.
void Ingress::step_streams(Source& source, const platform::NodeClock& clock) {
  for (Stream& stream : source.streams) {
    if (stream.armed) {
      continue;
    }
    if (stream.fd < 0) {
      open_stream(source, stream, clock);
    }
    if (stream.fd < 0 || !has_room(source, stream)) {
      continue;
    }
    const auto number = static_cast<std::uint64_t>(&stream - source.streams.data());
    const std::uint64_t tag = number << Stream::kSourceBits | source.index;
    const bool datagrams =
        source.driver == plan::DriverKind::mqtt || source.driver == plan::DriverKind::can;
    const std::size_t bytes =
        datagrams ? Stream::kBytes
                  : std::min(kReadBytes, source.lane.capacity() / 2 * kBytesAnEvent);
    const std::span<std::uint8_t> into(stream.buffer, bytes);
    stream.armed = source.driver == plan::DriverKind::tcp || datagrams
                       ? ring_.arm_receive_into(stream.fd, into, datagrams, tag)
                       : ring_.arm_read(stream.fd, into, tag);
  }
}

void Ingress::open_stream(Source& source, Stream& stream, const platform::NodeClock& clock) {
  stream.fd = devices_->take(stream.slot);
  const int error = stream.fd < 0 ? devices_->last_error(stream.slot) : 0;
  if (stream.fd < 0) {
    if (error != 0 && source.open_streams == 0) {  // opening failed
      announce(source, SourceStatus::down, error, clock.now_ns());
    }
    return;
  }
  ++source.open_streams;
  const std::int64_t now_ns = clock.now_ns();
  stream.heard_ns.store(platform::monotonic_ns(), std::memory_order_relaxed);
  stream.silent.store(false, std::memory_order_relaxed);
  // Pairs with the acquire load in break_silent_streams(): the time above is this connection's.
  stream.since_ns.store(now_ns, std::memory_order_release);
  announce(source, SourceStatus::up, 0, now_ns);
}

// Reading pauses while the lane is more than half full, so that a burst is not lost.
bool Ingress::has_room(Source& source, Stream& stream) {
  if (source.lane.size() <= source.lane.capacity() / 2 &&
      source.lane.reserve(kEventsAFrame / 8 * kEventBytes) != nullptr) {
    stream.full_ns = 0;
    return true;
  }
  const std::int64_t now_ns = platform::monotonic_ns();
  stream.full_ns = stream.full_ns == 0 ? now_ns : stream.full_ns;
  return now_ns - stream.full_ns >= limits::kStreamPauseNs;
}

void Ingress::hear_stream(Source& source, Stream& stream, std::int32_t result,
                          platform::NodeClock::Reading at) {
  stream.armed = false;
  if (result == -EINTR || result == -EAGAIN) {
    return;
  }
  if (result > 0) {
    ++source.record;
    stream.heard_ns.store(platform::monotonic_ns(), std::memory_order_relaxed);
    const auto length = static_cast<std::size_t>(result);
    if (length > Stream::kBytes) {
      refuse_whole(source, RefusalCause::oversize, Bytes(stream.buffer, Stream::kBytes), at.now_ns);
    } else if (source.driver == plan::DriverKind::can) {
      hear_can(source, stream, Bytes(stream.buffer, length), at);
    } else {
      take(source, stream.decoder, Bytes(stream.buffer, length),
           source.driver != plan::DriverKind::mqtt, at);
    }
    return;
  }
  // End of file or an error. The device keeper opens it again.
  int error = -result;
  if (stream.silent.load(std::memory_order_relaxed)) {
    error = static_cast<int>(Trouble::silent);
  } else if (result == 0) {
    error = source.driver == plan::DriverKind::serial ? ENODEV
            : source.driver == plan::DriverKind::pipe ? static_cast<int>(Trouble::no_writer)
            : source.driver == plan::DriverKind::mqtt ? devices_->last_error(stream.slot)
                                                      : static_cast<int>(Trouble::closed);
  }
  stream.since_ns.store(0, std::memory_order_relaxed);
  Taking taking{&source, at.now_ns, at.arrival_ns};
  platform::work_at(source.index);
  stream.decoder.end_stream(at.now_ns, codec::Output{&taking, on_message, on_refused});
  platform::work_at(-1);
  publish_tables(source);
  devices_->give_back(stream.slot, stream.fd);
  stream.fd = -1;
  --source.open_streams;
  if (result == 0 && source.driver == plan::DriverKind::pipe &&
      source.plan->device()->string_view() == kStandardInput) {
    announce(source, SourceStatus::ended, 0, at.now_ns);
    return;
  }
  devices_->want(stream.slot);
  if (source.open_streams == 0) {
    announce(source, SourceStatus::down, error, at.now_ns);
  }
}

// An error frame is told once, and that all is well again with the first frame after kBusQuietNs
// without one: a bad plug makes thousands a second. A controller may leave and rejoin a bus that is
// shorted every kRestartMs, so it is back once it hears a frame, `retry` after it left at the
// earliest.
void Ingress::hear_can(Source& source, Stream& stream, Bytes frame,
                       platform::NodeClock::Reading at) {
  const CanLine line = read_can_frame(frame);
  const bool up = source.counters.status.load(std::memory_order_relaxed) ==
                  static_cast<std::uint8_t>(SourceStatus::up);
  switch (line.kind) {
    case CanKind::malformed:
      refuse_whole(source, RefusalCause::malformed, frame, at.now_ns);
      return;
    case CanKind::bus_off:
    case CanKind::error:
      stream.bus_error_ns = at.now_ns;
      refuse_whole(source, RefusalCause::bus_error, frame, at.now_ns);
      if (line.kind == CanKind::bus_off) {
        announce(source, SourceStatus::down, static_cast<int>(Trouble::bus_off), at.now_ns);
      } else if (up) {
        announce(source, SourceStatus::up, static_cast<int>(Trouble::bus_errors), at.now_ns);
      }
      return;
    case CanKind::data:
      break;
  }
  const std::int64_t quiet_ns = stream.bus_error_ns != 0 ? at.now_ns - stream.bus_error_ns : 0;
  if (quiet_ns > kBusQuietNs) {
    stream.bus_error_ns = 0;
    announce(source, SourceStatus::up, 0, at.now_ns);
  } else if (!up && quiet_ns >= source.plan->retry_ns()) {
    announce(source, SourceStatus::up, static_cast<int>(Trouble::bus_errors), at.now_ns);
  }
  take(source, stream.decoder, as_bytes(line.view()), false, at);
}

void Ingress::break_silent_streams(std::int64_t now_ns) {
  for (const auto& source : sources_) {
    const std::int64_t silence_ns = source->plan->silence_ns();
    for (Stream& stream : source->streams) {
      if (silence_ns != 0 && stream.since_ns.load(std::memory_order_acquire) != 0 &&
          now_ns - stream.heard_ns.load(std::memory_order_relaxed) > silence_ns) {
        stream.silent.store(true, std::memory_order_relaxed);
        devices_->break_off(stream.slot);
      }
    }
  }
}

std::vector<Ingress::Peer> Ingress::peers(std::size_t index) const {
  std::vector<Peer> peers;
  const Source& source = *sources_[index];
  for (const Stream& stream : source.streams) {
    const std::int64_t since_ns = stream.since_ns.load(std::memory_order_relaxed);
    const bool peer =
        source.driver == plan::DriverKind::tcp || source.driver == plan::DriverKind::mqtt;
    if (peer && since_ns != 0) {
      peers.push_back({platform::to_text(devices_->peer(stream.slot)), since_ns});
    }
  }
  return peers;
}

platform::DeviceKeeper::TurnedAway Ingress::turned_away(std::size_t index) const {
  const Source& source = *sources_[index];
  return source.streams.empty() ? platform::DeviceKeeper::TurnedAway{}
                                : devices_->turned_away(source.streams[0].slot);
}

}  // namespace vedette::ingress
