#pragma once

#include <stdexcept>
#include <string>

#include "common/result.h"

namespace hubseal::test {

/// The value, or the end of the test with the error's words.
template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(std::string(to_string(result.error().code)) + ": " + result.error().message);
  return detail::take(std::move(result));
}

}  // namespace hubseal::test
