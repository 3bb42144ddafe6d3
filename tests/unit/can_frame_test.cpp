#include "edge/ingress/can_frame.hpp"

#include <cstring>
#include <string>
#include <vector>

#include "edge/codec/codec.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::ingress;

namespace {

std::vector<std::uint8_t> frame(std::uint32_t id, const std::string& data) {
  std::vector<std::uint8_t> bytes(kCanFrameBytes);
  std::memcpy(bytes.data(), &id, sizeof id);
  bytes[4] = static_cast<std::uint8_t>(data.size());
  std::memcpy(bytes.data() + 8, data.data(), data.size());
  return bytes;
}

}  // namespace

TEST_CASE("a frame of a live bus becomes the line that candump writes of it") {
  const CanLine heading = read_can_frame(
      frame(0x80000000U | 0x09F11203, std::string("\xFF\x8B\x1D\xFF\x7F\x36\x01\xFD", 8)));
  CHECK(heading.kind == CanKind::data);
  CHECK(heading.view() == "can 09F11203#FF8B1DFF7F3601FD");
  CHECK(read_can_frame(frame(0x123, "\x01")).view() == "can 123#01");
  CHECK(read_can_frame(frame(0x80000000U, "")).view() == "can 00000000#");
  codec::OwnDecoder own(CodecKind::n2k);
  struct Seen {
    int messages = 0, refused = 0;
  } seen;
  const codec::Output out{
      &seen, [](void* s, const codec::Message&, Bytes) { ++static_cast<Seen*>(s)->messages; },
      [](void* s, RefusalCause, Bytes) { ++static_cast<Seen*>(s)->refused; }};
  own.get().datagram(as_bytes(heading.view()), 1, out);
  CHECK(seen.messages == 1);
  CHECK(seen.refused == 0);
}

TEST_CASE("error frames and what is no frame are told apart") {
  constexpr std::uint32_t kError = 0x20000000;
  CHECK(read_can_frame(frame(kError | 0x40, "")).kind == CanKind::bus_off);
  CHECK(read_can_frame(frame(kError | 0x100, "")).kind == CanKind::error);
  CHECK(read_can_frame(frame(kError | 0x04, std::string(8, '\0'))).kind == CanKind::error);
  CHECK(read_can_frame(frame(0xC0000123U, "ab")).view() == "can 00000123#");  // a remote request
  auto nine = frame(0x123, "");
  nine[4] = 9;
  CHECK(read_can_frame(nine).kind == CanKind::malformed);
  nine.pop_back();
  CHECK(read_can_frame(nine).kind == CanKind::malformed);
  CHECK(read_can_frame({}).kind == CanKind::malformed);
}

TEST_CASE("an error frame says what to do") {
  constexpr std::uint32_t kError = 0x20000000;
  const auto says = [](const std::vector<std::uint8_t>& bytes) { return advice_on_error(bytes); };
  CHECK(says(frame(kError | 0x40, "")).starts_with("bus-off: "));
  CHECK(says(frame(kError | 0x10, "")).starts_with("the transceiver"));
  CHECK(says(frame(kError | 0x20, "")).starts_with("nobody acknowledged"));
  CHECK(
      says(frame(kError | 0x04, std::string("\0\x01", 2))).starts_with("the controller's buffer"));
  CHECK(says(frame(kError | 0x04, std::string("\0\x30", 2))).starts_with("many transmission"));
  CHECK(says(frame(kError | 0x88, "")).starts_with("many transmission"));
  CHECK(says(frame(kError | 0x100, "")).starts_with("the controller is on the bus again"));
  CHECK(says(frame(0x123, "")).empty());
  CHECK(advice_on_error({}).empty());
}
