#include "sim/arrivals.hpp"

namespace vedette::sim {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

}  // namespace

Report report_of_ship(Random& random, std::int64_t now_ns) {
  Observation o;
  o.kind = IdentityKind::vessel;
  o.identity = 1 + random.below(60);
  o.set(Field::position);
  // Sometimes an impossible jump, or a time that goes back.
  const std::uint64_t jump = random.one_in(20) ? random.below(5'000'000) : random.below(3000);
  o.latitude_e7 = static_cast<std::int32_t>(590'000'000 + o.identity * 100'000 + jump);
  o.longitude_e7 = 240'000'000;
  return {o,
          now_ns - (random.one_in(30) ? static_cast<std::int64_t>(random.below(5)) * kSecond : 0)};
}

std::vector<Observation> plots(Random& random, std::int64_t now_ns) {
  const std::int64_t ns =
      now_ns - (random.one_in(6) ? static_cast<std::int64_t>(random.below(5000)) * 1'000'000 : 0);
  const std::int64_t second = ns / kSecond % 200;
  std::vector<Observation> datagram;
  Observation o;
  o.kind = IdentityKind::contact;
  o.sensor = static_cast<std::uint16_t>(1 + random.below(2));
  o.time_of_day = static_cast<std::uint32_t>(ns / 1'000'000 % 86'400'000 * 128 / 1000);
  o.set(Field::time_of_day);
  if (random.one_in(2)) {
    datagram.push_back(o);
    datagram.back().set(Field::scan_start);
  }
  o.set(random.one_in(2) ? Field::plot_plane : Field::plot_polar);
  for (std::int64_t thing = 0; thing < 8; ++thing) {
    const auto noise = [&] { return static_cast<std::int32_t>(random.below(20'000)) - 10'000; };
    const bool clutter = random.one_in(6);
    o.plot[0] = static_cast<std::int32_t>(
        clutter ? random.below(1'500'000)
                : static_cast<std::uint64_t>(200'000 + thing * 120'000 + second * thing * 700));
    o.plot[1] = static_cast<std::int32_t>(clutter ? random.below(359'000'000)
                                                  : static_cast<std::uint64_t>(20'000 * thing));
    o.plot[0] += noise();
    if (!random.one_in(5)) {
      datagram.push_back(o);
    }
  }
  if (!datagram.empty() && !random.one_in(10)) {
    datagram.back().set(Field::group_end);
  }
  return datagram;
}

}  // namespace vedette::sim
