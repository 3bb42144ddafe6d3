#include "edge/ingress/admission.hpp"

#include "test.hpp"

using vedette::ingress::Admission;

namespace {
constexpr std::int64_t kMs = 1'000'000;
}

TEST_CASE("what would wait past its horizon is refused, once the pace is known") {
  Admission admission;
  // The engine takes one event each millisecond; a hundred wait.
  CHECK_FALSE(admission.hopeless(100, 0, 50 * kMs, 1));  // rate not known yet
  CHECK_FALSE(admission.hopeless(100, 5, 50 * kMs, 1 + 5 * kMs));
  CHECK(admission.hopeless(100, 10, 50 * kMs, 1 + 10 * kMs));
  CHECK_FALSE(admission.hopeless(40, 11, 50 * kMs, 1 + 11 * kMs));  // 40 ms: in time
}

TEST_CASE("a lane that nobody takes from refuses before it is full") {
  Admission admission;
  admission.hopeless(20, 7, 100 * kMs, 1);
  CHECK(admission.hopeless(20, 7, 100 * kMs, 1 + 10 * kMs));
}

TEST_CASE("a short queue is never refused, and ends what was known of the pace") {
  Admission admission;
  admission.hopeless(100, 0, kMs, 1);
  CHECK(admission.hopeless(100, 1, kMs, 1 + 10 * kMs));
  CHECK_FALSE(admission.hopeless(Admission::kBacklog - 1, 2, kMs, 1 + 11 * kMs));
  CHECK_FALSE(admission.hopeless(100, 3, kMs, 1 + 12 * kMs));
}
