// Streams of which 5 % of the frames are cut: of the whole frames hardly one is lost, and nothing
// is taken for a frame that none sent. The same for noise between frames.
#include <algorithm>
#include <cstdio>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "edge/codec/codec.hpp"
#include "edge/codec/mavlink_messages.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::codec;

namespace {

using Random = std::mt19937_64;
using Frame = std::vector<std::uint8_t>;

std::uint8_t byte_of(Random& random) {
  return static_cast<std::uint8_t>(random());
}

void put(Frame& out, std::initializer_list<unsigned> bytes) {
  for (const unsigned byte : bytes) {
    out.push_back(static_cast<std::uint8_t>(byte));
  }
}

Frame mavlink(Random& random) {
  static constexpr std::uint32_t kIds[] = {0, 1, 24, 30, 33, 74, 87, 110, 147, 148, 253, 12'345};
  const std::uint32_t id = kIds[random() % std::size(kIds)];
  const MavlinkFacts* const facts = mavlink_facts(id);
  const bool v1 = id < 256 && random() % 2 == 0;
  Frame f;
  put(f, {v1 ? kMavlinkV1 : kMavlinkV2, facts != nullptr ? facts->length : 40U});
  if (!v1) {
    put(f, {0, 0});
  }
  put(f, {byte_of(random), 1, 1, id});
  if (!v1) {
    put(f, {id >> 8, 0});
  }
  for (std::size_t i = 0; i < f[1]; ++i) {
    f.push_back(random() % 3 == 0 ? std::uint8_t{0} : byte_of(random));
  }
  const std::uint16_t crc =
      mavlink_crc(Bytes(f).subspan(1), facts != nullptr ? facts->crc_extra : std::uint8_t{77});
  f.push_back(static_cast<std::uint8_t>(crc));
  f.push_back(static_cast<std::uint8_t>(crc >> 8));
  return f;
}

Frame beast(Random& random) {
  std::uint8_t frame[14] = {0x8D};
  for (std::size_t i = 1; i < 11; ++i) {
    frame[i] = random() % 8 == 0 ? std::uint8_t{0x1A} : byte_of(random);
  }
  const std::uint32_t parity = modes_parity(Bytes(frame, 14));
  for (std::size_t i = 0; i < 3; ++i) {
    frame[11 + i] = static_cast<std::uint8_t>(parity >> (16 - 8 * i));
  }
  Frame f{0x1A, '3'};
  const auto add = [&f](std::uint8_t byte) { f.insert(f.end(), byte == 0x1A ? 2U : 1U, byte); };
  for (int i = 0; i < 7; ++i) {
    add(byte_of(random));
  }
  std::for_each(std::begin(frame), std::end(frame), add);
  return f;
}

Frame nmea(Random& random) {
  std::string body = "GPHDT," + std::to_string(random() % 360) + "." +
                     std::to_string(random() % 1'000'000'000) + ",T";
  unsigned sum = 0;
  for (const char c : body) {
    sum ^= static_cast<unsigned char>(c);
  }
  constexpr char kHex[] = "0123456789ABCDEF";
  body = "$" + body + "*" + kHex[sum >> 4] + kHex[sum & 15] + (random() % 2 == 0 ? "\r\n" : "\n");
  return {body.begin(), body.end()};
}

// Category 034: source, type, time, sector, speed.
Frame asterix(Random& random) {
  Frame f{34, 0, 0, 0xF8, 10, 2, 2};
  const std::uint64_t time = random() % (86400 * 128);
  for (int i = 2; i >= 0; --i) {
    f.push_back(static_cast<std::uint8_t>(time >> (8 * i)));
  }
  for (int i = 0; i < 3; ++i) {
    f.push_back(byte_of(random));
  }
  f[2] = static_cast<std::uint8_t>(f.size());
  return f;
}

struct Measure {
  std::size_t whole = 0, lost = 0, ghosts = 0;
  std::uint64_t thrown = 0, cut = 0;
};

// What identifies a frame, as sent or as heard: a sentence without what stands around it, a record
// of its block.
std::string content(CodecKind kind, Bytes frame, bool sent) {
  std::string_view text = as_text(frame);
  if (kind == CodecKind::nmea0183) {
    text = text.substr(std::min(text.rfind('$'), text.size()));
    text = text.substr(0, text.find_first_of("\r\n"));
  }
  if (kind == CodecKind::asterix && sent) {
    text.remove_prefix(std::min<std::size_t>(3, text.size()));
  }
  return std::string(text);
}

// Refusals of frames that were found, because of what they say.
bool is_found(RefusalCause cause) {
  return cause == RefusalCause::out_of_range || cause == RefusalCause::malformed;
}

// Sends `count` frames, of which `cut` of 100 are cut, with noise before `noisy` of 100.
Measure measure(
    CodecKind kind, Frame (*make)(Random&), std::uint64_t seed, std::size_t count, unsigned cut,
    unsigned noisy, bool (*counts)(Bytes) = [](Bytes) { return true; }) {
  struct Heard {
    CodecKind kind;
    std::map<std::string, int> open;
    std::map<std::string, int> cut;  // of which nothing or only the line end is lost
    std::size_t ghosts = 0;

    void hear(Bytes raw, bool ok) {
      const std::string what = content(kind, raw, false);
      if (open[what]-- <= 0) {
        ++open[what];
        ghosts += ok && cut[what]-- <= 0 ? 1 : 0;
      }
    }
  } heard{kind, {}, {}, 0};
  Random random(seed);
  Frame stream;
  Measure m;
  for (std::size_t i = 0; i < count; ++i) {
    if (random() % 100 < noisy) {
      for (std::size_t n = 1 + random() % 60; n > 0; --n) {
        stream.push_back(byte_of(random));
      }
    }
    const Frame frame = make(random);
    const bool whole = random() % 100 >= cut;
    const auto sent = whole ? frame.size() : random() % frame.size();
    stream.insert(stream.end(), frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(sent));
    m.cut += whole ? 0 : sent;
    if (whole && counts(frame)) {
      ++m.whole;
      ++heard.open[content(kind, frame, true)];
    } else {
      ++heard.cut[content(kind, Bytes(frame).first(sent), true)];
    }
  }
  OwnDecoder own(kind);
  const Output out{
      &heard, [](void* c, const Message&, Bytes raw) { static_cast<Heard*>(c)->hear(raw, true); },
      [](void* c, RefusalCause cause, Bytes raw) {
        if (is_found(cause)) {
          static_cast<Heard*>(c)->hear(raw, false);
        }
      }};
  for (std::size_t at = 0; at < stream.size();) {
    const std::size_t size = std::min<std::size_t>(1 + random() % 400, stream.size() - at);
    own.get().stream(Bytes(stream).subspan(at, size), 1, out);
    at += size;
  }
  m.ghosts = heard.ghosts;
  for (const auto& left : heard.open) {
    m.lost += static_cast<std::size_t>(std::max(left.second, 0));
  }
  m.thrown = own.get().thrown_bytes();
  return m;
}

constexpr std::size_t kFrames = 20'000;

bool is_public(Bytes frame) {
  const bool v1 = frame[0] == kMavlinkV1;
  const std::uint32_t id = v1 ? frame[5] : load_le<std::uint16_t>(frame.data() + 7);
  return mavlink_facts(id) != nullptr;
}

}  // namespace

TEST_CASE("with 5 % of MAVLink frames cut, 1.5 % of the whole ones are lost, and no ghost is ok") {
  const auto known = [](Bytes frame) { return is_public(frame); };
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const Measure m = measure(CodecKind::mavlink, mavlink, seed, kFrames, 5, 0, known);
    MESSAGE("MAVLink lost " << m.lost << " of " << m.whole << ", ghosts " << m.ghosts);
    CHECK(m.lost * 1000 <= m.whole * 15);
    CHECK(m.ghosts == 0);
  }
}

TEST_CASE("with 5 % of Beast, NMEA or ASTERIX frames cut, hardly a whole one is lost") {
  struct Kind {
    CodecKind kind;
    Frame (*make)(Random&);
    unsigned noisy;
  };
  const Kind kinds[] = {{CodecKind::adsb, beast, 0},       {CodecKind::adsb, beast, 10},
                        {CodecKind::nmea0183, nmea, 0},    {CodecKind::nmea0183, nmea, 30},
                        {CodecKind::mavlink, mavlink, 10}, {CodecKind::asterix, asterix, 0}};
  for (const Kind& kind : kinds) {
    const auto known = [](Bytes frame) { return frame[0] != kMavlinkV2 || is_public(frame); };
    const Measure m = measure(kind.kind, kind.make, 7, kFrames, 5, kind.noisy, known);
    MESSAGE(name_of(kind.kind) << " noise " << kind.noisy << ": lost " << m.lost << " of "
                               << m.whole << ", ghosts " << m.ghosts << ", thrown " << m.thrown
                               << " bytes, cut " << m.cut);
    CHECK(m.lost * 1000 <= m.whole * 15);
    // A cut block of ASTERIX can be read with the start of the next: it has no checksum. Noise in a
    // sentence passes its eight bits once in 256 times.
    const bool eight_bits = kind.kind == CodecKind::nmea0183 && kind.noisy != 0;
    CHECK(m.ghosts <= (kind.kind == CodecKind::asterix ? m.whole / 200
                       : eight_bits                    ? m.whole / 5000
                                                       : 0));
  }
}

namespace {

// A line of canboat's PLAIN form, or of candump: messages in one frame, and parts of fast packets.
Frame n2k(Random& random) {
  constexpr unsigned kGroups[] = {129025, 129026, 127250, 127258, 130306, 129029, 129038, 129809};
  const unsigned group = kGroups[random() % std::size(kGroups)];
  const bool plain = random() % 2 == 0;
  char text[80];
  int length =
      plain ? std::snprintf(text, sizeof text, "2024-01-01-00:00:00.000,2,%u,1,255,8", group)
            : std::snprintf(text, sizeof text, "can0  %08X   [8] ", 0x08000001U | group << 8);
  for (int i = 0; i < 8; ++i) {
    const unsigned byte = i == 0 && random() % 2 == 0 ? byte_of(random) % 5U : byte_of(random);
    length += std::snprintf(text + length, sizeof text - static_cast<std::size_t>(length),
                            plain ? ",%02x" : " %02X", byte);
  }
  text[length] = '\n';
  return {text, text + length + 1};
}

// Streams of `count` frames, each of which may have bytes changed, taken out or put in, and some
// connections that end. Whatever is taken for a message is described and handed on.
void hear_mutated(CodecKind kind, Frame (*make)(Random&), std::size_t count) {
  Random random(count);
  OwnDecoder own(kind);
  std::uint64_t bytes = 0;
  std::size_t answers = 0;
  const Output out{&answers,
                   [](void* c, const Message& message, Bytes) {
                     ++*static_cast<std::size_t*>(c);
                     Observation observation;
                     to_observation(message, observation);
                     std::string text;
                     JsonWriter<std::string> json(text);
                     json.begin_object();
                     describe(message, json);
                     json.end_object();
                   },
                   [](void* c, RefusalCause cause, Bytes) {
                     ++*static_cast<std::size_t*>(c);
                     REQUIRE(!name_of(cause).empty());
                   }};
  for (std::size_t i = 0; i < count; ++i) {
    Frame frame = make(random);
    for (std::uint64_t n = random() % 3; n > 0 && !frame.empty(); --n) {
      const auto at = frame.begin() + static_cast<std::ptrdiff_t>(random() % frame.size());
      if (random() % 2 == 0) {
        *at = byte_of(random);
      } else {
        frame.erase(at);
      }
    }
    if (random() % 16 == 0) {
      frame.push_back(byte_of(random));
    }
    bytes += frame.size();
    if (random() % 4 == 0 && !frame.empty()) {
      own.get().datagram(frame, static_cast<std::int64_t>(i), out);
    } else {
      own.get().stream(frame, static_cast<std::int64_t>(i), out);
    }
    if (random() % 64 == 0) {
      own.get().end_stream(static_cast<std::int64_t>(i), out);
    }
  }
  CHECK(answers > count / 4);
  CHECK(own.get().thrown_bytes() < bytes);
}

void hear_all_mutated(std::size_t count) {
  hear_mutated(CodecKind::mavlink, mavlink, count);
  hear_mutated(CodecKind::adsb, beast, count);
  hear_mutated(CodecKind::nmea0183, nmea, count);
  hear_mutated(CodecKind::n2k, n2k, count);
  hear_mutated(CodecKind::asterix, asterix, count);
}

}  // namespace

TEST_CASE("mutated frames of each family are answered") {
  hear_all_mutated(5'000);
}

// Run by tests/system/streams.py with --long.
TEST_CASE("a million mutated frames of each family are answered" * doctest::skip()) {
  hear_all_mutated(1'000'000);
}
