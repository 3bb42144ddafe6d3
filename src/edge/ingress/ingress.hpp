// Purpose: the room's face: every source of the plan, each brought to events in its own lane.
// In: datagrams and lines by io_uring, those of a busy UDP source by polling it, frames by DPDK,
// recorded files. Out: events in lanes.
// Bound: each source's credits. When full: a lossless source (a recording) waits, a lossy one's
// observations are refused as lane-full, or before that as no-time when they would wait past their
// horizon. Fails as: the source goes down, is tried again, and harms nobody else; its state is an
// event. Runs on: the engine thread (fused), a thread of its own, or stepped; tend() on the
// main thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/lane.hpp"
#include "edge/codec/codec.hpp"
#include "edge/ingress/admission.hpp"
#include "edge/ingress/recording.hpp"
#include "edge/ingress/senders.hpp"
#include "model/derived.hpp"
#include "model/event.hpp"
#include "model/plan_generated.h"
#include "platform/clock.hpp"
#include "platform/device_keeper.hpp"
#include "platform/packet_port.hpp"
#include "platform/ring.hpp"

namespace vedette::ingress {

// One hot thread adds, the link thread reads.
struct SourceCounters {
  std::atomic<std::uint64_t> received{0};  // frames, of any kind
  std::atomic<std::uint64_t> accepted{0};  // events in the lane
  std::atomic<std::uint64_t> parts{0};     // parts of messages, kept until whole
  std::atomic<std::uint64_t> bytes{0};
  std::array<std::atomic<std::uint64_t>, codec::kCounts> decoding{};  // codec::Counts
  std::array<std::atomic<std::uint64_t>, kRefusalCauses> refused{};
  std::atomic<std::uint64_t> leaps{0};  // of the clock that a recording was made with
  std::atomic<std::uint8_t> status{0};  // SourceStatus
  std::atomic<int> error{0};            // errno of the last failure
};

// The plan's packet ports, each once, as the packet engine names them.
std::vector<std::string> packet_devices(const plan::Plan& plan);

// Events that one frame can make at most: a datagram full of the shortest AIVDM lines has fewer.
inline constexpr std::size_t kEventsAFrame = 64;

// Of a counter that one thread alone writes.
inline void bump(std::atomic<std::uint64_t>& at, std::uint64_t by = 1) {
  at.store(at.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

class Ingress {
 public:
  static std::size_t bytes_needed(const plan::Plan& plan);
  // Shared with the kernel, outside the arena.
  static std::size_t receive_buffer_bytes(const plan::Plan& plan);
  // Opens what can be opened now; empty on success. Recordings are read whole, from `recordings`
  // when their name is relative. `resume` is the last record number already accepted, by source.
  std::string init(Arena& arena, const plan::Plan& plan, platform::DeviceKeeper& devices,
                   const std::string& recordings, std::span<const std::uint64_t> resume);
  // What init() says is wrong with what a recording holds.
  bool recording_unfit() const { return unfit_; }
  // What was opened and cannot receive yet, after init().
  const std::vector<std::string>& lacking() const { return lacking_; }
  // Of the ring, which belongs to the thread that makes it.
  std::string start_on_this_thread();
  // The last call of that thread: leaves no port bound. May wait.
  void stop_on_this_thread() { ring_.cancel_all(); }

  // Joins the groups that could not be joined so far. Of the main thread, now and then.
  void tend();

  // Takes what is due of recordings and what the first other source has that has something,
  // bounded; each is asked before any has its second turn. Returns the number of frames taken.
  std::size_t step(const platform::NodeClock& clock);
  Lane& lane(std::size_t source) { return sources_[source]->lane; }
  std::size_t size() const { return sources_.size(); }
  const SourceCounters& counters(std::size_t source) const { return sources_[source]->counters; }
  // What was lost before this process saw it: by a full socket buffer, or by the port, which counts
  // for all of its sources. Any thread may ask.
  std::uint64_t missed(std::size_t source) const;

  // Of recordings: node time of the next frame not yet taken; INT64_MAX when all have ended.
  std::int64_t next_due_ns() const;
  // The time a node of recordings begins at: of the first that has times.
  std::int64_t recorded_start_ns() const { return recorded_start_ns_; }
  void set_node_start(std::int64_t ns);
  bool all_recordings_ended() const;
  bool has_recordings() const { return has_recordings_; }

 private:
  struct Source {
    const plan::Source* plan = nullptr;
    plan::DriverKind driver{};  // of the plan, which is asked for it in every turn
    std::uint16_t index = 0;
    EventClass event_class = EventClass::normal;
    Lane lane;
    codec::Decoder decoder;
    SourceCounters counters;
    Admission admission;
    Senders senders;
    Recording recording;
    std::int64_t shift_ns = 0;     // recording time to node time
    std::int64_t recorded_ns = 0;  // of the record before; 0: there was none with a time
    std::int64_t untimed_ns = 0;   // next time of frames without one
    std::int64_t due_ns = 0;
    std::uint64_t resume_after = 0;  // records already accepted before a restart
    std::uint64_t record = 0;
    platform::Fd socket;
    int line = -1;
    std::size_t device = 0;
    bool armed = false;  // a request of the ring stands that completes when something arrives
    // Of a UDP source: the ring says when something is there. One that has much to say is polled in
    // every turn instead, which takes a third of the time.
    enum class Polling : std::uint8_t { no, wanted, yes } polling = Polling::no;
    std::uint8_t burst = 1;      // datagrams read at once
    std::uint32_t nothing = 0;   // polls in a row
    std::int64_t newest_ns = 0;  // of a datagram
    // Of its multicast group, or it has none. The main thread joins, the hot one tells.
    std::atomic<bool> member{true};
    bool told_member = false;
    // The engine's thread reads it: when set, all that the recording gave is in the lane.
    std::atomic<bool> ended{false};
    std::uint8_t read_buffer[1024];
  };
  // One Ethernet port with the sources that read it, each its own UDP port's datagrams.
  struct Port {
    std::string eal;
    std::vector<Source*> sources;
    std::int64_t link_checked_ns = 0;
    std::uint32_t nothing = 0;  // polls without a frame
    // The burst that is being worked off: one frame first, then twice as many in each turn, so that
    // the first does not wait for all. Of a full burst, all: a crowd is taken at once.
    std::array<Bytes, platform::kBurst> frames{};
    std::size_t held = 0;
    std::size_t next = 0;
    std::size_t share = 1;
    platform::NodeClock::Reading taken{};
  };
  struct Taking {  // context of one frame on its way through a codec
    Source* source;
    std::int64_t now_ns;
    std::int64_t arrival_ns;
  };

  std::string open_source(Source& source, const std::string& recordings);
  std::string open_udp(Source& source);
  void join_port(Source& source);
  void find_recorded_start();
  std::string open_recording(Source& source, const std::string& folder);
  static void publish_tables(Source& source);
  void take(Source& source, Bytes bytes, bool stream, platform::NodeClock::Reading at);
  // Of a datagram of `length` bytes, as many as were received; refuses it whole where it must.
  void take_datagram(Source& source, Bytes bytes, std::size_t length, std::uint32_t sender,
                     platform::NodeClock::Reading at);
  void refuse_whole(Source& source, RefusalCause cause);
  std::int64_t poll_datagram(const Source& source, std::uint32_t& sender);
  void refuse(Source& source, RefusalCause cause);
  void announce(Source& source, SourceStatus status, int error, std::int64_t now_ns);
  // Where the payload of the next event is to be put, before the lane's commit(); null when full.
  static std::uint8_t* begin_event(Source& source, EventKind kind, std::size_t payload_bytes,
                                   std::int64_t now_ns, std::int64_t arrival_ns);
  std::size_t step_source(Source& source, const platform::NodeClock& clock);
  std::size_t step_ring(const platform::NodeClock& clock);
  std::size_t step_udp(Source& source, const platform::NodeClock& clock);
  void consider_polling(Source& source, std::int64_t now_ns);
  std::size_t step_serial(Source& source, std::int64_t now_ns);
  std::size_t step_port(std::size_t port, const platform::NodeClock& clock);
  std::size_t step_recording(Source& source, const platform::NodeClock& clock);
  void find_due(Source& source);

  static void on_message(void* context, const codec::Message& message, Bytes raw);
  static void on_refused(void* context, RefusalCause cause, Bytes raw);

  std::vector<std::unique_ptr<Source>> sources_;
  std::vector<std::string> lacking_;
  platform::Ring ring_;
  // Not on the stack: to make them empty again took a third of each turn that finds nothing.
  std::array<platform::Completion, platform::Ring::kHarvest> done_{};
  platform::PacketPorts packet_ports_;
  std::vector<Port> ports_;
  platform::DeviceKeeper* devices_ = nullptr;
  bool uses_ring_ = false;
  bool unfit_ = false;
  std::size_t ring_buffer_bytes_ = 0;
  bool has_recordings_ = false;
  std::size_t polled_ = 0;      // sources that are, or are to be
  std::size_t next_asked_ = 0;  // of sources, the ring, ports: which a turn begins with
  std::array<std::uint8_t, limits::kReceiveBytes> datagram_{};  // polled
  std::int64_t recorded_start_ns_ = 0;
  std::int64_t node_start_ns_ = 0;
};

}  // namespace vedette::ingress
