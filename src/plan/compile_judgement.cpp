// Zones, trackers, assessments and decisions of a site.
#include <algorithm>
#include <cmath>

#include "base/text.hpp"
#include "model/derived.hpp"
#include "model/limits.hpp"
#include "plan/site_compiler.hpp"
#include "plan/zone_outline.hpp"

namespace vedette::plan {

Offsets<Zone> SiteCompiler::compile_zones() {
  Offsets<Zone> list;
  const auto named = children("zone");
  bound(named, limits::kZones, "zone");
  for (const Named& n : named) {
    Section s = section("zone", n);
    std::vector<double> points = s.numbers("points");
    const std::vector<double> centre = s.numbers("centre");
    const double radius = s.quantity("radius");
    const int forms =
        (s.has("points") ? 1 : 0) + (s.has("centre") ? 1 : 0) + (s.has("around") ? 1 : 0);
    ZoneKind kind = ZoneKind::polygon;
    if (forms != 1) {
      problems_.add(
          n.table->source().begin.line, n.table->source().begin.column,
          "[zone." + n.name + "] needs exactly one of \"points\", \"centre\" and \"around\"");
    } else if (s.has("points")) {
      if (points.size() < 6 || points.size() > 2 * limits::kZonePoints) {
        s.problem("points", "a zone has 3 to " + std::to_string(limits::kZonePoints) +
                                " corners, this one has " + std::to_string(points.size() / 2));
      } else if (const ShapeProblem shape = check_outline(points); !shape.message.empty()) {
        s.problem("points", shape.message, shape.help);
      }
    } else {
      s.choice("around");
      kind = s.has("centre") ? ZoneKind::circle : ZoneKind::around_own;
      if (!s.has("radius")) {
        s.problem(s.has("centre") ? "centre" : "around", "a circle needs a \"radius\"");
      }
      if (kind == ZoneKind::circle && centre.size() != 2) {
        s.problem("centre", "\"centre\" must be [latitude, longitude]");
      }
      points = centre;
    }
    check_places(s, s.has("points") ? "points" : "centre", points);
    list.push_back(CreateZone(b_, b_.CreateString(n.name), kind, b_.CreateVector(points), radius));
  }
  return list;
}

void SiteCompiler::check_places(Section& s, std::string_view key,
                                const std::vector<double>& points) {
  for (std::size_t i = 0; i + 1 < points.size(); i += 2) {
    if (!(std::abs(points[i]) <= 90.0) || !(std::abs(points[i + 1]) <= 180.0)) {
      s.problem(key,
                "a position is outside the globe: latitude is -90 to 90, longitude -180 to 180",
                "write latitude first");
      return;
    }
  }
}

Offsets<Tracker> SiteCompiler::compile_trackers() {
  Offsets<Tracker> list;
  const auto named = children("tracker");
  for (const Named& n : named) {
    std::vector<std::string> kinds;
    for (const TrackerDefault& d : tracker_defaults()) {
      kinds.emplace_back(d.name);
    }
    if (std::find(kinds.begin(), kinds.end(), n.name) == kinds.end()) {
      const std::string best = nearest(n.name, kinds);
      problems_.add(n.table->source().begin.line, n.table->source().begin.column,
                    "[tracker." + n.name + "]: there is no such kind of track",
                    best.empty() ? "" : "did you mean \"" + best + "\"?");
    }
  }
  for (const TrackerDefault& d : tracker_defaults()) {
    const toml::table* table = nullptr;
    for (const Named& n : named) {
      table = n.name == d.name ? n.table : table;
    }
    Section s("tracker", d.name, table, table != nullptr ? table->source() : root_.source(),
              problems_);
    const auto value = [&](std::string_view key, double usual) {
      return s.has(key) ? s.quantity(key) : usual;
    };
    const double coast = value("coast", d.coast);
    const double lost = value("lost", d.lost);
    const double retire = value("retire", d.retire);
    if (coast > lost || lost > retire) {
      s.problem("lost", "\"coast\" must not be longer than \"lost\", nor \"lost\" than \"retire\"");
    }
    list.push_back(
        CreateTracker(b_, static_cast<std::uint8_t>(d.kind), value("acceleration", d.acceleration),
                      value("max_speed", d.max_speed), value("gate", 5.0),
                      value("position_sigma", d.position_sigma), value("half_life", d.half_life),
                      value("halving_sigma", d.halving_sigma), coast, lost, retire,
                      static_cast<std::uint32_t>(s.whole("confirm")),
                      static_cast<std::uint32_t>(s.whole("most"))));
  }
  return list;
}

bool SiteCompiler::is_acted_on(const std::string& assessment) {
  const auto decisions = children_quietly("decide");
  return std::any_of(decisions.begin(), decisions.end(), [&](const Named& decision) {
    return decision.table->at_path("on").value_or(std::string_view()) == assessment;
  });
}

std::uint16_t SiteCompiler::escalation(Section& s, const std::string& name) {
  const std::uint16_t action = reference(s, "escalate_to", action_names_, kNoAction);
  if (s.has("escalate_after") != s.has("escalate_to")) {
    s.problem(s.has("escalate_to") ? "escalate_to" : "escalate_after",
              "an escalation needs both \"escalate_after\" and \"escalate_to\"");
  }
  if (s.has("escalate_to") && (!is_acted_on(name) || s.flag("notice"))) {
    s.problem("escalate_to", "[assess." + name + "] is no alarm, so nobody can acknowledge it",
              "an alarm has a [decide] about it, and no notice = true");
  }
  return action;
}

// A bit of each assessment that this one may follow from.
std::uint64_t SiteCompiler::followed(Section& s, const std::string& name) {
  std::uint64_t bits = 0;
  for (const std::string& root : s.texts("follows")) {
    const auto at = std::find(assessment_names_.begin(), assessment_names_.end(), root);
    if (at == assessment_names_.end()) {
      const std::string best = nearest(root, assessment_names_);
      s.problem("follows", "\"follows\" names \"" + root + "\", which the site does not have",
                best.empty() ? "" : "did you mean \"" + best + "\"?");
    } else if (root == name) {
      s.problem("follows", "an assessment does not follow from itself");
    } else if (!is_acted_on(root)) {
      s.problem("follows", "\"" + root + "\" is no alarm, so nobody would see it instead",
                "add a [decide] about it");
    } else {
      bits |= std::uint64_t{1} << static_cast<unsigned>(at - assessment_names_.begin());
    }
  }
  return bits;
}

// The index of `source.NAME` and the like.
static std::uint16_t named_subject(Section& s, const std::string& of, const std::string& section,
                                   const std::vector<std::string>& names) {
  const std::string name = of.substr(section.size() + 1);
  const auto at = std::find(names.begin(), names.end(), name);
  if (at != names.end()) {
    return static_cast<std::uint16_t>(at - names.begin());
  }
  const std::string best = nearest(name, names);
  s.problem("of", "there is no " + section + " \"" + name + "\"",
            best.empty() ? "" : "did you mean \"" + section + "." + best + "\"?");
  return 0;
}

// What `of` names; `source`: the index of a source or sink.
SubjectKind SiteCompiler::subject_of(Section& s, std::uint16_t& source) {
  const std::string of = s.text("of");
  auto subject = SubjectKind::track;
  if (of == "own") {
    subject = SubjectKind::own;
  } else if (of == "node") {
    subject = SubjectKind::node;
  } else if (of == "pair") {
    subject = SubjectKind::pair;
  } else if (of.starts_with("source.")) {
    subject = SubjectKind::source;
    source = named_subject(s, of, "source", source_names_);
  } else if (of.starts_with("sink.")) {
    subject = SubjectKind::sink;
    source = named_subject(s, of, "sink", sink_names_);
  } else if (of != "track" && !of.empty()) {
    s.problem("of", "\"" + of + "\" is not a subject",
              "write track, own, pair, source.NAME, sink.NAME or node");
  }
  if (s.has("within") != (subject == SubjectKind::pair)) {
    s.problem(
        s.has("within") ? "within" : "of",
        s.has("within") ? "\"within\" is for of = \"pair\" only"
                        : "a pair needs \"within\": how near two tracks are to be compared",
        s.has("within") ? "use distance(track, own) in \"when\"" : "write within = \"2 nmi\"");
  }
  return subject;
}

Offsets<Assessment> SiteCompiler::compile_assessments() {
  Offsets<Assessment> list;
  const auto named = children("assess");
  bound(named, limits::kAssessments, "assessment");
  for (const Named& n : named) {
    Section s = section("assess", n);
    std::uint16_t source = 0;
    const SubjectKind subject = subject_of(s, source);
    subjects_.push_back(subject);
    std::uint32_t kinds = 0;
    for (const std::string& kind : s.texts("kinds")) {
      std::uint32_t bit = 0;
      std::vector<std::string> names;
      for (const TrackerDefault& d : tracker_defaults()) {
        names.emplace_back(d.name);
        bit |= d.name == kind ? 1U << static_cast<unsigned>(d.kind) : 0U;
      }
      if (bit == 0) {
        const std::string best = nearest(kind, names);
        s.problem("kinds", "there is no kind of track \"" + kind + "\"",
                  best.empty() ? "" : "did you mean \"" + best + "\"?");
      }
      kinds |= bit;
    }
    if (kinds == 0) {
      kinds = 1U << static_cast<unsigned>(IdentityKind::vessel) |
              1U << static_cast<unsigned>(IdentityKind::aircraft) |
              1U << static_cast<unsigned>(IdentityKind::vehicle);
    }
    auto when = expression(s, "when", Dimension::boolean, subject, false);
    if (when.IsNull()) {  // the problem is noted, but the builder needs the field
      when = CreateExpression(b_, b_.CreateString(""), b_.CreateVectorOfStructs(std::vector<Op>{}));
    }
    const std::uint32_t cost = last_cost_;
    const auto cheap = expression(s, "cheap_when", Dimension::boolean, subject, false);
    if (!cheap.IsNull() && last_cost_ >= cost) {
      s.problem("cheap_when",
                "\"cheap_when\" must cost less than \"when\": it costs " +
                    std::to_string(last_cost_) + ", \"when\" " + std::to_string(cost),
                "leave out what costs much: cpa and tcpa cost 200, inside() 4 plus its corners");
    }
    const auto alarm = expression(s, "alarm_when", Dimension::boolean, subject, false);
    const auto confidence = expression(s, "confidence", Dimension::ratio, subject, false);
    list.push_back(CreateAssessment(
        b_, b_.CreateString(n.name), static_cast<std::uint8_t>(subject), source, kinds, when, alarm,
        confidence, to_ns(s.quantity("hold")), to_ns(s.quantity("clear")), s.quantity("warn"),
        s.quantity("alarm"), s.flag("safe"), cheap, is_acted_on(n.name) && !s.flag("notice"),
        static_cast<std::uint8_t>(s.choice("priority")), to_ns(s.quantity("escalate_after")),
        escalation(s, n.name), followed(s, n.name), s.quantity("within")));
  }
  return list;
}

Offsets<Decision> SiteCompiler::compile_decisions() {
  Offsets<Decision> list;
  const auto named = children("decide");
  bound(named, limits::kDecisions, "decision");
  for (const Named& n : named) {
    Section s = section("decide", n);
    const std::uint16_t on = reference(s, "on", assessment_names_, kNoAction);
    const SubjectKind subject = on < subjects_.size() ? subjects_[on] : SubjectKind::track;
    const auto condition = expression(s, "if", Dimension::boolean, subject, true);
    const std::vector<std::uint16_t> run = references(s, "run", action_names_);
    list.push_back(CreateDecision(
        b_, b_.CreateString(n.name), on == kNoAction ? std::uint16_t{0} : on,
        static_cast<Trigger>(s.choice("trigger")), condition, s.quantity("confidence"),
        to_ns(s.quantity("deadline")), run.empty() ? std::uint16_t{0} : run.front(),
        reference(s, "fallback", action_names_, kNoAction),
        b_.CreateVector(run.empty() ? run.data() : run.data() + 1,
                        run.empty() ? 0 : run.size() - 1)));
  }
  return list;
}

}  // namespace vedette::plan
