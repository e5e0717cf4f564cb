// An ensemble, or any vote with its record, as one page: members, the vote, calibration.
#pragma once

#include <filesystem>

#include "render/html_page.h"
#include "report/run_page.h"

namespace dtrain::report {

// `vote` is a file of predictions that dtrain vote or dtrain ensemble wrote, with its record beside
// it. Curves of members are shown where their files lie in run folders. Errors as run_page().
render::HtmlPage ensemble_page(const std::filesystem::path& vote, const PageOptions& options);

}  // namespace dtrain::report
