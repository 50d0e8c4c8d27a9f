//===- LossCurve.cpp - loss.svg -------------------------------------------===//
#include "runtime/TrainLog.h"
#include <algorithm>
#include <cmath>
#include <cstdio>

namespace tintype::rt {
namespace {

constexpr double kWidth = 760, kHeight = 420, kLeft = 64, kRight = 20, kTop = 44, kBottom = 52;
constexpr size_t kMostPoints = 600; // more cannot be told apart at this width
constexpr int kMostTicks = 20;
constexpr double kMostLoss = 1e30;

struct Point {
  double x, y;
};

struct Scale {
  double low, high;
  bool vertical;
  double operator()(double value) const {
    double share = (value - low) / (high - low);
    return vertical ? kHeight - kBottom - share * (kHeight - kTop - kBottom) : kLeft + share * (kWidth - kLeft - kRight);
  }
};

/// A log may hold anything.
bool isShown(double loss) { return std::abs(loss) <= kMostLoss; }

/// A step of 1, 2 or 5 times a power of ten that gives about `count` ticks.
double tickStep(double range, int count) {
  double raw = range / count, unit = std::pow(10, std::floor(std::log10(raw)));
  return unit * (raw / unit <= 1.5 ? 1 : raw / unit <= 3.5 ? 2 : raw / unit <= 7.5 ? 5 : 10);
}

std::string print(const char *format, double a, double b = 0, double c = 0, double d = 0) {
  char text[256];
  std::snprintf(text, sizeof text, format, a, b, c, d);
  return text;
}

/// Means of runs of points, at most kMostPoints of them.
std::vector<Point> thin(const std::vector<Point> &points) {
  size_t run = (points.size() + kMostPoints - 1) / kMostPoints;
  std::vector<Point> out;
  for (size_t i = 0; run && i < points.size(); i += run) {
    size_t end = std::min(points.size(), i + run);
    Point mean{0, 0};
    for (size_t k = i; k < end; ++k)
      mean = {mean.x + points[k].x, mean.y + points[k].y};
    out.push_back({mean.x / double(end - i), mean.y / double(end - i)});
  }
  return out;
}

std::string polyline(const std::vector<Point> &points, const Scale &x, const Scale &y, const std::string &style) {
  std::string out = "<polyline fill=\"none\" " + style + " points=\"";
  for (const Point &point : points)
    out += print("%.1f,%.1f ", x(point.x), y(point.y));
  return out + "\"/>\n";
}

std::string label(double x, double y, const std::string &anchor, const std::string &text) {
  return print("<text x=\"%.1f\" y=\"%.1f\"", x, y) + " text-anchor=\"" + anchor + "\">" + text + "</text>\n";
}

std::string escaped(const std::string &text) {
  std::string out;
  for (char c : text)
    out += c == '<' ? "&lt;" : c == '&' ? "&amp;" : c == '>' ? "&gt;" : std::string(1, c);
  return out;
}

/// Multiples of `step` on a scale.
std::vector<double> ticks(const Scale &scale, double step) {
  std::vector<double> out;
  double first = std::ceil(scale.low / step);
  for (int i = 0; i < kMostTicks && (first + i) * step <= scale.high + step * 1e-6; ++i)
    out.push_back((first + i) * step);
  return out;
}

std::string axes(const Scale &x, const Scale &y) {
  std::string out;
  for (double v : ticks(y, tickStep(y.high - y.low, 6))) {
    out += print("<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>\n", kLeft, kWidth - kRight, y(v), y(v));
    out += label(kLeft - 8, y(v) + 4, "end", print("%.4g", v));
  }
  for (double v : ticks(x, std::max(1.0, tickStep(x.high - x.low, 8))))
    out += label(x(v), kHeight - kBottom + 20, "middle", print("%.0f", v));
  out += print("<polyline fill=\"none\" stroke=\"#444\" points=\"%.1f,%.1f %.1f,", kLeft, kTop, kLeft) +
         print("%.1f %.1f,%.1f\"/>\n", kHeight - kBottom, kWidth - kRight, kHeight - kBottom);
  out += label((kLeft + kWidth - kRight) / 2, kHeight - 12, "middle", "step");
  return out +
         print("<text transform=\"translate(16,%.1f) rotate(-90)\" text-anchor=\"middle\">loss</text>\n", (kTop + kHeight - kBottom) / 2);
}

} // namespace

std::string lossCurve(const std::vector<LogLine> &lines, const std::string &title) {
  std::vector<Point> train, smooth, val;
  double average = 0, weight = 0;
  for (const LogLine &line : lines) {
    if (!isShown(line.loss))
      continue;
    constexpr double memory = 0.95; // of about twenty steps
    average = memory * average + (1 - memory) * line.loss;
    weight = memory * weight + (1 - memory);
    train.push_back({double(line.step), line.loss});
    smooth.push_back({double(line.step), average / weight});
    if (line.hasVal && isShown(line.valLoss))
      val.push_back({double(line.step), line.valLoss});
  }
  train = thin(train);
  smooth = thin(smooth);
  Scale x{0, 1, false}, y{0, 1, true};
  if (!train.empty()) {
    double low = train[0].y, high = low;
    for (const std::vector<Point> *points : {&train, &val})
      for (const Point &point : *points) {
        low = std::min(low, point.y);
        high = std::max(high, point.y);
      }
    double margin = std::max({(high - low) * 0.05, std::abs(high) * 1e-6, 1e-3}); // so that equal losses have a scale, too
    y = {low - margin, high + margin, true};
    x.high = std::max(1.0, double(lines.back().step));
  }
  std::string out = print("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" ", kWidth, kHeight) +
                    print("viewBox=\"0 0 %.0f %.0f\" font-family=\"sans-serif\" font-size=\"12\">\n", kWidth, kHeight);
  out += "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n" + label(kLeft, 24, "start", escaped(title));
  out += axes(x, y);
  out += polyline(train, x, y, "stroke=\"#9ec5e8\" stroke-width=\"1\"");
  out += polyline(smooth, x, y, "stroke=\"#1f6fb4\" stroke-width=\"2\"");
  out += polyline(val, x, y, "stroke=\"#d9541e\" stroke-width=\"2\"");
  for (const Point &point : val)
    out += print("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"#d9541e\"/>\n", x(point.x), y(point.y));
  out += "<g fill=\"#1f6fb4\">" + label(kWidth - kRight, 24, "end", "training") + "</g>\n";
  if (!val.empty())
    out += "<g fill=\"#d9541e\">" + label(kWidth - kRight - 70, 24, "end", "validation") + "</g>\n";
  return out + "</svg>\n";
}

} // namespace tintype::rt
