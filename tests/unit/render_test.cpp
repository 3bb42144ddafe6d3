// Whatever a name holds, messages are valid: JSON and XML by strict parsers, NMEA by its checksum.
#include "edge/sink/render.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "load_site.hpp"
#include "test.hpp"

using namespace vedette;

namespace {

const std::string kLong63(63, 'n');
const std::string kLong200(200, 'm');

const plan::Plan* plan_of(std::vector<std::uint8_t>& bytes) {
  std::string site = "site = \"" + kLong63 + "\"\n[source." + kLong63 +
                     "]\ndriver = \"udp\"\nlisten = \"127.0.0.1:1\"\ncodec = \"ais\"\n[assess." +
                     kLong63 + "]\nof = \"track\"\nwhen = \"track.updates >= 1\"\n[sink.log]\n" +
                     "driver = \"log\"\n";
  for (const std::string format : {"json", "cot", "nmea"}) {
    site += "[decide." + format + "]\non = \"" + kLong63 + "\"\nrun = \"" + format +
            "\"\n[action." + format + "]\nsink = \"log\"\nformat = \"" + format +
            "\"\nmessage = \"" + kLong200 + "\"\n";
  }
  return tests::load_site(site, bytes);
}

bool utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t n = utf8_length(text);
    if (n == 0) {
      return false;
    }
    text.remove_prefix(n);
  }
  return true;
}

// Strict RFC 8259, for flat objects only.
class StrictJson {
 public:
  explicit StrictJson(std::string_view text) : rest_(text) {}
  bool line() {
    if (!utf8(rest_) || !take("{")) {
      return false;
    }
    do {
      if (!string() || !take(":") ||
          !(string() || take("null") || take("true") || take("false") || number())) {
        return false;
      }
    } while (take(","));
    return take("}\n") && rest_.empty();
  }

 private:
  bool take(std::string_view what) {
    const bool there = rest_.substr(0, what.size()) == what;
    rest_.remove_prefix(there ? what.size() : 0);
    return there;
  }
  std::size_t digits() {
    const std::size_t n = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    rest_.remove_prefix(n);
    return n;
  }
  bool number() {
    take("-");
    const bool zero = rest_.substr(0, 1) == "0";
    const std::size_t whole = digits();
    return whole != 0 && (!zero || whole == 1) && (!take(".") || digits() != 0);
  }
  bool string() {
    if (!take("\"")) {
      return false;
    }
    while (!rest_.empty() && rest_.front() != '"') {
      if (static_cast<unsigned char>(rest_.front()) < 0x20) {
        return false;
      }
      if (!take("\\")) {
        rest_.remove_prefix(1);
      } else if (take("u")) {
        if (rest_.size() < 4 ||
            rest_.substr(0, 4).find_first_not_of("0123456789abcdefABCDEF") != std::string::npos) {
          return false;
        }
        rest_.remove_prefix(4);
      } else if (rest_.empty() ||
                 std::string_view("\"\\/bfnrt").find(rest_.front()) == std::string::npos) {
        return false;
      } else {
        rest_.remove_prefix(1);
      }
    }
    return take("\"");
  }
  std::string_view rest_;
};

// Strict XML 1.0: one root, matched tags, quoted unique attributes, the five entities, only legal
// characters.
class StrictXml {
 public:
  explicit StrictXml(std::string_view text) : rest_(text) {}
  bool document() {
    if (!utf8(rest_) || rest_.find("\xEF\xBF\xBE") != std::string::npos ||
        rest_.find("\xEF\xBF\xBF") != std::string::npos ||
        !take("<?xml version=\"1.0\" encoding=\"UTF-8\"?>") || !element()) {
      return false;
    }
    return rest_.empty();
  }

