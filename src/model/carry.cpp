#include "model/carry.hpp"

#include <algorithm>
#include <string_view>

#include "model/derived.hpp"

namespace vedette {
namespace {

std::string_view text(const flatbuffers::String* s) {
  return {s->c_str(), s->size()};
}

// Maps each item of `from` to the first of that name in `to` that is `alike(old, now)`.
template <std::size_t N, typename Items, typename Alike>
void match(std::array<std::uint16_t, N>& map, const Items& from, const Items& to, Alike&& alike) {
  map.fill(Carry::kGone);
  for (flatbuffers::uoffset_t i = 0; i < from.size() && i < N; ++i) {
    for (flatbuffers::uoffset_t j = 0; j < to.size() && map[i] == Carry::kGone; ++j) {
      if (text(from.Get(i)->name()) == text(to.Get(j)->name()) && alike(*from.Get(i), *to.Get(j))) {
        map[i] = static_cast<std::uint16_t>(j);
      }
    }
  }
}

}  // namespace

Carry::Carry(const plan::Plan& from, const plan::Plan& to, std::span<std::uint32_t> slots)
    : from_(&from), slots_(slots) {
  match(sources_, *from.sources(), *to.sources(),
        [](const plan::Source& a, const plan::Source& b) { return a.codec() == b.codec(); });
  match(sinks_, *from.sinks(), *to.sinks(),
        [](const plan::Sink& a, const plan::Sink& b) { return a.kind() == b.kind(); });
  match(actions_, *from.actions(), *to.actions(),
        [&](const plan::Action& a, const plan::Action& b) { return sink(a.sink()) == b.sink(); });
  match(assessments_, *from.assessments(), *to.assessments(),
        [&](const plan::Assessment& a, const plan::Assessment& b) {
          const auto subject = static_cast<SubjectKind>(a.subject());
          return a.subject() == b.subject() &&
                 (subject != SubjectKind::source || source(a.source()) == b.source()) &&
                 (subject != SubjectKind::sink || sink(a.source()) == b.source());
        });
  match(decisions_, *from.decisions(), *to.decisions(),
        [&](const plan::Decision& a, const plan::Decision& b) {
          return assessment(a.assessment()) == b.assessment();
        });
  const auto& sensors = *from.sensors();
  contacts_stay_ = sensors.size() == to.sensors()->size() &&
                   from.limits()->contacts() <= to.limits()->contacts() &&
                   from.limits()->tracks() <= to.limits()->tracks();
  for (flatbuffers::uoffset_t i = 0; i < sensors.size() && contacts_stay_; ++i) {
    const plan::Sensor& a = *sensors.Get(i);
    const plan::Sensor& b = *to.sensors()->Get(i);
    contacts_stay_ =
        text(a.name()) == text(b.name()) && a.id() == b.id() && source(a.source()) == b.source();
  }
}

std::uint32_t Carry::source_mask(std::uint32_t old) const {
  if (same()) {
    return old;
  }
  std::uint32_t now = 0;
  for (std::uint16_t s = 0; s < limits::kSources; ++s) {
    if ((old >> s & 1) != 0 && source(s) != kGone) {
      now |= std::uint32_t{1} << source(s);
    }
  }
  return now;
}

}  // namespace vedette
