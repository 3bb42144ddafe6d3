#include "platform/line_writer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "test.hpp"

using vedette::platform::LineWriter;

namespace {

struct Pipe {
  Pipe() { REQUIRE(::pipe(ends) == 0); }
  ~Pipe() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  std::string read() {
    char text[1 << 16];
    const ssize_t n = ::read(ends[0], text, sizeof text);
    return {text, static_cast<std::size_t>(n > 0 ? n : 0)};
  }
  int ends[2] = {-1, -1};
};

std::string line_of(int number) {
  return "line " + std::to_string(number) + " " + std::string(100, 'x') + "\n";
}

}  // namespace

TEST_CASE("lines that nobody reads are refused when enough wait, and all taken ones arrive whole") {
  for (const bool blocking : {true, false}) {
    Pipe pipe;
    ::fcntl(pipe.ends[1], F_SETPIPE_SZ, 4096);
    ::fcntl(pipe.ends[1], F_SETFL, blocking ? 0 : O_NONBLOCK);
    LineWriter writer(pipe.ends[1]);
    std::string taken;
    int lines = 0;
    while (writer.put(line_of(lines))) {
      taken += line_of(lines++);
      REQUIRE(lines < 10'000);
    }
    CHECK(taken.size() > LineWriter::kRoom);
    CHECK(!writer.flush());
    std::string arrived;
    while (arrived.size() < taken.size()) {
      const std::string piece = pipe.read();
      CHECK(piece.back() == '\n');  // whole lines only
      arrived += piece;
      writer.flush();
    }
    CHECK(arrived == taken);
    CHECK(writer.flush());
    CHECK(writer.put(line_of(0)));
  }
}

TEST_CASE("what no reader will ever take does not wait for one") {
  ::signal(SIGPIPE, SIG_IGN);
  Pipe pipe;
  ::close(pipe.ends[0]);
  LineWriter writer(pipe.ends[1]);
  CHECK(writer.put(line_of(1)));
  CHECK(writer.flush());
  pipe.ends[0] = -1;
}
