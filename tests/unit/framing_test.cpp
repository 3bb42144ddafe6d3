#include "edge/codec/framing.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "edge/codec/codec.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::codec;

namespace {

// A stream cut into pieces: frames as their text, gaps as "-" and their text.
class Cuts {
 public:
  explicit Cuts(CodecKind kind) : cut_(cut_of(kind)) {}

  void put(std::string_view text, End end = End::open) {
    framer_.put(cut_, as_bytes(text), end, [this](const Piece& piece, Bytes bytes) {
      if (piece.kind != Piece::Kind::blank) {
        const bool gap = piece.kind == Piece::Kind::gap;
        all.push_back((gap ? "-" : "") + std::string(as_text(bytes)));
        causes += gap && piece.cause != RefusalCause::none ? 1 : 0;
      }
    });
  }
  std::vector<std::string> all;
  int causes = 0;  // gaps that are refused

 private:
  CutFront cut_;
  Framer framer_;
};

using Pieces = std::vector<std::string>;

const std::string kLine = "$GPHDT,274.07,T*03";

Pieces nmea(std::string_view text) {
  Cuts cuts(CodecKind::nmea0183);
  cuts.put(text, End::whole);
  return cuts.all;
}

}  // namespace

TEST_CASE("lines end with CR, LF or both, in pieces of any size, and blanks are no lines") {
  const std::string text = kLine + "\r\n" + kLine + "\n\n\r \t" + kLine + "\r" + kLine;
  for (std::size_t size = 1; size < text.size(); ++size) {
    Cuts cuts(CodecKind::nmea0183);
    for (std::size_t at = 0; at < text.size(); at += size) {
      cuts.put(std::string_view(text).substr(at, size));
    }
    cuts.put("", End::whole);
    CHECK(cuts.all == Pieces{kLine, kLine, kLine, kLine});
  }
}

TEST_CASE("noise between lines costs no line, whatever it looks like") {
  const std::string ubx("\xB5\x62\x01\x07$\x00\n!AI*\xFF", 12);
  CHECK(nmea(ubx + kLine + "\r\n").back() == kLine);
  const Pieces both = nmea(kLine + ubx + kLine + ubx + kLine + "\n");
  CHECK(std::count(both.begin(), both.end(), kLine) == 3);
  CHECK(nmea("\xEF\xBB\xBF" + kLine) == Pieces{kLine});
  CHECK(nmea(std::string(7, '\0') + kLine) == Pieces{kLine});
}

TEST_CASE("a cut sentence does not take the next one with it") {
  CHECK(nmea("$GPHDT,27" + kLine + "\r\n") == Pieces{"$GPHDT,27", kLine});
  CHECK(nmea(kLine + kLine) == Pieces{kLine, kLine});
  CHECK(nmea("$GPHDT,27\\s:x*00\\" + kLine) == Pieces{"$GPHDT,27", "\\s:x*00\\" + kLine});
  // An exclamation mark in a whole sentence starts none.
  CHECK(nmea("$PTXT,Hi!*24") == Pieces{"$PTXT,Hi!*24"});
  CHECK(nmea("1700000000 " + kLine) == Pieces{"1700000000 " + kLine});
}

TEST_CASE("a line without an end is thrown away in bounded pieces, and refused once") {
  Cuts cuts(CodecKind::nmea0183);
  for (int i = 0; i < 100; ++i) {
    cuts.put(std::string(100, 'x'));
  }
  cuts.put("\n" + kLine + "\n", End::whole);
  CHECK(cuts.causes == 1);
  CHECK(cuts.all.back() == kLine);
  std::size_t thrown = 0;
  for (const std::string& piece : cuts.all) {
    thrown += piece[0] == '-' ? piece.size() - 1 : 0;
  }
  CHECK(thrown == 10'000);
}

TEST_CASE("what a connection's end leaves is a frame if a check says so, and else refused once") {
  struct Left {
    CodecKind kind;
    std::string text;
    Pieces pieces;
  };
  const std::string plain = "2024-01-01-00:00:00.000,2,129025,1,255,8,00,01,02,03,04,05,06,07";
  const std::string squitter = "*8D4840D6202CC371C32CE0576098;";
  const std::string beast(
      "\x1A"
      "3\0\0\0\0\0\0\x40\x8D\x48",
      11);
  const std::string mavlink("\xFE\x09\x4E\x01", 4);
  for (const Left& left : {
           Left{CodecKind::nmea0183, kLine, {kLine}},
           Left{CodecKind::nmea0183, kLine.substr(0, 14), {"-" + kLine.substr(0, 14)}},
           Left{CodecKind::nmea0183, "\r\n", {}},
           Left{CodecKind::n2k, plain, {"-" + plain}},  // nothing says that this is all of it
           Left{CodecKind::adsb, squitter, {squitter}},
           Left{CodecKind::adsb, "*5D4840D6A0C70C;", {"*5D4840D6A0C70C;"}},
           Left{CodecKind::adsb, squitter.substr(0, 15), {"-" + squitter.substr(0, 15)}},
           Left{CodecKind::adsb, beast, {"-" + beast}},
           Left{CodecKind::mavlink, mavlink, {"-" + mavlink}},
       }) {
    Cuts cuts(left.kind);
    cuts.put(left.text);
    CHECK(cuts.all.empty() == (left.text != "\r\n" || left.pieces.empty()));
    cuts.put("", End::torn);
    CAPTURE(left.text);
    CHECK(cuts.all == left.pieces);
    CHECK(cuts.causes == (left.pieces.empty() || left.pieces[0][0] != '-' ? 0 : 1));
  }
}

TEST_CASE("a stream's ASTERIX block is read up to its bound, and a longer one is too long") {
  const auto block = [](std::size_t bytes) {
    std::string text{'\x30', static_cast<char>(bytes >> 8), static_cast<char>(bytes)};
    while (text.size() < bytes) {
      text += std::string("\x80\x01\x02", 3);  // a record with its sensor alone
    }
    return text;
  };
  constexpr std::size_t kWhole = limits::kAsterixBlockBytes - limits::kAsterixBlockBytes % 3;
  Cuts cuts(CodecKind::asterix);
  for (const std::size_t bytes : {std::size_t{300}, kWhole, std::size_t{6}}) {
    const std::string text = block(bytes);
    for (std::size_t at = 0; at < text.size(); at += 1000) {
      cuts.put(std::string_view(text).substr(at, 1000));
    }
  }
  CHECK(cuts.all == Pieces{block(300), block(kWhole), block(6)});
  Decoder decoder(CodecKind::asterix);
  std::vector<RefusalCause> causes;
  const Output out{&causes, [](void*, const Message&, Bytes) {},
                   [](void* to, RefusalCause cause, Bytes) {
                     static_cast<std::vector<RefusalCause>*>(to)->push_back(cause);
                   }};
  decoder.stream(as_bytes(block(kWhole + 3)), 1, out);
  decoder.stream(as_bytes(block(300)), 1, out);
  decoder.end_stream(1, out);
  CHECK(causes == std::vector{RefusalCause::too_long});
}
