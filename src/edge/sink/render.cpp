#include "edge/sink/render.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/json.hpp"

namespace vedette::sink {
namespace {

std::string_view text_of(const char* text, std::size_t limit) {
  return {text, ::strnlen(text, limit)};
}

// With the values of its moment, or as the site gives it.
std::string_view message_of(const plan::Action& action, const ActionIntent& i) {
  if (i.message[0] != '\0') {
    return text_of(i.message, sizeof i.message);
  }
  const bool values = action.pieces() != nullptr && action.pieces()->size() != 0;
  return values || action.message() == nullptr ? "" : action.message()->string_view();
}

// Bytes allowed for texts, before escaping, when all are too long for one message: the site's
// message is cut first, then names. The last budget always fits.
struct Budget {
  std::size_t message;
  std::size_t name;
};
constexpr Budget kBudgets[] = {{limits::kMessageBytes, limits::kNameBytes},
                               {120, limits::kNameBytes},
                               {60, limits::kNameBytes},
                               {20, limits::kNameBytes},
                               {0, limits::kNameBytes},
                               {0, 40},
                               {0, 24},
                               {0, 12},
                               {0, 0}};
constexpr std::string_view kCutHere = "\u2026";
constexpr std::string_view kNoCharacter = "\uFFFD";  // replaces invalid bytes
constexpr double kMostFigure = 1e9;                  // nothing on Earth measures more

// Text cut at a whole character, with an ellipsis.
class Cut {
 public:
  Cut(std::string_view text, std::size_t most) : text_(text) {
    if (text.size() <= most) {
      return;
    }
    std::size_t n = std::min(most, limits::kMessageBytes);
    while (n > 0 && (static_cast<unsigned char>(text[n]) & 0xC0) == 0x80) {
      --n;
    }
    std::memcpy(room_, text.data(), n);
    std::memcpy(room_ + n, kCutHere.data(), kCutHere.size());
    text_ = {room_, n + kCutHere.size()};
  }
  Cut(const Cut&) = delete;
  Cut& operator=(const Cut&) = delete;
  std::string_view view() const { return text_; }

