"""Charts as inline SVG: text in, text out, so that a function, a container and the command line draw alike.

A chart stands alone: its colours are attributes, for a light page and a dark one, and it loads nothing. Names may come
from data and are escaped.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

BLUE, ORANGE, GREY = "#2f6fde", "#d9822b", "#8a8f98"
_PALETTE = (BLUE, ORANGE, "#2a7d4f", "#b3261e", "#8e44ad", "#00838f", GREY)
_WIDTH = 480
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 24, 40
_XY_HEIGHT = 320
_ROW_HEIGHT = 24
_TICKS = 5
# A name gets so many characters beside its row.
_NAME_LENGTH = 20
_NAME_WIDTH = 140


@dataclass(frozen=True)
class Series:
    """Points of a chart; `joined` draws a line through them."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    joined: bool = True


@dataclass(frozen=True)
class Dot:
    """A point of a swarm; `shade` from 0 (low, blue) to 1 (high, orange), None where there is no order (grey)."""

    value: float
    shade: float | None


# A row's name, its value and the ends of its interval; a row's name and its dots.
Bar = tuple[str, float, float, float]
Dots = tuple[str, Sequence[Dot]]


@dataclass(frozen=True)
class Pair:
    """Two bars beside each other: shares between 0 and 1."""

    name: str
    first: float
    second: float


def xy(
    label: str,
    x_label: str,
    y_label: str,
    series: Sequence[Series],
    *,
    guide: str = "",
    beside: Sequence[Series] = (),
) -> str:
    """Lines and points over two axes; empty without two different points.

    Args:
        label: What the chart shows, for those who cannot see it.
        x_label: What runs to the right.
        y_label: What runs upwards.
        series: What is drawn, at most seven told apart.
        guide: `diagonal` (y = x) or `zero` (y = 0), a line to compare with.
        beside: Those of a chart that this one is compared with: both get the same axes.
    """
    xs = [value for one in series for value in one.x]
    ys = [value for one in series for value in one.y]
    if len(set(zip(xs, ys, strict=True))) < 2:
        return ""
    xs += [value for one in beside for value in one.x]
    ys += [value for one in beside for value in one.y]
    across = _Axis.of(xs, _LEFT, _WIDTH - _RIGHT)
    upwards = _Axis.of([*ys, *([0.0] if guide == "zero" else [])], _XY_HEIGHT - _BOTTOM, _TOP)
    parts = [*_x_axis(across, x_label, _XY_HEIGHT), *_y_axis(upwards, y_label)]
    if guide == "diagonal":
        low, high = max(across.low, upwards.low), min(across.high, upwards.high)
        if low < high:
            parts.append(_line(across.at(low), upwards.at(low), across.at(high), upwards.at(high), dashed=True))
    if guide == "zero":
        parts.append(_line(_LEFT, upwards.at(0), _WIDTH - _RIGHT, upwards.at(0), dashed=True))
    for one, colour in zip(series, _PALETTE, strict=False):
        points = [(across.at(x), upwards.at(y)) for x, y in zip(one.x, one.y, strict=True)]
        parts += _joined(points, colour) if one.joined else [_dot(x, y, colour) for x, y in points]
    return _svg(label, _XY_HEIGHT, [*parts, *(_legend([one.name for one in series]) if len(series) > 1 else [])])


def intervals(label: str, x_label: str, rows: Sequence[Bar], beside: Sequence[Bar] = ()) -> str:
    """A bar for each (name, value, low, high), with its interval; empty without rows. `beside` is as for `xy`."""
    if not rows:
        return ""
    height = _TOP + _ROW_HEIGHT * len(rows) + _BOTTOM
    axis = _Axis.of([0.0, *(end for row in (*rows, *beside) for end in row[1:])], _NAME_WIDTH, _WIDTH - _RIGHT)
    parts = _x_axis(axis, x_label, height)
    for position, (name, value, low, high) in enumerate(rows):
        middle = _TOP + _ROW_HEIGHT * (position + 0.5)
        parts.append(_row_name(name, middle))
        start, end = sorted((axis.at(0), axis.at(value)))
        title = f"{name}: {value:.4g} ({low:.4g} to {high:.4g})"
        parts.append(_rect(start, middle - 7, end - start, 14, BLUE, title))
        parts.append(_line(axis.at(low), middle, axis.at(high), middle, colour=ORANGE, width=2))
    return _svg(label, height, parts)


