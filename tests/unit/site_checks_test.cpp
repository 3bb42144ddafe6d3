#include <string>
#include <vector>

#include "plan/address.hpp"
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

std::string zone(const std::string& points) {
  return "[source.a]\ndriver = \"udp\"\nlisten = \"127.0.0.1:9\"\ncodec = "
         "\"ais\"\n[zone.z]\npoints "
         "= " +
         points + "\n";
}

// Whether this is the only problem, at that line, with a remedy.
bool refused(const std::string& section, std::uint32_t line, const std::string& why) {
  const std::vector<Problem> problems = problems_of(section);
  return problems.size() == 1 && problems[0].line == line && !problems[0].help.empty() &&
         problems[0].message.find(why) != std::string::npos;
}

}  // namespace

TEST_CASE("a polygon without an area is an error at its place, and says what to write") {
  const auto no_area = [](const std::string& points, const std::string& why) {
    return refused(zone(points), 10, why);
  };
  CHECK(no_area("[[40.0,40.0],[40.0,40.0],[40.0,40.0]]", "1 is different"));
  CHECK(no_area("[[40.0,40.0],[41.0,40.0],[40.0,40.0]]", "2 are different"));
  CHECK(no_area("[[30.0,30.0],[31.0,31.0],[32.0,32.0]]", "on one line"));
  CHECK(no_area("[[60.0,10.0],[60.0,20.0],[60.0,30.0],[60.0,20.0]]", "on one line"));
  CHECK(no_area("[[0.0,179.0],[1.0,180.0],[2.0,-179.0]]", "on one line"));
  CHECK(no_area("[[50.0,1.0],[51.0,1.0],[51.0,2.0],[51.0,1.0]]", "less than a square metre"));
  CHECK(no_area("[[50.0,1.0],[50.0,1.000005],[50.000005,1.0]]", "less than a square metre"));
  CHECK(
      no_area("[[10.0,10.0],[11.0,11.0],[11.0,10.0],[10.0,11.0]]",
              "crosses itself: the edge [10.0, 10.0] to [11.0, 11.0] and the edge [11.0, 10.0] to "
              "[10.0, 11.0]"));
  CHECK(no_area("[[0.0,179.0],[1.0,-179.0],[1.0,179.0],[0.0,-179.0]]", "crosses itself"));
  CHECK(no_area("[[-60.0,-170.0],[0.0,10.0],[60.0,170.0]]", "too large"));
}

TEST_CASE("a polygon that repeats a corner, spans a pole or the antimeridian has an area") {
  for (const std::string& points : std::vector<std::string>{
           "[[20.0,20.0],[20.0,20.0],[20.0,21.0],[21.0,21.0],[21.0,21.0],[21.0,20.0],[20.0,20.0]]",
           "[[80.0,0.0],[80.0,90.0],[80.0,180.0],[80.0,-90.0]]",
           "[[85.0,0.0],[90.0,0.0],[85.0,90.0]]",
           "[[0.0,179.0],[0.0,-179.0],[1.0,-179.0],[1.0,179.0]]",
           "[[0.0,179.0],[0.0,180.0],[1.0,-180.0],[1.0,179.0]]",
           // Ten metres across, with a dent that almost reaches the opposite edge.
           "[[60.0,25.0],[60.0,25.0002],[60.0001,25.0002],[60.0000001,25.0001],[60.0001,25.0]]"}) {
    CHECK_MESSAGE(problems_of(zone(points)).empty(), points);
  }
}

TEST_CASE("a circle without a radius has no area and is an error") {
  for (const char* radius : {"0 m", "-1 m"}) {
    CHECK(!problems_of(zone("[[1.0,1.0],[1.0,2.0],[2.0,1.0]]") +
                       "[zone.y]\ncentre = [60.0, 25.0]\nradius = \"" + radius + "\"\n")
               .empty());
  }
}

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

  CHECK(refused(udp("[\"192.0.2.5/24\"]"), 9, "write 192.0.2.0/24 for the network"));
  CHECK(refused(udp("[\"0.0.0.0/0\"]"), 9, "would let everybody send"));
  for (const std::string& text :
       std::vector<std::string>{"host.example", "192.0.2", "192.0.2.256", "192.0.2.0/33",
                                "192.0.2.0/", "::1", "", "192.0.2.0/24/1", "192.0.2.1:80"}) {
    CHECK_MESSAGE(refused(udp("[\"" + text + "\"]"), 9, "is not an IPv4 address"), text);
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
              9, "does not say who sends"));
}

