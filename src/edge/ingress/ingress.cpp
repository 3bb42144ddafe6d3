#include "edge/ingress/ingress.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <new>

#include "base/trouble.hpp"
#include "edge/ingress/ethernet.hpp"
#include "platform/clock.hpp"
#include "platform/denied_call.hpp"
#include "platform/socket.hpp"

namespace vedette::ingress {
namespace {

// A socket with two datagrams within kSoonNs is polled in every turn until kQuietPolls polls find
// nothing.
constexpr std::size_t kPolledSockets = 4;  // an idle turn takes a microsecond at most
constexpr std::uint8_t kPolledDatagrams = 32;
constexpr std::int64_t kSoonNs = 10'000'000;
constexpr std::uint32_t kQuietPolls =
    1 << 14;  // 10 ms of a spinning thread, a second of a sleeping one
constexpr std::int64_t kLinkCheckNs = 200'000'000;
constexpr std::uint32_t kLinkCheckPolls = 64;

}  // namespace

std::uint64_t Ingress::missed(std::size_t index) const {
  const Source& source = *sources_[index];
  if (source.driver == plan::DriverKind::udp) {
    return platform::dropped_by_system(source.socket.get());
  }
  if (source.driver == plan::DriverKind::can) {
    return devices_->dropped(source.streams[0].slot);
  }
  for (std::size_t p = 0; p < ports_.size(); ++p) {
    if (std::find(ports_[p].sources.begin(), ports_[p].sources.end(), &source) !=
        ports_[p].sources.end()) {
      return packet_ports_.counters(p).missed;
    }
  }
  return 0;
}

void Ingress::refuse(Source& source, RefusalCause cause, Bytes raw, std::int64_t now_ns) {
  const auto at = static_cast<std::size_t>(cause);
  bump(source.counters.refused[at]);
  source.counters.last_refused[at].keep(raw, source.record, now_ns);
}

std::uint8_t* Ingress::begin_event(Source& source, EventKind kind, std::size_t payload_bytes,
                                   std::int64_t now_ns, std::int64_t arrival_ns) {
  std::uint8_t* at = source.lane.reserve(event_bytes(payload_bytes));
  if (at == nullptr) {
    return nullptr;
  }
  // Built in place like its payload: reading it back in larger pieces than written would stall on
  // store forwarding.
  auto& header = *reinterpret_cast<EventHeader*>(at);
  header = {};
  header.observed_ns = header.received_ns = now_ns;
  header.arrival_ns = arrival_ns;
  header.record = source.record;
  header.payload_bytes = static_cast<std::uint16_t>(payload_bytes);
  header.source = source.index;
  header.kind = kind;
  header.event_class = source.event_class;
  return at + sizeof header;
}

void Ingress::announce(Source& source, SourceStatus status, int error, std::int64_t now_ns) {
  if (source.counters.status.load(std::memory_order_relaxed) == static_cast<std::uint8_t>(status) &&
      source.counters.error.load(std::memory_order_relaxed) == error) {
    return;
  }
  SourceState state{};
  state.error = error;
  state.status = status;
  if (std::uint8_t* at = begin_event(source, EventKind::source_state, sizeof state, now_ns, 0);
      at != nullptr) {
    std::memcpy(at, &state, sizeof state);
    source.lane.commit(event_bytes(sizeof state));
    source.counters.status.store(static_cast<std::uint8_t>(status), std::memory_order_relaxed);
    source.counters.error.store(error, std::memory_order_relaxed);
  }
}

void Ingress::on_message(void* context, const codec::Message& message, Bytes raw) {
  auto& taking = *static_cast<Taking*>(context);
  auto& source = *taking.source;
  if (codec::is_part(message)) {
    bump(source.counters.parts);
    return;
  }
  const Bytes kept = raw.first(std::min(raw.size(), limits::kRawBytes));
  const std::size_t payload = sizeof(Observation) + kept.size();
  std::uint8_t* const at =
      begin_event(source, EventKind::observation, payload, taking.now_ns, taking.arrival_ns);
  // Decodes even without room, for the correct refusal cause.
  alignas(Observation) std::uint8_t spare[sizeof(Observation)];
  auto& observation = *new (at != nullptr ? at : spare) Observation;
  if (!codec::to_observation(message, observation)) {
    const RefusalCause cause =
        codec::is_known(message) ? RefusalCause::not_available : RefusalCause::unsupported;
    refuse(source, cause, raw, taking.now_ns);
    return;
  }
  if (source.record <= source.resume_after) {
    return;  // accepted before the restart; decoded again only to restore the codec's state
  }
  // A lossless source gets back-pressure instead; with stepped node time nothing is late.
  if (taking.arrival_ns != 0 && source.driver != plan::DriverKind::recording &&
      source.admission.hopeless(source.lane.size(), source.lane.taken(), source.plan->horizon_ns(),
                                taking.arrival_ns)) {
    refuse(source, RefusalCause::no_time, raw, taking.now_ns);
    return;
  }
  if (at == nullptr) {
    refuse(source, RefusalCause::lane_full, raw, taking.now_ns);
    return;
  }
  std::memcpy(at + sizeof observation, kept.data(), kept.size());
  source.lane.commit(event_bytes(payload));
  bump(source.counters.accepted);
}

void Ingress::on_refused(void* context, RefusalCause cause, Bytes raw) {
  const auto& taking = *static_cast<Taking*>(context);
  refuse(*taking.source, cause, raw, taking.now_ns);
}

void Ingress::refuse_whole(Source& source, RefusalCause cause, Bytes raw, std::int64_t now_ns) {
  bump(source.counters.received);
  refuse(source, cause, raw, now_ns);
}

void Ingress::take_datagram(Source& source, Bytes bytes, std::size_t length, std::uint32_t sender,
                            platform::NodeClock::Reading at) {
  if (source.senders.named() && !source.senders.allow(sender)) {
    refuse_whole(source, RefusalCause::sender, bytes, at.now_ns);
  } else if (length > limits::kReceiveBytes) {
    refuse_whole(source, RefusalCause::oversize, bytes, at.now_ns);
  } else {
    take(source, source.decoder, bytes, false, at);
  }
}

void Ingress::take(Source& source, codec::Decoder& decoder, Bytes bytes, bool stream,
                   platform::NodeClock::Reading at) {
  bump(source.counters.received);
  bump(source.counters.bytes, bytes.size());
  Taking taking{&source, at.now_ns, at.arrival_ns};
  const codec::Output out{&taking, on_message, on_refused};
  platform::work_at(source.index);
  if (stream) {
    decoder.stream(bytes, at.now_ns, out);
  } else {
    decoder.datagram(bytes, at.now_ns, out);
  }
  platform::work_at(-1);
  publish_tables(source);
}

// Publishes the decoders' counters.
void Ingress::publish_tables(Source& source) {
  codec::Counts counts = source.decoder.counts();
  std::uint64_t noise = source.decoder.thrown_bytes();
  for (const Stream& stream : source.streams) {
    noise += stream.decoder.thrown_bytes();
    const codec::Counts more = stream.decoder.counts();
    std::transform(counts.begin(), counts.end(), more.begin(), counts.begin(), std::plus<>());
  }
  source.counters.noise.store(noise, std::memory_order_relaxed);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    source.counters.decoding[i].store(counts[i], std::memory_order_relaxed);
  }
}

