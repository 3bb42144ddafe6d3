#include "plan/message_compiler.hpp"

#include <algorithm>

#include "model/limits.hpp"
#include "plan/expression_parser.hpp"
#include "plan/problem.hpp"

namespace vedette::plan {
namespace {

// Digits after the point that people read off such a value.
std::uint8_t decimals_of(std::string_view unit) {
  for (const std::string_view whole : {"m", "ft", "mm", "cm", "km/h", "deg", "s", "ms", "%", "d"}) {
    if (unit == whole) {
      return 0;
    }
  }
  return unit == "nmi" || unit == "NM" || unit == "rad" ? 2 : 1;
}

constexpr std::uint8_t kAsNeeded = 255;

class MessageParser {
 public:
  MessageParser(std::string_view text, const CompileContext& context)
      : text_(text), context_(context) {}

  CompiledMessage run() {
    bool values = false;
    while (ok() && at_ < text_.size()) {
      const char c = text_[at_];
      const bool twice = at_ + 1 < text_.size() && text_[at_ + 1] == c;
      if ((c == '{' || c == '}') && twice) {
        literal(text_.substr(at_, 1));
        at_ += 2;
      } else if (c == '{') {
        ++at_;
        values = true;
        hole();
      } else if (c == '}') {
        fail("\"}\" without \"{\"", "write }} for a brace");
      } else {
        const std::size_t end = std::min(text_.find_first_of("{}", at_), text_.size());
        literal(text_.substr(at_, end - at_));
        at_ = end;
      }
    }
    if (ok() && out_.pieces.size() > limits::kMessagePieces) {
      fail("a message has at most " + std::to_string(limits::kMessagePieces) + " pieces", "");
    }
    if (!values && ok() && text_.find_first_of("{}") == std::string_view::npos) {
      out_.pieces.clear();
    }
    return std::move(out_);
  }

 private:
  bool ok() const { return out_.error.empty(); }
  void fail(std::string message, std::string help) {
    if (ok()) {
      out_.error = std::move(message);
      out_.help = std::move(help);
      out_.error_at = at_;
    }
  }
  void literal(std::string_view text, bool otherwise = false) {
    MessagePiece piece;
    piece.text = std::string(text);
    piece.otherwise = otherwise;
    out_.pieces.push_back(std::move(piece));
  }
  void skip_space() {
    while (at_ < text_.size() && text_[at_] == ' ') {
      ++at_;
    }
  }
  bool take_word(std::string_view word) {
    skip_space();
    const std::size_t end = at_ + word.size();
    const bool there = text_.substr(at_).starts_with(word) &&
                       (end >= text_.size() || text_[end] == ' ' || text_[end] == '}');
    at_ += there ? word.size() : 0;
    return there;
  }

  void hole() {
    bool otherwise = false;
    do {
      part(otherwise);
      otherwise = true;
    } while (ok() && take_word("or"));
    skip_space();
    if (ok() && (at_ >= text_.size() || text_[at_] != '}')) {
      fail("expected \"in\" and a unit, \"or\", or \"}\"",
           "write it as in {track.name or track.identity} or {cpa(track, own) in nmi}");
    }
    ++at_;
  }

  void part(bool otherwise) {
    skip_space();
    if (at_ < text_.size() && (text_[at_] == '\'' || text_[at_] == '"')) {
      const std::size_t end = text_.find(text_[at_], at_ + 1);
      if (end == std::string_view::npos) {
        fail("this text does not end", "end it with the quote that begins it");
        return;
      }
      literal(text_.substr(at_ + 1, end - at_ - 1), otherwise);
      at_ = end + 1;
      return;
    }
    const std::size_t begin = at_;
    ExpressionParser parser(text_, context_);
    CompiledValue value = parser.value(at_);
    if (!value.error.empty()) {
      out_.error = value.error;
      out_.help = value.help;
      out_.error_at = value.error_at;
      return;
    }
    at_ = value.end;
    MessagePiece piece;
    piece.ops = std::move(value.ops);
    piece.dimension = value.dimension;
    piece.otherwise = otherwise;
    form(piece, begin);
    out_.pieces.push_back(std::move(piece));
  }

