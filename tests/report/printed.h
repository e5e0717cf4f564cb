// What a log shows.
#pragma once

#include <cstdio>
#include <functional>
#include <memory>
#include <string>

#include "util/log.h"

namespace dtrain::testing {

// All that `body` writes to the log it is given, as a terminal has it.
inline std::string printed(const std::function<void(util::Log&)>& body) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), &std::fclose);
  {
    util::Log log;
    log.set_terminal(file.get());
    body(log);
  }
  std::string text(size_t(std::ftell(file.get())), '\0');
  std::rewind(file.get());
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  return text;
}

}  // namespace dtrain::testing