std::size_t Ingress::step(const platform::NodeClock& clock) {
  std::size_t recorded = 0;
  for (std::size_t i = 0; has_recordings_ && i < sources_.size(); ++i) {
    if (sources_[i]->driver == plan::DriverKind::recording && !isolated(i)) {
      recorded += step_recording(*sources_[i], clock);
    }
  }
  // Works the first source that has data; the next turn begins with the one after it, which is
  // round robin.
  std::size_t taken = 0;
  const std::size_t asked = sources_.size() + 1 + ports_.size();
  for (std::size_t i = 0; i < asked && taken == 0; ++i) {
    const std::size_t one = next_asked_;
    next_asked_ = one + 1 < asked ? one + 1 : 0;
    taken = one < sources_.size()    ? step_source(*sources_[one], clock)
            : one == sources_.size() ? (uses_ring_ ? step_ring(clock) : 0)
                                     : step_port(one - sources_.size() - 1, clock);
  }
  return recorded + taken;
}

void Ingress::tend() {
  for (const auto& source : sources_) {
    if (!source->member.load(std::memory_order_relaxed) &&
        platform::join_group(source->socket.get(), source->plan->group()) == 0) {
      source->member.store(true, std::memory_order_release);
    }
  }
  break_silent_streams(platform::monotonic_ns());
}

std::size_t Ingress::step_source(Source& source, const platform::NodeClock& clock) {
  if (isolated_ != 0 && is_isolated(source)) [[unlikely]] {
    announce(source, SourceStatus::down, static_cast<int>(Trouble::isolated), clock.now_ns());
    return 0;
  }
  if (source.driver == plan::DriverKind::udp) {
    return step_udp(source, clock);
  }
  step_streams(source, clock);
  return 0;
}

std::size_t Ingress::step_ring(const platform::NodeClock& clock) {
  const std::size_t n = ring_.harvest(done_);
  const platform::NodeClock::Reading taken = n == 0 ? platform::NodeClock::Reading{} : clock.read();
  for (std::size_t i = 0; i < n; ++i) {
    const platform::Completion& c = done_[i];
    const std::size_t index = c.tag & Stream::kSourceMask;
    if (c.tag >> 32 != 0 || index >= sources_.size()) {
      continue;
    }
    Source& source = *sources_[index];
    if (!source.streams.empty()) {
      hear_stream(source, source.streams[c.tag >> Stream::kSourceBits], c.result, taken);
      continue;
    }
    if (c.result >= 0) {  // a datagram may be empty
      ++source.record;
      take_datagram(source, c.bytes, static_cast<std::size_t>(c.result), c.sender, taken);
      consider_polling(source, taken.now_ns);
    }
    if (c.has_buffer) {
      ring_.recycle(c.buffer);
    }
    // A multishot ends when buffers run out, and on errors; the next step arms it again.
    source.armed = c.more;
  }
  return n;
}

