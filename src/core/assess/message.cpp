#include "core/assess/message.hpp"

#include <algorithm>
#include <cstring>

#include "base/math.hpp"
#include "base/text.hpp"
#include "model/codes.hpp"
#include "model/local_time.hpp"

namespace vedette::assess {
namespace {

constexpr double kMostFigure = 1e12;  // beyond, digits say nothing
constexpr std::string_view kEllipsis = "\u2026";

std::span<const plan::Op> ops_of(const plan::Piece& piece) {
  return {reinterpret_cast<const plan::Op*>(piece.ops()->Data()), piece.ops()->size()};
}

std::string_view name_of_code(Dimension dimension, double value) {
  if (!(value >= 0.0 && value < 256.0)) {
    return {};
  }
  const auto code = static_cast<std::uint8_t>(value);
  if (dimension == Dimension::kind) {
    return name_of(static_cast<IdentityKind>(code));
  }
  if (dimension == Dimension::level) {
    return name_of(static_cast<Level>(code));
  }
  for (const CodeName& name : names_of_codes(dimension)) {
    if (code >= name.low && code <= name.high) {
      return name.name;
    }
  }
  return {};
}

// Rounded half away from zero; at most two decimals.
void append_fixed(FixedText& out, double value, std::size_t decimals) {
  const std::uint64_t unit = decimals == 0 ? 1 : decimals == 1 ? 10 : 100;
  const double scaled = (value < 0.0 ? -value : value) * static_cast<double>(unit);
  auto figure = static_cast<std::uint64_t>(to_int64(scaled));
  figure += scaled - static_cast<double>(figure) >= 0.5 ? 1 : 0;
  out.append(value < 0.0 && figure != 0 ? "-" : "");
  append_unsigned(out, figure / unit);
  if (decimals != 0) {
    out.append(".");
    put_text<kNumberText>(out, [&](char* at) { return put_digits(at, figure % unit, decimals); });
  }
}

void append_clock(FixedText& out, double seconds_of_day, bool is_utc) {
  const auto minutes = static_cast<std::uint64_t>(seconds_of_day / 60.0) % 1440;
  put_text<kNumberText>(out, [&](char* at) {
    at = put_digits(at, minutes / 60, 2);
    *at++ = ':';
    return put_digits(at, minutes % 60, 2);
  });
  out.append(is_utc ? " UTC" : "");
}

class Writer {
 public:
  Writer(const View& view, FixedText& out) : view_(view), out_(out) {}

  // False: its value is unknown, and nothing is written.
  bool piece(const plan::Piece& p) {
    switch (p.form()) {
      case plan::PieceForm::literal:
        out_.append(p.text()->string_view());
        return true;
      case plan::PieceForm::text:
        return text(ops_of(p).front());
      default:
        return value(p, evaluate(ops_of(p), view_));
    }
  }

 private:
  bool text(const plan::Op& load) {
    const Track* track = view_.track_of(static_cast<OpCode>(load.code()));
    const std::string_view said = track == nullptr ? "" : read_text(*track, load.index());
    out_.append(said);
    return !said.empty();
  }
  bool value(const plan::Piece& p, double value) {
    if (!(value < kMostFigure && value > -kMostFigure)) {
      return false;
    }
    switch (p.form()) {
      case plan::PieceForm::identity: {
        const Track* track = view_.track_of(static_cast<OpCode>(ops_of(p).front().code()));
        const auto identity = static_cast<std::uint64_t>(to_int64(value));
        track->kind == IdentityKind::aircraft ? append_address(out_, identity)
                                              : append_unsigned(out_, identity);
        return true;
      }
      case plan::PieceForm::code: {
        const std::string_view name = name_of_code(static_cast<Dimension>(p.dimension()), value);
        out_.append(name);
        return !name.empty();
      }
      case plan::PieceForm::truth:
        out_.append(value != 0.0 ? "yes" : "no");
        return true;
      case plan::PieceForm::clock:
        return clock(p, value);
      default:
        return number(p, value / p.scale());
    }
  }
  bool clock(const plan::Piece& p, double value) {
    if (value < 0.0) {
      return false;
    }
    const plan::TimeZone* zone = view_.world->plan->time_zone();
    const bool instant = static_cast<Dimension>(p.dimension()) == Dimension::instant;
    append_clock(out_, instant ? time_of_day(zone, to_int64(value * 1e9)) : value, zone == nullptr);
    return true;
  }
  bool number(const plan::Piece& p, double value) {
    if (!(value < kMostFigure && value > -kMostFigure)) {
      return false;
    }
    const bool whole = static_cast<double>(to_int64(value)) == value;
    append_fixed(out_, value, p.decimals() <= 2 ? p.decimals() : whole ? 0 : 1);
    if (p.text()->size() != 0) {
      out_.append(" ");
      out_.append(p.text()->string_view());
    }
    return true;
  }

  const View& view_;
  FixedText& out_;
};

}  // namespace

void write_message(const Pieces& pieces, const View& view,
                   std::span<char, limits::kMessageRoom> out) {
  FixedText text(std::span<char>(out).first(limits::kMessageBytes));
  Writer writer(view, text);
  bool known = true;
  for (flatbuffers::uoffset_t i = 0; i < pieces.size(); ++i) {
    const plan::Piece& piece = *pieces.Get(i);
    if (!piece.otherwise()) {
      text.append(known ? "" : "unknown");
      known = writer.piece(piece);
    } else if (!known) {
      known = writer.piece(piece);
    }
  }
  text.append(known ? "" : "unknown");
  std::size_t size = text.view().size();
  if (text.truncated()) {
    size = limits::kMessageBytes - kEllipsis.size();
    while (size > 0 && (static_cast<unsigned char>(out[size]) & 0xC0) == 0x80) {
      --size;
    }
    std::memcpy(out.data() + size, kEllipsis.data(), kEllipsis.size());
    size += kEllipsis.size();
  }
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(size), out.end(), '\0');
}

}  // namespace vedette::assess
