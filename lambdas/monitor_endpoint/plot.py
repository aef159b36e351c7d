"""A column's two histograms as inline SVG: what the reference holds, and what the window holds."""

from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment

from comal.profile import BooleanProfile, CategoryProfile, ColumnProfile, NumberProfile

# Bars that fit a page; finer bins are added up.
MAX_BARS = 16
_WIDTH, _HEIGHT, _BASE = 480, 130, 110

_SVG = """<svg viewBox="0 0 {{ width }} {{ height }}" role="img" aria-label="{{ label }}">
{% for bar in bars %}
<rect class="reference" x="{{ bar.x }}" y="{{ bar.reference_y }}" width="{{ bar.width }}" \
height="{{ base - bar.reference_y }}"><title>{{ bar.name }}: reference {{ bar.reference }}</title></rect>
<rect class="window" x="{{ bar.x + bar.width }}" y="{{ bar.window_y }}" width="{{ bar.width }}" \
height="{{ base - bar.window_y }}"><title>{{ bar.name }}: window {{ bar.window }}</title></rect>
{% endfor %}
<line x1="0" x2="{{ width }}" y1="{{ base }}" y2="{{ base }}"/>
<text x="2" y="{{ base + 15 }}">{{ bars[0].name }}</text>
<text x="{{ width - 2 }}" y="{{ base + 15 }}" text-anchor="end">{{ bars[-1].name }}</text>
</svg>
"""


@dataclass(frozen=True)
class _Bar:
    name: str
    reference: float
    window: float


def histograms(environment: Environment, column: str, window: ColumnProfile, reference: ColumnProfile) -> str:
    """The SVG of a column; empty where one side has no values or the two do not go together.

    Args:
        environment: Jinja's, which escapes.
        column: Name of the column.
        window: Profile of the window's rows.
        reference: What it is compared with.
    """
    bars = _bars(window, reference)
    if not bars:
        return ""
    top = max(max(bar.reference, bar.window) for bar in bars) or 1.0
    width = _WIDTH / len(bars)
    drawn = [
        {
            "name": bar.name,
            "x": round(position * width + width * 0.1, 1),
            "width": round(width * 0.4, 1),
            "reference": f"{bar.reference:.1%}",
            "window": f"{bar.window:.1%}",
            "reference_y": round(_BASE * (1 - 0.95 * bar.reference / top), 1),
            "window_y": round(_BASE * (1 - 0.95 * bar.window / top), 1),
        }
        for position, bar in enumerate(bars)
    ]
    label = f"{column}: share of rows, reference and window"
    return environment.from_string(_SVG).render(bars=drawn, width=_WIDTH, height=_HEIGHT, base=_BASE, label=label)


def _bars(window: ColumnProfile, reference: ColumnProfile) -> list[_Bar]:
    if not window.count or not reference.count:
        return []
    if isinstance(window, NumberProfile) and isinstance(reference, NumberProfile):
        return _of_numbers(window, reference) if window.edges == reference.edges else []
    if isinstance(window, BooleanProfile) and isinstance(reference, BooleanProfile):
        true = _Bar("true", reference.true / reference.count, window.true / window.count)
        return [_Bar("false", 1 - true.reference, 1 - true.window), true]
    if isinstance(window, CategoryProfile) and isinstance(reference, CategoryProfile):
        return _of_categories(window, reference)
    return []


def _of_numbers(window: NumberProfile, reference: NumberProfile) -> list[_Bar]:
    """Neighbouring bins added up to bars of about equal shares of the reference."""
    names = [*(f"≤ {edge:.4g}" for edge in reference.edges), f"> {reference.edges[-1]:.4g}"]
    bars: list[_Bar] = []
    expected = found = 0.0
    for name, wanted, seen in zip(names, _shares(reference), _shares(window), strict=True):
        expected, found = expected + wanted, found + seen
        if expected >= 1 / MAX_BARS or found >= 2 / MAX_BARS:
            bars.append(_Bar(name, expected, found))
            expected = found = 0.0
    return [*bars, _Bar(names[-1], expected, found)] if expected or found else bars


def _of_categories(window: CategoryProfile, reference: CategoryProfile) -> list[_Bar]:
    """The most frequent values of both, then all others together."""
    shares = {
        value: (reference.values.get(value, 0) / reference.count, window.values.get(value, 0) / window.count)
        for value in {**reference.values, **window.values}
    }
    names = sorted(shares, key=lambda value: -max(shares[value]))
    bars = [_Bar(name, *shares[name]) for name in names[: MAX_BARS - 1]]
    rest = _Bar("others", 1 - sum(bar.reference for bar in bars), 1 - sum(bar.window for bar in bars))
    return [*bars, rest] if max(rest.reference, rest.window) > 1e-9 else bars


def _shares(column: NumberProfile) -> Sequence[float]:
    return [rows / column.count for rows in column.bins]