  void form(MessagePiece& piece, std::size_t begin) {
    const auto code = static_cast<OpCode>(piece.ops.back().code());
    const bool field = piece.ops.size() == 1 && loads_track_field(code);
    const bool identity =
        field && piece.ops.back().index() == static_cast<std::uint16_t>(TrackField::identity);
    const bool named = !names_of_codes(piece.dimension).empty() ||
                       piece.dimension == Dimension::kind || piece.dimension == Dimension::level;
    const bool clock =
        piece.dimension == Dimension::instant || piece.dimension == Dimension::time_of_day;
    if (piece.dimension == Dimension::text && !field) {
      at_ = begin;
      fail("only a field's text can be written", "write it as in {track.name}");
    }
    piece.form = piece.dimension == Dimension::text      ? PieceForm::text
                 : identity                              ? PieceForm::identity
                 : named                                 ? PieceForm::code
                 : piece.dimension == Dimension::boolean ? PieceForm::truth
                 : clock                                 ? PieceForm::clock
                                                         : PieceForm::number;
    const bool asked = take_word("in");
    if (clock && asked && take_word("time")) {
      return;
    }
    if (piece.form == PieceForm::number || asked) {
      unit(piece, asked);
    }
  }

  void unit(MessagePiece& piece, bool asked) {
    const Dimension d = piece.dimension;
    const auto base = std::find_if(kUnits.begin(), kUnits.end(),
                                   [&](const UnitName& u) { return u.dimension == d; });
    if (!asked) {
      piece.decimals = base == kUnits.end() ? kAsNeeded : decimals_of(base->name);
      piece.text = base == kUnits.end() ? "" : std::string(base->name);
      piece.scale = base == kUnits.end() ? 1.0 : base->factor;
      return;
    }
    skip_space();
    std::size_t end = at_;
    while (end < text_.size() && text_[end] != ' ' && text_[end] != '}') {
      ++end;
    }
    const std::string name(text_.substr(at_, end - at_));
    const UnitName* unit = find_unit(name);
    if (piece.form != PieceForm::number || unit == nullptr || unit->dimension != d) {
      std::string units;
      for (const UnitName& u : kUnits) {
        units += u.dimension == d ? (units.empty() ? "" : ", ") + std::string(u.name) : "";
      }
      const bool when = d == Dimension::duration && name == "time";
      fail("\"" + name + "\" is no unit of a " + std::string(name_of(d)),
           when            ? "write {now + … in time} for the time on the clock"
           : units.empty() ? "leave out \"in " + name + "\""
                           : "units of " + std::string(name_of(d)) + ": " + units);
      return;
    }
    at_ = end;
    piece.text = name;
    piece.scale = unit->factor;
    piece.decimals = decimals_of(name);
  }

  std::string_view text_;
  const CompileContext& context_;
  std::size_t at_ = 0;
  CompiledMessage out_;
};

bool is_of_subject(const Op& op) {
  const auto code = static_cast<OpCode>(op.code());
  const std::size_t kind = kind_loaded_by(code);
  switch (code) {
    case OpCode::inside_track:
    case OpCode::inside_b:
    case OpCode::compare_track:
    case OpCode::cpa:
    case OpCode::tcpa:
    case OpCode::distance:
    case OpCode::bearing:
      return true;
    case OpCode::text_equal:
    case OpCode::text_matches:
      return owner_in(op.count()) != OpCode::load_own;
    default:
      return kind != kSubjectKinds && code != OpCode::load_own;
  }
}

}  // namespace

CompiledMessage compile_message(std::string_view text, const CompileContext& context) {
  return MessageParser(text, context).run();
}

bool uses_subject(const CompiledMessage& message) {
  return std::any_of(message.pieces.begin(), message.pieces.end(), [](const MessagePiece& piece) {
    return std::any_of(piece.ops.begin(), piece.ops.end(), is_of_subject);
  });
}

}  // namespace vedette::plan