 private:
  char room_[limits::kMessageBytes + kCutHere.size()];
  std::string_view text_;
};

bool is_figure(double value) {
  return std::fabs(value) < kMostFigure;  // false for NaN
}

// Copies characters, except those that XML 1.0 (2.2) forbids.
void append_xml(FixedText& out, std::string_view text) {
  while (!text.empty()) {
    const char c = text.front();
    const auto u = static_cast<unsigned char>(c);
    std::size_t n = 1;
    if (u >= 0x80) {
      n = utf8_length(text);
      const std::string_view whole = text.substr(0, n);
      out.append(n == 0 || whole == "\uFFFE" || whole == "\uFFFF" ? kNoCharacter : whole);
      n = std::max<std::size_t>(n, 1);
    } else if (c == '&') {
      out.append("&amp;");
    } else if (c == '<') {
      out.append("&lt;");
    } else if (c == '>') {
      out.append("&gt;");
    } else if (c == '"') {
      out.append("&quot;");
    } else if (u < 0x20 || u == 0x7F) {
      out.append("?");
    } else {
      out.append(text.substr(0, 1));
    }
    text.remove_prefix(n);
  }
}

// The value if it is within bounds, else `unknown`.
void append_figure(FixedText& out, double value, double unknown, int decimals) {
  append_decimal(out, is_figure(value) ? value : unknown, decimals);
}

void append_identity(FixedText& out, const ActionIntent& intent) {
  if (intent.subject.kind == SubjectKind::sink || intent.subject.kind == SubjectKind::node) {
    out.append(intent.subject.kind == SubjectKind::sink ? "sink." : "node.");
    append_unsigned(out, intent.subject.source);
    return;
  }
  out.append(name_of(intent.kind));
  out.append(".");
  const std::uint64_t identity = identity_of(intent.subject.key);
  intent.kind == IdentityKind::aircraft ? append_hex(out, identity)
                                        : append_unsigned(out, identity);
}

char* put_key(char* at, const MessageKey& key) {
  at = put_hex(at, key.node);
  *at++ = '-';
  at = put_number(at, key.epoch);
  *at++ = '-';
  return put_number(at, key.root);
}

// A literal name, which needs no escapes.
char* put_name(char* at, std::string_view name) {
  *at++ = '"';
  std::memcpy(at, name.data(), name.size());
  at[name.size()] = '"';
  return at + name.size() + 1;
}

// NaN, infinity and impossible values become null.
char* put_json_number(char* at, double value, int decimals) {
  return is_figure(value) ? put_decimal(at, value, decimals) : put_literal(at, "null");
}
char* put_cut(char* at, std::string_view text, std::size_t most) {
  return put_quoted(at, Cut(text, most).view());
}

// Five names, the message, nine numbers of any size, and the text between them.
static_assert(kRenderBytes >= 5 * (6 * limits::kNameBytes + 10) + 6 * limits::kMessageBytes + 10 +
                                  9 * kDecimalText + 710);

// The quote that ends the time, and what a receiver must know of the message itself.
char* put_marks(char* at, const ActionIntent& i) {
  *at++ = '"';
  if (i.unrecorded != 0) {
    at = put_literal(at, ",\"recorded\":false");
  }
  if (i.own_in_doubt != 0) {
    at = put_literal(at, ",\"own_in_doubt\":true");
  }
  return i.possible_duplicate != 0 ? put_literal(at, ",\"possible_duplicate\":true") : at;
}

char* put_subject(char* at, const plan::Plan& plan, const ActionIntent& i, const Budget& budget) {
  if (i.subject.kind == SubjectKind::source) {
    const auto source = static_cast<flatbuffers::uoffset_t>(i.subject.source);
    at = put_literal(at, ",\"source\":");
    at = put_cut(at, plan.sources()->Get(source)->name()->string_view(), budget.name);
  } else if (i.subject.kind == SubjectKind::sink) {
    const auto sink = static_cast<flatbuffers::uoffset_t>(i.subject.source);
    at = put_literal(at, ",\"sink\":");
    at = put_cut(at, plan.sinks()->Get(sink)->name()->string_view(), budget.name);
  } else if (i.subject.kind == SubjectKind::node) {
    at = put_literal(at, ",\"node\":true");
  } else {
    at = put_literal(at, ",\"kind\":");
    at = put_name(at, name_of(i.kind));
    at = put_literal(at, ",\"identity\":\"");
    at = put_number(at, identity_of(i.subject.key));
    *at++ = '"';
  }
  if (i.subject.kind == SubjectKind::pair) {
    at = put_literal(at, ",\"with\":{\"kind\":");
    at = put_name(at, name_of(static_cast<IdentityKind>(i.subject.other >> 56)));
    at = put_literal(at, ",\"identity\":\"");
    at = put_number(at, identity_of(i.subject.other));
    at = put_literal(at, "\"}");
  }
  return at;
}

// Each piece is written at the end of the last, without lookups or joins.
char* put_json(char* at, const plan::Plan& plan, const EventHeader& event, const ActionIntent& i,
               const Budget& budget) {
  const plan::Action& action = *plan.actions()->Get(i.action);
  at = put_literal(at, "{\"key\":\"");
  at = put_key(at, key_of(event, i));
  at = put_literal(at, "\",\"event\":\"");
  at = put_number(at, event.sequence);
  at = put_literal(at, "\",\"time\":\"");
  at = put_time(at, event.observed_ns);
  at = put_marks(at, i);
  at = put_literal(at, ",\"site\":");
  at = put_cut(at, plan.site()->string_view(), budget.name);
  at = put_literal(at, ",\"action\":");
  at = put_cut(at, action.name()->string_view(), budget.name);
  at = put_literal(at, ",\"assessment\":");
  at = put_cut(at, plan.assessments()->Get(i.assessment)->name()->string_view(), budget.name);
  at = put_literal(at, ",\"transition\":");
  at = put_name(at, name_of(i.transition));
  at = put_literal(at, ",\"level\":");
  at = put_name(at, name_of(i.level));
  at = put_literal(at, ",\"confidence\":");
  at = put_json_number(at, i.confidence, 3);
  if (const std::string_view message = message_of(action, i); !message.empty()) {
    at = put_literal(at, ",\"message\":");
    at = put_cut(at, message, budget.message);
  }
  at = put_subject(at, plan, i, budget);
  if (i.name[0] != '\0') {
    at = put_literal(at, ",\"name\":");
    at = put_cut(at, text_of(i.name, sizeof i.name), budget.name);
  }
  if (i.has_position != 0) {
    at = put_literal(at, ",\"lat\":");
    at = put_json_number(at, i.latitude, 7);
    at = put_literal(at, ",\"lon\":");
    at = put_json_number(at, i.longitude, 7);
    at = put_literal(at, ",\"sigma\":");
    at = put_json_number(at, i.sigma, 1);
    at = put_literal(at, ",\"speed\":");
    at = put_json_number(at, i.speed, 2);
    at = put_literal(at, ",\"course\":");
    at = put_json_number(at, i.course, 1);
    if (is_figure(i.altitude)) {
      at = put_literal(at, ",\"alt\":");
      at = put_json_number(at, i.altitude, 1);
    }
    if (is_figure(i.cpa)) {
      at = put_literal(at, ",\"cpa\":");
      at = put_json_number(at, i.cpa, 1);
      at = put_literal(at, ",\"tcpa\":");
      at = put_json_number(at, i.tcpa, 1);
    }
  }
  return put_literal(at, "}\n");
}

// Neutral battle-dimension types: the node does not judge friend or foe.
std::string_view cot_type(IdentityKind kind) {
  switch (kind) {
    case IdentityKind::aircraft:
      return "a-n-A-C";
    case IdentityKind::vehicle:
      return "a-n-A-M-F-Q";
    case IdentityKind::vessel:
      return "a-n-S";
    case IdentityKind::own:
      return "a-f-S";
    default:
      return "b-m-p-s-m";
  }
}

void render_cot(const plan::Plan& plan, const EventHeader& event, const ActionIntent& i,
                const Budget& budget, FixedText& out) {
  const auto* action = plan.actions()->Get(i.action);
  out.append("<?xml version=\"1.0\" encoding=\"UTF-8\"?><event version=\"2.0\" uid=\"");
  append_xml(out, Cut(plan.site()->string_view(), budget.name).view());
  out.append(".");
  append_identity(out, i);
  out.append("\" type=\"");
  out.append(cot_type(i.kind));
  out.append("\" how=\"m-f\" time=\"");
  append_time(out, event.observed_ns);
  out.append("\" start=\"");
  append_time(out, event.observed_ns);
  out.append("\" stale=\"");
  append_time(out, event.observed_ns + 120'000'000'000);
  out.append("\"><point lat=\"");
  append_figure(out, i.has_position != 0 ? i.latitude : 0.0, 0.0, 7);
  out.append("\" lon=\"");
  append_figure(out, i.has_position != 0 ? i.longitude : 0.0, 0.0, 7);
  out.append("\" hae=\"");
  append_figure(out, i.altitude, 9999999.0, 1);
  out.append("\" ce=\"");
  append_figure(out, i.has_position != 0 ? i.sigma * 2.45 : 9999999.0, 9999999.0,
                1);  // 95 % radius
  out.append("\" le=\"9999999.0\"/><detail><contact callsign=\"");
  append_xml(out, i.name[0] != '\0' ? Cut(text_of(i.name, sizeof i.name), budget.name).view()
                                    : name_of(i.kind));
  out.append("\"/>");
  if (i.has_position != 0 && is_figure(i.speed) && is_figure(i.course)) {
    out.append("<track speed=\"");
    append_decimal(out, i.speed, 2);
    out.append("\" course=\"");
    append_decimal(out, i.course, 1);
    out.append("\"/>");
  }
  out.append("<remarks>");
  append_xml(out,
             Cut(plan.assessments()->Get(i.assessment)->name()->string_view(), budget.name).view());
  out.append(" ");
  out.append(name_of(i.transition));
  out.append(" ");
  out.append(name_of(i.level));
  if (const std::string_view message = message_of(*action, i); !message.empty()) {
    out.append(": ");
    append_xml(out, Cut(message, budget.message).view());
  }
  out.append(i.unrecorded != 0 ? " (not recorded)" : "");
  out.append(i.possible_duplicate != 0 ? " (possible duplicate)" : "");
  out.append("</remarks><vedette key=\"");
  put_text<64>(out, [&](char* at) { return put_key(at, key_of(event, i)); });
  out.append(i.unrecorded != 0 ? "\" recorded=\"false" : "");
  out.append(i.possible_duplicate != 0 ? "\" possible_duplicate=\"true" : "");
  out.append("\"/></detail></event>");
}

// At most 24 characters; omits those that NMEA 0183 reserves (5.1.3, table 2) and writes `?` for
// non-ASCII.
void append_words(FixedText& out, std::string_view words) {
  for (int n = 0; n < 24 && !words.empty(); ++n) {
    const char c = words.front();
    if (static_cast<unsigned char>(c) >= 0x80) {
      out.append("?");
      words.remove_prefix(std::max<std::size_t>(utf8_length(words), 1));
      continue;
    }
    const bool plain =
        c >= ' ' && c <= '}' && std::string_view("$*,!\\^").find(c) == std::string_view::npos;
    out.append(plain ? words.substr(0, 1) : std::string_view(" "));
    words.remove_prefix(1);
  }
}

// $--ALR,hhmmss.ss,xxx,A,A,text*hh: time, alarm number, condition (A raised, V cleared), not
// acknowledged, text. At most 82 characters in all.
void render_nmea(const plan::Plan& plan, const EventHeader& event, const ActionIntent& i,
                 FixedText& out) {
  const std::size_t start = out.view().size();
  constexpr std::int64_t kDay = 8'640'000;
  const std::int64_t of_day = (event.observed_ns / 10'000'000 % kDay + kDay) % kDay;
  out.append("$VDALR,");
  put_text<kNumberText>(out, [&](char* at) {
    const auto put = [&at](std::int64_t value, std::size_t digits) {
      at = put_digits(at, static_cast<std::uint64_t>(value), digits);
    };
    put(of_day / 360'000 * 10'000 + of_day / 6'000 % 60 * 100 + of_day / 100 % 60, 6);
    *at++ = '.';
    put(of_day % 100, 2);
    *at++ = ',';
    put(i.assessment + 1, 3);
    return at;
  });
  out.append(i.transition == Transition::cleared ? ",V,V," : ",A,V,");
  char words[48];
  FixedText text{std::span<char>(words)};
  const std::string_view message = message_of(*plan.actions()->Get(i.action), i);
  append_words(text, !message.empty()
                         ? message
                         : plan.assessments()->Get(i.assessment)->name()->string_view());
  text.append(" ");
  append_identity(text, i);
  out.append(text.view());
  unsigned sum = 0;
  for (const char c : out.view().substr(start + 1)) {
    sum ^= static_cast<unsigned char>(c);
  }
  const char tail[5] = {'*', "0123456789ABCDEF"[sum >> 4 & 15], "0123456789ABCDEF"[sum & 15], '\r',
                        '\n'};
  out.append(std::string_view(tail, 5));
}

void tell_shortened(bool was, bool* shortened) {
  if (shortened != nullptr) {
    *shortened = was;
  }
}

}  // namespace

MessageKey key_of(const EventHeader& event, const ActionIntent& intent) {
  return {intent.node, intent.root != 0 ? intent.root : event.sequence, intent.epoch};
}

std::string_view render_line(const plan::Plan& plan, const EventHeader& event,
                             const ActionIntent& intent, std::span<char, kRenderBytes> room,
                             bool* shortened) {
  std::string_view text;
  for (const Budget& budget : kBudgets) {
    const char* const end = put_json(room.data(), plan, event, intent, budget);
    text = {room.data(), static_cast<std::size_t>(end - room.data())};
    if (text.size() <= limits::kTextBytes) {
      tell_shortened(&budget != kBudgets, shortened);
      break;
    }
  }
  return text.substr(0, limits::kTextBytes);
}

std::string_view render(const plan::Plan& plan, const EventHeader& event,
                        const ActionIntent& intent, std::span<char, kRenderBytes> room,
                        bool* shortened) {
  FixedText out(room.first<limits::kTextBytes>());
  switch (plan.actions()->Get(intent.action)->format()) {
    case plan::FormatKind::json:
      return render_line(plan, event, intent, room, shortened);
    case plan::FormatKind::cot:
      for (const Budget& budget : kBudgets) {
        out.clear();
        render_cot(plan, event, intent, budget, out);
        if (!out.truncated()) {
          tell_shortened(&budget != kBudgets, shortened);
          break;
        }
      }
      break;
    case plan::FormatKind::nmea:
      render_nmea(plan, event, intent, out);
      break;
  }
  return out.view();
}

}  // namespace vedette::sink
