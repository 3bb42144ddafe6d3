#include "node/plan_change.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "node/around.hpp"
#include "node/identity.hpp"
#include "node/replay.hpp"
#include "platform/file.hpp"

namespace vedette::node {
namespace {

template <typename Items>
void add_gone(std::string& text, const char* kind, const Items& from, const Items& to) {
  for (const auto* item : from) {
    const std::string name = item->name()->str();
    const bool there = std::any_of(to.begin(), to.end(),
                                   [&](const auto* other) { return other->name()->str() == name; });
    if (!there) {
      text += (text.empty() ? "" : ", ") + std::string(kind) + " " + name;
    }
  }
}

void add_carried(std::string& text, const Carried& of, const char* what) {
  if (of.kept == 0 && of.left == 0) {
    return;
  }
  text += (text.empty() ? "" : ", ") + std::to_string(of.kept) + " of " +
          std::to_string(of.kept + of.left) + " " + what;
}

}  // namespace

std::string names_gone(const plan::Plan& from, const plan::Plan& to) {
  std::string text;
  add_gone(text, "source", *from.sources(), *to.sources());
  add_gone(text, "sensor", *from.sensors(), *to.sensors());
  add_gone(text, "assessment", *from.assessments(), *to.assessments());
  add_gone(text, "decision", *from.decisions(), *to.decisions());
  add_gone(text, "action", *from.actions(), *to.actions());
  add_gone(text, "sink", *from.sinks(), *to.sinks());
  return text;
}

std::string carried_text(const CarryReport& report) {
  std::string text;
  add_carried(text, report.tracks, "tracks");
  add_carried(text, report.contacts, "contacts");
  add_carried(text, report.raised, "raised assessments");
  add_carried(text, report.deliveries, "actions under way");
  add_carried(text, report.waiting, "waiting observations");
  add_carried(text, report.sources, "sources");
  return text.empty() ? "nothing: there was no belief yet" : text;
}

std::size_t most_frozen_bytes(const std::string& data, const plan::Plan& plan) {
  std::size_t most = engine::frozen_bytes_bound(plan);
  for (const std::string& name : platform::list_folder(data + "/plans")) {
    PlanHash hash{};
    KeptPlan kept;
    if (name.size() > 2 * hash.size() && parse_hex(name.substr(0, 2 * hash.size()), hash) &&
        load_kept_plan(data, hash, kept).empty()) {
      most = std::max(most, engine::frozen_bytes_bound(*kept.plan));
    }
  }
  return most;
}

CarryPreview preview_carry(const std::string& data, const plan::Plan& plan, const PlanHash& hash) {
  CarryPreview preview;
  Stepped stepped;
  const std::uint64_t node = identity_of_folder(data).node;
  stepped.init(plan, node, 1, data, hash);
  const ReplayResult result = replay(data, stepped, 0);
  if (!result.problem.empty() && !result.journal.torn_tail) {
    stepped.begin_again();
    preview.problem = replay_around(data, stepped, node).problem;
  }
  preview.same_plan = stepped.hash() == hash;
  if (!preview.problem.empty() || preview.same_plan) {
    return preview;
  }
  preview.gone = names_gone(stepped.plan(), plan);
  preview.problem = stepped.change_to(plan, hash, preview.report);
  return preview;
}

}  // namespace vedette::node
