// How pictures look: one set of colours for light and one for dark ground.
#pragma once

namespace dtrain::render {

// A <style> element. Programs that know nothing of colour schemes show the light one.
//   .ground .text .faint .grid .axis     surfaces, letters and lines
//   .line.c0 ... .line.c5, circle.c0 ... series; rect.c0 ... areas
//   .heat                                fill whose opacity says how much; .on is text on much
extern const char* const kSvgStyle;

}  // namespace dtrain::render
