#pragma once

#include <string>
#include <string_view>

/// The pieces of a chart: of the measures here, and of examples/models.
namespace bench::svg {

inline std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '<') {
      result += "&lt;";
    } else if (c == '&') {
      result += "&amp;";
    } else {
      result += c;
    }
  }
  return result;
}

inline std::string text(int x, int y, std::string_view words, std::string_view more = "") {
  return "<text x=\"" + std::to_string(x) + "\" y=\"" + std::to_string(y) + "\" " + std::string(more) + ">" +
         escaped(words) + "</text>\n";
}

inline std::string rectangle(int x, int y, int wide, int high, std::string_view colour) {
  return "<rect x=\"" + std::to_string(x) + "\" y=\"" + std::to_string(y) + "\" width=\"" +
         std::to_string(wide) + "\" height=\"" + std::to_string(high) + "\" fill=\"" + std::string(colour) +
         "\"/>\n";
}

/// All of it, on white.
inline std::string document(int width, int height, std::string_view drawn) {
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + std::to_string(width) + "\" height=\"" +
         std::to_string(height) + "\" font-family=\"sans-serif\" font-size=\"12\">\n" +
         "<style>.figure { font-size: 10px; fill: #444 }</style>\n" +
         "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n" + std::string(drawn) + "</svg>\n";
}

}  // namespace bench::svg
