// How HTML pages look.
#pragma once

namespace dtrain::render {

extern const char* const kHtmlStyle;  // a style sheet

}  // namespace dtrain::render
