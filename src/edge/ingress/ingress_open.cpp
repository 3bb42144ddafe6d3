// Acquires ingress' resources: memory, sockets, lines, packet ports.
#include <algorithm>
#include <bit>
#include <cerrno>

#include "edge/ingress/ingress.hpp"
#include "platform/file.hpp"
#include "platform/hot_thread.hpp"
#include "platform/machine.hpp"
#include "platform/socket.hpp"

namespace vedette::ingress {
namespace {

constexpr unsigned kReceiveBuffers = 1024;
constexpr int kBindTries = 60;  // three seconds
constexpr std::int64_t kBindRestNs = 50'000'000;

// Size of the ring's buffers, including the sender's address where a source filters by it.
std::size_t ring_buffer_bytes(const plan::Plan& plan) {
  const bool senders =
      std::any_of(plan.sources()->begin(), plan.sources()->end(), [](const plan::Source* s) {
        return s->driver() == plan::DriverKind::udp && s->senders() != nullptr;
      });
  return limits::kReceiveBytes + (senders ? platform::Ring::kSenderBytes : 0);
}

}  // namespace

std::size_t Ingress::lane_records(const plan::Source& s) {
  return std::bit_ceil(static_cast<std::size_t>(s.credits()));
}
// Half of the largest events' size: typical events are far smaller, and the lane bounds bytes
// separately.
std::size_t Ingress::lane_bytes(const plan::Source& s) {
  return std::max(lane_records(s) * kEventBytes / 2, 4 * kEventsAFrame * kEventBytes);
}

std::size_t Ingress::receive_buffer_bytes(const plan::Plan& plan) {
  const bool ring =
      std::any_of(plan.sources()->begin(), plan.sources()->end(), [](const plan::Source* s) {
        return s->driver() == plan::DriverKind::udp || streams_of(*s) != 0;
      });
  return ring ? kReceiveBuffers * (ring_buffer_bytes(plan) + 16) : 0;
}

std::size_t Ingress::bytes_needed(const plan::Plan& plan) {
  std::size_t bytes = 0;
  for (const plan::Source* s : *plan.sources()) {
    bytes += Lane::bytes_needed(lane_records(*s), lane_bytes(*s));
    bytes += std::max<std::size_t>(1, streams_of(*s)) *
             codec::Decoder::bytes_needed(static_cast<CodecKind>(s->codec()));
  }
  return bytes;
}

std::string Ingress::init(Arena& arena, const plan::Plan& plan, platform::DeviceKeeper& devices,
                          const std::string& recordings, std::span<const std::uint64_t> resume) {
  devices_ = &devices;
  ring_buffer_bytes_ = ring_buffer_bytes(plan);
  for (const plan::Source* s : *plan.sources()) {
    auto source = std::make_unique<Source>();
    source->plan = s;
    source->driver = s->driver();
    has_recordings_ = has_recordings_ || s->driver() == plan::DriverKind::recording;
    source->index = static_cast<std::uint16_t>(sources_.size());
    source->event_class = static_cast<EventClass>(s->event_class());
    source->decoder = codec::Decoder(static_cast<CodecKind>(s->codec()));
    if (streams_of(*s) == 0) {
      source->decoder.init(arena);
    } else {
      make_streams(arena, *source);
    }
    source->lane.init(arena, lane_records(*s), lane_bytes(*s),
                      plan.cores()->fused() ? Lane::Ends::together : Lane::Ends::apart);
    source->senders = Senders(s->senders());
    source->resume_after = source->index < resume.size() ? resume[source->index] : 0;
    const std::string problem =
        is_isolated(*source) ? std::string() : open_source(*source, recordings);
    source->ended = is_isolated(*source);
    if (!problem.empty()) {
      return "source " + s->name()->str() + ": " + problem;
    }
    sources_.push_back(std::move(source));
  }
  const std::string problem = packet_ports_.start(packet_devices(plan), plan.cores()->huge_pages());
  if (!problem.empty()) {
    return "packet ports: " + problem;
  }
  find_recorded_start();
  return {};
}

std::string Ingress::open_source(Source& source, const std::string& recordings) {
  switch (source.driver) {
    case plan::DriverKind::udp:
      uses_ring_ = true;
      return open_udp(source);
    case plan::DriverKind::serial:
      source.streams[0].slot = devices_->add(source.plan->device()->str(), source.plan->baud(),
                                             true, source.plan->retry_ns());
      devices_->want(source.streams[0].slot);
      uses_ring_ = true;
      return {};
    case plan::DriverKind::pipe:
      source.streams[0].slot =
          devices_->add_pipe(source.plan->device()->str(), source.plan->retry_ns());
      devices_->want(source.streams[0].slot);
      uses_ring_ = true;
      return {};
    case plan::DriverKind::can:
      source.streams[0].slot =
          devices_->add_can(source.plan->interface()->str(), source.plan->retry_ns());
      devices_->want(source.streams[0].slot);
      uses_ring_ = true;
      return {};
    case plan::DriverKind::mqtt:  // node/broker_links.hpp offers it
      source.streams[0].slot = devices_->add_offered();
      devices_->want(source.streams[0].slot);
      uses_ring_ = true;
      return {};
    case plan::DriverKind::tcp:
      uses_ring_ = true;
      return open_tcp(source);
    case plan::DriverKind::dpdk:
      join_port(source);
      return {};
    case plan::DriverKind::recording:
      return open_recording(source, recordings);
  }
  return {};
}

std::string Ingress::open_udp(Source& source) {
  const plan::Source& s = *source.plan;
  const platform::Endpoint listen{s.address(), s.port()};
  const bool shared = s.group() != 0;
  auto opened = platform::open_udp_receiver(listen, shared);
  // The kernel releases a killed process' ring, and so its port, with a delay.
  for (int tries = 0; !opened && opened.error() == EADDRINUSE && tries < kBindTries; ++tries) {
    platform::rest_ns(kBindRestNs);
    opened = platform::open_udp_receiver(listen, shared);
  }
  if (!opened && opened.error() == EADDRNOTAVAIL) {
    opened = platform::open_udp_receiver(listen, shared, true);
    lacking_.push_back("source " + s.name()->str() + ": " + platform::to_text(listen) +
                       " is no address of this machine; the source receives nothing until it is");
  }
  if (!opened) {
    return platform::to_text(listen) + ": " + platform::error_text(opened.error());
  }
  source.socket = std::move(opened).value();
  const int error = shared ? platform::join_group(source.socket.get(), s.group()) : 0;
  source.member = error == 0;
  if (error == ENODEV) {
    lacking_.push_back("source " + s.name()->str() +
                       ": no interface leads to its group; it receives nothing until one does");
    return {};
  }
  return error == 0 ? std::string() : "cannot join its group: " + platform::error_text(error);
}

std::vector<std::string> packet_devices(const plan::Plan& plan) {
  std::vector<std::string> devices;
  for (const plan::Source* s : *plan.sources()) {
    if (s->driver() == plan::DriverKind::dpdk &&
        std::find(devices.begin(), devices.end(), s->eal()->str()) == devices.end()) {
      devices.push_back(s->eal()->str());
    }
  }
  return devices;
}

void Ingress::join_port(Source& source) {
  for (Port& port : ports_) {
    if (port.eal == source.plan->eal()->string_view()) {
      port.sources.push_back(&source);
      return;
    }
  }
  ports_.push_back({source.plan->eal()->str(), {&source}, 0});
}

std::string Ingress::start_on_this_thread() {
  if (!uses_ring_) {
    return {};
  }
  const int error =
      ring_.init({.entries = 256, .buffers = kReceiveBuffers, .buffer_bytes = ring_buffer_bytes_});
  if (error != 0) {
    return "io_uring: " + platform::error_text(error) +
           (error == EPERM || error == ENOSYS ? " (see `vedette doctor`, io-uring)" : "");
  }
  return {};
}

}  // namespace vedette::ingress
