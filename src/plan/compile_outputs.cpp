// Sinks and actions of a site.
#include <algorithm>

#include "model/event.hpp"
#include "model/limits.hpp"
#include "plan/message_compiler.hpp"
#include "plan/site_compiler.hpp"

namespace vedette::plan {
namespace {

enum class Durable : std::uint8_t { first, before, behind };  // in the order of the choices

// 0 for an action that is not `first`. A short horizon leaves half of itself for the sink.
std::int64_t compile_record_within(Section& s, Durable durable) {
  const std::int64_t within_ns = to_ns(s.quantity("record_within"));
  const std::int64_t horizon_ns = to_ns(s.quantity("horizon"));
  if (!s.has("record_within")) {
    return durable == Durable::first ? std::min(within_ns, horizon_ns / 2) : 0;
  }
  if (durable != Durable::first) {
    s.problem("record_within", "only an action with durable = \"first\" has \"record_within\"",
              "leave the key out");
  } else if (within_ns >= horizon_ns) {
    s.problem("record_within", "the action is abandoned before \"record_within\" has passed",
              "raise horizon, or lower record_within");
  }
  return within_ns;
}

struct Pauses {
  std::int64_t first_ns;
  std::uint32_t permille;  // each pause to the one before
};

// The last of all attempts, if every pause is as long as it may be.
double last_attempt_ns(const Pauses& p, std::int64_t retries) {
  constexpr double kJitter = 1.25;
  double pause = static_cast<double>(p.first_ns) * kJitter;
  double sum = 0.0;
  for (std::int64_t n = 0; n < retries; ++n) {
    sum += pause;
    pause = pause / 1000.0 * p.permille;
  }
  return sum;
}

// Without `backoff`, spread over the horizon: each attempt takes its time, so a tenth stays free.
Pauses compile_pauses(Section& s) {
  constexpr std::uint32_t kMostPermille = 1'000'000;
  const std::int64_t retries = s.whole("retries");
  Pauses pauses{to_ns(s.quantity("backoff")), 2000};
  if (s.has("backoff") || retries == 0) {
    return pauses;
  }
  const double most = static_cast<double>(to_ns(s.quantity("horizon"))) * 0.9;
  pauses.permille = 1000;
  if (const double sum = last_attempt_ns(pauses, retries); sum > most) {
    pauses.first_ns = static_cast<std::int64_t>(static_cast<double>(pauses.first_ns) * most / sum);
    return pauses;
  }
  for (std::uint32_t step = kMostPermille / 2; step != 0; step /= 2) {
    const Pauses more{pauses.first_ns, pauses.permille + step};
    pauses = last_attempt_ns(more, retries) <= most ? more : pauses;
  }
  return pauses;
}

}  // namespace

Offsets<Sink> SiteCompiler::compile_sinks() {
  Offsets<Sink> list;
  const auto named = children("sink");
  bound(named, limits::kSinks, "sink");
  for (const Named& n : named) {
    Section s = section("sink", n);
    const auto kind = static_cast<SinkKind>(s.choice("driver"));
    std::uint32_t address = 0;
    std::uint16_t port = 0;
    const std::string device = s.text("device");
    const std::int64_t connections = s.whole("connections");
    const std::int64_t most = s.has("connections_most") ? s.whole("connections_most")
                                                        : std::max<std::int64_t>(2, connections);
    if (connections > most) {
      s.problem("connections",
                "\"connections\" is " + std::to_string(connections) +
                    ", \"connections_most\" only " + std::to_string(most),
                "raise connections_most");
    }
    if (kind == SinkKind::udp || kind == SinkKind::tcp) {
      need_endpoint(s, "to", address, port);
    } else if (kind == SinkKind::serial && device.empty()) {
      s.problem("driver", "a serial sink needs \"device\"");
    }
    const auto confirm = static_cast<Confirm>(s.choice("confirm"));
    for (const char* key : {"confirm", "confirm_within"}) {
      if (kind != SinkKind::tcp && s.has(key)) {
        s.problem(
            key,
            "only a tcp sink has \"" + std::string(key) + "\": others cannot know what arrived",
            "leave the key out, or use driver = \"tcp\"");
      }
    }
    sinks_answer_.push_back(kind == SinkKind::tcp && confirm == Confirm::answer);
    list.push_back(CreateSink(
        b_, b_.CreateString(n.name), kind, address, port, b_.CreateString(device),
        static_cast<std::uint32_t>(s.whole("baud")), static_cast<std::uint32_t>(s.whole("breaker")),
        to_ns(s.quantity("breaker_rest")), static_cast<std::uint16_t>(connections),
        static_cast<std::uint16_t>(most), confirm, to_ns(s.quantity("confirm_within"))));
  }
  return list;
}

namespace {

SubjectKind subject_named(std::string_view of) {
  return of == "own"                ? SubjectKind::own
         : of == "node"             ? SubjectKind::node
         : of == "pair"             ? SubjectKind::pair
         : of.starts_with("source") ? SubjectKind::source
         : of.starts_with("sink")   ? SubjectKind::sink
                                    : SubjectKind::track;
}

bool names(const toml::table& table, std::string_view key, std::string_view name) {
  const toml::node* node = table.get(key);
  const toml::array* list = node == nullptr ? nullptr : node->as_array();
  bool there = node != nullptr && node->value_or(std::string_view()) == name;
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    there = there || (*list)[i].value_or(std::string_view()) == name;
  }
  return there;
}

}  // namespace

