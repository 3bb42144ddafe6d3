#include "edge/codec/advice.hpp"

#include "edge/codec/codec.hpp"

namespace vedette::codec {
namespace {

// Whether a codec makes a message of the frame, and nothing else.
bool reads(CodecKind kind, Bytes frame) {
  struct Seen {
    std::size_t messages = 0;
    std::size_t refused = 0;
  } seen;
  OwnDecoder decoder(kind);
  const Output out{
      &seen, [](void* context, const Message&, Bytes) { ++static_cast<Seen*>(context)->messages; },
      [](void* context, RefusalCause, Bytes) { ++static_cast<Seen*>(context)->refused; }};
  decoder.get().datagram(frame, 1, out);
  return seen.messages != 0 && seen.refused == 0;
}

// Causes by which a frame may be of another kind altogether.
bool may_be_foreign(RefusalCause cause) {
  return cause == RefusalCause::framing || cause == RefusalCause::malformed ||
         cause == RefusalCause::checksum_missing || cause == RefusalCause::too_short ||
         cause == RefusalCause::too_long || cause == RefusalCause::checksum ||
         cause == RefusalCause::unknown_category;
}

}  // namespace

std::string advice(CodecKind codec, RefusalCause cause, Bytes frame) {
  if (may_be_foreign(cause) && !frame.empty()) {
    for (const CodecFacts& other : kCodecs) {
      if (other.kind != codec && reads(other.kind, frame)) {
        return "codec = \"" + std::string(other.name) + "\" reads this frame";
      }
    }
  }
  switch (cause) {
    case RefusalCause::checksum_missing:
      return "let the sender write checksums; without one no sentence is believed";
    case RefusalCause::checksum:
      return "look for noise on the line, a wrong baud rate, or two senders on one line";
    case RefusalCause::lane_full:
      return "raise the source's credits, or give it less to do";
    case RefusalCause::no_time:
      return "raise the source's horizon, or let it `sample` in overload";
    case RefusalCause::multipart_missing:
    case RefusalCause::multipart_timeout:
      return "the other parts were not heard; where they go to another source, bring both together";
    case RefusalCause::other_port:
      return "declare a source with this udp_port, if somebody needs it";
    case RefusalCause::sender:
      return "name the sender in the source's `from`, if it may send";
    case RefusalCause::oversize:
      return "let the sender send smaller datagrams";
    case RefusalCause::ip_fragment:
      return "let the sender send datagrams that fit its network's MTU";
    default:
      return {};
  }
}

}  // namespace vedette::codec