 private:
  bool take(std::string_view what) {
    const bool there = rest_.substr(0, what.size()) == what;
    rest_.remove_prefix(there ? what.size() : 0);
    return there;
  }
  std::string_view name() {
    const std::size_t n =
        std::min(rest_.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), rest_.size());
    const std::string_view taken = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return taken;
  }
  // Reads up to one of `ends`.
  bool text(std::string_view ends) {
    while (!rest_.empty() && ends.find(rest_.front()) == std::string::npos) {
      if (rest_.front() == '&') {
        if (!take("&amp;") && !take("&lt;") && !take("&gt;") && !take("&quot;") &&
            !take("&apos;")) {
          return false;
        }
        continue;
      }
      if (rest_.front() == '<' || static_cast<unsigned char>(rest_.front()) < 0x20) {
        return false;
      }
      rest_.remove_prefix(1);
    }
    return !rest_.empty();
  }
  bool element() {
    if (!take("<")) {
      return false;
    }
    const std::string_view tag = name();
    std::vector<std::string_view> seen;
    while (take(" ")) {
      const std::string_view key = name();
      for (const std::string_view other : seen) {
        if (other == key) {
          return false;
        }
      }
      seen.push_back(key);
      if (key.empty() || !take("=\"") || !text("\"") || !take("\"")) {
        return false;
      }
    }
    if (tag.empty() || take("/>")) {
      return !tag.empty();
    }
    if (!take(">")) {
      return false;
    }
    while (text("<")) {
      if (take("</")) {
        return name() == tag && take(">");
      }
      if (!element()) {
        return false;
      }
    }
    return false;
  }
  std::string_view rest_;
};

bool sentence(std::string_view text) {
  if (text.size() > 82 || text.front() != '$' || text.substr(text.size() - 2) != "\r\n") {
    return false;
  }
  const std::size_t star = text.find('*');
  unsigned sum = 0;
  for (const char c : text.substr(1, star - 1)) {
    sum ^= static_cast<unsigned char>(c);
    if (c < ' ' || c > '}') {
      return false;
    }
  }
  char expected[3];
  std::snprintf(expected, sizeof expected, "%02X", sum);
  return text.substr(star + 1, 2) == expected && star + 5 == text.size();
}

// Random pieces: any bytes, markup characters, UTF-8 of all lengths, and truncated characters.
void fill(std::mt19937_64& dice, char* text, std::size_t size) {
  static const std::string_view kPieces[] = {
      "\"",       "&",      "<",      ">",      "\\",     "\n",         "]]>",          "'",
      "\x7F",     "\u00E9", "\u2026", "\uFFFE", "\uFFFF", "\U0001F6A2", "\xED\xA0\x80", "\xC3",
      "\xF0\x9F", "a",      "\xFF",   "\x1B[2J"};
  const std::uint64_t kind = dice() % 4;
  const std::string_view same = kPieces[dice() % std::size(kPieces)];
  for (std::size_t at = 0; at < size;) {
    const std::string_view piece = kind == 0 ? same : kPieces[dice() % std::size(kPieces)];
    const auto any = static_cast<char>(dice());
    if (kind == 1) {
      text[at++] = any != '\0' ? any : 'x';
      continue;
    }
    const std::size_t n = std::min(piece.size(), size - at);
    std::memcpy(text + at, piece.data(), n);
    at += n;
  }
}

double figure(std::mt19937_64& dice) {
  const double some[] = {0.0,          -0.0,   12.5,        -179.9999999,
                         1e9,          -1e300, 999999999.0, std::numeric_limits<double>::infinity(),
                         std::nan(""), 4e-320};
  return some[dice() % std::size(some)];
}

template <typename String>
void refill(std::mt19937_64& dice, const String* text) {
  fill(dice, const_cast<char*>(text->c_str()), text->size());
}

}  // namespace

