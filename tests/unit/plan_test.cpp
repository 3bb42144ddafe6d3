#include "plan/plan.hpp"

#include "base/histogram.hpp"
#include "base/lane.hpp"
#include "plan/expression_compiler.hpp"
#include "plan/seal.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::plan;

namespace {

constexpr std::string_view kSite = R"(
site = "test"
[source.a]
driver = "udp"
listen = "127.0.0.1:9"
codec = "ais"
[assess.close]
of = "track"
when = "cpa(track, own) < 0.5 nmi and tcpa(track, own) < 12 min"
)";

CompiledExpression compile(std::string_view text, Dimension wanted = Dimension::boolean) {
  static const std::vector<std::string> zones{"harbour"};
  static const std::vector<std::uint32_t> costs{4};
  return compile_expression(text, wanted, {SubjectKind::track, false, &zones, &costs});
}

}  // namespace

TEST_CASE("a trial that could never confirm itself is refused with its place") {
  const plan::Compiled compiled = plan::compile_site(
      "site = \"s\"\n[limits]\ntrial = \"5 min\"\ntrial_within = \"1 min\"\n", "");
  const bool named = std::any_of(
      compiled.problems.begin(), compiled.problems.end(),
      [](const auto& p) { return p.message.find("trial_within") != std::string::npos; });
  CHECK(named);
}

TEST_CASE("a correct site compiles to a plan that loads") {
  const Compiled c = compile_site(kSite, "");
  REQUIRE(c.problems.empty());
  std::string error;
  const Plan* p = load_plan(c.buffer, error);
  REQUIRE_MESSAGE(p != nullptr, error);
  CHECK(p->assessments()->Get(0)->when()->cost() == 406);
}

TEST_CASE("sources keep the order of the site file") {
  const Compiled c =
      compile_site(std::string(kSite) +
                       "[source.Z]\ndriver = \"udp\"\nlisten = \"127.0.0.1:1\"\ncodec = \"n2k\"\n"
                       "[source.B]\ndriver = \"udp\"\nlisten = \"127.0.0.1:2\"\ncodec = \"n2k\"\n",
                   "");
  REQUIRE(c.problems.empty());
  std::string error;
  const Plan* p = load_plan(c.buffer, error);
  REQUIRE(p != nullptr);
  CHECK(p->sources()->Get(0)->name()->str() == "a");
  CHECK(p->sources()->Get(1)->name()->str() == "Z");
  CHECK(p->sources()->Get(2)->name()->str() == "B");
}

TEST_CASE("all errors are reported at once, with place and suggestion") {
  const std::string text =
      std::string(kSite) +
      "[source.b]\ndrivr = \"udp\"\ncodec = \"aiss\"\n[asess.x]\nof = \"track\"\n";
  const Compiled c = compile_site(text, "");
  REQUIRE(c.problems.size() >= 4);
  CHECK(c.buffer.empty());
  bool key = false, section = false;
  for (const Problem& p : c.problems) {
    key = key || (p.message.find("drivr") != std::string::npos &&
                  p.help.find("driver") != std::string::npos && p.line == 11);
    section = section || p.help.find("[assess]") != std::string::npos;
  }
  CHECK(key);
  CHECK(section);
}

TEST_CASE("an empty condition is an error at its place, not a plan that does not load") {
  const Compiled c =
      compile_site(std::string(kSite) + "[assess.nothing]\nof = \"track\"\nwhen = \"\"\n", "");
  REQUIRE(c.problems.size() == 1);
  CHECK(c.problems[0].line == 12);
}

TEST_CASE("text beyond ASCII is welcome in quotes and comments, and refused by place elsewhere") {
  const std::string accepted = "# \u00e9t\u00e9\n" + std::string(kSite) + "# \u046e\n";
  CHECK(compile_site(accepted, "").problems.empty());
  for (const std::string text :
       {"\nsit\u00e9 = 1", "\na = 1\"s`0\u046e", "\na = \"\x85\"", "\na = '\x01'"}) {
    const Compiled c = compile_site(text, "");
    REQUIRE(c.problems.size() == 1);
    CHECK(c.problems[0].line == 2);
  }
}

