// Parsing through nlohmann's SAX interface, which is where duplicate keys, token texts and
// positions are still to be seen.
#include "config/json.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <memory>
#include <vector>

namespace dtrain::config {
namespace {

// Walks over the text and leaves its position where the handler can see it: the parser itself tells
// positions only with errors.
class CountingIterator {
 public:
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;
  using iterator_category = std::input_iterator_tag;

  CountingIterator(const char* at, const char** seen) : at_(at), seen_(seen) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    *seen_ = ++at_;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator old = *this;
    ++*this;
    return old;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** seen_;
};

std::string position_text(std::string_view text, size_t byte) {
  int64_t line = 1, column = 1;
  for (size_t i = 0; i < byte && i < text.size(); ++i) {
    ++column;
    if (text[i] == '\n') {
      ++line;
      column = 1;
    }
  }
  return std::to_string(line) + ":" + std::to_string(column);
}

// "[json.exception.parse_error.101] parse error at line 3, column 5: syntax error ..." -> the rest
// after the position, which we state ourselves.
std::string plain_message(const std::string& what) {
  size_t start = what.find("] ");
  start = start == std::string::npos ? 0 : start + 2;
  if (what.compare(start, 11, "parse error") == 0) {
    const size_t colon = what.find(": ", start);
    if (colon != std::string::npos) start = colon + 2;
  }
  return what.substr(start);
}

bool is_integer_token(const std::string& token) {
  return token.find_first_of(".eE") == std::string::npos;
}

class Builder {
 public:
  using number_integer_t = Json::number_integer_t;
  using number_unsigned_t = Json::number_unsigned_t;
  using number_float_t = Json::number_float_t;
  using string_t = Json::string_t;
  using binary_t = Json::binary_t;

  Builder(std::string_view text, const char* const* seen, const JsonLimits& limits)
      : text_(text), seen_(seen), limits_(limits), counted_(text.data()) {}

  bool null() { return put(nullptr); }
  bool boolean(bool value) { return put(value); }
  bool number_integer(number_integer_t value) { return put(value); }
  bool number_unsigned(number_unsigned_t value) { return put(value); }
  bool number_float(number_float_t value, const string_t& token) {
    if (is_integer_token(token)) {
      problems.add(located(path()), "the integer " + token + " does not fit in 64 bits");
    }
    return put(value);
  }
  bool string(string_t& value) { return put(std::move(value)); }
  bool binary(binary_t&) { return false; }  // no such thing in JSON text

  bool start_object(size_t) {
    if (!stack_.empty() && stack_.back().value->is_array()) lines[path()] = line();
    return open(Json::object());
  }
  bool start_array(size_t) { return open(Json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool key(string_t& name) {
    Frame& frame = stack_.back();
    frame.key = name;
    const std::string full = path();
    const auto [known, is_new] = frame.first_line.emplace(name, line());
    if (is_new) {
      lines[full] = line();
    } else {
      problems.add(located(full),
                   "duplicate key (first on line " + std::to_string(known->second) + ")");
    }
    return true;
  }

  bool parse_error(size_t byte, const std::string&, const nlohmann::detail::exception& error) {
    error_at = byte == 0 ? 0 : byte - 1;
    error_text = plain_message(error.what());
    return false;
  }

  Json root;
  std::map<std::string, int64_t> lines;
  Problems problems;  // `where` is "path (line n)"; the file is added by the caller
  size_t error_at = 0;
  std::string error_text;

 private:
  struct Frame {
    Json* value;
    std::string key;
    std::map<std::string, int64_t> first_line;  // of each key seen in this object
  };

  int64_t line() {
    for (; counted_ < *seen_; ++counted_) line_ += *counted_ == '\n';
    return line_;
  }

  std::string path() const {
    std::string out;
    for (const Frame& frame : stack_) {
      if (frame.value->is_array()) {
        // What is open within an array is its last element; else the next one is meant.
        const size_t size = frame.value->size();
        out += "[" + std::to_string(&frame == &stack_.back() ? size : size - 1) + "]";
      } else {
        out += (out.empty() ? "" : ".") + frame.key;
      }
    }
    return out;
  }

  std::string located(const std::string& where) {
    return where + " (line " + std::to_string(line()) + ")";
  }

  template <class T>
  Json* insert(T&& value) {
    if (stack_.empty()) {
      root = std::forward<T>(value);
      return &root;
    }
    Frame& top = stack_.back();
    if (top.value->is_array()) {
      top.value->push_back(std::forward<T>(value));
      return &top.value->back();
    }
    // Not through operator[], which searches the whole object each time.
    auto& members = top.value->template get_ref<Json::object_t&>();
    members.emplace_back(top.key, std::forward<T>(value));
    return &members.back().second;
  }

  template <class T>
  bool put(T&& value) {
    insert(Json(std::forward<T>(value)));
    return true;
  }

  bool open(Json container) {
    if (static_cast<int>(stack_.size()) >= limits_.max_depth) {
      error_at = static_cast<size_t>(*seen_ - text_.data()) - 1;
      error_text = "nested deeper than " + std::to_string(limits_.max_depth) + " levels";
      return false;
    }
    stack_.push_back({insert(std::move(container)), "", {}});
    return true;
  }

  bool close() {
    stack_.pop_back();
    return true;
  }

  std::string_view text_;
  const char* const* seen_;
  const JsonLimits& limits_;
  std::vector<Frame> stack_;
  const char* counted_;
  int64_t line_ = 1;
};

[[noreturn]] void refuse_size(const std::string& name, const JsonLimits& limits) {
  throw Error(limits.code,
              name,
              "larger than " + std::to_string(limits.max_bytes) + " bytes",
              "is this the right file?");
}

}  // namespace

JsonDocument parse_json(std::string_view text,
                        const std::string& name,
                        const JsonLimits& limits,
                        Problems* problems) {
  if (text.size() > limits.max_bytes) refuse_size(name, limits);
  const char* seen = text.data();
  Builder builder(text, &seen, limits);
  const bool ok = Json::sax_parse(CountingIterator(text.data(), &seen),
                                  CountingIterator(text.data() + text.size(), &seen),
                                  &builder);
  if (!ok) {
    throw Error(limits.code,
                name + ":" + position_text(text, builder.error_at),
                builder.error_text,
                "the file must be JSON (no comments, no trailing commas)");
  }
  if (problems != nullptr) {
    problems->append(builder.problems);
  } else {
    builder.problems.throw_if_any(name, limits.code);
  }
  return {name, std::move(builder.root), std::move(builder.lines)};
}

JsonDocument read_json_file(const std::string& path, const JsonLimits& limits, Problems* problems) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  if (!file) throw io_error(path, std::strerror(errno), "check the path");
  std::string text;
  char chunk[16384];
  size_t got = 0;
  while ((got = std::fread(chunk, 1, sizeof chunk, file.get())) > 0) {
    text.append(chunk, got);
    if (text.size() > limits.max_bytes) refuse_size(path, limits);
  }
  if (std::ferror(file.get())) throw io_error(path, std::strerror(errno), "is it a file?");
  return parse_json(text, path, limits, problems);
}

}  // namespace dtrain::config