TEST_CASE("a tcp source says where it connects or listens, and what is wrong with that") {
  const auto tcp = [](const std::string& keys) {
    return "[source.a]\ndriver = \"tcp\"\ncodec = \"ais\"\n" + keys;
  };
  const auto fits = [&](const std::string& keys) { return problems_of(tcp(keys)).empty(); };
  CHECK(fits("to = \"192.0.2.7:30005\"\n"));
  CHECK(fits("to = [\"192.0.2.7:30005\", \"[2001:db8::7]:1\", \"[::1]:65535\"]\ngreet = \"hi\"\n"));
  CHECK(fits("to = [\"localhost:1\", \"a-b.example:2\", \"7up.example:3\"]\n"));
  for (const std::string name : {"a..b", "-a", "a-", "a b", "a.", "", "1.2.3"}) {
    CAPTURE(name);
    CHECK(refused(tcp("to = \"" + name + ":80\"\n"), 8, "is neither an address nor a name"));
  }
  CHECK(refused(tcp("listen = \"localhost:1\"\n"), 8, "is no address"));
  CHECK(fits("to = \"[1:2:3:4:5:6:7:8]:9\"\n"));
  CHECK(fits("listen = \"0.0.0.0:10110\"\nsenders = 16\nfrom = [\"192.0.2.0/24\"]\n"));
  CHECK(refused(tcp(""), 6, "needs \"to\" or \"listen\""));
  CHECK(refused(tcp("to = \"192.0.2.7:1\"\nlisten = \"192.0.2.7:1\"\n"), 6, "not both"));
  CHECK(refused(tcp("to = \"192.0.2.7\"\n"), 8, "has no port"));
  CHECK(refused(tcp("to = \"192.0.2.7:0\"\n"), 8, "has no port"));
  CHECK(refused(tcp("to = [\"192.0.2.700:80\"]\n"), 8, "is neither an address nor a name"));
  for (const std::string v6 : {"1:2", ":::", "1::2::3", "1:2:3:4:5:6:7:8:9",
                               "1:2:3:4:5:6:7:8::", "12345::", "g::", "1:2:3:4:5:6:7:"}) {
    CAPTURE(v6);
    CHECK(refused(tcp("to = \"[" + v6 + "]:80\"\n"), 8, "is no IPv6 address"));
  }
  CHECK(refused(tcp("to = \"192.0.2.7:1\"\nfrom = [\"192.0.2.0/24\"]\n"), 9,
                "the node itself connects"));
  CHECK(refused(tcp("listen = \"192.0.2.7:1\"\ngreet = \"hi\"\n"), 9, "greets nobody"));
  const std::string pipe = "driver = \"pipe\"\ncodec = \"ais\"\ndevice = \"-\"\n";
  CHECK(problems_of("[source.a]\n" + pipe).empty());
  CHECK(refused("[source.a]\n" + pipe + "[source.b]\n" + pipe, 12, "would get a part of it"));
}

TEST_CASE("filters are checked by section 4.7.1") {
  for (const std::string good : {"#", "+", "a", "/", "a/+/b", "+/+/#", "a//b", "a b"}) {
    CHECK(plan::parse_topic(good).empty());
  }
  for (const std::string bad : {"", "a#", "#/a", "a/#/b", "a+", "+a/b", "a/b+"}) {
    CHECK_FALSE(plan::parse_topic(bad).empty());
  }
}

TEST_CASE("an mqtt source says its broker and topics, and a password stays on this machine") {
  const auto mqtt = [](const std::string& keys) {
    return "[source.a]\ndriver = \"mqtt\"\ncodec = \"ais\"\n" + keys;
  };
  const std::string to = "to = \"127.0.0.1:1883\"\n";
  CHECK(problems_of(mqtt(to + "topic = [\"a/+/b\", \"#\"]\nqos = 1\n")).empty());
  CHECK(problems_of(mqtt("to = \"192.0.2.7:1883\"\ntopic = \"a\"\n")).empty());
  CHECK(problems_of(mqtt(to + "topic = \"a\"\nuser = \"u\"\npassword_file = \"/run/secret\"\n"))
            .empty());
  CHECK(refused(mqtt(to + "topic = \"a#\"\n"), 9, "elsewhere than"));
  CHECK(refused(mqtt("to = \"192.0.2.7:1883\"\ntopic = \"a\"\nuser = \"u\"\n"), 10, "in clear"));
  CHECK(refused(mqtt(to + "topic = \"a\"\npassword_file = \"/run/secret\"\n"), 10,
                "without \"user\""));
}

TEST_CASE("a can source names its bus, and carries NMEA 2000") {
  const std::string bus = "[source.a]\ndriver = \"can\"\n";
  CHECK(problems_of(bus + "codec = \"n2k\"\ninterface = \"can0\"\n").empty());
  CHECK(refused(bus + "interface = \"can0\"\ncodec = \"ais\"\n", 8, "carries NMEA 2000"));
  CHECK(problems_of(bus + "codec = \"n2k\"\n").size() == 1);
}
