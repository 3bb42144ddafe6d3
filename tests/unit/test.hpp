// Included last: doctest's CHECK replaces ours, which the headers above have used by then.
#pragma once
#undef CHECK
#include <doctest/doctest.h>
