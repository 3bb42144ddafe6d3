// Purpose: a recorded file as a series of frames with times: lines, CSV of ADS-B, MAVLink telemetry
// logs, packet captures, bytes that the codec cuts. In: the whole file in memory, loaded at start.
// Out: next() frames, in file order. Bound: limits::kRecordingBytes. Fails as: a text with the
// error and its place. Runs on: ingress.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "edge/codec/codec.hpp"
#include "edge/ingress/capture.hpp"
#include "edge/ingress/line_clock.hpp"
#include "edge/ingress/senders.hpp"
#include "model/refusal.hpp"
#include "platform/unpacked_file.hpp"

namespace vedette::ingress {

enum class RecordingFormat : std::uint8_t {
  automatic = 0,
  lines = 1,      // one frame a line; without times in them: `interval` apart
  n2k_plain = 2,  // the same
  adsb_csv = 3,   // unix seconds,"hex",...
  tlog = 4,       // big-endian unix microseconds before each MAVLink frame
  pcap = 5,       // packet capture (pcap, pcapng), UDP payloads
  raw = 6,        // as a stream brings it: frames as the codec cuts them, `interval` apart
};

struct Frame {
  std::int64_t time_ns;  // of the recording, Unix ns; 0 when it has none
  std::uint64_t number;  // of the line or frame, from 1
  Bytes bytes;
  RefusalCause cause;  // none, or why the frame has no payload
};

// Reads the file within the bounds of model/limits.hpp.
Result<std::vector<std::uint8_t>, platform::Unread> read_recording(const std::string& path);

// Whether recordings that begin at these times can be of one watch.
constexpr bool recordings_together(std::int64_t a_ns, std::int64_t b_ns) {
  constexpr std::int64_t kApartNs = std::int64_t{2} * 86'400 * 1'000'000'000;
  return a_ns - b_ns <= kApartNs && b_ns - a_ns <= kApartNs;
}

class Recording {
 public:
  struct Options {
    RecordingFormat format = RecordingFormat::automatic;
    bool has_interval = false;  // text: the site gives one
    std::uint16_t port = 0;     // capture: only datagrams to it; 0: all
    Senders senders;            // capture: likewise
    CodecKind codec{};
  };

  // Takes the file's content. Returns the error, or an empty text.
  std::string open(std::vector<std::uint8_t> content, std::string_view name, Options options);

  // The next frame without taking it; nothing at the end.
  std::optional<Frame> peek();
  void pop() { peeked_ = false; }
  bool has_times() const;
  // Whether its times have a date.
  bool has_date() const;
  // The first time in it, Unix ns; 0 for none.
  std::int64_t first_ns();
  RecordingFormat format() const { return options_.format; }

 private:
  std::optional<Frame> read();
  Frame line();
  void skip_blank_lines();
  std::optional<Frame> packet();
  std::optional<Frame> piece();
  Frame tlog_frame();
  bool tlog_frame_here(bool in_step, std::size_t& length) const;

  std::vector<std::uint8_t> content_;
  Options options_;
  LineClock clock_;
  std::size_t at_ = 0;
  std::uint64_t number_ = 0;
  std::optional<Frame> next_;
  bool peeked_ = false;
  Capture capture_;
  codec::Cutting cutting_;
};

}  // namespace vedette::ingress