TEST_CASE("units and types are checked in expressions") {
  CHECK(compile("track.speed > 5 kn").error.empty());
  CHECK(compile("track.speed > 5 m").error.find("compared") != std::string::npos);
  CHECK(compile("track.speed").error.find("needed") != std::string::npos);
  CHECK(compile("inside(track, harbor)").help.find("harbour") != std::string::npos);
  CHECK(compile("track.sped > 1 kn").help.find("speed") != std::string::npos);
  CHECK(compile("distance(track, own) / track.speed < 10 min").error.empty());
  CHECK(!compile("track.speed > 5 kn and").error.empty());
  CHECK(!compile(std::string(5000, '(')).error.empty());
}

TEST_CASE("a plan with any one byte changed is refused by its digest") {
  const Compiled c = compile_site(kSite, "");
  REQUIRE(!c.buffer.empty());
  for (std::size_t i = 0; i < c.buffer.size(); ++i) {
    std::vector<std::uint8_t> bytes = c.buffer;
    bytes[i] = static_cast<std::uint8_t>(bytes[i] ^ 1U << i % 8);
    std::string error;
    CHECK(load_plan(bytes, error) == nullptr);
    CHECK(error.find(i < 8 && i >= 4 ? "not a plan" : "digest") != std::string::npos);
  }
  std::vector<std::uint8_t> cut(c.buffer.begin(), c.buffer.end() - 1);
  std::string error;
  CHECK(load_plan(cut, error) == nullptr);
}

TEST_CASE("a plan with any one byte changed and a digest of that is refused or still in bounds") {
  const Compiled c = compile_site(kSite, "");
  std::size_t refused = 0;
  for (std::size_t i = 0; i + kSealBytes < c.buffer.size(); ++i) {
    std::vector<std::uint8_t> bytes(c.buffer.begin(), c.buffer.end() - kSealBytes);
    bytes[i] = static_cast<std::uint8_t>(bytes[i] ^ 0xFF);
    seal_plan(bytes);
    std::string error;
    refused += load_plan(bytes, error) == nullptr ? 1U : 0U;
  }
  CHECK(refused > 0);
}

TEST_CASE("a lane gives back in order, refuses when full, and never loses a byte") {
  auto ends = Lane::Ends::apart;
  SUBCASE("of two threads") {}
  SUBCASE("of one thread, emptied now and then") {
    ends = Lane::Ends::together;
  }
  std::vector<std::uint64_t> memory(4096);
  Arena arena(memory.data(), memory.size() * 8);
  Lane lane;
  lane.init(arena, 8, 2048, ends);
  std::uint32_t in = 0, out = 0, refused = 0;
  for (int round = 0; round < 10000; ++round) {
    const std::size_t bytes = 4 + static_cast<std::size_t>(round * 37 % 500);
    const auto take = [&] {
      std::uint32_t seen = 0;
      std::memcpy(&seen, lane.peek().data(), 4);
      CHECK(seen == out++);
      lane.release();
    };
    if (round % 97 == 0) {
      while (!lane.peek().empty()) {
        take();
      }
    }
    std::uint8_t* at = lane.reserve(bytes);
    if (at == nullptr) {
      ++refused;
      take();
      continue;
    }
    std::memcpy(at, &in, 4);
    ++in;
    lane.commit(bytes);
  }
  CHECK(refused > 100);
  CHECK(in - out == lane.size());
}

TEST_CASE("a lane of one thread that is emptied writes where it wrote before") {
  std::vector<std::uint64_t> memory(4096);
  Arena arena(memory.data(), memory.size() * 8);
  Lane lane;
  lane.init(arena, 8, 2048, Lane::Ends::together);
  const std::uint8_t* const first = lane.reserve(100);
  lane.commit(100);
  const std::uint8_t* const second = lane.reserve(700);
  CHECK(second != first);
  lane.commit(700);
  lane.release(2);
  CHECK(lane.reserve(700) == first);
  lane.commit(700);
  CHECK(lane.peek().data() == first);
  CHECK(lane.peek().size() == 700);
}
