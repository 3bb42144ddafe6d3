#include "platform/line_writer.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
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
  bool waits() {
    pollfd wanted{ends[0], POLLIN, 0};
    return ::poll(&wanted, 1, 1) == 1;
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

TEST_CASE(
    "a disk that hangs holds up neither a line nor the end, and what waited arrives in order") {
  ::signal(SIGPIPE, SIG_IGN);
  Pipe disk;  // full: a write to it hangs as one to a file does
  ::fcntl(disk.ends[1], F_SETPIPE_SZ, 4096);
  std::string taken;
  {
    LineWriter writer(disk.ends[1], true);
    for (int lines = 0; writer.put(line_of(lines)); ++lines) {
      taken += line_of(lines);
      writer.flush();
      REQUIRE(lines < 10'000);
    }
    CHECK(taken.size() > LineWriter::kRoom);
    CHECK(!writer.flush());
    std::string arrived;
    while (arrived.size() < taken.size()) {
      writer.flush();  // as the node's main thread: again and again
      arrived += disk.waits() ? disk.read() : "";
    }
    CHECK(arrived == taken);
    CHECK(writer.put(taken.substr(0, 9000)));
    writer.flush();
  }
  std::size_t later = 0;  // the writer has gone; its thread goes on
  while (later < 9000) {
    later += disk.read().size();
  }
}

TEST_CASE("a file gets every line") {
  char name[] = "/tmp/vedette-lines-XXXXXX";
  const int file = ::mkstemp(name);
  REQUIRE(file >= 0);
  {
    LineWriter writer(file);
    CHECK(writer.flush());
    CHECK(writer.put(line_of(1)));
    CHECK(writer.put(line_of(2)));
    while (!writer.flush()) {
    }
  }
  char text[512];
  CHECK(::pread(file, text, sizeof text, 0) ==
        static_cast<ssize_t>(line_of(1).size() + line_of(2).size()));
  ::close(file);
  ::unlink(name);
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
