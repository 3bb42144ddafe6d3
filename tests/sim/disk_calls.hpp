// Purpose: the calls between the process and the simulated disk. Linked with --wrap: the linker
// sends the process's open() to __wrap_open(), and __real_open() to the library.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>

extern "C" {
int __real_open(const char* path, int flags, ...);
int __real_close(int fd);
ssize_t __real_pwrite(int fd, const void* data, std::size_t bytes, off_t at);
int __real_ftruncate(int fd, off_t bytes);
int __real_rename(const char* from, const char* to);
int __real_unlink(const char* path);
}

namespace vedette::sim {

inline constexpr auto real_open = __real_open;
inline constexpr auto real_close = __real_close;
inline constexpr auto real_pwrite = __real_pwrite;
inline constexpr auto real_ftruncate = __real_ftruncate;
inline constexpr auto real_rename = __real_rename;
inline constexpr auto real_unlink = __real_unlink;

// What disk.cpp says before and after each; an errno, or 0 to go on. Other descriptors pass.
bool is_simulated(const char* path);
int before_open(const char* path, int flags);
void after_open(const char* path, int flags, bool was_there, int fd);
void before_close(int fd);
int before_write(int fd, off_t at, std::size_t& bytes);  // may shorten it
int before_truncate(int fd, off_t bytes);
int on_sync(int fd);
int before_naming();
std::string keep_aside(const char* path);  // where; empty: it is not there
void after_rename(const char* from, const char* to, std::string aside);
void after_remove(const char* path, std::string aside);

}  // namespace vedette::sim
