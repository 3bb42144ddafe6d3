// Recorded files: captures of both kinds and all links, data blocks, telemetry logs with damage.
#include "edge/ingress/recording.hpp"

#include <string>
#include <vector>

#include "edge/codec/mavlink_messages.hpp"
#include "edge/ingress/ethernet.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::ingress;

namespace {

using Data = std::vector<std::uint8_t>;

struct Read {
  std::string problem;
  std::vector<Frame> frames;
  std::vector<std::string> bytes;
};

Read read(CodecKind codec, const Data& content, std::string_view name = "x") {
  Recording recording;
  Recording::Options options;
  options.codec = codec;
  Read all;
  all.problem = recording.open(content, name, options);
  if (!all.problem.empty()) {
    return all;
  }
  while (const auto frame = recording.peek()) {
    all.frames.push_back(*frame);
    all.bytes.emplace_back(as_text(frame->bytes));
    recording.pop();
  }
  return all;
}

void put(Data& out, const Data& more) {
  out.insert(out.end(), more.begin(), more.end());
}
void put(Data& out, std::uint32_t value, std::size_t bytes, bool big) {
  for (std::size_t i = 0; i < bytes; ++i) {
    const std::size_t shift = 8 * (big ? bytes - 1 - i : i);
    out.push_back(static_cast<std::uint8_t>(value >> shift));
  }
}

// "hello" to UDP port 10110.
Data ip_packet() {
  Data p{0x45, 0, 0, 33, 0, 1,    0,    0, 64, 17, 0, 0,   10,  0,   0,   1,  10,
         0,    0, 2, 0,  5, 0x27, 0x7E, 0, 13, 0,  0, 'h', 'e', 'l', 'l', 'o'};
  const auto sum = static_cast<std::uint16_t>(~internet_sum(Bytes(p).first(20)));
  p[10] = static_cast<std::uint8_t>(sum >> 8);
  p[11] = static_cast<std::uint8_t>(sum);
  return p;
}

// What each link puts before the packet.
struct LinkHeader {
  std::uint32_t link;
  Data header;
};
std::vector<LinkHeader> links() {
  return {{1, {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0}},
          {0, {2, 0, 0, 0}},
          {108, {0, 0, 0, 2}},
          {12, {}},
          {101, {}},
          {228, {}},
          {113, {0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0}},
          {276, {8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0}}};
}

Data pcap(std::uint32_t link, const Data& packet, bool big) {
  Data out;
  put(out, 0xA1B2C3D4, 4, big);
  put(out, Data(16, 0));
  put(out, link, 4, big);
  put(out, 1'700'000'000, 4, big);
  put(out, 500'000, 4, big);
  put(out, static_cast<std::uint32_t>(packet.size()), 4, big);
  put(out, static_cast<std::uint32_t>(packet.size()), 4, big);
  put(out, packet);
  return out;
}

void block(Data& out, std::uint32_t type, Data body, bool big) {
  body.resize(align_up(body.size(), 4));
  put(out, type, 4, big);
  put(out, static_cast<std::uint32_t>(body.size() + 12), 4, big);
  put(out, body);
  put(out, static_cast<std::uint32_t>(body.size() + 12), 4, big);
}

// One packet at 1,700,000,000.5 s in ticks of a power of ten.
Data pcapng(std::uint32_t link, const Data& packet, bool big, std::uint8_t power = 6) {
  Data out, section, interface, enhanced;
  put(section, 0x1A2B3C4D, 4, big);
  put(section, Data(12, 0xFF));
  block(out, 0x0A0D0D0A, section, big);
  put(interface, link, 2, big);
  put(interface, Data(6, 0));
  put(interface, 9, 2, big);  // if_tsresol
  put(interface, 1, 2, big);
  put(interface, {power, 0, 0, 0, 0, 0, 0, 0});
  block(out, 1, interface, big);
  block(out, 0x0BAD, {1, 2, 3}, big);  // of no interest
  std::uint64_t ticks = 17'000'000'005;
  for (int i = 1; i < power; ++i) {
    ticks *= 10;
  }
  put(enhanced, 0, 4, big);
  put(enhanced, static_cast<std::uint32_t>(ticks >> 32), 4, big);
  put(enhanced, static_cast<std::uint32_t>(ticks), 4, big);
  put(enhanced, static_cast<std::uint32_t>(packet.size()), 4, big);
  put(enhanced, static_cast<std::uint32_t>(packet.size()), 4, big);
  put(enhanced, packet);
  block(out, 6, enhanced, big);
  return out;
}

const Data kBlock{0x22, 0, 0x0A, 0xE0, 0x0A, 2, 1, 0, 0, 0x80};

Data final_record(const Data& blocks) {
  Data out;
  put(out, static_cast<std::uint32_t>(blocks.size() + 12), 2, true);
  put(out, {0, 0, 0, 0, 1, 0});
  put(out, blocks);
  put(out, Data(4, 0xA5));
  return out;
}

Data heartbeat(std::uint8_t sequence) {
  Data f{0xFE, 9, sequence, 1, 1, 0, 0, 0, 0, 0, 2, 3, 81, 4, 3};
  const std::uint16_t crc =
      codec::mavlink_crc(Bytes(f).subspan(1), codec::mavlink_facts(0)->crc_extra);
  put(f, crc, 2, false);
  return f;
}
Data timed(std::uint32_t seconds, const Data& frame) {
  Data out;
  const std::uint64_t us = std::uint64_t{seconds} * 1'000'000;
  put(out, static_cast<std::uint32_t>(us >> 32), 4, true);
  put(out, static_cast<std::uint32_t>(us), 4, true);
  put(out, frame);
  return out;
}

}  // namespace

TEST_CASE("captures of every link, in both forms and byte orders, give the datagram and its time") {
  for (const LinkHeader& link : links()) {
    Data packet = link.header;
    put(packet, ip_packet());
    for (const bool big : {false, true}) {
      for (const Data& content : {pcap(link.link, packet, big), pcapng(link.link, packet, big),
                                  pcapng(link.link, packet, big, 9)}) {
        const Read all = read(CodecKind::nmea0183, content);
        REQUIRE(all.frames.size() == 1);
        CHECK(all.frames[0].cause == RefusalCause::none);
        CHECK(all.bytes[0] == "hello");
        CHECK(all.frames[0].time_ns == 1'700'000'000'500'000'000);
      }
    }
  }
  CHECK(read(CodecKind::nmea0183, pcap(9, ip_packet(), false)).problem.find("link type 9") !=
        std::string::npos);
}

TEST_CASE("a capture that is cut anywhere ends with a refusal, never beyond its end") {
  Data packet = links()[0].header;
  put(packet, ip_packet());
  for (const Data& whole : {pcap(1, packet, false), pcapng(1, packet, false)}) {
    for (std::size_t size = 4; size < whole.size(); ++size) {
      const Read all =
          read(CodecKind::nmea0183, Data(whole.begin(), whole.begin() + static_cast<long>(size)));
      for (const Frame& frame : all.frames) {
        CHECK(frame.cause != RefusalCause::none);
      }
    }
  }
}

TEST_CASE("data blocks one behind the other and FINAL records are frames, around damage") {
  Data content = kBlock;
  put(content, kBlock);
  put(content, final_record(kBlock));
  Data two = kBlock;
  put(two, kBlock);
  put(content, final_record(two));
  const Read whole = read(CodecKind::asterix, content, "x.ast");
  CHECK(whole.frames.size() == 4);
  Data damaged = kBlock;
  put(damaged, Data(kBlock.begin(), kBlock.begin() + 7));
  put(damaged, kBlock);
  put(damaged, kBlock);
  const Read around = read(CodecKind::asterix, damaged, "x.raw");
  REQUIRE(around.frames.size() == 4);
  CHECK(around.frames[1].cause != RefusalCause::none);
  CHECK(around.frames[1].bytes.size() == 7);
  CHECK(around.frames[3].number == 4);
}

TEST_CASE("frames of a telemetry log are found again behind a cut one, with their times") {
  Data content = timed(1'700'000'000, heartbeat(1));
  const Data second = timed(1'700'000'001, heartbeat(2));
  put(content, Data(second.begin(), second.begin() + 14));
  put(content, timed(1'700'000'002, heartbeat(3)));
  put(content, timed(1'700'000'003, heartbeat(4)));
  const Read all = read(CodecKind::mavlink, content, "flight.tlog");
  REQUIRE(all.frames.size() == 4);
  CHECK(all.frames[1].cause != RefusalCause::none);
  CHECK(all.frames[1].bytes.size() == 14);
  CHECK(all.frames[2].time_ns == 1'700'000'002'000'000'000);
  CHECK(all.frames[3].bytes.size() == heartbeat(4).size());
}

TEST_CASE("out of step, a telemetry log goes on only with a frame whose check holds") {
  Data wrong = heartbeat(2);
  wrong[8] ^= 1;
  Data content = timed(1'700'000'000, heartbeat(1));
  put(content, timed(1'700'000'001, wrong));
  const Read in_step = read(CodecKind::mavlink, content, "flight.tlog");
  CHECK(in_step.frames.size() == 2);  // the decoder names what is wrong
  content.insert(content.begin() + 25, 0x55);
  put(content, timed(1'700'000'002, heartbeat(3)));
  const Read all = read(CodecKind::mavlink, content, "flight.tlog");
  REQUIRE(all.frames.size() == 3);
  CHECK(all.frames[1].cause == RefusalCause::framing);
  CHECK(all.frames[2].time_ns == 1'700'000'002'000'000'000);
}

TEST_CASE("lines of a file end with CR, LF or both, and count") {
  const std::string text = "a\r\nb\rc\nd";
  const Read all = read(CodecKind::nmea0183, Data(text.begin(), text.end()));
  CHECK(all.bytes == std::vector<std::string>{"a", "b", "c", "d"});
}
