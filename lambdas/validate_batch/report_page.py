"""The report's page, as a Jinja2 template; it lies in a module because a function's archive holds modules only."""

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{ report.model }}: {{ report.source_key }} {{ report.status }}</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; overflow-wrap: anywhere; }
.validated { border-left: .5rem solid #2a7d4f; padding-left: .75rem; }
.quarantined { border-left: .5rem solid #b3261e; padding-left: .75rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
caption { text-align: left; font-weight: 600; padding: 1rem 0 .25rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #8884; }
td { overflow-wrap: anywhere; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
.error { color: #b3261e; font-weight: 600; }
.warning { color: #8a5a00; font-weight: 600; }
@media (prefers-color-scheme: dark) { .error { color: #ff8a80; } .warning { color: #ffc46b; } }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; }
dd { margin: 0; overflow-wrap: anywhere; }
</style>
</head>
<body>
<h1 class="{{ report.status }}">{{ report.source_key }}: {{ report.status }}</h1>
{% if report.next_step %}
<p><strong>Next step:</strong> {{ report.next_step }}</p>
{% endif %}
<dl>
<dt>Model</dt><dd>{{ report.model }}</dd>
<dt>Stack</dt><dd>{{ report.stack }}</dd>
<dt>Batch</dt><dd>{{ report.batch_id }}</dd>
<dt>Received</dt><dd>{{ report.received_at }}</dd>
<dt>Rows read</dt><dd>{{ report.rows }}</dd>
<dt>Size</dt><dd>{{ report.size_bytes }} bytes</dd>
<dt>Version</dt><dd>{{ report.version_id }}</dd>
{% if report.push_id %}
<dt>Push</dt><dd>{{ report.push_id }}</dd>
{% endif %}
</dl>
{% if report.findings %}
<div class="scroll"><table>
<caption>Findings</caption>
<thead><tr><th>Severity</th><th>Check</th><th>Column</th><th>Found</th><th>Expected</th>
<th class="number">Rows</th><th class="number">First row</th><th class="number">Line</th><th>Example</th></tr></thead>
<tbody>
{% for finding in report.findings %}
<tr><td class="{{ finding.severity }}">{{ finding.severity }}</td><td>{{ finding.check }}</td>
<td>{{ finding.column if finding.column is not none else "(file)" }}</td>
<td>{{ finding.found }}</td><td>{{ finding.expected }}</td>
<td class="number">{{ finding.rows or "" }}</td>
<td class="number">{{ finding.first_row if finding.first_row is not none else "" }}</td>
<td class="number">{{ finding.line if finding.line is not none else "" }}</td>
<td>{{ finding.example if finding.example is not none else "" }}</td></tr>
{% endfor %}
</tbody>
</table></div>
{% else %}
<p>Nothing was found wrong.</p>
{% endif %}
{% if report.drift %}
<div class="scroll"><table>
<caption>Distance to the rows the champion was trained on (0 alike, 1 nothing in common)</caption>
<thead><tr><th>Column</th><th>Measure</th><th class="number">Distance</th><th></th></tr></thead>
<tbody>
{% for drift in report.drift|sort(attribute="distance", reverse=true) %}
<tr><td>{{ drift.column }}</td><td>{{ drift.measure }}</td>
<td class="number">{{ "%.3f"|format(drift.distance) }}</td>
<td><meter min="0" max="1" value="{{ "%.3f"|format(drift.distance) }}"></meter></td></tr>
{% endfor %}
</tbody>
</table></div>
{% endif %}
{% if columns %}
<div class="scroll"><table>
<caption>Profile</caption>
<thead><tr><th>Column</th><th>Kind</th><th class="number">Values</th><th class="number">Missing</th>
<th>Summary</th></tr></thead>
<tbody>
{% for name, column in columns.items() %}
<tr><td>{{ name }}</td><td>{{ column.kind }}</td><td class="number">{{ column.count }}</td>
<td class="number">{{ "%.1f %%"|format(100 * column.missing_share) }}</td>
<td>
{% if column.kind == "number" and column.count %}
{{ "%.6g"|format(column.min) }} to {{ "%.6g"|format(column.max) }}, mean {{ "%.6g"|format(column.mean) }},
standard deviation {{ "%.6g"|format(column.std) }}
{% elif column.kind == "boolean" and column.count %}
{{ "%.1f %%"|format(100 * column.true / column.count) }} true
{% elif column.kind == "category" %}
{% for value, rows in (column["values"].items()|list)[:8] %}
{{ value }}: {{ rows }}{{ ", " if not loop.last }}
{% endfor %}
{{ ", …" if column["values"]|length > 8 }}
{% endif %}
</td></tr>
{% endfor %}
</tbody>
</table></div>
{% endif %}
</body>
</html>
"""
