// Purpose: an alarm: an assessment that people must know of, with a life of its own, and what
// happens to it. The states are those of ANSI/ISA-18.2-2016, clause 5.2.2 (alarm states).
//
//   condition there:  unacknowledged -> acknowledged;  condition gone: returned -> (leaves)
//   beside that:      shelved until a time; suppressed while its root alarm is there
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "model/subject.hpp"

namespace vedette {

enum class AlarmPriority : std::uint8_t { low = 0, medium, high, critical };

enum class AlarmState : std::uint8_t {
  unacknowledged = 1,
  acknowledged,
  returned,    // the condition is gone, and nobody has acknowledged the alarm
  shelved,     // by a person, until a time
  suppressed,  // it follows from another alarm
  gone
};

enum class AlarmEvent : std::uint8_t {
  raised = 1,
  repeated,       // the condition came back before anybody acknowledged
  level_changed,  // a higher level has to be acknowledged anew
  cleared,        // the condition is gone
  acknowledged,
  shelved,
  unshelved,  // by a person, or its time is over
  suppressed,
  released,   // its root alarm is gone
  escalated,  // nobody acknowledged it in time
  expired,    // returned for long, or its place was needed
  removed     // the new site file has no place for it
};

// What the receivers of an alarm's decisions know of it.
enum class AlarmTold : std::uint8_t {
  never,
  raised,  // and not cleared since
  cleared
};

// Text of a person: printable, cut at the end, zero-filled.
template <std::size_t kBytes>
struct BoundedText {
  std::array<char, kBytes> bytes{};

  // Replaces what no terminal or log should get by '?'.
  void assign(std::string_view text) {
    bytes = {};
    for (std::size_t i = 0; i < text.size() && i < kBytes; ++i) {
      const auto c = static_cast<unsigned char>(text[i]);
      bytes[i] = c < 0x20 || c == 0x7F ? '?' : text[i];
    }
  }
  std::string_view view() const {
    std::size_t length = 0;
    while (length < kBytes && bytes[length] != '\0') {
      ++length;
    }
    return {bytes.data(), length};
  }
};
using PersonName = BoundedText<24>;
using PersonNote = BoundedText<64>;

struct Alarm {
  std::uint64_t id;    // sequence of the assessment event that raised it
  std::uint64_t root;  // id of the alarm that it follows from; 0: of none
  Subject subject;
  double confidence;
  std::int64_t raised_ns;         // first, node time
  std::int64_t changed_ns;        // the condition came or went
  std::int64_t acknowledged_ns;   // 0: not yet
  std::int64_t shelved_until_ns;  // 0: not shelved
  std::int64_t escalates_ns;      // 0: it does not, or it has
  std::uint32_t raises;           // 1, and one for each repetition
  std::uint16_t assessment;       // index in the plan; kNoAssessment once removed
  Level level;
  std::uint8_t active;     // 1: the condition is there
  std::uint8_t escalated;  // 1: it has been
  AlarmTold told;
  std::uint8_t own_in_doubt;  // as in AssessmentChange, at its last change
  std::uint8_t reserved[5];
  PersonName by;  // who acknowledged or shelved it last
  PersonNote note;

  AlarmState state() const {
    return root != 0               ? AlarmState::suppressed
           : shelved_until_ns != 0 ? AlarmState::shelved
           : active == 0          ? (acknowledged_ns != 0 ? AlarmState::gone : AlarmState::returned)
           : acknowledged_ns != 0 ? AlarmState::acknowledged
                                  : AlarmState::unacknowledged;
  }
};
inline constexpr std::uint16_t kNoAssessment = 0xFFFF;

// Payload of an alarm event: the alarm as the change left it.
struct AlarmChange {
  Alarm alarm;
  AlarmEvent change;
  std::uint8_t reserved[7];
};

std::string_view name_of(AlarmPriority priority);
std::string_view name_of(AlarmState state);
std::string_view name_of(AlarmEvent event);

}  // namespace vedette
