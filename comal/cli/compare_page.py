"""Two versions side by side, as one page without scripts or anything to load."""

from collections.abc import Sequence
from typing import Any

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
</body>
</html>
"""


def page(
    model: str, stack: str, versions: tuple[int, int], lines: Sequence[tuple[Any, ...]], differences: Sequence[str]
) -> str:
    """The page; `lines` are triples of a name and both versions' values."""
    from jinja2 import Environment

    template = Environment(autoescape=True).from_string(_PAGE)
    return template.render(model=model, stack=stack, versions=versions, lines=lines, differences=differences)
