# SPDX-License-Identifier: BSD-2-Clause
"""A bar chart as SVG: groups of bars on a logarithmic scale, each bar with its number."""
import math
from xml.sax.saxutils import escape

COLOURS = ['#9aa0a6', '#6b7075', '#4a4d50', '#b08d57', '#1a73e8', '#5e97f6', '#a8c7fa', '#d0d4d9']
BAR, GAP, GROUP_GAP, LEFT, TOP, HEIGHT = 22, 3, 34, 56, 84, 260
LEGEND_WIDTH, LEGEND_ROW = 220, 4


def text(x, y, what, size=11, anchor='middle', extra=''):
    return '<text x="%.1f" y="%.1f" font-size="%d" text-anchor="%s"%s>%s</text>' % (
        x, y, size, anchor, extra, escape(what))


def scale(values):
    """A function from a value to its height, and the lines of the scale."""
    low = math.floor(math.log10(min(values)))
    high = math.ceil(math.log10(max(values)) + 1e-9)
    high = max(high, low + 1)

    def height(value):
        return HEIGHT * (math.log10(value) - low) / (high - low)
    return height, [10.0 ** e for e in range(low, high + 1)]


def bars(title, unit, groups, legend):
    """groups: [(label, {series: value})]; legend: [(series, label)] in order."""
    values = [v for _, found in groups for v in found.values() if v]
    if not values:
        return None
    height, lines = scale(values)
    names = [n for n, _ in legend if any(found.get(n) for _, found in groups)]
    colour = {name: COLOURS[i % len(COLOURS)] for i, (name, _) in enumerate(legend)}
    group_width = len(names) * (BAR + GAP) + GROUP_GAP
    width = max(LEFT + group_width * len(groups) + 10, LEFT + LEGEND_WIDTH * LEGEND_ROW)
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
           'font-family="sans-serif" fill="#202124">' % (width, TOP + HEIGHT + 40),
           '<rect width="100%" height="100%" fill="#ffffff"/>',
           text(LEFT, 20, '%s, %s' % (title, unit), 14, 'start')]
    for i, name in enumerate(names):
        x, y = LEFT + i % LEGEND_ROW * LEGEND_WIDTH, 32 + i // LEGEND_ROW * 18
        out.append('<rect x="%d" y="%d" width="11" height="11" fill="%s"/>' % (x, y, colour[name]))
        out.append(text(x + 16, y + 10, dict(legend)[name], 11, 'start'))
    for value in lines:
        y = TOP + HEIGHT - height(value)
        out.append('<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="#e0e0e0"/>' % (
            LEFT, y, width - 5, y))
        out.append(text(LEFT - 6, y + 4, '%g' % value, 10, 'end'))
    for g, (label, found) in enumerate(groups):
        x = LEFT + 12 + g * group_width
        for i, name in enumerate(names):
            if not found.get(name):
                continue
            h = max(height(found[name]), 1)
            left = x + i * (BAR + GAP)
            out.append('<rect x="%.1f" y="%.1f" width="%d" height="%.1f" fill="%s"/>' % (
                left, TOP + HEIGHT - h, BAR, h, colour[name]))
            out.append(text(left + BAR / 2, TOP + HEIGHT - h - 4, '%.3g' % found[name], 9))
        out.append(text(x + len(names) * (BAR + GAP) / 2, TOP + HEIGHT + 18, label, 12))
    return '\n'.join(out + ['</svg>', ''])
