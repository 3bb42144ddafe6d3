// Purpose: the room's interface: brings every source of the plan to events in its own lane. In:
// datagrams, lines and connections by io_uring, busy UDP sources by polling, frames by DPDK,
// recorded files. Out: events in lanes. Bound: each source's credits. When full: a lossless source
// (a recording) waits; a lossy one's observations are refused as lane-full, or earlier as no-time
// when they would wait past their horizon. Fails as: a source goes down and is retried without
// affecting others; its state is an event. Runs on: the engine thread (fused), its own thread, or
// stepped; tend() on the main thread.
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
#include "edge/ingress/last_refused.hpp"
#include "edge/ingress/recording.hpp"
#include "edge/ingress/senders.hpp"
#include "edge/ingress/stream.hpp"
#include "model/derived.hpp"
#include "model/event.hpp"
#include "model/plan_generated.h"
#include "platform/clock.hpp"
#include "platform/device_keeper.hpp"
#include "platform/packet_port.hpp"
#include "platform/ring.hpp"

namespace vedette::ingress {

// The hot thread writes, the link thread reads.
struct SourceCounters {
  std::atomic<std::uint64_t> received{0};  // frames, of any kind
  std::atomic<std::uint64_t> accepted{0};  // events in the lane
  std::atomic<std::uint64_t> parts{0};     // parts of messages, kept until complete
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<std::uint64_t> noise{0};  // bytes that belong to no frame
  std::array<std::atomic<std::uint64_t>, codec::kCounts> decoding{};  // codec::Counts
  std::array<std::atomic<std::uint64_t>, kRefusalCauses> refused{};   // and not used
  std::array<LastRefused, kRefusalCauses> last_refused{};
  std::atomic<std::uint64_t> leaps{0};  // jumps of a recording's clock
  std::atomic<std::uint8_t> status{0};  // SourceStatus
  std::atomic<int> error{0};            // errno of the last failure
};

// The plan's packet ports without duplicates, by their EAL names.
std::vector<std::string> packet_devices(const plan::Plan& plan);

// Most events of one frame: a datagram full of the shortest AIVDM lines has fewer.
inline constexpr std::size_t kEventsAFrame = 64;

// For a counter with a single writer.
inline void bump(std::atomic<std::uint64_t>& at, std::uint64_t by = 1) {
  at.store(at.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

class Ingress {
 public:
  static std::size_t bytes_needed(const plan::Plan& plan);
  // Memory shared with the kernel, outside the arena.
  static std::size_t receive_buffer_bytes(const plan::Plan& plan);
  // Capacity of a source's lane.
  static std::size_t lane_records(const plan::Source& source);
  static std::size_t lane_bytes(const plan::Source& source);
  // Before init(): sources whose bytes may not reach their decoder any more, a bit each. They are
  // not opened, and down.
  void isolate(std::uint32_t sources) { isolated_ = sources; }
  bool isolated(std::size_t source) const { return (isolated_ >> source & 1) != 0; }
  // Opens what can be opened now; empty on success. Reads recordings whole, below `recordings` when
  // their name is relative. `resume`: by source, the last record number already accepted.
  std::string init(Arena& arena, const plan::Plan& plan, platform::DeviceKeeper& devices,
                   const std::string& recordings, std::span<const std::uint64_t> resume);
  // Whether init() failed because of a recording's content.
  bool recording_unfit() const { return unfit_; }
  // After init(): sources that are open but cannot receive yet.
  const std::vector<std::string>& lacking() const { return lacking_; }
  // Recordings that do not play at their own times.
  const std::vector<std::string>& played_otherwise() const { return played_otherwise_; }
  // Creates the ring, which belongs to the calling thread.
  std::string start_on_this_thread();
  // That thread's last call, so that no port stays bound. May wait.
  void stop_on_this_thread() { ring_.cancel_all(); }

  // Joins multicast groups that could not be joined so far, and ends connections that are silent
  // for too long. Called periodically by the main thread.
  void tend();

  // Takes due frames of recordings, then one bounded batch from the next other source that has data
  // (round robin). Returns the number of frames taken.
  std::size_t step(const platform::NodeClock& clock);
  Lane& lane(std::size_t source) { return sources_[source]->lane; }
  std::size_t size() const { return sources_.size(); }
  const SourceCounters& counters(std::size_t source) const { return sources_[source]->counters; }
  // Datagrams lost before this process received them: by a full socket buffer, or by the port,
  // which counts for all its sources. The main thread's.
  std::uint64_t missed(std::size_t source) const;
  // Who is connected to a TCP source, and since when in node time. The main thread's.
  struct Peer {
    std::string address;
    std::int64_t since_ns;
  };
  std::vector<Peer> peers(std::size_t source) const;
  platform::DeviceKeeper::TurnedAway turned_away(std::size_t source) const;
  // Of the device keeper: where an MQTT source takes its datagrams from.
  std::size_t slot(std::size_t source) const { return sources_[source]->streams[0].slot; }

  // Node time of the recordings' next frame; INT64_MAX when all have ended.
  std::int64_t next_due_ns() const;
  // The start of node time: the first time in the recordings that share a clock, or in the first
  // recording with dates. 0: no recording has any.
  std::int64_t recorded_start_ns() const { return recorded_start_ns_; }
  void set_node_start(std::int64_t ns);
  bool all_recordings_ended() const;
  bool has_recordings() const { return has_recordings_; }

 private:
  struct Source {
    const plan::Source* plan = nullptr;
    plan::DriverKind driver{};  // cached, because every turn needs it
    std::uint16_t index = 0;
    EventClass event_class = EventClass::normal;
    Lane lane;
    codec::Decoder decoder;
    SourceCounters counters;
    Admission admission;
    Senders senders;
    Recording recording;
    std::int64_t shift_ns = 0;     // recording time to node time
    std::int64_t recorded_ns = 0;  // of the previous record; 0: none had a time
    bool on_clock = false;         // shares the recordings' clock
    std::int64_t untimed_ns = 0;   // time of the next frame without one
    std::int64_t due_ns = 0;
    std::uint64_t resume_after = 0;  // records accepted before a restart
    std::uint64_t record = 0;
    platform::Fd socket;
    bool armed = false;  // a request in the ring completes when data arrives
    // Lines and connections, each with a decoder of its own; empty for datagrams and recordings.
    std::unique_ptr<Stream[]> stream_room;
    std::span<Stream> streams;
    std::size_t open_streams = 0;
    // For a UDP source. The ring signals arrivals; a busy source is polled in every turn instead,
    // which takes a third of the time.
    enum class Polling : std::uint8_t { no, wanted, yes } polling = Polling::no;
    std::uint8_t burst = 1;      // datagrams read at once
    std::uint32_t nothing = 0;   // consecutive empty polls
    std::int64_t newest_ns = 0;  // of the newest datagram
    // Member of its multicast group, or it has none. Written by the main thread.
    std::atomic<bool> member{true};
    bool told_member = false;
    // Read by the engine's thread: all of the recording is in the lane.
    std::atomic<bool> ended{false};
  };
  // One Ethernet port and the sources that read its UDP ports.
  struct Port {
    std::string eal;
    std::vector<Source*> sources;
    std::int64_t link_checked_ns = 0;
    std::uint32_t nothing = 0;  // consecutive empty polls
    // The burst in work: one frame first, then twice as many each turn, so that the first does not
    // wait for all. A full burst is worked at once.
    std::array<Bytes, platform::kBurst> frames{};
    std::size_t held = 0;
    std::size_t next = 0;
    std::size_t share = 1;
    platform::NodeClock::Reading taken{};
  };
  struct Taking {  // one frame on its way through a codec
    Source* source;
    std::int64_t now_ns;
    std::int64_t arrival_ns;
  };

  std::string open_source(Source& source, const std::string& recordings);
  std::string open_udp(Source& source);
  void join_port(Source& source);
  void find_recorded_start();
  static std::int64_t dated_start_ns(Source& source);
  std::string open_recording(Source& source, const std::string& folder);
  static void publish_tables(Source& source);
  bool is_isolated(const Source& source) const { return isolated(source.index); }
  void take(Source& source, codec::Decoder& decoder, Bytes bytes, bool stream,
            platform::NodeClock::Reading at);
  // Takes a datagram of `length` bytes as received, or refuses it whole.
  void take_datagram(Source& source, Bytes bytes, std::size_t length, std::uint32_t sender,
                     platform::NodeClock::Reading at);
  static void refuse_whole(Source& source, RefusalCause cause, Bytes raw, std::int64_t now_ns);
  std::int64_t poll_datagram(const Source& source, std::uint32_t& sender);
  static void refuse(Source& source, RefusalCause cause, Bytes raw, std::int64_t now_ns);
  void announce(Source& source, SourceStatus status, int error, std::int64_t now_ns);
  // Space in the lane for the next event's payload, before commit(); null when full.
  static std::uint8_t* begin_event(Source& source, EventKind kind, std::size_t payload_bytes,
                                   std::int64_t now_ns, std::int64_t arrival_ns);
  std::size_t step_source(Source& source, const platform::NodeClock& clock);
  std::size_t step_ring(const platform::NodeClock& clock);
  std::size_t step_udp(Source& source, const platform::NodeClock& clock);
  void consider_polling(Source& source, std::int64_t now_ns);
  void make_streams(Arena& arena, Source& source);
  std::string open_tcp(Source& source);
  void step_streams(Source& source, const platform::NodeClock& clock);
  void open_stream(Source& source, Stream& stream, const platform::NodeClock& clock);
  void hear_stream(Source& source, Stream& stream, std::int32_t result,
                   platform::NodeClock::Reading at);
  void hear_can(Source& source, Stream& stream, Bytes frame, platform::NodeClock::Reading at);
  static bool has_room(Source& source, Stream& stream);
  void break_silent_streams(std::int64_t now_ns);
  std::size_t step_port(std::size_t port, const platform::NodeClock& clock);
  std::size_t step_recording(Source& source, const platform::NodeClock& clock);
  void find_due(Source& source);

  static void on_message(void* context, const codec::Message& message, Bytes raw);
  static void on_refused(void* context, RefusalCause cause, Bytes raw);

  std::vector<std::unique_ptr<Source>> sources_;
  std::vector<std::string> lacking_;
  std::vector<std::string> played_otherwise_;
  platform::Ring ring_;
  // A member, because clearing it on the stack takes a third of an idle turn.
  std::array<platform::Completion, platform::Ring::kHarvest> done_{};
  platform::PacketPorts packet_ports_;
  std::vector<Port> ports_;
  platform::DeviceKeeper* devices_ = nullptr;
  bool uses_ring_ = false;
  std::uint32_t isolated_ = 0;
  static_assert(limits::kSources <= 32, "a bit each");
  bool unfit_ = false;
  std::size_t ring_buffer_bytes_ = 0;
  bool has_recordings_ = false;
  std::size_t polled_ = 0;      // sources polled or about to be
  std::size_t next_asked_ = 0;  // where the next turn begins among sources, the ring, ports
  std::array<std::uint8_t, limits::kReceiveBytes> datagram_{};  // of polled sockets
  std::int64_t recorded_start_ns_ = 0;
  std::int64_t node_start_ns_ = 0;
};

}  // namespace vedette::ingress
