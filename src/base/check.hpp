// Purpose: stop the process on a broken invariant, saying which and where.
// In: a condition. Out: nothing, or the end of the process. Runs on: any thread.
#pragma once

namespace vedette {

// Writes the message with write(2) only, so it is safe on a hot thread, then aborts.
[[noreturn]] void check_failed(const char* condition, const char* message, const char* file,
                               int line);

}  // namespace vedette

// CHECK is for bugs in our own code, never for bad input or damaged data on disk.
#define CHECK(condition, message)                    \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? static_cast<void>(0)                        \
       : ::vedette::check_failed(#condition, message, __FILE__, __LINE__))

#ifdef NDEBUG
#define DCHECK(condition, message) static_cast<void>(0)
#else
#define DCHECK(condition, message) CHECK(condition, message)
#endif
