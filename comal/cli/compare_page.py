"""Two versions side by side, as one page without scripts or anything to load."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from comal.run_plots import plots_of
from comal.run_record import RunRecord

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{ model }}: versions {{ versions[0] }} and {{ versions[1] }}</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #8884; }
td { overflow-wrap: anywhere; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); gap: 1rem; }
figure { margin: 0; }
figcaption { font-size: .9rem; }
svg { width: 100%; height: auto; }
</style>
</head>
<body>
<h1>{{ model }} of stack {{ stack }}: versions {{ versions[0] }} and {{ versions[1] }}</h1>
<div class="scroll"><table>
<thead><tr><th></th><th>Version {{ versions[0] }}</th><th>Version {{ versions[1] }}</th></tr></thead>
<tbody>
{% for line in lines %}
<tr><th>{{ line[0] }}</th>{% for value in line[1:] %}<td>{{ "–" if value is none else value }}</td>{% endfor %}</tr>
{% endfor %}
</tbody></table></div>
<h2>What differs</h2>
<ul>
{% for difference in differences %}
<li>{{ difference }}</li>
{% else %}
<li>Nothing that is on record.</li>
{% endfor %}
</ul>
{% for pair in pairs %}
<h2>{{ pair.title }}</h2>
<p>{{ pair.note }}</p>
<div class="pair">
{% for svg in pair.svgs %}
<figure><figcaption>Version {{ versions[loop.index0] }}</figcaption>
{{ svg if svg else "It has no such plot on record." }}</figure>
{% endfor %}
</div>
{% endfor %}
</body>
</html>
"""


@dataclass(frozen=True)
class PlotPair:
    """The same plot of both versions, each empty where there is none."""

    title: str
    note: str
    first: str
    second: str


def plot_pairs(first: RunRecord | None, second: RunRecord | None) -> list[PlotPair]:
    """Plots of two runs side by side; those that neither has are left out."""
    sides = [
        {plot.name: plot for plot in plots_of(record, beside)} if record else {}
        for record, beside in ((first, second), (second, first))
    ]
    pairs = []
    for name, plot in {**sides[1], **sides[0]}.items():
        svgs = [side[name].svg if name in side else "" for side in sides]
        pairs.append(PlotPair(plot.title, plot.note, *svgs))
    return pairs


def page(
    model: str,
    stack: str,
    versions: tuple[int, int],
    lines: Sequence[tuple[Any, ...]],
    differences: Sequence[str],
    plots: Sequence[PlotPair],
) -> str:
    """The page; `lines` are triples of a name and both versions' values."""
    from jinja2 import Environment
    from markupsafe import Markup

    pairs = [
        # The charts have escaped what comes from the data.
        {"title": pair.title, "note": pair.note, "svgs": [Markup(svg) for svg in (pair.first, pair.second)]}  # noqa: S704
        for pair in plots
    ]
    template = Environment(autoescape=True).from_string(_PAGE)
    return template.render(
        model=model, stack=stack, versions=versions, lines=lines, differences=differences, pairs=pairs
    )