def swarm(label: str, x_label: str, rows: Sequence[Dots], beside: Sequence[Dots] = ()) -> str:
    """A row of dots for each name, stacked where they are many; empty without dots. `beside` is as for `xy`."""
    values = [dot.value for _name, dots in rows for dot in dots]
    if not values:
        return ""
    height = _TOP + _ROW_HEIGHT * len(rows) + _BOTTOM
    values += [dot.value for _name, dots in beside for dot in dots]
    axis = _Axis.of([0.0, *values], _NAME_WIDTH, _WIDTH - _RIGHT)
    parts = [*_x_axis(axis, x_label, height), _line(axis.at(0), _TOP, axis.at(0), height - _BOTTOM)]
    for position, (name, dots) in enumerate(rows):
        middle = _TOP + _ROW_HEIGHT * (position + 0.5)
        parts.append(_row_name(name, middle))
        crowd: dict[int, int] = {}
        for dot in dots:
            x = axis.at(dot.value)
            place = crowd.get(round(x / 3), 0)
            crowd[round(x / 3)] = place + 1
            # Alternately above and below, within the row.
            offset = min((place + 1) // 2 * 1.5, _ROW_HEIGHT / 2 - 2) * (1 if place % 2 else -1)
            parts.append(_dot(x, middle + offset, _shaded(dot.shade)))
    return _svg(label, height, parts)


def paired_bars(label: str, pairs: Sequence[Pair], names: tuple[str, str]) -> str:
    """Two histograms in one, grey and blue; empty without bars.

    Args:
        label: What the chart shows, for those who cannot see it.
        pairs: The bars, from left to right.
        names: What the first and the second of each pair are called.
    """
    if not pairs:
        return ""
    height, base = 130, 110
    top = max(max(pair.first, pair.second) for pair in pairs) or 1.0
    width = _WIDTH / len(pairs)
    parts = []
    for position, pair in enumerate(pairs):
        for place, (share, name, colour) in enumerate(
            ((pair.first, names[0], GREY), (pair.second, names[1], BLUE)),
        ):
            tall = base * 0.95 * share / top
            x = width * (position + 0.1 + 0.4 * place)
            parts.append(_rect(x, base - tall, width * 0.4, tall, colour, f"{pair.name}: {name} {share:.1%}"))
    parts.append(_line(0, base, _WIDTH, base))
    parts.append(_text(2, base + 15, pairs[0].name))
    parts.append(_text(_WIDTH - 2, base + 15, pairs[-1].name, anchor="end"))
    return _svg(label, height, parts)


def standalone(svg: str) -> str:
    """A chart as a file of its own: it names its format, and is as large as it was drawn, on white."""
    width, height = svg.split('viewBox="0 0 ', 1)[1].split('"', 1)[0].split()
    size = f'width="{width}" height="{height}" style="background: white"'
    return svg.replace("<svg ", f'<svg xmlns="http://www.w3.org/2000/svg" {size} ', 1)


@dataclass(frozen=True)
class _Axis:
    """A range of values on a range of pixels, with round numbers to mark."""

    low: float
    high: float
    start: float
    end: float
    step: float

    @classmethod
    def of(cls, values: Sequence[float], start: float, end: float) -> "_Axis":
        low, high = min(values), max(values)
        if low == high:
            low, high = low - (abs(low) or 1.0) / 2, high + (abs(high) or 1.0) / 2
        rough = (high - low) / _TICKS
        magnitude = 10.0 ** math.floor(math.log10(rough))
        step = next(size * magnitude for size in (1, 2, 5, 10) if size * magnitude >= rough * (1 - 1e-9))
        return cls(math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step, start, end, step)

    def at(self, value: float) -> float:
        """The pixel of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    @property
    def ticks(self) -> list[float]:
        """Values to mark."""
        count = round((self.high - self.low) / self.step)
        # 0 that comes of adding steps up is not quite 0.
        return [
            0.0 if abs(tick) < self.step / 2 else tick for tick in (self.low + n * self.step for n in range(count + 1))
        ]


def _svg(label: str, height: float, parts: Sequence[str]) -> str:
    body = "\n".join(parts)
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height:g}" role="img" '
        f'aria-label="{escape(label)}" font-family="system-ui, sans-serif" font-size="11">\n{body}\n</svg>\n'
    )


def _x_axis(axis: _Axis, label: str, height: float) -> list[str]:
    base = height - _BOTTOM
    parts = [_line(axis.start, base, axis.end, base)]
    for tick in axis.ticks:
        parts.append(_line(axis.at(tick), base, axis.at(tick), base + 4))
        parts.append(_text(axis.at(tick), base + 16, f"{tick:.4g}", anchor="middle"))
    parts.append(_text((axis.start + axis.end) / 2, height - 6, label, anchor="middle"))
    return parts


def _y_axis(axis: _Axis, label: str) -> list[str]:
    parts = [_line(_LEFT, axis.start, _LEFT, axis.end)]
    for tick in axis.ticks:
        parts.append(_line(_LEFT - 4, axis.at(tick), _LEFT, axis.at(tick)))
        parts.append(_text(_LEFT - 7, axis.at(tick) + 4, f"{tick:.4g}", anchor="end"))
    parts.append(_text(2, 12, label))
    return parts


def _legend(names: Sequence[str]) -> list[str]:
    """In the corner above; names that the palette has no colour for are left out."""
    shown = list(zip(names, _PALETTE, strict=False))
    x = float(_WIDTH - _RIGHT)
    parts: list[str] = []
    for name, colour in reversed(shown):
        short = _short(name)
        parts.append(_text(x, 12, short, anchor="end", colour=colour))
        x -= 7 * len(short) + 10
    return parts


def _row_name(name: str, middle: float) -> str:
    return _text(_NAME_WIDTH - 8, middle + 4, _short(name), anchor="end", title=name)


def _short(name: str) -> str:
    return name if len(name) <= _NAME_LENGTH else name[: _NAME_LENGTH - 1] + "…"


def _joined(points: Sequence[tuple[float, float]], colour: str) -> list[str]:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>']


def _dot(x: float, y: float, colour: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{colour}" fill-opacity="0.6"/>'


def _rect(x: float, y: float, width: float, height: float, colour: str, title: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}">'
        f"<title>{escape(title)}</title></rect>"
    )


def _line(
    x1: float, y1: float, x2: float, y2: float, *, colour: str = GREY, width: int = 1, dashed: bool = False
) -> str:
    dashes = ' stroke-dasharray="4 4"' if dashed else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
        f'stroke-width="{width}"{dashes}/>'
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start", colour: str = "", title: str = "") -> str:
    # Grey enough to be read on white and on black, as an SVG that stands alone knows no page's colour.
    told = f"<title>{escape(title)}</title>" if title else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour or "#7a808a"}">{told}{escape(text)}</text>'
    )


def _shaded(shade: float | None) -> str:
    if shade is None:
        return GREY
    low, high = (47, 111, 222), (217, 130, 43)
    return "#" + "".join(f"{round(a + (b - a) * shade):02x}" for a, b in zip(low, high, strict=True))
