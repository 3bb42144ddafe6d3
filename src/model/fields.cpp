#include "model/fields.hpp"

#include <bit>
#include <cstring>

#include "base/math.hpp"
#include "model/post_facts.hpp"
#include "model/source_facts.hpp"

namespace vedette {
namespace {

double truth(bool b) {
  return b ? 1.0 : 0.0;
}

// Zero is "not said".
double known(std::uint32_t said) {
  return said == 0 ? kUnknown : said;
}

template <std::size_t N>
std::string_view text_of(const char (&text)[N]) {
  return {text, ::strnlen(text, N)};
}

}  // namespace

std::string_view read_text(const Track& t, std::uint16_t field) {
  switch (static_cast<TrackField>(field)) {
    case TrackField::name:
      return text_of(t.name);
    case TrackField::callsign:
      return text_of(t.callsign);
    case TrackField::destination:
      return text_of(t.particulars.destination);
    default:
      return {};
  }
}

namespace {

// What it says of itself.
double read_particulars(const Track& t, TrackField field) {
  const Particulars& p = t.particulars;
  switch (field) {
    case TrackField::name:
    case TrackField::callsign:
    case TrackField::destination:
      return read_text(t, static_cast<std::uint16_t>(field)).empty() ? kUnknown : 1.0;
    case TrackField::ship_type:
      return known(t.ship_type);
    case TrackField::nav_status:
      return t.nav_status == 15 ? kUnknown : t.nav_status;
    case TrackField::length:
      return known(p.length_dm) / 10.0;
    case TrackField::beam:
      return known(p.beam_dm) / 10.0;
    case TrackField::draught:
      return known(p.draught_cm) / 100.0;
    case TrackField::imo:
      return known(p.imo);
    case TrackField::squawk:
      return known(p.squawk_next) - 1.0;
    case TrackField::emergency:
      return known(p.emergency_next) - 1.0;
    case TrackField::category:
      return known(p.category);
    default:
      return kUnknown;
  }
}

double read_doubt(const Track& t, TrackField field) {
  switch (field) {
    case TrackField::jump:
      return truth(doubted(t, Doubt::jump) || doubted(t, Doubt::second));
    case TrackField::disagree:
      return truth(doubted(t, Doubt::disagree));
    case TrackField::in_doubt:
      return truth(position_in_doubt(t));
    case TrackField::sudden:
      return truth(doubted(t, Doubt::sudden));
    case TrackField::frozen:
      return truth(doubted(t, Doubt::frozen));
    case TrackField::drift:
      return truth(doubted(t, Doubt::drift));
    case TrackField::off_place:
      return truth(doubted(t, Doubt::off_place));
    case TrackField::stale:
      return truth(doubted(t, Doubt::stale));
    case TrackField::weak:
      return truth(doubted(t, Doubt::weak));
    default:
      return read_particulars(t, field);
  }
}

}  // namespace

double read_track(const void* track, std::uint16_t field, const FieldContext& at) {
  if (track == nullptr) {
    return kUnknown;
  }
  const Track& t = *static_cast<const Track*>(track);
  const Tracker& k = at.trackers[static_cast<std::size_t>(t.kind)];
  const bool is_placed = t.updates > 0;
  switch (static_cast<TrackField>(field)) {
    case TrackField::latitude:
      return is_placed ? t.latitude : kUnknown;
    case TrackField::longitude:
      return is_placed ? t.longitude : kUnknown;
    case TrackField::speed:
      return is_placed ? det_sqrt(speed_squared(t)) : kUnknown;
    case TrackField::course:
      return is_placed ? wrap_360(det_atan2(t.velocity_east, t.velocity_north) / kDegree)
                       : kUnknown;
    case TrackField::heading:
      return t.heading;
    case TrackField::altitude:
      return t.altitude;
    case TrackField::vertical_speed:
      return t.vertical_speed;
    case TrackField::confidence:
      return confidence_of(t, k, at.now_ns);
    case TrackField::age:
      return is_placed ? seconds_between(t.observed_ns, at.now_ns) : kUnknown;
    case TrackField::kind:
      return static_cast<double>(t.kind);
    case TrackField::identity:
      return static_cast<double>(identity_of(t.key));
    case TrackField::updates:
      return t.updates;
    case TrackField::sigma:
      return is_placed ? det_sqrt(variance_now(t, k, at.now_ns)) : kUnknown;
    case TrackField::water_speed:
      return t.water_speed;
    case TrackField::wind_speed:
      return t.wind_speed;
    case TrackField::wind_angle:
      return t.wind_angle;
    case TrackField::battery:
      return t.battery;
    case TrackField::lost:
      return is_placed ? truth(t.state == TrackState::lost) : kUnknown;
    case TrackField::identified:
      return truth(t.partner != 0);
    case TrackField::denied:
      return t.denied;
    case TrackField::elsewhere:
      return t.elsewhere;
    case TrackField::gated:
      return t.gated_in_row;
    case TrackField::sensors:
      return std::popcount(t.sensor_mask);
    case TrackField::turning:
      return t.turning;
    case TrackField::moving:
      return is_placed ? moving_confidence(t) : kUnknown;
    case TrackField::acknowledged:
      return truth(t.acknowledged != 0);
    default:
      return read_doubt(t, static_cast<TrackField>(field));
  }
}

double read_source(const void* source_facts, std::uint16_t field, const FieldContext& at) {
  if (source_facts == nullptr) {
    return kUnknown;
  }
  const SourceFacts& s = *static_cast<const SourceFacts*>(source_facts);
  switch (static_cast<SourceField>(field)) {
    case SourceField::age:
      return seconds_between(s.last_ns, at.now_ns);
    case SourceField::up:
      return truth(s.status == SourceStatus::up);
    case SourceField::accepted:
      return static_cast<double>(s.accepted);
    case SourceField::count:
      break;
  }
  return kUnknown;
}

double read_sink(const void* sink_facts, std::uint16_t field, const FieldContext& at) {
  if (sink_facts == nullptr) {
    return kUnknown;
  }
  const SinkFacts& s = *static_cast<const SinkFacts*>(sink_facts);
  switch (static_cast<SinkField>(field)) {
    case SinkField::age:
      return seconds_between(s.success_ns, at.now_ns);
    case SinkField::failures:
      return s.failures;
    case SinkField::open:
      return truth(s.breaker != BreakerState::closed);
    case SinkField::waiting:
      return static_cast<double>(s.waiting);
    case SinkField::count:
      break;
  }
  return kUnknown;
}

double read_node(const void* node_facts, std::uint16_t field, const FieldContext& at) {
  // In the order of the fields, from the second on.
  static constexpr std::array kCauses{Cause::journal, Cause::disk_slow,    Cause::disk_filling,
                                      Cause::image,   Cause::mirror,       Cause::clock,
                                      Cause::network, Cause::own_in_doubt, Cause::held};
  static_assert(kCauses.size() + 1 == kNodeFields.size());
  if (node_facts == nullptr || field > kCauses.size()) {
    return kUnknown;
  }
  const NodeFacts& n = *static_cast<const NodeFacts*>(node_facts);
  if (field == 0) {
    return static_cast<double>(standing_of(n.causes));
  }
  const Cause cause = kCauses[field - 1];
  return n.causes.has(cause)
             ? seconds_between(n.since_ns[static_cast<std::size_t>(cause)], at.now_ns)
             : 0.0;
}

}  // namespace vedette
