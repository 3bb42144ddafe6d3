#include "edge/ingress/recording.hpp"

#include <algorithm>
#include <cstring>

#include "base/math.hpp"
#include "base/text.hpp"
#include "edge/ingress/ethernet.hpp"
#include "model/limits.hpp"

namespace vedette::ingress {
namespace {

constexpr std::size_t kTlogTime = 8;
constexpr std::size_t kTlogLeast = 8;  // the shortest MAVLink frame

constexpr std::size_t kLookedBytes = std::size_t{64} << 10;

// Whether Beast frames are in it, wherever it begins.
bool has_beast(Bytes content) {
  const Bytes looked = content.first(std::min(content.size(), kLookedBytes));
  return std::find(looked.begin(), looked.end(), codec::kBeastStart) != looked.end();
}

// Whether the codec finds a frame in it that is no text.
bool has_binary_frame(Bytes content, CodecKind kind) {
  Bytes rest = content.first(std::min(content.size(), kLookedBytes));
  codec::Cutting cutting;
  while (!rest.empty()) {
    const codec::Piece piece = cutting.next(codec::cut_of(kind), rest, codec::End::whole, false);
    if (piece.kind == codec::Piece::Kind::frame && codec::text_bytes(rest.first(1)) == 0) {
      return true;
    }
    rest = rest.subspan(piece.bytes + piece.behind);
  }
  return false;
}

bool is_mavlink_start(std::uint8_t byte) {
  return byte == codec::kMavlinkV1 || byte == codec::kMavlinkV2;
}

RecordingFormat guess(Bytes content, std::string_view name, CodecKind kind) {
  if (Capture::starts(content)) {
    return RecordingFormat::pcap;
  }
  if (name.ends_with(".tlog")) {
    return RecordingFormat::tlog;
  }
  if (facts_of(kind).framing == Framing::bytes) {
    const bool times = facts_of(kind).timed_frames && content.size() > 16 &&
                       is_mavlink_start(content[8]) && !is_mavlink_start(content[0]);
    return times ? RecordingFormat::tlog : RecordingFormat::raw;
  }
  const std::string_view head = as_text(content.first(content.size() < 64 ? content.size() : 64));
  const std::string_view first = head.substr(0, head.find(','));
  if (parse_decimal(first) && head.find('"') != std::string_view::npos) {
    return RecordingFormat::adsb_csv;
  }
  return (facts_of(kind).beast && has_beast(content)) || has_binary_frame(content, kind)
             ? RecordingFormat::raw
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
    options_.format = guess(content_, name, options.codec);
  }
  clock_ = {};
  if (is_text(options_.format)) {
    clock_.choose(content_, options_.has_interval);
  }
  cutting_ = {};
  capture_ = {};
  return options_.format == RecordingFormat::pcap ? capture_.open(content_) : std::string();
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
  std::size_t length = newline == nullptr ? left : static_cast<std::size_t>(newline - start);
  // A lone CR ends a line, too.
  const auto* const cr = static_cast<const std::uint8_t*>(std::memchr(start, '\r', length));
  if (cr != nullptr) {
    length = static_cast<std::size_t>(cr - start);
  }
  std::size_t ends = length < left ? 1 : 0;
  ends += cr != nullptr && length + 1 < left && start[length + 1] == '\n' ? 1 : 0;
  at_ += length + ends;
  return {0, ++number_, Bytes(start, length), RefusalCause::none};
}

std::optional<Frame> Recording::packet() {
  const auto packet = capture_.next();
  if (!packet) {
    return std::nullopt;
  }
  Frame frame{packet->time_ns, ++number_, packet->bytes, RefusalCause::none};
  const auto datagram = parse_packet(packet->link, packet->bytes);
  if (packet->cut) {
    frame.cause = RefusalCause::too_short;
  } else if (!datagram) {
    frame.cause = datagram.error();
  } else if (options_.port != 0 && datagram->port != options_.port) {
    frame.cause = RefusalCause::other_port;
  } else if (options_.senders.named() && !options_.senders.allow(datagram->sender)) {
    frame.cause = RefusalCause::sender;
  } else {
    frame.bytes = datagram->payload;
  }
  return frame;
}

// Frames as the codec cuts them, and the gaps between, each with a number.
std::optional<Frame> Recording::piece() {
  while (at_ < content_.size()) {
    const Bytes rest(content_.data() + at_, content_.size() - at_);
    const codec::Piece piece =
        cutting_.next(codec::cut_of(options_.codec), rest, codec::End::whole, false);
    at_ += piece.bytes + piece.behind;
    const bool frame = piece.kind == codec::Piece::Kind::frame;
    if (frame || piece.cause != RefusalCause::none) {
      return Frame{0, ++number_, rest.first(piece.bytes), frame ? RefusalCause::none : piece.cause};
    }
  }
  return std::nullopt;
}

// Whether a time and a whole frame come next; in step also a frame that its check denies, or that
// nothing can check, if another stands where it ends.
bool Recording::tlog_frame_here(bool in_step, std::size_t& length) const {
  if (content_.size() - at_ <= kTlogTime) {
    return false;
  }
  const Bytes rest = Bytes(content_).subspan(at_ + kTlogTime);
  const codec::Cut cut =
      codec::cut_of(options_.codec)(rest, {.end = codec::End::whole, .in_step = true});
  length = cut.bytes;
  if (cut.kind == codec::Cut::Kind::frame) {
    return true;
  }
  const bool may_be =
      cut.kind == codec::Cut::Kind::unchecked || cut.kind == codec::Cut::Kind::broken;
  const std::size_t next = length + kTlogTime;
  return in_step && may_be &&
         (length == rest.size() || (next < rest.size() && is_mavlink_start(rest[next])));
}

Frame Recording::tlog_frame() {
  Frame frame{};
  frame.number = ++number_;
  std::size_t length = 0;
  if (tlog_frame_here(true, length)) {
    frame.time_ns =
        static_cast<std::int64_t>(load_be<std::uint64_t>(content_.data() + at_) % (1ULL << 52)) *
        1000;
    frame.bytes = Bytes(content_.data() + at_ + kTlogTime, length);
    at_ += kTlogTime + length;
    return frame;
  }
  const std::size_t begin = at_;
  const bool ends_early = content_.size() - begin < kTlogTime + kTlogLeast;
  do {
    ++at_;
  } while (at_ < content_.size() && !tlog_frame_here(false, length));
  frame.cause = ends_early ? RefusalCause::too_short : RefusalCause::framing;
  frame.bytes = Bytes(content_.data() + begin, at_ - begin);
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
  if (options_.format == RecordingFormat::pcap) {
    return packet();
  }
  if (options_.format <= RecordingFormat::adsb_csv) {
    skip_blank_lines();
  }
  if (at_ >= content_.size()) {
    return std::nullopt;
  }
  Frame frame{};
  switch (options_.format) {
    case RecordingFormat::tlog:
      return tlog_frame();
    case RecordingFormat::raw:
      return piece();
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
