// The time of day by the plan's transitions, against the C library's reading of the same data.
#include "model/local_time.hpp"

#include <cstdlib>
#include <ctime>
#include <string>

#include "core/assess/condition.hpp"
#include "load_site.hpp"
#include "model/limits.hpp"
#include "plan/time_zone.hpp"
#include "platform/file.hpp"
#include "test.hpp"

using namespace vedette;

namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;

std::string site_in(const std::string& zone, const std::string& when = "time_of_day < \"06:00\"") {
  return "site = \"s\"\ntimezone = \"" + zone +
         "\"\n[source.in]\ndriver = \"udp\"\nlisten = \"127.0.0.1:1\"\ncodec = "
         "\"ais\"\n[assess.a]\nof = \"node\"\nwhen = '" +
         when + "'\n";
}

bool has_zones() {
  return platform::exists("/usr/share/zoneinfo/Europe/Helsinki");
}

}  // namespace

TEST_CASE("every zone's offset is the C library's, at its changes and between them") {
  if (!has_zones()) {
    MESSAGE("no time zone data here");
    return;
  }
  for (const std::string zone :
       {"Europe/Helsinki", "America/New_York", "Europe/Dublin", "Africa/Casablanca",
        "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Chatham", "America/Santiago",
        "Australia/Sydney", "America/Caracas", "Asia/Tehran", "UTC", "Etc/GMT+5"}) {
    plan::Transitions made;
    std::string help;
    REQUIRE_MESSAGE(plan::load_time_zone(zone, made, help).empty(), zone);
    REQUIRE(made.from.size() <= limits::kTimeTransitions);
    flatbuffers::FlatBufferBuilder b;
    b.Finish(plan::CreateTimeZone(b, b.CreateString(zone), b.CreateVector(made.from),
                                  b.CreateVector(made.offset)));
    const auto* const in_plan = flatbuffers::GetRoot<plan::TimeZone>(b.GetBufferPointer());
    ::setenv("TZ", (":" + zone).c_str(), 1);
    ::tzset();
    const auto same = [&](std::int64_t unix_s) {
      const std::time_t at = unix_s;
      std::tm local{};
      ::localtime_r(&at, &local);
      CHECK_MESSAGE(offset_at(in_plan, unix_s) == local.tm_gmtoff, (zone + std::to_string(unix_s)));
      const std::int64_t ns = unix_s * kSecondNs + 250'000'000;
      CHECK(time_of_day(in_plan, ns) ==
            local.tm_hour * 3600 + local.tm_min * 60 + local.tm_sec + 0.25);
      CHECK(weekday(in_plan, ns) == (local.tm_wday == 0 ? 7 : local.tm_wday));
    };
    for (std::int64_t at = limits::kTimeFromS; at < limits::kTimeToS; at += 1'234'567) {
      same(at);
    }
    for (const std::int64_t change : made.from) {
      same(change);
      if (change > limits::kTimeFromS) {
        same(change - 1);
      }
    }
  }
  ::unsetenv("TZ");
  ::tzset();
}

TEST_CASE("a zone that does not exist is refused with the nearest, and no bytes hurt") {
  if (!has_zones()) {
    MESSAGE("no time zone data here");
    return;
  }
  struct Wrong {
    std::string zone, said;
  };
  for (const Wrong& w :
       {Wrong{"Europe/Helsinky", "Helsinki"}, Wrong{"../../etc/passwd", "write it as in"},
        Wrong{"Europe", "write it as in"}, Wrong{"", "needs the site's time zone"}}) {
    const plan::Compiled c = plan::compile_site(site_in(w.zone), "");
    REQUIRE_MESSAGE(c.problems.size() == 1, w.zone);
    CHECK_MESSAGE((c.problems[0].message + c.problems[0].help).find(w.said) != std::string::npos,
                  c.problems[0].help);
  }
  const auto bytes = platform::read_file("/usr/share/zoneinfo/America/New_York", 1 << 16);
  REQUIRE(bytes);
  std::size_t refused = 0;
  for (std::size_t i = 0; i < bytes->size(); ++i) {
    plan::Transitions out;
    refused += plan::read_transitions(Bytes(*bytes).first(i), out) ? 0 : 1;
    std::vector<std::uint8_t> damaged = *bytes;
    damaged[i] = static_cast<std::uint8_t>(damaged[i] ^ 0xFF);
    (void)plan::read_transitions(damaged, out);
  }
  CHECK(refused > bytes->size() / 2);
}

