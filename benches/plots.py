#!/usr/bin/env python3
"""Draws benches/record/scale-*.csv as scale-*.svg beside them, or in the folder that is named.

    cargo bench -p peers --bench scale && python3 benches/plots.py

Both axes are logarithmic; a thin dotted line is what doubles with the horizontal axis. Colours are of middle brightness on no
background, so that a page may be light or dark. The same figures give the same bytes.
"""

import csv
import math
import pathlib
import sys

RECORD = pathlib.Path(__file__).parent / "record"

TEXT, GRID = "#808890", "#80889055"
PANEL_WIDTH, PANEL_HEIGHT = 330, 260
LEFT, TOP, GAP, BOTTOM = 70, 46, 90, 96

# Column, what it is called, and how it is drawn; the colour says what the series are.
TIMES = [("text_ns", "text", "6 0"), ("fold_ns", "fold", "2 3"), ("first_fold_ns", "first fold", "8 3 2 3")]
HEAP = [("heap_bytes", "heap", "6 0")]
KINDS = [("counter", "counters", "#2f81f7"), ("histogram", "histograms of 11 buckets", "#d07020")]

FIGURES = [
    ("scale-threads", "threads", "threads that have counted, 1 000 series", TIMES[:2]),
    ("scale-series", "series", "series, one thread", TIMES),
]


UNITS = {
    "ns": [(1e9, " s"), (1e6, " ms"), (1e3, " µs"), (1, " ns")],
    "B": [(1e9, " GB"), (1e6, " MB"), (1e3, " kB"), (1, " B")],
    "": [(1e6, "M"), (1e3, "k"), (1, "")],
}


def told(value, unit):
    """A number as people write it."""
    size, name = next(step for step in UNITS[unit] if value >= step[0])
    return f"{value / size:g}{name}"


class Panel:
    """One pair of axes; it collects what is drawn."""

    def __init__(self, left, xs, ys):
        self.left = left
        self.x_range = (math.log10(min(xs)), math.log10(max(xs)))
        self.y_range = (math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys))))
        self.out = []

    def x(self, value):
        low, high = self.x_range
        return self.left + PANEL_WIDTH * (math.log10(value) - low) / (high - low)

    def y(self, value):
        low, high = self.y_range
        return TOP + PANEL_HEIGHT * (high - math.log10(value)) / (high - low)

    def label(self, x, y, text, anchor="middle", size=11):
        self.out.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{text}</text>')

    def line(self, points, colour, dash, width=1.6):
        path = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)
        self.out.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-dasharray="{dash}"/>'
        )

    def axes(self, ticks, title, what, unit):
        right, bottom = self.left + PANEL_WIDTH, TOP + PANEL_HEIGHT
        for power in range(self.y_range[0], self.y_range[1] + 1):
            y = self.y(10.0**power)
            self.out.append(f'<line x1="{self.left}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="{GRID}"/>')
            self.label(self.left - 6, y + 4, told(10.0**power, unit), "end")
        for tick in ticks:
            x = self.x(tick)
            self.out.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}" stroke="{GRID}"/>')
            self.label(x, bottom + 16, told(tick, ""))
        self.label((self.left + right) / 2, bottom + 34, what)
        self.label((self.left + right) / 2, TOP - 12, title, size=13)

    def linear(self, points):
        """From the last point back, as far as the panel goes."""
        (first, _), (last, value) = points[0], points[-1]
        lowest = 10.0 ** self.y_range[0]
        start = max(first, last * lowest / value)
        self.line([(start, value * start / last), (last, value)], TEXT, "1 4", 1)


def rows(name):
    with open(RECORD / f"{name}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def curves(table, axis, columns):
    """Points of each kind and column."""
    for kind, of, colour in KINDS:
        for column, name, dash in columns:
            points = [(int(row[axis]), max(int(row[column]), 1)) for row in table if row["kind"] == kind]
            yield f"{name}, {of}", colour, dash, sorted(points)


def panel(left, table, axis, columns, title, what, unit):
    drawn = list(curves(table, axis, columns))
    xs = sorted({x for *_, points in drawn for x, _ in points})
    one = Panel(left, xs, [y for *_, points in drawn for _, y in points])
    ticks = xs if axis == "threads" else [x for x in xs if math.log10(x).is_integer()]
    one.axes(ticks, title, what, unit)
    # The guide is for what grows: folds with threads, everything with series.
    one.linear(max((points for *_, points in drawn), key=lambda points: points[-1][1]))
    for _, colour, dash, points in drawn:
        one.line(points, colour, dash)
        for x, y in points:
            one.out.append(f'<circle cx="{one.x(x):.1f}" cy="{one.y(y):.1f}" r="2" fill="{colour}"/>')
    for at, (name, colour, dash, _) in enumerate(drawn):
        row, column = at % len(columns), at // len(columns)
        x, y = left + column * 150, TOP + PANEL_HEIGHT + 52 + 15 * row
        one.out.append(
            f'<line x1="{x}" y1="{y - 4}" x2="{x + 22}" y2="{y - 4}" stroke="{colour}" stroke-width="1.6" stroke-dasharray="{dash}"/>'
        )
        one.label(x + 28, y, name, "start")
    return one.out


def figure(name, axis, what, columns):
    table = rows(name)
    width = LEFT + PANEL_WIDTH + GAP + PANEL_WIDTH + 40
    height = TOP + PANEL_HEIGHT + BOTTOM
    body = panel(LEFT, table, axis, columns, "time of a scrape", what, "ns")
    body += panel(LEFT + PANEL_WIDTH + GAP, table, axis, HEAP, "heap of the engine", what, "B")
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="sans-serif" fill="{TEXT}">'
    )
    return "\n".join([head, f"<title>{what}</title>", *body, "</svg>", ""])


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else RECORD
    for name, axis, what, columns in FIGURES:
        (folder / f"{name}.svg").write_text(figure(name, axis, what, columns), encoding="utf-8")


if __name__ == "__main__":
    main()
