// How HTML pages look.
#pragma once

namespace dtrain::report {

extern const char* const kHtmlStyle;  // a style sheet

}  // namespace dtrain::report
