// `vedette plan --against DIR`: what starting this site on that data folder would carry over.
#include "cli/command.hpp"
#include "cli/print.hpp"
#include "edge/journal/reader.hpp"
#include "node/plan_change.hpp"
#include "platform/hash.hpp"

namespace vedette::cli {

int plan_against(const SiteOptions& options, const std::string& data, bool json) {
  LoadedPlan loaded;
  if (const int code = load_site(options, json, "plan-against", loaded); code != kOk) {
    return code;
  }
  if (const std::string why = journal::why_other_layout(data); !why.empty()) {
    return fail(json, "plan-against", kBadData, "version", data + ": " + why);
  }
  if (journal::list_segments(journal_folder(data)).empty()) {
    return fail(json, "plan-against", kNotFound, "not-found", data + ": no journal in this folder",
                "name the data folder of a node");
  }
  const node::CarryPreview preview =
      node::preview_carry(data, *loaded.plan, platform::sha256(loaded.bytes));
  if (!preview.problem.empty()) {
    return fail(json, "plan-against", kFound, "journal", data + ": " + preview.problem);
  }
  const CarryReport& report = preview.report;
  if (json) {
    std::string text;
    Json out(text);
    out.begin_object().member("same_plan", preview.same_plan);
    const auto one = [&](std::string_view name, const Carried& of) {
      out.key(name).begin_object();
      out.member("kept", std::uint64_t{of.kept}).member("removed", std::uint64_t{of.left});
      out.end_object();
    };
    one("tracks", report.tracks);
    one("contacts", report.contacts);
    one("judgements_raised", report.raised);
    one("actions", report.deliveries);
    one("waiting", report.waiting);
    one("sources", report.sources);
    out.member("gone", std::string_view(preview.gone)).end_object();
    print_data("plan-against", text);
    return kOk;
  }
  if (preview.same_plan) {
    print("%s: the same plan ran last; a start changes nothing\n", data.c_str());
    return kOk;
  }
  print("%s: a start with this site keeps %s\n", data.c_str(), node::carried_text(report).c_str());
  if (!preview.gone.empty()) {
    print("not in this site: %s\n", preview.gone.c_str());
  }
  return kOk;
}

}  // namespace vedette::cli
