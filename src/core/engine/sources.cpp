#include "core/engine/sources.hpp"

namespace vedette::engine {

std::size_t Sources::bytes_needed(const plan::Plan& plan) {
  const std::size_t sources = plan.sources()->size();
  return arena_bytes<SourceFacts>(sources) + arena_bytes<std::uint64_t>(sources) +
         arena_bytes<Limits>(sources);
}

void Sources::init(Arena& arena, const Site& site) {
  const auto& sources = *site.plan->sources();
  facts_ = arena.make<SourceFacts>(sources.size());
  records_ = arena.make<std::uint64_t>(sources.size());
  limits_ = arena.make<Limits>(sources.size());
  for (flatbuffers::uoffset_t i = 0; i < sources.size(); ++i) {
    limits_[i] = {sources.Get(i)->horizon_ns(), sources.Get(i)->sample()};
  }
  deaf_after_s_ = site.sudden_after_s;
}

void Sources::start(std::int64_t now_ns) {
  for (SourceFacts& s : facts_) {
    s.last_ns = now_ns;
  }
}

void Sources::freeze(Freezer& out, const TrackTable&) const {
  out.put(static_cast<std::uint64_t>(facts_.size()));
  for (std::size_t s = 0; s < facts_.size(); ++s) {
    out.put(facts_[s]);
    out.put(records_[s]);
  }
}

bool Sources::thaw(Thawer& in, Thawing& with) {
  const auto count = in.get<std::uint64_t>();
  if (count > limits::kSources || (with.carry.same() && count != facts_.size())) {
    return false;
  }
  start(with.now_ns);
  for (std::uint16_t old = 0; old < count; ++old) {
    const auto facts = in.get<SourceFacts>();
    const auto record = in.get<std::uint64_t>();
    if (facts.status > SourceStatus::ended || !plausible_ns(facts.last_ns) ||
        !plausible_ns(facts.since_ns)) {
      return false;
    }
    const std::uint16_t now = with.carry.source(old);
    ++(now < facts_.size() ? with.carry.report.sources.kept : with.carry.report.sources.left);
    if (now < facts_.size()) {
      facts_[now] = facts;
      records_[now] = record;
    }
  }
  return in.ok();
}

}  // namespace vedette::engine
