// The table of kinds.
#include "data/verify/finding.h"

#include "util/check.h"

namespace dtrain::data {

const std::vector<FindingRow>& finding_rows() {
  using Kind = FindingKind;
  constexpr auto kError = Severity::kError;
  constexpr auto kWarning = Severity::kWarning;
  constexpr auto kNote = Severity::kNote;
  static const std::vector<FindingRow> rows = {
      {Kind::kCannotOpen, kError, "cannot_open", "the split cannot be opened"},
      {Kind::kRefusedPath, kError, "refused_path", "a link out of the folder, a pipe, a device"},
      {Kind::kUnreadable, kError, "unreadable", "the system refuses to read it"},
      {Kind::kEmptyFile, kError, "empty_file", "no bytes at all"},
      {Kind::kNotAPicture, kError, "not_a_picture", "no image of a known format by its content"},
      {Kind::kTruncated, kError, "truncated", "the end of the file is missing"},
      {Kind::kDamaged, kError, "damaged", "cannot be decoded to its end"},
      {Kind::kUnsupported, kError, "unsupported", "a kind of its format that is not decoded"},
      {Kind::kTooLarge, kError, "too_large", "above a limit of pixels, bytes or memory"},
      {Kind::kNoClass, kError, "no_class", "in no class's folder"},
      {Kind::kUnknownClass, kError, "unknown_class", "a class that the training split lacks"},
      {Kind::kLacksLabels, kError, "lacks_labels", "samples without a label that the run needs"},
      {Kind::kClassList, kError, "class_list", "classes differ from those of the training split"},
      {Kind::kConflictingLabels, kWarning, "conflicting_labels", "the same content in two classes"},
      {Kind::kInTwoSplits, kWarning, "in_two_splits", "the same content in an earlier split"},
      {Kind::kMissingClass,
       kWarning,
       "missing_class",
       "a class without a readable sample in this split"},
      {Kind::kEmptyClass, kWarning, "empty_class", "a class's folder without pictures"},
      {Kind::kDuplicate, kNote, "duplicate", "the same content twice in a class"},
      {Kind::kWrongExtension, kNote, "wrong_extension", "the extension of another format"},
      {Kind::kCmyk, kNote, "cmyk", "CMYK, converted without a colour profile"},
      {Kind::kSixteenBit, kNote, "sixteen_bit", "16 bits a channel, of which 8 are used"},
      {Kind::kRotated, kNote, "rotated", "turned or mirrored as its EXIF orientation says"},
      {Kind::kIgnoredFile, kNote, "ignored_file", "hidden, or no image by its name"},
      {Kind::kNoLabels, kNote, "no_labels", "samples without a label, which the run does not use"},
      {Kind::kNotChecked, kNote, "not_checked", "a split that the run does not use"},
  };
  return rows;
}

const FindingRow& finding_row(FindingKind kind) {
  const FindingRow& row = finding_rows()[static_cast<size_t>(kind)];
  check(row.kind == kind, "the table of findings is in the order of its enumeration");
  return row;
}

const char* severity_name(Severity severity) {
  constexpr const char* kNames[] = {"error", "warning", "note"};
  return kNames[static_cast<size_t>(severity)];
}

}  // namespace dtrain::data
