#include "node/why.hpp"

#include <array>
#include <bit>

#include "cli/json_value.hpp"
#include "cli/status_screen.hpp"
#include "plan/expression_compiler.hpp"
#include "test.hpp"

using namespace vedette;

namespace {

const std::vector<std::string> kZones{"fairway", "guard"};

struct Scene {
  Scene() : world{{0, trackers}, &own, Mode::normal, {}, kReaders} {
    view.world = &world;
    view.set(SubjectKind::track, &track);
    view.set(SubjectKind::own, &own);
    track.kind = IdentityKind::vessel;
    track.updates = 4;
    track.velocity_east = 10.0;
    track.heading = std::bit_cast<double>(0x7FF8000000000000ULL);
    own.updates = 0;
  }
  static constexpr std::array<FieldReader, kSubjectKinds> kReaders{read_track, read_track,
                                                                   read_source};
  Track track{}, own{};
  std::array<Tracker, static_cast<std::size_t>(IdentityKind::count)> trackers{};
  assess::World world;
  assess::View view;
};

// "speed 19.4 kn, above 5 kn | ..." of each comparison, in order.
std::string told(std::string_view text) {
  static const std::vector<std::uint32_t> costs{1, 1};
  const plan::CompiledExpression compiled = plan::compile_expression(
      text, Dimension::boolean, {SubjectKind::track, false, &kZones, &costs});
  REQUIRE_MESSAGE(compiled.error.empty(), compiled.error);
  Scene scene;
  std::string all;
  for (const node::Compared& c : node::comparisons(text, compiled.ops, scene.view, kZones)) {
    const std::string against = c.held_against();
    all += (all.empty() ? "" : " | ") + c.what + " " + c.value_text() +
           (against.empty() ? "" : ", " + against);
  }
  return all;
}

}  // namespace

TEST_CASE("a condition is told as its values and what they were held against, as it was written") {
  CHECK(told("track.speed > 5 kn") == "speed 19.4 kn, above 5 kn");
  CHECK(told("track.speed < 18 km/h") == "speed 19.4 kn, not below 18 km/h (9.7 kn)");
  CHECK(told("own.speed > 1 kn and track.updates >= 3 and track.speed > 5 kn") ==
        "updates 4, at least 3 | speed 19.4 kn, above 5 kn | own speed unknown, not known to be "
        "above 1 kn");
  CHECK(told("cpa(track, own) < 0.5 nmi") == "CPA unknown, not known to be below 0.5 nmi (926 m)");
  CHECK(told("not (track.kind == vessel)") == "kind vessel, equal to vessel");
  CHECK(told("track.lost or track.speed * 60 s > 100 m") ==
        "lost false | speed * 60 600 m, above 100 m");
  CHECK(told("track.lost ? track.speed > 5 kn : track.heading > 10 deg")
            .find("heading unknown, not known to be above 10 deg") != std::string::npos);
}

TEST_CASE("quantities read as people say them") {
  using node::quantity_text;
  CHECK(quantity_text(173.4, Dimension::length) == "173 m");
  CHECK(quantity_text(18520.0, Dimension::length) == "18.5 km (10.0 nmi)");
  CHECK(quantity_text(250.0, Dimension::duration) == "4 min 10 s");
  CHECK(quantity_text(59.94, Dimension::duration) == "59.9 s");
  CHECK(quantity_text(3600.0, Dimension::duration) == "1 h");
  CHECK(quantity_text(-90.0, Dimension::duration) == "-1 min 30 s");
  CHECK(quantity_text(3.0, Dimension::number) == "3");
  CHECK(quantity_text(0.25, Dimension::ratio) == "0.25");
}

TEST_CASE("a JSON document is read as a tree, and anything else is none") {
  using cli::JsonValue;
  const auto value = JsonValue::parse(
      R"( {"a":{"b":[1,"two",true,null]},"text":"q\"\\ \u001b","empty":{},"list":[]} )");
  REQUIRE(value);
  CHECK((*value)["a"]["b"].items().size() == 4);
  CHECK((*value)["a"]["b"].items()[0].number() == 1.0);
  CHECK((*value)["a"]["b"].items()[2].is_true());
  CHECK((*value)["text"].text() == "q\"\\ ?");
  CHECK((*value)["nothing"]["of"]["that"].empty());
  for (const char* text : {"", "{", "[1", "{\"a\"}", "{\"a\":}", "[1] 2", "\"open", "{a:1}"}) {
    CHECK_MESSAGE(!JsonValue::parse(text), text);
  }
  CHECK(!JsonValue::parse(std::string(100, '[') + std::string(100, ']')));
}

TEST_CASE("a status screen fits 80 columns, trouble first, and says how much it leaves out") {
  std::string sources;
  for (int i = 0; i < 20; ++i) {
    sources += (i == 0 ? "" : ",") + std::string(R"({"name":"source)") + std::to_string(i) +
               R"(","status":")" + (i == 17 ? "down" : "up") +
               R"(","accepted":5,"missed":0,"refused":{"x":2,"y":3}})";
  }
  const auto status = cli::JsonValue::parse(
      R"({"site":"s","now":"2026-11-29T07:34:10.000Z","mode":"degraded","causes":[{"name":)"
      R"("source.source17","since":"2026-11-29T07:24:00.000Z"}],"sources":[)" +
      sources +
      R"(],"sinks":[],"journal":{"bytes":1048576},"sequence":"7","durable_sequence":"7"})");
  std::string alarms = R"({"alarms":[{"state":"shelved","line":"x"})";
  for (int i = 0; i < 12; ++i) {
    alarms += R"(,{"state":"unacknowledged","line":")" + std::string(120, 'w') + R"("})";
  }
  const auto list = cli::JsonValue::parse(alarms + "]}");
  REQUIRE(status);
  REQUIRE(list);
  const std::string screen = cli::status_screen(*status, *list);
  CHECK(screen.find("mode degraded") < screen.find("source.source17 for 10 min 10 s: "));
  CHECK(screen.find("12 alarms, 12 not acknowledged, 1 shelved") != std::string::npos);
  CHECK(screen.find("and 4 more: `vedette alarms`") != std::string::npos);
  CHECK(screen.find("\nsource17          down") < screen.find("\nsource0 "));
  CHECK(screen.find("and 12 more") != std::string::npos);
  CHECK(screen.find("everything is on it, 1.0 MiB written") != std::string::npos);
  std::size_t lines = 0;
  for (std::size_t at = 0; at < screen.size(); ++lines) {
    const std::size_t end = screen.find('\n', at);
    CHECK(end - at <= cli::kColumns);
    at = end + 1;
  }
  CHECK(lines <= 40);
  CHECK(cli::status_screen(*status, *list, 200).find(std::string(120, 'w')) != std::string::npos);
  CHECK(cli::status_screen(*status, {}).find("alarms are not known") != std::string::npos);
}

TEST_CASE("texts, codes and what is unknown are told by their words") {
  CHECK(told("track.ship_type == 36 and track.length == ''") ==
        "ship type unknown, not known to be equal to 36 (sailing) | length unknown true");
}
