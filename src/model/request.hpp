// Purpose: requests to a running node and its answers, as types; each has one text form, a line.
// The command line, the control socket and other clients share them.
//
//   request = word *( " " field )        cancel 4711     acknowledge vessel 230123450 mate -
//
// A text is "-" when empty; what is no letter, digit or one of . _ : @ in it is %XX.
//
//   answer  = one JSON object            {"accepted":true,"durable":true}     {"error":"…"}
//
// A new request is a struct here with its word and its fields, an entry of Request, and its answer
// in node/requests.cpp.
// In: any bytes. Out: a request, or why it is none. Each request has exactly one line: a line that
// decodes is the one that encoding gives. Bound: kRequestBytes. Runs on: threads that may allocate.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>

#include "base/result.hpp"
#include "model/observation.hpp"

namespace vedette::request {

// The longest line, without its end.
inline constexpr std::size_t kRequestBytes = 512;

// Sequence of an event in the journal; from 1.
struct EventNumber {
  std::uint64_t sequence = 0;
  bool operator==(const EventNumber&) const = default;
};
// A track as its alert names it; the identity has 56 bits.
struct TrackName {
  IdentityKind kind = IdentityKind::none;
  std::uint64_t identity = 0;
  bool operator==(const TrackName&) const = default;
};

// What a person writes; bounded as PersonName and PersonNote.
struct Words {
  std::string text;
  bool operator==(const Words&) const = default;
};
// A positive duration.
struct Duration {
  std::int64_t ns = 0;
  bool operator==(const Duration&) const = default;
};

struct Status {
  static constexpr std::string_view kWord = "status";
  static auto fields(auto&) { return std::tuple<>(); }
  bool operator==(const Status&) const = default;
};
// What one source takes and what not.
struct Source {
  static constexpr std::string_view kWord = "source";
  Words name;
  static auto fields(auto& r) { return std::tie(r.name); }
  bool operator==(const Source&) const = default;
};
// When the engine's thread was interrupted: pairs of monotonic ns, start and duration.
struct Interruptions {
  static constexpr std::string_view kWord = "interruptions";
  static auto fields(auto&) { return std::tuple<>(); }
  bool operator==(const Interruptions&) const = default;
};
struct Hold {
  static constexpr std::string_view kWord = "hold";
  static auto fields(auto&) { return std::tuple<>(); }
  bool operator==(const Hold&) const = default;
};
struct Resume {
  static constexpr std::string_view kWord = "resume";
  static auto fields(auto&) { return std::tuple<>(); }
  bool operator==(const Resume&) const = default;
};
// Moves node time to this, or to what the node's own clock says.
struct AcceptTime {
  static constexpr std::string_view kWord = "accept-time";
  std::optional<std::int64_t> to_ns;  // Unix ns
  static auto fields(auto& r) { return std::tie(r.to_ns); }
  bool operator==(const AcceptTime&) const = default;
};
struct Acknowledge {
  static constexpr std::string_view kWord = "acknowledge";
  TrackName track;
  Words by, note;
  static auto fields(auto& r) { return std::tie(r.track, r.by, r.note); }
  bool operator==(const Acknowledge&) const = default;
};
// What is alarming, as of the mirror's last batch.
struct Alarms {
  static constexpr std::string_view kWord = "alarms";
  static auto fields(auto&) { return std::tuple<>(); }
  bool operator==(const Alarms&) const = default;
};
struct AcknowledgeAlarm {
  static constexpr std::string_view kWord = "acknowledge-alarm";
  EventNumber alarm;  // its id
  Words by, note;
  static auto fields(auto& r) { return std::tie(r.alarm, r.by, r.note); }
  bool operator==(const AcknowledgeAlarm&) const = default;
};
// Silences an alarm for a while.
struct Shelve {
  static constexpr std::string_view kWord = "shelve";
  EventNumber alarm;
  Duration for_;
  Words by, note;
  static auto fields(auto& r) { return std::tie(r.alarm, r.for_, r.by, r.note); }
  bool operator==(const Shelve&) const = default;
};
struct Unshelve {
  static constexpr std::string_view kWord = "unshelve";
  EventNumber alarm;
  Words by, note;
  static auto fields(auto& r) { return std::tie(r.alarm, r.by, r.note); }
  bool operator==(const Unshelve&) const = default;
};
// A line for the watch log.
struct Note {
  static constexpr std::string_view kWord = "note";
  Words by, note;
  static auto fields(auto& r) { return std::tie(r.by, r.note); }
  bool operator==(const Note&) const = default;
};
struct Cancel {
  static constexpr std::string_view kWord = "cancel";
  EventNumber event;
  static auto fields(auto& r) { return std::tie(r.event); }
  bool operator==(const Cancel&) const = default;
};
// Repeats a dead letter under its key; the node reads the order from its own journal. The asker has
// checked that it is a dead letter (`vedette deadletter`); the engine refuses one that is under way
// or was requeued already.
struct Requeue {
  static constexpr std::string_view kWord = "requeue";
  EventNumber event;
  static auto fields(auto& r) { return std::tie(r.event); }
  bool operator==(const Requeue&) const = default;
};

using Request = std::variant<Status, Interruptions, Hold, Resume, AcceptTime, Acknowledge, Cancel,
                             Requeue, Alarms, AcknowledgeAlarm, Shelve, Unshelve, Note, Source>;

enum class Malformed : std::uint8_t { unknown_word, field };
std::string_view name_of(Malformed why);

std::string encode(const Request& request);
Result<Request, Malformed> decode(std::string_view line);

// The engine did it; `durable`: it is on disk and survives a power cut.
struct Accepted {
  bool durable = false;
  bool operator==(const Accepted&) const = default;
};
struct TimeAccepted {
  std::int64_t to_ns = 0;  // Unix ns; a line has whole milliseconds
  bool operator==(const TimeAccepted&) const = default;
};
struct Refused {
  std::string why;
  bool operator==(const Refused&) const = default;
};
// Answer to `status`, `source`, `interruptions` and `alarms`: a JSON object.
struct Document {
  std::string json;
  bool operator==(const Document&) const = default;
};
using Answer = std::variant<Accepted, TimeAccepted, Refused, Document>;

std::string encode(const Answer& answer);
// Nothing for a line that no node answers.
std::optional<Answer> decode_answer(std::string_view line);

}  // namespace vedette::request
