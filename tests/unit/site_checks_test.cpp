#include <string>
#include <vector>

#include "plan/plan.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::plan;

namespace {

std::vector<Problem> problems_of(const std::string& section) {
  const std::string site =
      "site = \"s\"\n[assess.a]\nof = \"track\"\nwhen = \"track.updates >= 1\"\n" + section;
  return compile_site(site, "").problems;
}

std::string udp(const std::string& from) {
  return "[source.a]\ndriver = \"udp\"\nlisten = \"127.0.0.1:9\"\ncodec = \"ais\"\nfrom = " + from +
         "\n";
}

// The only thing wrong, at the line it is written on, with what to write instead.
bool refused(const std::string& section, std::uint32_t line, const std::string& why) {
  const std::vector<Problem> problems = problems_of(section);
  return problems.size() == 1 && problems[0].line == line && !problems[0].help.empty() &&
         problems[0].message.find(why) != std::string::npos;
}

}  // namespace

TEST_CASE("whom a source takes datagrams from is a list of IPv4 networks, checked by the plan") {
  const Compiled c = compile_site(
      "site = \"s\"\n" + udp("[\"192.0.2.0/24\", \"198.51.100.7\", \"10.0.0.0/8\"]"), "");
  REQUIRE(c.problems.empty());
  std::string error;
  const Plan* p = load_plan(c.buffer, error);
  REQUIRE_MESSAGE(p != nullptr, error);
  const auto* senders = p->sources()->Get(0)->senders();
  REQUIRE(senders->size() == 3);
  CHECK(senders->Get(0)->address() == 0xC0000200);
  CHECK(senders->Get(0)->mask() == 0xFFFFFF00);
  CHECK(senders->Get(1)->address() == 0xC6336407);
  CHECK(senders->Get(1)->mask() == 0xFFFFFFFF);

  CHECK(refused(udp("[\"192.0.2.5/24\"]"), 9, "bits behind its prefix: 192.0.2.0/24"));
  CHECK(refused(udp("[\"0.0.0.0/0\"]"), 9, "is everybody"));
  for (const std::string& text :
       std::vector<std::string>{"host.example", "192.0.2", "192.0.2.256", "192.0.2.0/33",
                                "192.0.2.0/", "::1", "", "192.0.2.0/24/1", "192.0.2.1:80"}) {
    CHECK_MESSAGE(refused(udp("[\"" + text + "\"]"), 9, "is no IPv4 address"), text);
  }
  CHECK(refused(udp("[]"), 9, "names 0 senders"));
  std::string many = "[";
  for (int i = 0; i < 17; ++i) {
    many += "\"192.0.2." + std::to_string(i) + "\",";
  }
  CHECK(refused(udp(many + "]"), 9, "names 17 senders, it takes 1 to 16"));
  CHECK(
      refused("[source.a]\ndriver = \"serial\"\ndevice = \"/dev/null\"\ncodec = \"ais\"\nfrom = "
              "[\"192.0.2.1\"]\n",
              9, "does not tell who sends"));
}
