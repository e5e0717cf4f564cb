// The class in the name of a flat image file.
//
//   3_17.jpg          the label comes first  (food-11 of 2022)
//   hot_dog_0001.jpg  first: all before the number
//   1_frog.png        last                   (darknet's CIFAR: a number, then the class)
#pragma once

#include <string>
#include <vector>

namespace dtrain::data {

// Which side of a file's name the label stands on.
enum class LabelSide { kFirst, kLast };

// kLast: the text between the last underscore and the extension. kFirst: the text before the first
// underscore; of a name that ends in a number and does not begin with one, all before that number.
// Empty where there is no underscore, or nothing on that side of it.
std::string label_in_name(const std::string& file_name, LabelSide side);

// How the names of a training split's flat files are read.
struct LabelReading {
  LabelSide side = LabelSide::kFirst;
  bool are_numbers = false;          // then "07" is class "7"
  std::vector<std::string> classes;  // numbers in their order and without gaps; else names sorted,
                                     // as also numbers are that leave most of their range out
  size_t labels_on_other_side = 0;
  bool other_side_fits = false;  // it would name classes too

  // Of another file; empty where its name has none.
  std::string class_of(const std::string& file_name) const;
};

// Which side names classes: the first, unless that makes more than half of the files classes of
// their own and the last one does not. `wanted` is data.label_in_name: auto, first or last.
LabelReading read_labels(const std::vector<std::string>& file_names, const std::string& wanted);

}  // namespace dtrain::data
