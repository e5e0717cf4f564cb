// Labels that are the numbers of their classes: 0, 1, 2.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dtrain::data {

// Digits alone, six at most; "07" is one too.
bool is_class_number(const std::string& label);

// The usual way to write it: "07" is "7". Other labels stay as they are.
std::string plain_class_number(const std::string& label);

// Of labels that are all class numbers; -1 of none.
int64_t highest_class_number(const std::vector<std::string>& labels);

// "0", "1" and so on, `count` of them.
std::vector<std::string> numbered_classes(int64_t count);

}  // namespace dtrain::data
