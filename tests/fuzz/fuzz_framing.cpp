// Streams of every codec in pieces of any size: each byte belongs to one frame, gap or separator,
// and to none twice. The same bytes as a recording of each format. The first byte selects the
// codec and how the stream ends, the second the size of the pieces.
#include <algorithm>

#include "base/check.hpp"
#include "edge/ingress/recording.hpp"

using namespace vedette;

namespace {

void cut_in_pieces(codec::CutFront cut, Bytes bytes, std::size_t size, codec::End end) {
  static codec::Framer framer;
  framer.reset();
  std::size_t seen = 0;
  const auto on_piece = [&](const codec::Piece& piece, Bytes part) {
    CHECK(piece.bytes != 0 && piece.bytes == part.size(), "a piece has bytes");
    CHECK(std::equal(part.begin(), part.end(), bytes.begin() + static_cast<long>(seen)),
          "pieces follow one another");
    seen += part.size() + piece.behind;
  };
  for (std::size_t at = 0; at < bytes.size(); at += size) {
    framer.put(cut, bytes.subspan(at, std::min(size, bytes.size() - at)), codec::End::open,
               on_piece);
  }
  framer.put(cut, {}, end, on_piece);
  CHECK(seen == bytes.size(), "every byte belongs to a piece");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) {
    return 0;
  }
  const auto kind = static_cast<CodecKind>(data[0] % kCodecKinds);
  const Bytes bytes(data + 2, size - 2);
  const codec::End end = (data[0] & 0x80) != 0 ? codec::End::torn : codec::End::whole;
  cut_in_pieces(codec::cut_of(kind), bytes, std::size_t{1} + data[1], end);
  for (const auto format : {ingress::RecordingFormat::automatic, ingress::RecordingFormat::tlog,
                            ingress::RecordingFormat::pcap, ingress::RecordingFormat::raw}) {
    ingress::Recording recording;
    ingress::Recording::Options options;
    options.format = format;
    options.codec = kind;
    if (recording.open({bytes.begin(), bytes.end()}, "x", options).empty()) {
      std::uint64_t frames = 0;
      while (recording.peek()) {
        recording.pop();
        CHECK(++frames <= size, "a frame takes bytes");
      }
    }
  }
  return 0;
}