TEST_CASE(
    "every message is valid for strict parsers and within its bound, whatever its names hold") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = plan_of(bytes);
  REQUIRE(plan != nullptr);
  std::mt19937_64 dice(20260101);
  std::size_t cut = 0;
  for (int round = 0; round < 20'000; ++round) {
    refill(dice, plan->site());
    refill(dice, plan->sources()->Get(0)->name());
    refill(dice, plan->assessments()->Get(0)->name());
    ActionIntent intent{};
    intent.action = static_cast<std::uint16_t>(dice() % 3);
    refill(dice, plan->actions()->Get(intent.action)->message());
    refill(dice, plan->actions()->Get(intent.action)->name());
    fill(dice, intent.name, dice() % 2 == 0 ? sizeof intent.name : 7);
    intent.node = dice() >> 24;
    intent.epoch = static_cast<std::uint32_t>(dice());
    intent.unrecorded = dice() % 2;
    intent.possible_duplicate = dice() % 2;
    intent.transition = Transition::raised;
    intent.level = Level::alarm;
    intent.subject.kind = dice() % 4 == 0 ? SubjectKind::source : SubjectKind::track;
    intent.subject.key = dice();
    intent.kind = static_cast<IdentityKind>(dice() % 9);
    intent.has_position = dice() % 2;
    for (double* value :
         {&intent.confidence, &intent.latitude, &intent.longitude, &intent.altitude, &intent.speed,
          &intent.course, &intent.sigma, &intent.cpa, &intent.tcpa}) {
      *value = figure(dice);
    }
    EventHeader event{};
    event.sequence = dice();
    event.observed_ns = static_cast<std::int64_t>(dice() >> 1);
    char room[sink::kRenderBytes];
    bool shortened = false;
    const std::string_view text = sink::render(*plan, event, intent, room, &shortened);
    CAPTURE(std::string(text));
    REQUIRE(text.size() <= limits::kTextBytes);
    std::string key;
    append_hex(key, intent.node);
    key += "-" + std::to_string(intent.epoch) + "-" + std::to_string(event.sequence);
    switch (plan->actions()->Get(intent.action)->format()) {
      case plan::FormatKind::json:
        REQUIRE(StrictJson(text).line());
        REQUIRE(text.find("\"key\":\"" + key + "\"") != std::string::npos);
        break;
      case plan::FormatKind::cot:
        REQUIRE(StrictXml(text).document());
        REQUIRE(text.find(" key=\"" + key + "\"") != std::string::npos);
        break;
      case plan::FormatKind::nmea:
        REQUIRE(sentence(text));
        break;
    }
    cut += shortened ? 1 : 0;
  }
  CHECK(cut > 1000);
  CHECK(cut < 13'000);
}

TEST_CASE("characters pass as they are, and a text that is too long ends with an ellipsis") {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = plan_of(bytes);
  REQUIRE(plan != nullptr);
  auto* message = const_cast<char*>(plan->actions()->Get(1)->message()->c_str());
  const std::string words = "K\u00E4ytt\u00F6 \u8239 & \U0001F6A2 ";
  std::memcpy(message, words.data(), words.size());
  ActionIntent intent{};
  intent.action = 1;
  intent.kind = IdentityKind::vessel;
  std::memcpy(intent.name, "\u00C5land", 6);
  char room[sink::kRenderBytes];
  bool shortened = true;
  std::string text(sink::render(*plan, {}, intent, room, &shortened));
  CHECK(text.find("callsign=\"\u00C5land\"") != std::string::npos);
  CHECK(text.find("K\u00E4ytt\u00F6 \u8239 &amp; \U0001F6A2 mmm") != std::string::npos);
  CHECK_FALSE(shortened);
  std::memset(message, '"', limits::kMessageBytes);
  text = sink::render(*plan, {}, intent, room, &shortened);
  CHECK(shortened);
  CHECK(text.find("&quot;\u2026</remarks>") != std::string::npos);
  // Cut at 120 bytes, inside a character.
  std::string ships = "x";
  while (ships.size() + 5 <= limits::kMessageBytes) {
    ships += "\"\"\u8239";
  }
  ships.resize(limits::kMessageBytes, 'x');
  std::memcpy(message, ships.data(), ships.size());
  text = sink::render(*plan, {}, intent, room, &shortened);
  CHECK(shortened);
  CHECK(text.find("\uFFFD") == std::string::npos);
}