// What the decisions and escalations that run an action are about; mistakes are reported elsewhere.
std::vector<SubjectKind> SiteCompiler::subjects_of_action(const std::string& action) {
  std::vector<SubjectKind> subjects;
  const auto assessments = children_quietly("assess");
  const auto add = [&](const toml::table& assessment) {
    const SubjectKind kind = subject_named(assessment.at_path("of").value_or(std::string_view()));
    if (std::find(subjects.begin(), subjects.end(), kind) == subjects.end()) {
      subjects.push_back(kind);
    }
  };
  for (const Named& a : assessments) {
    if (names(*a.table, "escalate_to", action)) {
      add(*a.table);
    }
  }
  for (const Named& d : children_quietly("decide")) {
    const auto on = std::find_if(assessments.begin(), assessments.end(), [&](const Named& a) {
      return d.table->at_path("on").value_or(std::string_view()) == a.name;
    });
    if (on != assessments.end() &&
        (names(*d.table, "run", action) || names(*d.table, "fallback", action))) {
      add(*on->table);
    }
  }
  return subjects;
}

Offsets<Piece> SiteCompiler::compile_pieces(Section& s, const std::string& action,
                                            const std::string& message) {
  const std::vector<SubjectKind> subjects = subjects_of_action(action);
  const CompileContext context{subjects.empty() ? SubjectKind::track : subjects.front(),
                               true,
                               &zone_names_,
                               &zone_costs_,
                               &parts_,
                               true};
  const CompiledMessage compiled = compile_message(message, context);
  if (!compiled.error.empty()) {
    s.problem_in("message", compiled.error_at, compiled.error, compiled.help);
    return {};
  }
  if (subjects.size() > 1 && uses_subject(compiled)) {
    s.problem(
        "message",
        "[action." + action + "] is run about different subjects, which have not the same values",
        "write an action for each, or use only own and text");
  }
  Offsets<Piece> pieces;
  for (const MessagePiece& piece : compiled.pieces) {
    pieces.push_back(CreatePiece(
        b_, piece.form, b_.CreateString(piece.text), b_.CreateVectorOfStructs(piece.ops),
        static_cast<std::uint8_t>(piece.dimension), piece.scale, piece.decimals, piece.otherwise));
  }
  return pieces;
}

Offsets<Action> SiteCompiler::compile_actions() {
  Offsets<Action> list;
  const auto named = children("action");
  bound(named, limits::kActions, "action");
  for (const Named& n : named) {
    Section s = section("action", n);
    const auto durable = static_cast<Durable>(s.choice("durable"));
    if (durable == Durable::behind && !s.flag("idempotent")) {
      s.problem("durable", "an action with durable = \"behind\" may be done twice after a crash",
                "write idempotent = true if that does no harm, else leave `durable` out");
    }
    const std::int64_t record_within_ns = compile_record_within(s, durable);
    const std::string message = s.text("message");
    const auto pieces = compile_pieces(s, n.name, message);
    if (pieces.empty() && message.size() > limits::kMessageBytes) {
      s.problem("message", "\"message\" is longer than 200 bytes");
    }
    const std::uint16_t sink = reference(s, "sink", sink_names_, 0);
    const auto format = static_cast<FormatKind>(s.choice("format"));
    if (format == FormatKind::nmea && sink < sinks_answer_.size() && sinks_answer_[sink]) {
      s.problem(
          "format",
          "sink \"" + sink_names_[sink] +
              "\" waits for an answer with the message's key, and an NMEA sentence has no key",
          "use format = \"json\" or \"cot\", or confirm = \"acknowledged\" at the sink");
    }
    const Pauses pauses = compile_pauses(s);
    list.push_back(CreateAction(
        b_, b_.CreateString(n.name), sink, format, durable != Durable::behind,
        to_ns(s.quantity("horizon")), static_cast<std::uint8_t>(EventClass::high),
        b_.CreateString(message), static_cast<std::uint32_t>(s.whole("retries")), pauses.first_ns,
        s.flag("safe"), pauses.permille, record_within_ns, b_.CreateVector(pieces)));
  }
  return list;
}

}  // namespace vedette::plan
