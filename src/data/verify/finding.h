// What a check of a data set can find.
#pragma once

#include <string>
#include <vector>

namespace dtrain::data {

enum class Severity {
  kError,    // training would end with it, or take one class for another
  kWarning,  // training would go on, but its figures would mislead
  kNote,     // dtrain copes; the reason may still be worth a look
};

enum class FindingKind {
  // errors
  kCannotOpen,
  kRefusedPath,
  kUnreadable,
  kEmptyFile,
  kNotAPicture,
  kTruncated,
  kDamaged,
  kUnsupported,
  kTooLarge,
  kNoClass,
  kUnknownClass,
  kLacksLabels,
  kClassList,
  // warnings
  kConflictingLabels,
  kInTwoSplits,
  kMissingClass,
  kEmptyClass,
  // notes
  kDuplicate,
  kWrongExtension,
  kCmyk,
  kSixteenBit,
  kRotated,
  kIgnoredFile,
  kNoLabels,
  kNotChecked,
};

// A row of the table of kinds, in the order of the enumeration.
struct FindingRow {
  FindingKind kind;
  Severity severity;
  const char* name;     // as reports have it: "not_a_picture"
  const char* meaning;  // a few words
};
const std::vector<FindingRow>& finding_rows();
const FindingRow& finding_row(FindingKind kind);

const char* severity_name(Severity severity);  // "error"

struct Finding {
  FindingKind kind = FindingKind::kCannotOpen;
  std::string split;   // "train"
  std::string where;   // a path, or "sample 7 of ..."
  std::string detail;  // what exactly

  Severity severity() const { return finding_row(kind).severity; }
};

}  // namespace dtrain::data
