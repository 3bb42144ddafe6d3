// Requests and answers of the control socket: typed, with one text each; any bytes get an answer.
#include "model/request.hpp"

#include <random>
#include <string>
#include <vector>

#include "test.hpp"

using namespace vedette;
using namespace vedette::request;

TEST_CASE("each request has one line, and that line says it again") {
  const std::pair<Request, std::string> all[] = {
      {Status{}, "status"},
      {Source{{"ais-2"}}, "source ais%2D2"},
      {Interruptions{}, "interruptions"},
      {Hold{}, "hold"},
      {Resume{}, "resume"},
      {AcceptTime{}, "accept-time"},
      {AcceptTime{1'777'636'800'000'000'000}, "accept-time 1777636800000000000"},
      {AcceptTime{-1}, "accept-time -1"},
      {Acknowledge{{IdentityKind::vessel, 230123450}, {"mate"}, {"seen, 2 nm"}},
       "acknowledge vessel 230123450 mate seen%2C%202%20nm"},
      {Acknowledge{{IdentityKind::own, 0}, {}, {}}, "acknowledge own 0 - -"},
      {Alarms{}, "alarms"},
      {AcknowledgeAlarm{{4711}, {"-"}, {}}, "acknowledge-alarm 4711 %2D -"},
      {Shelve{{4711}, {60'000'000'000}, {"mate"}, {}}, "shelve 4711 60000000000 mate -"},
      {Unshelve{{4711}, {}, {}}, "unshelve 4711 - -"},
      {Note{{"mate"}, {"50 %\n"}}, "note mate 50%20%25%0A"},
      {Cancel{{4711}}, "cancel 4711"},
      {Requeue{{18446744073709551615U}}, "requeue 18446744073709551615"},
  };
  for (const auto& [request, line] : all) {
    CHECK(encode(request) == line);
    const auto read = decode(line);
    REQUIRE(read);
    CHECK(read.value() == request);
    CHECK(line.size() <= kRequestBytes);
  }
}

TEST_CASE("a line that is no request is refused, and says whether its word is known") {
  for (const std::string line :
       {"", " ", "status2", "STATUS", "acknowledg vessel 1", "time accept"}) {
    REQUIRE_FALSE(decode(line));
    CHECK(decode(line).error() == Malformed::unknown_word);
  }
  const std::string long_line = "cancel " + std::string(5000, '1');
  for (const std::string& line : std::vector<std::string>{"status ",
                                                          "status now",
                                                          "hold 1",
                                                          "cancel",
                                                          "cancel 0",
                                                          "cancel -1",
                                                          "cancel 007",
                                                          "cancel 18446744073709551616",
                                                          "cancel 1 2",
                                                          "cancel  1",
                                                          "cancel 1 ",
                                                          "requeue 1 00ff",
                                                          "acknowledge vessel 230123450",
                                                          "acknowledge vessel 230123450 mate",
                                                          "note mate 50%",
                                                          "note mate %2d",
                                                          "note mate a%61",
                                                          "note  x",
                                                          "shelve 1 0 - -",
                                                          "shelve 1 -5 - -",
                                                          "acknowledge ship 1",
                                                          "acknowledge none 1",
                                                          "acknowledge vessel x",
                                                          "acknowledge vessel 72057594037927936",
                                                          "accept-time x",
                                                          "accept-time 1 2",
                                                          "accept-time ",
                                                          "accept-time 9223372036854775808",
                                                          long_line}) {
    REQUIRE_FALSE(decode(line));
    CHECK(decode(line).error() == Malformed::field);
  }
}

TEST_CASE("an answer is read back as what the node said") {
  const Answer all[] = {
      Accepted{true},
      Accepted{false},
      TimeAccepted{1'777'636'800'123'000'000},
      Refused{"event 4711 neither waits nor is under way: it has its exit already, or never was"},
      Refused{"a \"quoted\" \\ name\twith\nlines\x1b[0m"},
      Document{R"({"site":"x","mode":"normal"})"}};
  for (const Answer& answer : all) {
    const auto read = decode_answer(encode(answer));
    REQUIRE(read);
    CHECK(*read == answer);
  }
  CHECK(encode(Answer(Accepted{true})) == R"({"accepted":true,"durable":true})");
  CHECK(encode(Answer(Refused{"no"})) == R"({"error":"no"})");
  for (const std::string line : {"", "{", "hello", "{\"error\":\"", "{\"error\":\"\\u00",
                                 "{\"accepted\":true,\"time\":\"noon\"}"}) {
    CHECK_FALSE(decode_answer(line));
  }
}

TEST_CASE("any change of a request's line is another request or none") {
  std::mt19937_64 random(26);
  const std::string lines[] = {"cancel 4711", "acknowledge vessel 230123450 mate a%2Cb",
                               "shelve 1 5 - -", "accept-time 17", "status"};
  for (int i = 0; i < 20'000; ++i) {
    std::string line = lines[random() % 4];
    for (std::size_t changes = 1 + random() % 3; changes-- > 0;) {
      line[random() % line.size()] = static_cast<char>(random());
    }
    const auto read = decode(line);
    CHECK((!read || encode(read.value()) == line));
    decode_answer("{\"error\":\"" + line);
  }
}
