"""The page of a run: its record for people, with every plot, in one file that needs nothing beside it."""

from collections.abc import Iterable
from html import escape
from typing import Any

from comal.run_plots import Plot, plots_of
from comal.run_record import RunRecord

_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.4rem; overflow-wrap: anywhere; }}
.scroll {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }}
caption {{ text-align: left; font-weight: 600; padding: 1rem 0 .25rem; }}
th, td {{ text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #8884; }}
td {{ overflow-wrap: anywhere; }}
.plots {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(min(28rem, 100%), 1fr)); gap: 1.5rem; }}
figure {{ margin: 1rem 0 0; }}
figcaption {{ font-size: .9rem; }}
svg {{ width: 100%; height: auto; }}
</style>
</head>
<body>
"""


def report_page(record: RunRecord) -> str:
    """The page's HTML; what comes from data or a recipe is escaped, and nothing on it has an address."""
    title = f"{record.model}, run {record.run_id}"
    metric = record.metrics.get(record.metric)
    parts = [
        _HEAD.format(title=escape(title)),
        f"<h1>{escape(title)}: {escape(record.metric)} {_number(metric)} on held-out rows</h1>\n",
        *(f"<p><strong>Warning:</strong> {escape(warning)}</p>\n" for warning in record.warnings),
        _metrics(record),
        '<div class="plots">\n',
        *map(_figure, plots_of(record)),
        "</div>\n",
        _table("What it was fitted by", ("parameter", "value"), _parameters(record)),
        _trials(record),
        _table("What it comes from", ("what", "value"), _origin(record)),
        "</body>\n</html>\n",
    ]
    return "".join(parts)


def _figure(plot: Plot) -> str:
    # The chart has escaped what comes from the data.
    caption = f"<strong>{escape(plot.title)}.</strong> {escape(plot.note)}"
    return f"<figure>\n{plot.svg}<figcaption>{caption}</figcaption>\n</figure>\n"


def _metrics(record: RunRecord) -> str:
    columns = [("this run", record.metrics), ("champion", record.champion), ("baseline", record.baseline)]
    shown = [(name, values) for name, values in columns if values]
    rows = [(name, *(_number(values.get(name)) for _, values in shown)) for name in record.metrics]
    return _table("Metrics on held-out rows", ("metric", *(name for name, _ in shown)), rows)


def _parameters(record: RunRecord) -> Iterable[tuple[Any, ...]]:
    structure = record.structure
    yield "algorithm", record.algorithm
    yield from record.parameters.items()
    yield "features", structure.features
    if structure.trees is not None:
        yield "trees", f"{structure.trees}, {structure.depth} deep at most, {structure.leaves} leaves"


def _trials(record: RunRecord) -> str:
    if record.search is None:
        return ""
    rows = [
        (
            "–" if one.rank is None else one.rank,
            one.number,
            one.state,
            _number(one.score),
            one.algorithm,
            ", ".join(f"{name} {value}" for name, value in {**one.preprocessing, **one.params}.items()),
        )
        for one in record.search.trials
    ]
    caption = f"What the search tried. {record.search.decision}"
    return _table(caption, ("rank", "trial", "state", record.metric, "algorithm", "parameters"), rows)


def _origin(record: RunRecord) -> Iterable[tuple[Any, ...]]:
    data = record.data
    yield "rows", f"{data.trained_rows} trained on, {data.held_out_rows} held out, of {data.batches} batches"
    yield "data", data.sha256
    yield "artifact", record.artifact_sha256
    yield "code", record.code_sha256
    yield "libraries", ", ".join(f"{name} {version}" for name, version in record.libraries.items())
    yield "hardware", record.hardware
    yield "started", record.started
    yield "ended", record.ended
    yield "took", ", ".join(f"{step} {seconds:.1f} s" for step, seconds in record.seconds.items())


def _table(caption: str, head: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> str:
    cells = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "\n".join(
        f"<tr><th>{escape(str(row[0]))}</th>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row[1:])}</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll"><table>\n<caption>{escape(caption)}</caption>\n<thead><tr>{cells}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>\n"
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
