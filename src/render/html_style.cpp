#include "render/html_style.h"

namespace dtrain::render {

// Colours as in svg_style.cpp. What is wide (tables, figures) scrolls within its own box, so that
// the page itself never does.
const char* const kHtmlStyle = R"(
:root { color-scheme: light dark; --ground: #ffffff; --text: #24292f; --faint: #57606a;
  --edge: #d8dee4; --card: #f6f8fa; --accent: #0072b2; --warn: #9a4d00; --warn-ground: #fff4e5; }
@media (prefers-color-scheme: dark) { :root { --ground: #0d1117; --text: #e6edf3; --faint: #9da7b3;
  --edge: #2b323b; --card: #161b22; --accent: #56b4e9; --warn: #ffb86b; --warn-ground: #2a1f10; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
main, header, footer { max-width: 1080px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 28px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0; overflow-wrap: anywhere; }
header p { color: var(--faint); margin: 6px 0 0; overflow-wrap: anywhere; }
nav { margin: 18px 0 0; padding: 10px 0; border-top: 1px solid var(--edge);
  border-bottom: 1px solid var(--edge); }
nav a { display: inline-block; margin: 2px 18px 2px 0; color: var(--accent); text-decoration: none; }
nav a:hover, nav a:focus { text-decoration: underline; }
h2 { font-size: 20px; margin: 36px 0 10px; scroll-margin-top: 8px; }
h3 { font-size: 16px; margin: 24px 0 8px; overflow-wrap: anywhere; }
p { margin: 8px 0; overflow-wrap: anywhere; }
.warning { background: var(--warn-ground); color: var(--warn); padding: 8px 12px;
  border-radius: 6px; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 10px;
  margin: 12px 0; }
dl div { background: var(--card); border: 1px solid var(--edge); border-radius: 8px;
  padding: 8px 12px; }
dt { color: var(--faint); font-size: 13px; }
dd { margin: 0; font-size: 18px; font-weight: 600; overflow-wrap: anywhere;
  font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; margin: 12px 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 14px; }
caption { text-align: left; color: var(--faint); padding: 0 0 4px; }
th, td { padding: 4px 12px 4px 0; text-align: left; border-bottom: 1px solid var(--edge);
  white-space: nowrap; vertical-align: top; }
th { color: var(--faint); font-weight: 600; }
td.number, th.number { text-align: right; }
tr.strong td { font-weight: 700; }
figure { margin: 14px 0; }
figure .wide { margin: 0; }
figure img { max-width: 100%; height: auto; display: block; border-radius: 6px; }
figcaption { color: var(--faint); font-size: 13px; padding-top: 4px; }
details { margin: 10px 0; border: 1px solid var(--edge); border-radius: 8px; padding: 6px 12px; }
summary { cursor: pointer; color: var(--accent); }
pre { overflow-x: auto; font: 13px/1.4 ui-monospace, "DejaVu Sans Mono", monospace; margin: 8px 0; }
footer { color: var(--faint); font-size: 13px; padding: 28px 20px 40px; }
@media (max-width: 560px) { main, header, footer { padding-left: 14px; padding-right: 14px; }
  h1 { font-size: 22px; } dl { grid-template-columns: 1fr 1fr; } }
@media print { nav { display: none; } details > * { display: block; } figure, table {
  break-inside: avoid; } }
)";

}  // namespace dtrain::render
