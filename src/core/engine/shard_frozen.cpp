// The whole state of an engine as bytes, and back. The bytes may come from a damaged disk or an
// attacker who computes checksums: everything that indexes, counts or names a state is checked
// before use, and times and numbers stay where sums and products of them are defined.
#include <algorithm>
#include <cstring>

#include "base/plausible.hpp"
#include "base/sections.hpp"
#include "core/engine/shard.hpp"

namespace vedette::engine {
namespace {

// The shard's own state, besides its stages.
constexpr SectionName kEngine{"engine", 2};
struct FrozenEngine {
  Progress progress;
  Quiet quiet;
  std::uint64_t late_outcomes;
  std::uint32_t epoch;
  std::uint32_t held;
};
static_assert(std::has_unique_object_representations_v<FrozenEngine>,
              "the same state, the same bytes");

bool plausible(const Progress& p) {
  return p.accepted == p.waiting + p.transient + p.exits[0] + p.exits[1] + p.exits[2] &&
         count_of(p.last_sequence) >= p.accepted && plausible_ns(p.admitted_ns);
}

ThawRefusal refuse(ThawRefusal::Why why, std::string_view room = {}, std::uint32_t version = 0) {
  ThawRefusal refusal{why, {}, version};
  std::copy_n(room.begin(), std::min(room.size(), sizeof refusal.room - 1), refusal.room);
  return refusal;
}

// Whether this program can read every section, checked before reading any.
ThawRefusal check_sections(const SectionReader& sections) {
  ThawRefusal refusal;
  sections.for_each([&](std::string_view room, std::uint32_t version, Bytes) {
    if (!refusal && room != kEngine.room && !Stages::knows({room, version})) {
      refusal = refuse(ThawRefusal::Why::unknown_room, room, version);
    }
  });
  return refusal;
}

// A room's section, if it has this program's version.
ThawRefusal find_section(const SectionReader& sections, const SectionName& name, Bytes& out) {
  const SectionReader::Section section = sections.find(name.room);
  if (!section.there) {
    return refuse(ThawRefusal::Why::missing, name.room);
  }
  if (section.version != name.version) {
    return refuse(ThawRefusal::Why::other_version, name.room, section.version);
  }
  out = section.bytes;
  return {};
}

}  // namespace

std::size_t frozen_bytes_bound(const plan::Plan& plan) {
  return align_up(sizeof(SectionsHeader) + kSectionOverhead + sizeof(FrozenEngine) +
                      Stages::frozen_bytes_bound(plan),
                  8);
}

std::string state_format() {
  std::string text = "step " + std::to_string(kStepVersion);
  const auto add = [&](const SectionName& name) {
    text += ' ' + std::string(name.room) + ' ' + std::to_string(name.version);
  };
  add(kEngine);
  Stages::for_each_section(add);
  return text;
}

std::span<const FrozenTrack> frozen_tracks(Bytes frozen) {
  const SectionReader sections(frozen);
  Bytes bytes;
  if (!sections.ok() || find_section(sections, perceive::Tracks::kSection, bytes)) {
    return {};
  }
  return perceive::Tracks::frozen(bytes);
}

void Shard::freeze(Freezer& out) const {
  SectionWriter sections(out);
  sections.section(kEngine, [&](Freezer& to) {
    to.put(FrozenEngine{state_.progress, state_.quiet, state_.late_outcomes, state_.epoch,
                        state_.held ? 1U : 0U});
  });
  state_.stages.for_each([&](const auto& stage) {
    sections.section(stage.kSection, [&](Freezer& to) { stage.freeze(to, state_.tracks); });
  });
  sections.end();
}

ThawRefusal Shard::thaw(Bytes frozen) {
  Carry same;
  return thaw_sections(frozen, same);
}

ThawRefusal Shard::thaw(Bytes frozen, Carry& carry, const PlanChange& change) {
  const ThawRefusal refusal = thaw_sections(frozen, carry);
  if (!refusal) {
    PlanChange told = change;
    told.carried = carry.report;
    state_.leaving.change(told);
  }
  return refusal;
}

ThawRefusal Shard::thaw_sections(Bytes frozen, Carry& carry) {
  const SectionReader sections(frozen);
  if (sections.other_version()) {
    return refuse(ThawRefusal::Why::other_version);
  }
  if (!sections.ok()) {
    return refuse(ThawRefusal::Why::damaged);
  }
  if (const ThawRefusal refusal = check_sections(sections)) {
    return refusal;
  }
  Bytes bytes;
  if (const ThawRefusal refusal = find_section(sections, kEngine, bytes)) {
    return refusal;
  }
  Thawer in(bytes);
  const auto engine = in.get<FrozenEngine>();
  if (!in.at_end() || !plausible(engine.progress) || !plausible_ns(engine.quiet.at_ns) ||
      engine.held > 1 ||
      shard_of(engine.progress.last_sequence) != shard_of(state_.progress.last_sequence)) {
    return refuse(ThawRefusal::Why::damaged, kEngine.room);
  }
  state_.progress = engine.progress;
  state_.quiet = engine.quiet;
  quiet_replayed_ = engine.quiet.steps;
  state_.late_outcomes = engine.late_outcomes;
  state_.epoch = engine.epoch;
  state_.held = engine.held != 0;
  state_.leaving.clear();
  Thawing with{state_.tracks,
               engine.progress.last_sequence,
               std::max(engine.progress.admitted_ns, engine.quiet.at_ns),
               carry,
               [](void* context, const Leaver& leaver) {
                 State& state = *static_cast<State*>(context);
                 if (!state.leaving.add(leaver)) {  // full: leaves at once
                   --(leaver.transient != 0 ? state.progress.transient : state.progress.waiting);
                   ++state.progress.exits[static_cast<std::size_t>(Exit::abandonment) - 1];
                 }
               },
               &state_};
  ThawRefusal refusal;
  state_.stages.for_each([&](auto& stage) {
    Bytes section;
    if (!refusal) {
      refusal = find_section(sections, stage.kSection, section);
    }
    if (!refusal) {
      Thawer from(section);
      if (!stage.thaw(from, with) || !from.at_end()) {
        refusal = refuse(ThawRefusal::Why::damaged, stage.kSection.room);
      }
    }
  });
  const Progress& p = state_.progress;
  const std::size_t sent = state_.delivery.sent();
  const std::size_t leaving = state_.leaving.size();
  // Between batches, orders under way and leavers are all that is transient, and all that waits is
  // listed here.
  if (!refusal && (p.transient != sent + state_.leaving.under_way() ||
                   p.waiting != state_.delivery.size() - sent + state_.waiting.size() +
                                    (leaving - state_.leaving.under_way()))) {
    refusal = refuse(ThawRefusal::Why::damaged, kEngine.room);
  }
  return refusal;
}

}  // namespace vedette::engine
