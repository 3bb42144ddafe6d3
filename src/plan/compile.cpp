#include <algorithm>

#include "base/math.hpp"
#include "base/text.hpp"
#include "model/limits.hpp"
#include "model/rights.hpp"
#include "plan/seal.hpp"
#include "plan/site_compiler.hpp"
#include "plan/time_zone.hpp"
#include "plan/toml_text.hpp"

namespace vedette::plan {

std::int64_t to_ns(double seconds) {
  return to_int64(seconds * 1e9 + 0.5);
}

std::vector<std::uint8_t> SiteCompiler::run() {
  check_sections();
  Section top("", "", &root_, root_.source(), problems_);
  site_ = top.text("site");
  if (site_.size() > limits::kNameBytes) {
    top.problem("site", "the site's name is longer than 63 bytes");
  }
  collect_names();
  const auto time_zone = compile_time_zone(top);
  const auto own = compile_own();
  const auto sources = compile_sources();
  const auto sensors = compile_sensors();
  const auto zones = compile_zones();
  const auto trackers = compile_trackers();
  const auto assessments = compile_assessments();
  const auto sinks = compile_sinks();
  const auto actions = compile_actions();
  const auto decisions = compile_decisions();
  const auto limits_table = compile_limits();
  const auto cores = compile_cores();
  const auto sandbox = compile_sandbox();
  const auto roles = compile_roles();
  const std::string group = section("control").text("group");
  const auto control_group = group.empty() ? 0 : b_.CreateString(group);
  if (parts_.texts.size() > limits::kTexts) {
    problems_.add(0, 0,
                  std::to_string(parts_.texts.size()) + " texts in conditions, the limit is " +
                      std::to_string(limits::kTexts));
  }
  if (parts_.counts.size() > limits::kZoneCounts) {
    problems_.add(0, 0,
                  std::to_string(parts_.counts.size()) + " different count(), the limit is " +
                      std::to_string(limits::kZoneCounts));
  }
  const auto site = b_.CreateString(site_);
  const auto plan = CreatePlan(
      b_, kPlanVersion, site, own, b_.CreateVector(sources), b_.CreateVector(sensors),
      b_.CreateVector(zones), b_.CreateVector(trackers), b_.CreateVector(assessments),
      b_.CreateVector(decisions), b_.CreateVector(actions), b_.CreateVector(sinks), limits_table,
      cores, b_.CreateVectorOfStrings(parts_.texts), b_.CreateVectorOfStructs(parts_.counts),
      time_zone, sandbox, roles.empty() ? 0 : b_.CreateVector(roles), control_group);
  FinishPlanBuffer(b_, plan);
  if (!problems_.empty()) {
    return {};
  }
  return {b_.GetBufferPointer(), b_.GetBufferPointer() + b_.GetSize()};
}

std::vector<SiteCompiler::Named> SiteCompiler::children(std::string_view section) {
  std::vector<Named> found;
  const toml::table* parent = root_.get_as<toml::table>(section);
  if (parent == nullptr) {
    return found;
  }
  for (const auto& [key, value] : *parent) {
    const auto at = key.source().begin;
    const std::string name(key.str());
    if (!value.is_table()) {
      problems_.add(at.line, at.column, "[" + std::string(section) + "] needs a name",
                    "write [" + std::string(section) + ".NAME] above this key");
      continue;
    }
    const bool word = !name.empty() && name.size() <= limits::kNameBytes &&
                      std::all_of(name.begin(), name.end(), [](char c) {
                        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                               (c >= '0' && c <= '9') || c == '_';
                      });
    if (!word) {
      problems_.add(at.line, at.column, "\"" + name + "\" is not a valid name",
                    "names are letters, digits and _, 63 at most");
    }
    found.push_back({name, value.as_table()});
  }
  // In the order of the file, which is the order of evaluation.
  std::stable_sort(found.begin(), found.end(), [](const Named& a, const Named& b) {
    return a.table->source().begin.line < b.table->source().begin.line;
  });
  return found;
}

std::vector<SiteCompiler::Named> SiteCompiler::children_quietly(std::string_view title) {
  std::vector<Named> found;
  if (const toml::table* parent = root_.get_as<toml::table>(title)) {
    for (const auto& [key, value] : *parent) {
      if (value.is_table()) {
        found.push_back({std::string(key.str()), value.as_table()});
      }
    }
  }
  std::stable_sort(found.begin(), found.end(), [](const Named& a, const Named& b) {
    return a.table->source().begin.line < b.table->source().begin.line;
  });
  return found;
}

Section SiteCompiler::section(std::string_view title, const Named& n) {
  return Section(title, n.name, n.table, n.table->source(), problems_);
}

Section SiteCompiler::section(std::string_view title) {
  const toml::table* table = root_.get_as<toml::table>(title);
  return Section(title, "", table, table != nullptr ? table->source() : root_.source(), problems_);
}

void SiteCompiler::check_sections() {
  std::vector<std::string> known;
  for (const SectionText& s : sections()) {
    known.emplace_back(s.section);
  }
  for (const auto& [key, value] : root_) {
    if (value.is_table() && std::find(known.begin(), known.end(), key.str()) == known.end()) {
      const std::string best = nearest(key.str(), known);
      problems_.add(key.source().begin.line, key.source().begin.column,
                    "unknown section [" + std::string(key.str()) + "]",
                    best.empty() ? "" : "did you mean [" + best + "]?");
    }
  }
}

void SiteCompiler::collect_names() {
  for (const Named& n : children_quietly("zone")) {
    zone_names_.push_back(n.name);
    const toml::array* points = n.table->get_as<toml::array>("points");
    zone_costs_.push_back(points != nullptr ? static_cast<std::uint32_t>(points->size()) : 1U);
  }
  const auto names = [this](std::string_view s, std::vector<std::string>& out) {
    for (const Named& n : children_quietly(s)) {
      out.push_back(n.name);
    }
  };
  names("source", source_names_);
  names("assess", assessment_names_);
  names("action", action_names_);
  names("sink", sink_names_);
}

std::uint16_t SiteCompiler::reference(Section& s, std::string_view key,
                                      const std::vector<std::string>& names, std::uint16_t none) {
  const std::string name = s.text(key);
  return name.empty() ? none : reference_to(s, key, name, names, none);
}

std::uint16_t SiteCompiler::reference_to(Section& s, std::string_view key, const std::string& name,
                                         const std::vector<std::string>& names,
                                         std::uint16_t none) {
  const auto at = std::find(names.begin(), names.end(), name);
  if (at != names.end()) {
    return static_cast<std::uint16_t>(at - names.begin());
  }
  const std::string best = nearest(name, names);
  s.problem(key,
            "\"" + std::string(key) + "\" names \"" + name + "\", which the site does not have",
            best.empty() ? "" : "did you mean \"" + best + "\"?");
  return none;
}

std::vector<std::uint16_t> SiteCompiler::references(Section& s, std::string_view key,
                                                    const std::vector<std::string>& names) {
  std::vector<std::uint16_t> indices;
  for (const std::string& name : s.text_or_texts(key)) {
    const std::uint16_t index = reference_to(s, key, name, names, 0);
    if (std::find(indices.begin(), indices.end(), index) != indices.end() && index < names.size() &&
        names[index] == name) {
      s.problem(key, "\"" + std::string(key) + "\" names \"" + name + "\" twice");
    }
    indices.push_back(index);
  }
  if (indices.size() > limits::kRunActions || (indices.empty() && s.has(key))) {
    s.problem(key, "\"" + std::string(key) + "\" has 1 to " + std::to_string(limits::kRunActions) +
                       " names, this one has " + std::to_string(indices.size()));
  }
  return indices;
}

flatbuffers::Offset<Expression> SiteCompiler::expression(Section& s, std::string_view key,
                                                         Dimension wanted, SubjectKind subject,
                                                         bool in_decision) {
  const std::string text = s.text(key);
  if (text.empty()) {
    if (s.has(key)) {
      s.problem(key, "\"" + std::string(key) + "\" is empty",
                "write a condition or leave the key out");
    }
    return 0;
  }
  const CompileContext context{subject, in_decision, &zone_names_, &zone_costs_, &parts_};
  const CompiledExpression compiled = compile_expression(text, wanted, context);
  if (!compiled.error.empty()) {
    s.problem_in(key, compiled.error_at, compiled.error, compiled.help);
    return 0;
  }
  last_cost_ = compiled.cost;
  const auto ops = b_.CreateVectorOfStructs(compiled.ops);
  return CreateExpression(b_, b_.CreateString(text), ops, compiled.stack, compiled.cost);
}

flatbuffers::Offset<TimeZone> SiteCompiler::compile_time_zone(Section& top) {
  const std::string name = top.text("timezone");
  if (name.empty()) {
    return 0;
  }
  parts_.has_time_zone = true;
  Transitions transitions;
  std::string help;
  if (const std::string error = load_time_zone(name, transitions, help); !error.empty()) {
    top.problem("timezone", error, help);
    return 0;
  }
  return CreateTimeZone(b_, b_.CreateString(name), b_.CreateVector(transitions.from),
                        b_.CreateVector(transitions.offset));
}

flatbuffers::Offset<Limits> SiteCompiler::compile_limits() {
  Section s = section("limits");
  const auto journal = static_cast<std::uint64_t>(s.quantity("journal"));
  const auto segment = static_cast<std::uint64_t>(s.quantity("segment"));
  if (journal < 4 * segment) {
    s.problem("journal", "\"journal\" must be at least four times \"segment\"");
  }
  if (s.quantity("trial_within") <= s.quantity("trial")) {
    s.problem(
        "trial_within",
        "\"trial_within\" must be longer than \"trial\", or no new version can confirm itself");
  }
  const std::uint64_t evidence =
      s.has("evidence") ? static_cast<std::uint64_t>(s.quantity("evidence"))
                        : std::min<std::uint64_t>(journal / 16, limits::kEvidenceBytes);
  return CreateLimits(
      b_, static_cast<std::uint32_t>(s.whole("tracks")),
      board_ != nullptr && !s.has("batch_events")
          ? batch_bound(*board_)
          : static_cast<std::uint32_t>(s.whole("batch_events")),
      static_cast<std::uint32_t>(s.whole("pending_actions")), journal, segment,
      static_cast<std::uint64_t>(s.quantity("image")), to_ns(s.quantity("tick")),
      to_ns(s.quantity("checkpoint")), to_ns(s.quantity("commit")), 8U << 20,
      static_cast<std::uint32_t>(s.whole("waiting_events")),
      static_cast<std::uint32_t>(s.whole("contacts")), to_ns(s.quantity("recover")),
      to_ns(s.quantity("turn")), to_ns(s.quantity("trial")), to_ns(s.quantity("trial_within")),
      evidence, static_cast<std::uint32_t>(s.whole("alarms")),
      section("mirror").choice("on_mismatch") == 1, static_cast<std::uint32_t>(s.whole("pairs")),
      s.has("wear") ? static_cast<std::uint64_t>(s.quantity("wear")) : 0);
}

flatbuffers::Offset<Cores> SiteCompiler::compile_cores() {
  Section s = section("cores");
  // Defaults from the board: its first watching core is the engine's, the second ingress'.
  const bool board = board_ != nullptr;
  const bool second = board && board_->watch.size() > 1 && !s.has("engine");
  const auto engine = static_cast<std::int32_t>(
      board && !s.has("engine") ? std::int64_t{board_->watch[0]} : s.whole("engine"));
  const auto ingress = static_cast<std::int32_t>(s.has("ingress") ? s.whole("ingress")
                                                 : second         ? std::int64_t{board_->watch[1]}
                                                                  : -1);
  const auto device = b_.CreateString(
      board && !s.has("watchdog_device") ? board_->watchdog : s.text("watchdog_device"));
  return CreateCores(b_, engine, ingress, static_cast<std::int32_t>(s.whole("priority")),
                     s.choice("idle") == 1, s.flag("huge_pages"), !s.has("ingress") && !second,
                     to_ns(s.quantity("watchdog")), device);
}

// A site that says nothing has no table, and its plan no new bytes.
flatbuffers::Offset<Sandbox> SiteCompiler::compile_sandbox() {
  Section s = section("sandbox");
  if (!s.has("enforce") && !s.has("user")) {
    return 0;
  }
  const std::string user = s.text("user");
  if (user.size() > limits::kNameBytes) {
    s.problem("user", "\"user\" is longer than any user's name",
              "write a name of /etc/passwd, or a number");
  }
  return CreateSandbox(b_, s.flag("enforce"), b_.CreateString(user));
}

Offsets<Role> SiteCompiler::compile_roles() {
  Offsets<Role> list;
  const auto named = children("role");
  bound(named, limits::kRoles, "role");
  for (const Named& n : named) {
    Section s = section("role", n);
    const auto users = s.text_or_texts("users");
    const auto groups = s.text_or_texts("groups");
    if (users.empty() && groups.empty()) {
      s.problem("may", "nobody has this role", "write users = [\"watch\"], or groups");
    }
    if (users.size() + groups.size() > limits::kRoleMembers) {
      s.problem(
          "users",
          "a role has more than " + std::to_string(limits::kRoleMembers) + " users and groups",
          "put them into a group of the system");
    }
    std::uint32_t may = 0;
    for (const std::string& word : s.text_or_texts("may")) {
      const std::uint32_t rights = rights_of(word);
      if (rights == 0) {
        s.problem("may", "\"" + word + "\" is no right",
                  "write one of " + right_names() + ", or all");
      }
      may |= rights;
    }
    list.push_back(CreateRole(b_, b_.CreateString(n.name), b_.CreateVectorOfStrings(users),
                              b_.CreateVectorOfStrings(groups), may));
  }
  return list;
}

namespace {

// Applies "source.bus.driver" = value at that path; every part but the last must exist.
void apply_environment(toml::table& root, std::string_view environment, Problems& problems) {
  if (environment.empty()) {
    return;
  }
  toml::table* all = root.get_as<toml::table>("env");
  const toml::table* chosen = all == nullptr ? nullptr : all->get_as<toml::table>(environment);
  if (chosen == nullptr) {
    std::vector<std::string> names;
    for (std::size_t i = 0; all != nullptr && i < 1; ++i) {
      for (const auto& [key, value] : *all) {
        names.emplace_back(key.str());
      }
    }
    const std::string best = nearest(environment, names);
    problems.add(0, 0, "there is no [env." + std::string(environment) + "]",
                 best.empty() ? "" : "did you mean \"" + best + "\"?");
    return;
  }
  for (const auto& [key, value] : *chosen) {
    std::string_view path = key.str();
    toml::table* at = &root;
    const std::size_t dot = path.rfind('.');
    std::string_view parents =
        dot == std::string_view::npos ? std::string_view{} : path.substr(0, dot);
    while (at != nullptr && !parents.empty()) {
      at = at->get_as<toml::table>(next_field(parents, '.'));
    }
    if (at == nullptr) {
      problems.add(key.source().begin.line, key.source().begin.column,
                   "\"" + std::string(path) + "\" overrides a section that the site does not have");
      continue;
    }
    const std::string last(dot == std::string_view::npos ? path : path.substr(dot + 1));
    value.visit([&](const auto& v) { at->insert_or_assign(last, v); });
  }
}

}  // namespace

Compiled compile_site(std::string_view text, std::string_view environment, const Board* board) {
  Compiled result;
  Problems problems;
  if (text.size() > limits::kSiteFileBytes) {
    problems.add(0, 0, "the site file is larger than 1 MiB");
    result.problems = problems.sorted();
    return result;
  }
  if (auto root = parse_toml(text, problems)) {
    apply_environment(*root, environment, problems);
    result.buffer = SiteCompiler(*root, board, problems).run();
    if (!result.buffer.empty()) {
      seal_plan(result.buffer);
    }
  }
  result.problems = problems.sorted();
  return result;
}

}  // namespace vedette::plan
