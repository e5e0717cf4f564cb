#include "render/svg_style.h"

namespace dtrain::render {

// Colours that people who see red and green alike can tell apart (after Okabe and Ito).
const char* const kSvgStyle = R"(<style>
svg { background: #ffffff; }
text { font: 12px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #24292f; }
.title { font-size: 16px; font-weight: 600; }
.panel { font-size: 13px; font-weight: 600; }
.tick { font-size: 11px; fill: #57606a; }
.faint { fill: #57606a; }
.ground { fill: #ffffff; }
.grid { stroke: #d8dee4; stroke-width: 1; }
.axis { stroke: #57606a; stroke-width: 1; }
.line { fill: none; stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
.c0 { stroke: #0072b2; } .c1 { stroke: #d55e00; } .c2 { stroke: #009e73; }
.c3 { stroke: #aa4499; } .c4 { stroke: #b58900; } .c5 { stroke: #57606a; }
circle.c0 { fill: #0072b2; } circle.c1 { fill: #d55e00; } circle.c2 { fill: #009e73; }
circle.c3 { fill: #aa4499; } circle.c4 { fill: #b58900; } circle.c5 { fill: #57606a; }
rect.c0 { fill: #0072b2; stroke: none; } rect.c1 { fill: #d55e00; stroke: none; }
rect.c5 { fill: #57606a; stroke: none; }
.heat { fill: #0072b2; } .on { fill: #ffffff; }
.dashed { stroke-dasharray: 6 4; }
@media (prefers-color-scheme: dark) {
svg { background: #0d1117; }
text { fill: #e6edf3; }
.tick, .faint { fill: #9da7b3; }
.on { fill: #ffffff; }
.ground { fill: #0d1117; }
.grid { stroke: #2b323b; }
.axis { stroke: #9da7b3; }
.c0 { stroke: #56b4e9; } .c1 { stroke: #ff9e4a; } .c2 { stroke: #2dd4a7; }
.c3 { stroke: #e38fd0; } .c4 { stroke: #f0d24a; } .c5 { stroke: #9da7b3; }
circle.c0 { fill: #56b4e9; } circle.c1 { fill: #ff9e4a; } circle.c2 { fill: #2dd4a7; }
circle.c3 { fill: #e38fd0; } circle.c4 { fill: #f0d24a; } circle.c5 { fill: #9da7b3; }
rect.c0 { fill: #56b4e9; } rect.c1 { fill: #ff9e4a; } rect.c5 { fill: #9da7b3; }
.heat { fill: #2f8fd0; }
}
</style>
)";

}  // namespace dtrain::render
