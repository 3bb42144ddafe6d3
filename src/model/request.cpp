#include "model/request.hpp"

#include <type_traits>

#include "base/json.hpp"
#include "base/text.hpp"
#include "model/track.hpp"

namespace vedette::request {
namespace {

void put(std::string& line, const EventNumber& event) {
  line += " " + std::to_string(event.sequence);
}
void put(std::string& line, const TrackName& track) {
  line += " " + std::string(vedette::name_of(track.kind)) + " " + std::to_string(track.identity);
}
void put(std::string& line, const std::optional<std::int64_t>& ns) {
  line += ns ? " " + std::to_string(*ns) : "";
}

bool plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == ':' || c == '@';
}
void put(std::string& line, const Words& words) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  line += words.text.empty() ? " -" : " ";
  for (const char c : words.text) {
    if (plain(c)) {
      line += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      line += {'%', kDigits[byte >> 4], kDigits[byte & 0xF]};
    }
  }
}
void put(std::string& line, const Duration& duration) {
  line += " " + std::to_string(duration.ns);
}

// What is not as put() writes it fails when the request is encoded again and compared.
bool take(std::string_view& rest, Words& words) {
  const std::string_view field = next_field(rest, ' ');
  for (std::size_t i = 0; field != "-" && i < field.size(); ++i) {
    if (field[i] != '%') {
      words.text += field[i];
    } else if (i + 2 < field.size() && hex_value(field[i + 1]) >= 0 &&
               hex_value(field[i + 2]) >= 0) {
      words.text += static_cast<char>(hex_value(field[i + 1]) * 16 + hex_value(field[i + 2]));
      i += 2;
    } else {
      return false;
    }
  }
  return !field.empty();
}
bool take(std::string_view& rest, Duration& duration) {
  duration.ns = parse_integer(next_field(rest, ' ')).value_or(0);
  return duration.ns > 0;
}
bool take(std::string_view& rest, EventNumber& event) {
  event.sequence = parse_unsigned(next_field(rest, ' ')).value_or(0);
  return event.sequence != 0;
}
bool take(std::string_view& rest, TrackName& track) {
  const std::string_view kind = next_field(rest, ' ');
  for (auto k = IdentityKind::own; k < IdentityKind::count;
       k = static_cast<IdentityKind>(static_cast<std::uint8_t>(k) + 1)) {
    track.kind = kind == vedette::name_of(k) ? k : track.kind;
  }
  const auto identity = parse_unsigned(next_field(rest, ' '));
  track.identity = identity.value_or(0);
  return track.kind != IdentityKind::none && identity && identity_of(*identity) == *identity;
}
// Must be the last field of its request.
bool take(std::string_view& rest, std::optional<std::int64_t>& ns) {
  ns = rest.empty() ? std::nullopt : parse_integer(next_field(rest, ' '));
  return true;  // unread text fails when the request is encoded again and compared
}

template <typename R>
bool decode_as(std::string_view word, std::string_view rest, Request& out, bool& known) {
  if (word != R::kWord) {
    return false;
  }
  known = true;
  R request;
  const bool whole =
      std::apply([&](auto&... field) { return (take(rest, field) && ...); }, R::fields(request));
  out = request;
  return whole;
}

// Reverses append_escaped() up to the closing quote; nothing if there is no such text.
std::optional<std::string> quoted(std::string_view rest) {
  std::string text;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      return text;
    }
    if (rest[i] != '\\') {
      text += rest[i];
    } else if (i + 1 < rest.size() && rest[i + 1] != 'u') {
      text += rest[++i];
    } else if (i + 5 < rest.size() && hex_value(rest[i + 5]) >= 0) {
      text += static_cast<char>((rest[i + 4] == '1' ? 16 : 0) + hex_value(rest[i + 5]));
      i += 5;
    } else {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

constexpr std::string_view kError = R"({"error":")";
constexpr std::string_view kTime = R"({"accepted":true,"time":")";

}  // namespace

std::string_view name_of(Malformed why) {
  return why == Malformed::unknown_word ? "unknown request"
                                        : "the request has a wrong, missing or extra field";
}

std::string encode(const Request& request) {
  return std::visit(
      [](const auto& r) {
        using R = std::remove_cvref_t<decltype(r)>;
        std::string line(R::kWord);
        std::apply([&](const auto&... field) { (put(line, field), ...); }, R::fields(r));
        return line;
      },
      request);
}

Result<Request, Malformed> decode(std::string_view line) {
  std::string_view rest = line.substr(0, kRequestBytes + 1);
  const std::string_view word = next_field(rest, ' ');
  Request request;
  bool known = false;
  const bool whole = [&]<typename... R>(std::type_identity<std::variant<R...>>) {
    return (decode_as<R>(word, rest, request, known) || ...);
  }(std::type_identity<Request>{});
  if (!known) {
    return Failure{Malformed::unknown_word};
  }
  if (!whole || encode(request) != line) {
    return Failure{Malformed::field};
  }
  return request;
}

std::string encode(const Answer& answer) {
  if (const auto* document = std::get_if<Document>(&answer)) {
    return document->json;
  }
  std::string text;
  JsonWriter<std::string> json(text);
  json.begin_object();
  if (const auto* refused = std::get_if<Refused>(&answer)) {
    json.member("error", std::string_view(refused->why));
  } else if (const auto* time = std::get_if<TimeAccepted>(&answer)) {
    json.member("accepted", true).member_time("time", time->to_ns);
  } else {
    json.member("accepted", true).member("durable", std::get<Accepted>(answer).durable);
  }
  json.end_object();
  return text;
}

std::optional<Answer> decode_answer(std::string_view line) {
  for (const bool durable : {false, true}) {
    if (line == encode(Answer(Accepted{durable}))) {
      return Accepted{durable};
    }
  }
  if (line.starts_with(kError)) {
    auto why = quoted(line.substr(kError.size()));
    return why ? std::optional<Answer>(Refused{std::move(*why)}) : std::nullopt;
  }
  if (line.starts_with(kTime)) {
    const auto text = quoted(line.substr(kTime.size()));
    const auto time = text ? parse_time(*text) : std::nullopt;
    return time ? std::optional<Answer>(TimeAccepted{*time}) : std::nullopt;
  }
  if (line.starts_with('{') && line.ends_with('}')) {
    return Document{std::string(line)};
  }
  return std::nullopt;
}

}  // namespace vedette::request
