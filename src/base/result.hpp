// Purpose: a value or a small error enum, for operating errors on every path.
// In: a T or an E. Out: exactly one of the two. Bound: no allocation. Fails as: CHECK on wrong
// access.
#pragma once

#include <utility>

#include "base/check.hpp"

namespace vedette {

template <typename E>
struct Failure {
  E error;
};

template <typename E>
Failure(E) -> Failure<E>;

// Both are stored side by side, so T must be cheap; E must be an enum or a small struct.
template <typename T, typename E>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)), ok_(true) {}
  Result(Failure<E> failure) : error_(std::move(failure.error)), ok_(false) {}

  explicit operator bool() const { return ok_; }
  bool ok() const { return ok_; }
  T& value() & {
    CHECK(ok_, "Result::value() of a failure");
    return value_;
  }
  const T& value() const& {
    CHECK(ok_, "Result::value() of a failure");
    return value_;
  }
  T&& value() && {
    CHECK(ok_, "Result::value() of a failure");
    return std::move(value_);
  }
  const E& error() const {
    CHECK(!ok_, "Result::error() of a success");
    return error_;
  }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }

 private:
  T value_{};
  E error_{};
  bool ok_;
};

struct Unit {};

}  // namespace vedette
