// Plays CAN frames in a guest: starts as the first process, leaves a child behind that obeys the serial line LINE, and becomes
// vedette. The words, one a line, each answered at the console:
//   play RATE COUNT   so many frames a second of STICK (each as linux/can.h has it), from its first on when it is at its end
//   flood COUNT       the same at once, on the watch's core and before it, so that nobody reads meanwhile
//   frame HEX...      frames of 32 digits each, back to back
//   down | remove     the interface; the node brings it up again
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/can.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define BUS "vcan0"
#define STICK "/dev/vdb"
enum { kFrames = 1 << 17, kWatchCore = 1 };
static struct can_frame frames[kFrames];  // ends with one without identifier and data
static long loaded;

static int open_when_there(const char* path, int how) {
  for (int tries = 0; tries < 1200; ++tries, usleep(100000)) {
    int fd = open(path, how);
    if (fd >= 0) {
      return fd;
    }
  }
  printf("player: %s: %s\n", path, strerror(errno));
  exit(1);
}

static int open_bus(void) {
  struct sockaddr_can at = {.can_family = AF_CAN, .can_ifindex = (int)if_nametoindex(BUS)};
  int fd = socket(PF_CAN, SOCK_RAW, CAN_RAW);
  if (at.can_ifindex != 0 && fd >= 0 && bind(fd, (struct sockaddr*)&at, sizeof at) == 0) {
    return fd;
  }
  close(fd);  // no interface: 0 would mean all
  return -1;
}

static void load(void) {
  int fd = open_when_there(STICK, O_RDONLY);
  size_t got = 0;
  for (ssize_t n = 1; n > 0 && got < sizeof frames; got += n > 0 ? (size_t)n : 0) {
    n = read(fd, (char*)frames + got, sizeof frames - got);
  }
  close(fd);
  static const struct can_frame none;
  while (loaded < (long)(got / sizeof *frames) && memcmp(&frames[loaded], &none, sizeof none) != 0) {
    ++loaded;
  }
}

static void play(long rate, long count) {
  int bus = open_bus();
  struct timespec next;
  long sent = 0, late_us = 0;
  clock_gettime(CLOCK_MONOTONIC, &next);
  for (long i = 0; i < count; ++i) {
    sent += write(bus, &frames[i % loaded], sizeof *frames) == sizeof *frames;
    next.tv_nsec += 1000000000 / rate;
    if (next.tv_nsec >= 1000000000) {
      next.tv_nsec -= 1000000000;
      ++next.tv_sec;
    }
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long late = (now.tv_sec - next.tv_sec) * 1000000 + (now.tv_nsec - next.tv_nsec) / 1000;
    late_us = late > late_us ? late : late_us;
  }
  close(bus);
  printf("player: sent %ld, late by %ld us at most\n", sent, late_us);
}

static void flood(long count) {
  int bus = open_bus();
  long sent = 0;
  cpu_set_t core, before;
  CPU_ZERO(&core);
  CPU_SET(kWatchCore, &core);
  sched_getaffinity(0, sizeof before, &before);
  struct sched_param first = {.sched_priority = 99}, last = {0};
  if (sched_setaffinity(0, sizeof core, &core) != 0 || sched_setscheduler(0, SCHED_FIFO, &first) != 0) {
    printf("player: no core of the watch: %s\n", strerror(errno));
  }
  for (long i = 0; i < count; ++i) {
    sent += write(bus, &frames[i % loaded], sizeof *frames) == sizeof *frames;
  }
  sched_setscheduler(0, SCHED_OTHER, &last);
  sched_setaffinity(0, sizeof before, &before);
  close(bus);
  printf("player: sent %ld\n", sent);
}

static void send_frames(const char* hex) {
  int bus = open_bus();
  long sent = 0;
  while (strlen(hex) >= 2 * sizeof *frames) {
    unsigned char bytes[sizeof *frames];
    for (size_t i = 0; i < sizeof bytes; ++i, hex += 2) {
      sscanf(hex, "%2hhx", &bytes[i]);
    }
    sent += write(bus, bytes, sizeof bytes) == sizeof bytes;
  }
  close(bus);
  printf("player: sent %ld\n", sent);
}

static void take_down(void) {
  struct ifreq request = {.ifr_name = BUS};
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  printf("player: down %s\n", ioctl(fd, SIOCSIFFLAGS, &request) == 0 ? "done" : strerror(errno));
  close(fd);
}

static void take_away(void) {
  struct {
    struct nlmsghdr head;
    struct ifinfomsg link;
  } request = {.head = {.nlmsg_len = sizeof request, .nlmsg_type = RTM_DELLINK, .nlmsg_flags = NLM_F_REQUEST},
               .link = {.ifi_index = (int)if_nametoindex(BUS)}};
  int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  printf("player: remove %s\n", send(fd, &request, sizeof request, 0) > 0 ? "done" : strerror(errno));
  close(fd);
}

int main(int count, char** words) {
  (void)count;
  if (fork() != 0) {
    words[0] = "/init";
    execv(words[0], words);
    return 1;
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  int line = open_when_there(LINE, O_RDWR | O_NOCTTY);
  struct termios raw;
  tcgetattr(line, &raw);
  cfmakeraw(&raw);
  tcsetattr(line, TCSANOW, &raw);
  load();
  while (open_bus() < 0) {
    usleep(100000);
  }
  printf("player: ready with %ld frames\n", loaded);
  FILE* told = fdopen(line, "r");
  static char text[1 << 16];
  while (fgets(text, sizeof text, told) != NULL) {
    long rate, frames_wanted;
    if (sscanf(text, "play %ld %ld", &rate, &frames_wanted) == 2) {
      play(rate, frames_wanted);
    } else if (sscanf(text, "flood %ld", &frames_wanted) == 1) {
      flood(frames_wanted);
    } else if (strncmp(text, "frame ", 6) == 0) {
      send_frames(text + 6);
    } else if (strncmp(text, "down", 4) == 0) {
      take_down();
    } else if (strncmp(text, "remove", 6) == 0) {
      take_away();
    }
  }
  return 0;
}
