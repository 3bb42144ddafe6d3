// Purpose: compiles a site file's tables into the plan's buffer, section by section. In: the parsed
// site and a board. Out: the plan. Fails as: Problems, without a plan. Runs on: cold threads. The
// sections are in compile.cpp (site, limits, cores), compile_inputs.cpp, compile_judgement.cpp and
// compile_outputs.cpp.
#pragma once

#include <string>
#include <vector>

#include "plan/expression_compiler.hpp"
#include "plan/plan.hpp"
#include "plan/section.hpp"

namespace vedette::plan {

using Builder = flatbuffers::FlatBufferBuilder;
template <typename T>
using Offsets = std::vector<flatbuffers::Offset<T>>;

std::int64_t to_ns(double seconds);

class SiteCompiler {
 public:
  SiteCompiler(const toml::table& root, const Board* board, Problems& problems)
      : root_(root), board_(board), problems_(problems) {}

  std::vector<std::uint8_t> run();

 private:
  struct Named {
    std::string name;
    const toml::table* table;
  };

  std::vector<Named> children(std::string_view section);
  std::vector<Named> children_quietly(std::string_view title);
  Section section(std::string_view title, const Named& n);
  Section section(std::string_view title);
  void check_sections();
  void collect_names();
  template <typename List>
  void bound(const List& list, std::size_t limit, std::string_view what) {
    if (list.size() > limit) {
      problems_.add(0, 0,
                    std::to_string(list.size()) + " " + std::string(what) + "s, the limit is " +
                        std::to_string(limit));
    }
  }
  std::uint16_t reference(Section& s, std::string_view key, const std::vector<std::string>& names,
                          std::uint16_t none);
  std::uint16_t reference_to(Section& s, std::string_view key, const std::string& name,
                             const std::vector<std::string>& names, std::uint16_t none);
  // Of a name, or a list of names, each once.
  std::vector<std::uint16_t> references(Section& s, std::string_view key,
                                        const std::vector<std::string>& names);
  flatbuffers::Offset<Expression> expression(Section& s, std::string_view key, Dimension wanted,
                                             SubjectKind subject, bool in_decision);

  // Inputs.
  void need_endpoint(Section& s, std::string_view key, std::uint32_t& address, std::uint16_t& port);
  flatbuffers::Offset<flatbuffers::Vector<const Network*>> compile_senders(Section& s,
                                                                           DriverKind driver);
  flatbuffers::Offset<Own> compile_own();
  Offsets<Source> compile_sources();
  Offsets<Sensor> compile_sensors();
  void check_places(Section& s, std::string_view key, const std::vector<double>& points);

  // Judgement.
  Offsets<Zone> compile_zones();
  Offsets<Tracker> compile_trackers();
  Offsets<Assessment> compile_assessments();
  SubjectKind subject_of(Section& s, std::uint16_t& source);
  bool is_acted_on(const std::string& assessment);
  std::uint16_t escalation(Section& s, const std::string& name);
  std::uint64_t followed(Section& s, const std::string& name);
  Offsets<Decision> compile_decisions();

  // Outputs.
  Offsets<Sink> compile_sinks();
  Offsets<Action> compile_actions();
  std::vector<SubjectKind> subjects_of_action(const std::string& action);
  Offsets<Piece> compile_pieces(Section& s, const std::string& action, const std::string& message);
  flatbuffers::Offset<TimeZone> compile_time_zone(Section& top);
  flatbuffers::Offset<Limits> compile_limits();
  flatbuffers::Offset<Cores> compile_cores();
  flatbuffers::Offset<Sandbox> compile_sandbox();
  Offsets<Role> compile_roles();

  const toml::table& root_;
  const Board* board_;  // null: no defaults from a board
  Problems& problems_;
  Builder b_;
  std::string site_;
  std::vector<std::string> zone_names_, source_names_, assessment_names_, action_names_,
      sink_names_;
  PlanParts parts_;
  std::vector<bool> sinks_answer_;
  std::vector<std::uint32_t> zone_costs_;
  std::uint32_t last_cost_ = 0;  // of the last compiled expression
  std::vector<SubjectKind> subjects_;
};

}  // namespace vedette::plan
