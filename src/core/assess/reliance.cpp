#include "core/assess/reliance.hpp"

#include <algorithm>

#include "model/expression.hpp"

namespace vedette::assess {
namespace {

bool tells_place_or_motion(std::uint16_t field) {
  switch (static_cast<TrackField>(field)) {
    case TrackField::latitude:
    case TrackField::longitude:
    case TrackField::speed:
    case TrackField::course:
    case TrackField::sigma:
    case TrackField::moving:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool relies_on_own(std::span<const plan::Op> ops, SubjectKind subject, const plan::Plan& plan,
                   std::span<const Zone> zones) {
  const bool of_own = subject == SubjectKind::own;
  const auto relies = [&](const plan::Op& op) {
    switch (static_cast<OpCode>(op.code())) {
      case OpCode::cpa:
      case OpCode::tcpa:
      case OpCode::distance:
      case OpCode::bearing:
        return subject != SubjectKind::pair;
      case OpCode::inside_own:
        return true;
      case OpCode::inside_track:
      case OpCode::inside_b:
        return of_own || zones[op.index()].around_own;
      case OpCode::count_in_zone:
        return zones[plan.counts()->Get(op.index())->zone()].around_own;
      case OpCode::load_own:
        return tells_place_or_motion(op.index());
      case OpCode::load_track:
      case OpCode::compare_track:
        return of_own && tells_place_or_motion(op.index());
      default:
        return false;
    }
  };
  return std::any_of(ops.begin(), ops.end(), relies);
}

}  // namespace vedette::assess
