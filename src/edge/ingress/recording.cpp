#include "edge/ingress/recording.hpp"

#include <cstring>

#include "base/math.hpp"
#include "base/text.hpp"
#include "edge/ingress/ethernet.hpp"
#include "model/limits.hpp"

namespace vedette::ingress {
namespace {

constexpr std::uint32_t kPcapMicro = 0xA1B2C3D4;
constexpr std::uint32_t kPcapNano = 0xA1B23C4D;
constexpr std::size_t kPcapHeader = 24;
constexpr std::size_t kPcapRecord = 16;
constexpr std::uint32_t kLinkEthernet = 1;
constexpr std::size_t kRawChunk = 64;

std::uint32_t swap32(std::uint32_t v) {
  return __builtin_bswap32(v);
}

RecordingFormat guess(Bytes content, std::string_view name, bool stream) {
  if (content.size() >= 4) {
    const auto magic = load_le<std::uint32_t>(content.data());
    if (magic == kPcapMicro || magic == kPcapNano || swap32(magic) == kPcapMicro ||
        swap32(magic) == kPcapNano) {
      return RecordingFormat::pcap;
    }
  }
  if (name.ends_with(".tlog")) {
    return RecordingFormat::tlog;
  }
  const std::string_view head = as_text(content.first(content.size() < 64 ? content.size() : 64));
  const std::string_view first = head.substr(0, head.find(','));
  if (parse_decimal(first) && head.find('"') != std::string_view::npos) {
    return RecordingFormat::adsb_csv;
  }
  if (content.size() > 16 && stream && (content[8] == 0xFE || content[8] == 0xFD)) {
    return RecordingFormat::tlog;
  }
  return stream || (!content.empty() && content[0] == 0x1A) ? RecordingFormat::raw
                                                            : RecordingFormat::lines;
}

bool is_text(RecordingFormat format) {
  return format == RecordingFormat::lines || format == RecordingFormat::n2k_plain;
}

}  // namespace

Result<std::vector<std::uint8_t>, platform::Unread> read_recording(const std::string& path) {
  return platform::read_unpacked(path, {.bytes = limits::kRecordingBytes,
                                        .ratio = limits::kUnpackRatio,
                                        .free_bytes = limits::kUnpackFreeBytes});
}

std::string Recording::open(std::vector<std::uint8_t> content, std::string_view name,
                            Options options) {
  content_ = std::move(content);
  options_ = options;
  at_ = 0;
  number_ = 0;
  peeked_ = false;
  if (content_.empty()) {
    return "it is empty";
  }
  if (options_.format == RecordingFormat::automatic) {
    options_.format = guess(content_, name, options.stream);
  }
  clock_ = {};
  if (is_text(options_.format)) {
    clock_.choose(content_, options_.has_interval);
  }
  if (options_.format == RecordingFormat::pcap) {
    if (content_.size() < kPcapHeader) {
      return "the capture ends within its header: it has " + std::to_string(content_.size()) +
             " bytes, a header has 24";
    }
    const auto magic = load_le<std::uint32_t>(content_.data());
    swapped_ = magic == swap32(kPcapMicro) || magic == swap32(kPcapNano);
    const std::uint32_t plain = swapped_ ? swap32(magic) : magic;
    if (plain != kPcapMicro && plain != kPcapNano) {
      return "not a pcap capture (convert pcapng with `editcap -F pcap`)";
    }
    nanoseconds_ = plain == kPcapNano;
    auto link = load_le<std::uint32_t>(content_.data() + 20);
    link = (swapped_ ? swap32(link) : link) & 0x0FFFFFFF;
    if (link != kLinkEthernet) {
      return "the capture has link type " + std::to_string(link) +
             ", only Ethernet (1) can be read";
    }
    at_ = kPcapHeader;
  }
  return {};
}

bool Recording::has_times() const {
  return options_.format == RecordingFormat::adsb_csv || options_.format == RecordingFormat::tlog ||
         options_.format == RecordingFormat::pcap || clock_.kind() != LineClock::Kind::none;
}

bool Recording::has_date() const {
  return has_times() && clock_.kind() != LineClock::Kind::of_day;
}

std::int64_t Recording::first_ns() {
  if (is_text(options_.format)) {
    return clock_.first_ns();
  }
  const auto first = peek();
  return has_times() && first ? first->time_ns : 0;
}

std::optional<Frame> Recording::peek() {
  if (!peeked_) {
    next_ = read();
    if (next_ && (next_->time_ns < 0 || next_->time_ns > limits::kTimeMostNs)) {
      next_->time_ns = 0;  // treated as untimed
    }
    peeked_ = true;
  }
  return next_;
}

Frame Recording::line() {
  const std::uint8_t* start = content_.data() + at_;
  const std::size_t left = content_.size() - at_;
  const auto* newline = static_cast<const std::uint8_t*>(std::memchr(start, '\n', left));
  const std::size_t length = newline == nullptr ? left : static_cast<std::size_t>(newline - start);
  at_ += length + (newline == nullptr ? 0 : 1);
  Bytes text(start, length);
  if (!text.empty() && text.back() == '\r') {
    text = text.first(text.size() - 1);
  }
  return {0, ++number_, text, RefusalCause::none};
}

Frame Recording::packet() {
  Frame frame{0, ++number_, {}, RefusalCause::none};
  // A truncated capture ends inside a record, which is refused.
  const auto cut = [&] {
    frame.cause = RefusalCause::too_short;
    frame.bytes = Bytes(content_.data() + at_, content_.size() - at_);
    at_ = content_.size();
    return frame;
  };
  if (content_.size() - at_ < kPcapRecord) {
    return cut();
  }
  const auto word = [this](std::size_t offset) {
    const auto v = load_le<std::uint32_t>(content_.data() + at_ + offset);
    return swapped_ ? swap32(v) : v;
  };
  const std::int64_t seconds = word(0);
  const std::int64_t fraction = word(4);
  const std::size_t captured = word(8);
  const std::size_t length = word(12);
  frame.time_ns = seconds * 1000000000 + fraction * (nanoseconds_ ? 1 : 1000);
  at_ += kPcapRecord;
  if (captured > content_.size() - at_) {
    return cut();
  }
  const Bytes bytes(content_.data() + at_, captured);
  at_ += captured;
  const auto datagram = parse_ethernet(bytes);
  if (captured < length) {
    frame.cause = RefusalCause::too_short;
    frame.bytes = bytes;
  } else if (!datagram) {
    frame.cause = datagram.error();
    frame.bytes = bytes;
  } else if (options_.port != 0 && datagram->port != options_.port) {
    frame.cause = RefusalCause::other_port;
    frame.bytes = bytes;
  } else if (options_.senders.named() && !options_.senders.allow(datagram->sender)) {
    frame.cause = RefusalCause::sender;
    frame.bytes = bytes;
  } else {
    frame.bytes = datagram->payload;
  }
  return frame;
}

Frame Recording::tlog_frame() {
  Frame frame{};
  if (content_.size() - at_ < 8 + 2) {
    frame.number = ++number_;
    frame.cause = RefusalCause::too_short;
    frame.bytes = Bytes(content_.data() + at_, content_.size() - at_);
    at_ = content_.size();
    return frame;
  }
  frame.time_ns =
      static_cast<std::int64_t>(load_be<std::uint64_t>(content_.data() + at_) % (1ULL << 52)) *
      1000;
  at_ += 8;
  // The frame's length locates the next time (mavlink.io, "Packet Serialization").
  const std::uint8_t* start = content_.data() + at_;
  const std::size_t left = content_.size() - at_;
  const bool v1 = start[0] == 0xFE;
  std::size_t length = v1 ? start[1] + 8U : start[1] + 12U;
  if (!v1 && left > 2 && (start[2] & 1) != 0) {
    length += 13;
  }
  length = length < left ? length : left;
  frame.number = ++number_;
  frame.bytes = Bytes(start, length);
  if (start[0] != 0xFE && start[0] != 0xFD) {
    // Out of step: pass the rest to the codec, which resynchronises.
    frame.cause = RefusalCause::framing;
    at_ += 1;
    while (at_ + 8 < content_.size() && content_[at_ + 8] != 0xFE && content_[at_ + 8] != 0xFD) {
      ++at_;
    }
    frame.bytes = Bytes(start, 1);
    return frame;
  }
  at_ += length;
  return frame;
}

// Blank lines are separators, and "# …" is a comment; they count, so that numbers are those of an
// editor.
void Recording::skip_blank_lines() {
  while (at_ < content_.size()) {
    const std::uint8_t first = content_[at_];
    const std::uint8_t second = at_ + 1 < content_.size() ? content_[at_ + 1] : '\n';
    if (first == '#' && (second == ' ' || second == '\t' || second == '\r' || second == '\n')) {
      line();
    } else if (first == '\n' || first == '\r') {
      number_ += first == '\n' ? 1 : 0;
      ++at_;
    } else {
      return;
    }
  }
}

std::optional<Frame> Recording::read() {
  if (options_.format <= RecordingFormat::adsb_csv) {
    skip_blank_lines();
  }
  if (at_ >= content_.size()) {
    return std::nullopt;
  }
  Frame frame{};
  switch (options_.format) {
    case RecordingFormat::pcap:
      return packet();
    case RecordingFormat::tlog:
      return tlog_frame();
    case RecordingFormat::raw: {
      const std::size_t left = content_.size() - at_;
      frame.bytes = Bytes(content_.data() + at_, left < kRawChunk ? left : kRawChunk);
      frame.number = ++number_;
      at_ += frame.bytes.size();
      return frame;
    }
    case RecordingFormat::adsb_csv: {
      frame = line();
      std::string_view text = as_text(frame.bytes);
      const auto time = parse_decimal(next_field(text, ','));
      std::string_view hex = next_field(text, ',');
      if (hex.size() >= 2 && hex.front() == '"' && hex.back() == '"') {
        hex = hex.substr(1, hex.size() - 2);
      }
      frame.time_ns = time ? to_int64(*time * 1e9) : 0;
      frame.bytes = as_bytes(hex);
      return frame;
    }
    default:
      frame = line();
      frame.time_ns = clock_.take(frame.bytes);
      return frame;
  }
}

}  // namespace vedette::ingress
