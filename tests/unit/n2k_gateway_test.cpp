// Actisense's binary frames: doubled escapes, checksums, damage, and lines between them.
#include "edge/codec/n2k_gateway.hpp"

#include <string>
#include <vector>

#include "edge/codec/codec.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::codec;

namespace {

using Data = std::vector<std::uint8_t>;

Data framed(Data content) {
  unsigned sum = 0;
  for (const std::uint8_t byte : content) {
    sum += byte;
  }
  content.push_back(static_cast<std::uint8_t>(256 - sum % 256));
  Data frame{0x10, 0x02};
  for (const std::uint8_t byte : content) {
    frame.insert(frame.end(), byte == 0x10 ? 2 : 1, byte);
  }
  frame.insert(frame.end(), {0x10, 0x03});
  return frame;
}
Data message(std::uint32_t pgn, const Data& data) {
  Data content{0x93,
               static_cast<std::uint8_t>(11 + data.size()),
               2,
               static_cast<std::uint8_t>(pgn),
               static_cast<std::uint8_t>(pgn >> 8),
               static_cast<std::uint8_t>(pgn >> 16),
               255,
               3,
               0x10,
               0x10,
               0x02,
               0,
               static_cast<std::uint8_t>(data.size())};
  content.insert(content.end(), data.begin(), data.end());
  return framed(content);
}
// Latitude and longitude are full of DLEs.
Data position() {
  return message(129025, {0x10, 0x10, 0x03, 0x10, 0x02, 0x10, 0x10, 0x10});
}

struct Heard {
  std::vector<std::string> messages;
  std::vector<RefusalCause> refused;
};
Heard hear(Bytes bytes, std::size_t piece) {
  Heard heard;
  OwnDecoder own(CodecKind::n2k);
  const Output out{&heard,
                   [](void* to, const Message& message, Bytes) {
                     std::string text;
                     JsonWriter<std::string> json(text);
                     json.begin_object();
                     describe(message, json);
                     json.end_object();
                     static_cast<Heard*>(to)->messages.push_back(text);
                   },
                   [](void* to, RefusalCause cause, Bytes) {
                     static_cast<Heard*>(to)->refused.push_back(cause);
                   }};
  for (; !bytes.empty(); bytes = bytes.subspan(std::min(piece, bytes.size()))) {
    own.get().stream(bytes.first(std::min(piece, bytes.size())), 1, out);
  }
  return heard;
}
Data joined(const std::vector<Data>& parts) {
  Data all;
  for (const Data& part : parts) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace

TEST_CASE("a gateway's binary frames are read in pieces of any size") {
  const Data stream = joined({position(), position(), position()});
  for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{7}, stream.size()}) {
    const Heard heard = hear(stream, piece);
    CHECK(heard.refused.empty());
    REQUIRE(heard.messages.size() == 3);
    CHECK(heard.messages[0] ==
          "{\"kind\":\"n2k\",\"pgn\":129025,\"src\":3,\"prio\":2,\"dst\":255,"
          "\"lat\":26.8636176,\"lon\":26.9488130}");
  }
}

TEST_CASE("a PDU1 frame's low byte says who is meant and is no part of its PGN") {
  N2kLine line;
  Data asked = framed({0x93, 14, 6, 0x11, 0xEA, 0, 0x11, 3, 0, 0, 0, 0, 3, 0, 0xEE, 0});
  CHECK(read_gateway_frame(asked, line) == RefusalCause::unsupported);
  CHECK(line.pgn == 59904);
  CHECK(line.destination == 0x11);
  CHECK(line.priority == 6);
  const Data own = framed({0xA0, 3, 1, 2, 3});  // the gateway's own
  CHECK(cut_gateway(own).kind == Cut::Kind::frame);
  CHECK(read_gateway_frame(own, line) == RefusalCause::unsupported);
  CHECK(read_gateway_frame(framed({0x93, 3, 1, 2, 3}), line) == RefusalCause::too_short);
  const Data short_data = framed({0x93, 12, 2, 1, 0xF8, 1, 255, 3, 0, 0, 0, 0, 2, 9});
  CHECK(read_gateway_frame(short_data, line) == RefusalCause::too_short);
  const Data long_data = framed({0x93, 13, 2, 1, 0xF8, 1, 255, 3, 0, 0, 0, 0, 1, 9, 9});
  CHECK(read_gateway_frame(long_data, line) == RefusalCause::too_long);
}

TEST_CASE("a broken binary frame costs itself and not its neighbour") {
  const Data whole = position();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      Data broken = whole;
      broken[at] ^= static_cast<std::uint8_t>(1U << bit);
      const Heard heard = hear(joined({whole, broken, whole, whole}), 5);
      CHECK_MESSAGE(heard.messages.size() == 3, at << " " << bit);
      CHECK_MESSAGE(!heard.refused.empty(), at << " " << bit);
    }
    const Data cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(at));
    CHECK_MESSAGE(hear(joined({whole, cut, whole, whole}), 5).messages.size() == 3, at);
  }
}

TEST_CASE("lines and binary frames share a stream") {
  const std::string text = "2011-04-25T10:16:43.004Z,2,127250,3,255,8,ff,8b,0a,ff,7f,ff,7f,fd\r\n";
  const Data line(text.begin(), text.end());
  const Heard heard = hear(joined({line, position(), line, line, position()}), 11);
  CHECK(heard.messages.size() == 5);
  CHECK(heard.refused.empty());
  Data endless{0x10, 0x02};
  endless.insert(endless.end(), 600, 0x55);
  CHECK(cut_gateway(endless).kind == Cut::Kind::nothing);
  CHECK(hear(joined({endless, position(), position()}), 64).messages.size() == 2);
}
