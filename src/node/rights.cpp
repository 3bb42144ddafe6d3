#include "node/rights.hpp"

#include <algorithm>

namespace vedette::node {
namespace {

struct Needed {
  std::optional<Right> operator()(const request::Hold&) const { return Right::hold; }
  std::optional<Right> operator()(const request::Resume&) const { return Right::resume; }
  std::optional<Right> operator()(const request::AcceptTime&) const { return Right::time; }
  std::optional<Right> operator()(const request::Acknowledge&) const { return Right::acknowledge; }
  std::optional<Right> operator()(const request::AcknowledgeAlarm&) const {
    return Right::acknowledge;
  }
  std::optional<Right> operator()(const request::Shelve&) const { return Right::shelve; }
  std::optional<Right> operator()(const request::Unshelve&) const { return Right::shelve; }
  std::optional<Right> operator()(const request::Note&) const { return Right::note; }
  std::optional<Right> operator()(const request::Cancel&) const { return Right::cancel; }
  std::optional<Right> operator()(const request::Requeue&) const { return Right::requeue; }
  // They only look.
  std::optional<Right> operator()(const request::Status&) const { return {}; }
  std::optional<Right> operator()(const request::Source&) const { return {}; }
  std::optional<Right> operator()(const request::Interruptions&) const { return {}; }
  std::optional<Right> operator()(const request::Alarms&) const { return {}; }
};

bool has(const std::vector<std::uint32_t>& all, std::uint32_t one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

}  // namespace

std::optional<Right> Rights::needed(const request::Request& request) {
  return std::visit(Needed{}, request);
}

std::vector<std::string> Rights::init(const plan::Plan& plan) {
  std::vector<std::string> without;
  if (plan.roles() == nullptr) {
    return without;
  }
  for (const plan::Role* r : *plan.roles()) {
    Role role{r->name()->str(), {}, {}, r->may()};
    const auto take = [&](const auto& names, auto number, const char* file,
                          std::vector<std::uint32_t>& into) {
      for (const auto* name : *names) {
        if (const auto found = number(name->str())) {
          into.push_back(*found);
        } else {
          without.push_back("role " + role.name + ": there is no \"" + name->str() + "\" in " +
                            file + "; nobody has the role by it");
        }
      }
    };
    take(r->users(), platform::user_number, "/etc/passwd", role.users);
    take(r->groups(), platform::group_number, "/etc/group", role.groups);
    roles_.push_back(std::move(role));
  }
  return without;
}

bool Rights::may(const platform::Account& who, Right right) const {
  if (open() || who.user == 0 || who.user == platform::own_user()) {
    return true;
  }
  return std::any_of(roles_.begin(), roles_.end(), [&](const Role& role) {
    return (role.may & bit_of(right)) != 0 &&
           (has(role.users, who.user) ||
            std::any_of(who.groups.begin(), who.groups.end(),
                        [&](std::uint32_t group) { return has(role.groups, group); }));
  });
}

std::string Rights::who_may(Right right) const {
  std::string all;
  for (const Role& role : roles_) {
    if ((role.may & bit_of(right)) != 0) {
      all += (all.empty() ? "" : ", ") + role.name;
    }
  }
  return all.empty() ? "no role" : all;
}

}  // namespace vedette::node
