#include "node/standing.hpp"

#include <algorithm>

namespace vedette::node {
namespace {

// Suppresses lines for short states, such as a line that opens just after the start.
constexpr std::int64_t kSayAfterNs = 200'000'000;
constexpr std::int64_t kSayEveryNs = 1'000'000'000;

}  // namespace

void CauseBook::init(const plan::Plan& plan) {
  entries_.clear();
  for (std::size_t i = 0; i < kCauseKinds; ++i) {
    const auto cause = static_cast<Cause>(i);
    if (cause != Cause::source && cause != Cause::sink) {
      entries_.push_back({std::string(name_of(cause)), cause, 0});
    }
  }
  for (std::size_t s = 0; s < plan.sources()->size(); ++s) {
    const auto* source = plan.sources()->Get(static_cast<flatbuffers::uoffset_t>(s));
    entries_.push_back({"source." + source->name()->str(), Cause::source, s});
  }
  for (std::size_t s = 0; s < plan.sinks()->size(); ++s) {
    const auto* sink = plan.sinks()->Get(static_cast<flatbuffers::uoffset_t>(s));
    entries_.push_back({"sink." + sink->name()->str(), Cause::sink, s});
  }
}

void CauseBook::look(const Seen& seen, std::int64_t now_ns, std::int64_t monotonic_ns,
                     const std::function<std::string(Cause, std::size_t)>& detail,
                     const std::function<void(const CauseLine&)>& say) {
  for (Entry& e : entries_) {
    const bool there = e.cause == Cause::source ? (seen.sources >> e.index & 1) != 0
                       : e.cause == Cause::sink ? (seen.sinks >> e.index & 1) != 0
                                                : seen.causes.has(e.cause);
    if (there != e.there) {
      e.there = there;
      e.since_ns = now_ns;
      e.changed_ns = monotonic_ns;
    }
    if (e.there != e.said && monotonic_ns - e.changed_ns >= kSayAfterNs &&
        monotonic_ns - e.said_ns >= kSayEveryNs) {
      e.said = e.there;
      e.said_ns = monotonic_ns;
      say({e.name, &facts_of(e.cause), e.there,
           e.there ? detail(e.cause, e.index) : std::string()});
    }
  }
}

Standing CauseBook::standing() const {
  Standing worst = Standing::normal;
  for (const Entry& e : entries_) {
    worst = e.there ? std::max(worst, facts_of(e.cause).standing) : worst;
  }
  return worst;
}

std::vector<CauseBook::Lasting> CauseBook::lasting() const {
  std::vector<Lasting> all;
  for (const Entry& e : entries_) {
    if (e.there) {
      all.push_back({e.name, facts_of(e.cause).means});
    }
  }
  return all;
}

void CauseBook::members(JsonWriter<std::string>& json) const {
  json.member("mode", name_of(standing()));
  json.key("causes").begin_array();
  for (const Entry& e : entries_) {
    if (e.there) {
      json.begin_object().member("name", std::string_view(e.name));
      json.member_time("since", e.since_ns).end_object();
    }
  }
  json.end_array();
}

}  // namespace vedette::node