// Waiting for readiness and then receiving takes three times as long as polling, so poll sockets
// that are busy.
void Ingress::consider_polling(Source& source, std::int64_t now_ns) {
  const bool soon = now_ns - source.newest_ns < kSoonNs;
  source.newest_ns = now_ns;
  if (source.polling == Source::Polling::no && soon && polled_ < kPolledSockets &&
      ring_.arm_cancel(source.index |
                       (source.senders.named() ? platform::Ring::kReceivesFrom : 0))) {
    source.polling = Source::Polling::wanted;
    ++polled_;
  }
}

std::int64_t Ingress::poll_datagram(const Source& source, std::uint32_t& sender) {
  const int fd = source.socket.get();
  return source.senders.named() ? platform::receive_from_now(fd, datagram_, sender)
                                : platform::receive_datagram_now(fd, datagram_);
}

std::size_t Ingress::step_udp(Source& source, const platform::NodeClock& clock) {
  if (!source.told_member) {
    source.told_member = source.member.load(std::memory_order_acquire);
    announce(source, source.told_member ? SourceStatus::up : SourceStatus::down,
             source.told_member ? 0 : ENODEV, clock.now_ns());
  }
  if (source.polling == Source::Polling::no) {
    source.armed = source.armed || (source.senders.named()
                                        ? ring_.arm_receive_from(source.socket.get(), source.index)
                                        : ring_.arm_receive(source.socket.get(), source.index));
    return 0;
  }
  if (source.armed) {
    return 0;  // the ring delivers its data until that is cancelled
  }
  source.polling = Source::Polling::yes;
  std::size_t frames = 0;
  while (frames < source.burst) {
    std::uint32_t sender = 0;
    const std::int64_t got = poll_datagram(source, sender);
    if (got < 0) {
      break;
    }
    ++frames;
    ++source.record;
    const platform::NodeClock::Reading taken = clock.read();
    const auto length = static_cast<std::size_t>(got);
    take_datagram(source, Bytes(datagram_.data(), std::min(length, datagram_.size())), length,
                  sender, taken);
  }
  source.nothing = frames == 0 ? source.nothing + 1 : 0;
  if (source.nothing > kQuietPolls) {
    source.polling = Source::Polling::no;
    source.nothing = 0;
    --polled_;
  }
  // Doubles while full bursts arrive, so that a burst of traffic is taken at once.
  source.burst = frames < source.burst
                     ? std::uint8_t{1}
                     : std::min(static_cast<std::uint8_t>(2 * source.burst), kPolledDatagrams);
  return frames;
}

std::size_t Ingress::step_port(std::size_t number, const platform::NodeClock& clock) {
  Port& port = ports_[number];
  if (port.next == port.held) {
    packet_ports_.release_burst(number);  // frames worked in the last turn
    port.held = packet_ports_.poll(number, port.frames);
    port.next = 0;
    port.share = port.held == platform::kBurst ? platform::kBurst : 1;
    port.taken = port.held != 0 ? clock.read() : platform::NodeClock::Reading{};
  }
  if (port.held == 0) {
    // Reading the clock costs as much as polling the port, so do it rarely.
    const std::int64_t now =
        ++port.nothing % kLinkCheckPolls == 0 ? platform::monotonic_ns() : port.link_checked_ns;
    if (now - port.link_checked_ns > kLinkCheckNs) {
      port.link_checked_ns = now;
      const bool up = packet_ports_.link_up(number);
      for (Source* source : port.sources) {
        announce(*source, up ? SourceStatus::up : SourceStatus::down, up ? 0 : ENETDOWN,
                 clock.now_ns());
      }
    }
    return 0;
  }
  const std::size_t n = std::min(port.share, port.held - port.next);
  port.share *= 2;
  for (const std::size_t end = port.next + n; port.next < end; ++port.next) {
    auto datagram = parse_ethernet(port.frames[port.next]);
    if ((packet_ports_.spread(number) >> port.next & 1) != 0) [[unlikely]] {
      datagram = Failure{RefusalCause::oversize};
    }
    Source* reader = nullptr;
    for (Source* source : port.sources) {
      const std::uint16_t wanted = source->plan->udp_port();
      if (datagram && (wanted == 0 || datagram->port == wanted)) {
        reader = source;
      }
    }
    // Counts datagrams that no source reads with the port's first source.
    Source& source = reader != nullptr ? *reader : *port.sources.front();
    ++source.record;
    if (reader != nullptr) {
      take_datagram(source, datagram->payload, datagram->payload.size(), datagram->sender,
                    port.taken);
    } else {
      refuse_whole(source, datagram ? RefusalCause::other_port : datagram.error(),
                   port.frames[port.next], port.taken.now_ns);
    }
  }
  return n;
}

}  // namespace vedette::ingress