TEST_CASE("spans of the day and of the week hold to the second, past midnight and Sunday too") {
  struct Span {
    std::string_view when;
    std::int64_t from_s, to_s;  // of the day, or of the week from Monday
    std::int64_t period_s;
  };
  constexpr std::int64_t kDay = 86'400, kWeek = 7 * kDay;
  constexpr std::int64_t kMonday = 1'704'067'200;  // 2024-01-01
  for (const Span& span : {Span{"time_of_day in \"22:00\"..\"06:00\"", 79'200, 21'600, kDay},
                           Span{"time_of_day in \"06:00\"..\"21:30:30\"", 21'600, 77'430, kDay},
                           Span{"time_of_day < \"06:00\"", 0, 21'600, kDay},
                           Span{"time_of_day >= \"18:00\"", 64'800, kDay, kDay},
                           Span{"weekday in \"monday\"..\"friday\"", 0, 5 * kDay, kWeek},
                           Span{"weekday in \"saturday\"..\"monday\"", 5 * kDay, kDay, kWeek},
                           Span{"weekday == \"sunday\"", 6 * kDay, kWeek, kWeek},
                           Span{"weekday in [\"tuesday\"]", kDay, 2 * kDay, kWeek}}) {
    std::vector<std::uint8_t> bytes;
    const plan::Plan* const plan = tests::load_site(site_in("UTC", std::string(span.when)), bytes);
    REQUIRE(plan != nullptr);
    const plan::Expression* when = plan->assessments()->Get(0)->when();
    for (const std::int64_t edge : {span.from_s, span.to_s}) {
      for (const std::int64_t at : {edge - 1, edge, edge + 1, edge + 3600}) {
        const std::int64_t of_period = (at + span.period_s) % span.period_s;
        const bool within = span.from_s < span.to_s
                                ? of_period >= span.from_s && of_period < span.to_s
                                : of_period >= span.from_s || of_period < span.to_s;
        assess::World world;
        world.at.now_ns = (kMonday + of_period) * kSecondNs;
        world.plan = plan;
        assess::View view;
        view.world = &world;
        CHECK_MESSAGE(assess::evaluate({reinterpret_cast<const plan::Op*>(when->ops()->Data()),
                                        when->ops()->size()},
                                       view) == (within ? 1.0 : 0.0),
                      span.when);
      }
    }
  }
  struct Wrong {
    std::string when, said;
  };
  for (const Wrong& w :
       {Wrong{"time_of_day in \"22:00\"", "expected"},
        Wrong{"time_of_day in \"24:01\"..\"06:00\"", "is no time of day"},
        Wrong{"time_of_day == \"06:00\"", "passes at once"}, Wrong{"time_of_day > 5", "compared"},
        Wrong{"weekday in \"monday\"..\"montag\"", "is no weekday"},
        Wrong{"weekday == \"mondy\"", "monday"},
        Wrong{"time_of_day in \"06:00\"..\"06:00\"", "no length"}}) {
    const plan::Compiled c = plan::compile_site(site_in("UTC", w.when), "");
    REQUIRE_MESSAGE(c.problems.size() == 1, w.when);
    CHECK_MESSAGE((c.problems[0].message + c.problems[0].help).find(w.said) != std::string::npos,
                  w.when);
  }
}
