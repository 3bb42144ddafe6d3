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

  void put(std::string_view text, bool ends = false) {
    framer_.put(cut_, as_bytes(text), ends, [this](const Piece& piece, Bytes bytes) {
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
  cuts.put(text, true);
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
    cuts.put("", true);
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
  cuts.put("\n" + kLine + "\n", true);
  CHECK(cuts.causes == 1);
  CHECK(cuts.all.back() == kLine);
  std::size_t thrown = 0;
  for (const std::string& piece : cuts.all) {
    thrown += piece[0] == '-' ? piece.size() - 1 : 0;
  }
  CHECK(thrown == 10'000);
}
