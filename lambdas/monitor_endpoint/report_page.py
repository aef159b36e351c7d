"""The page of a window's report, as a Jinja2 template in a module, because a function's archive holds modules only."""

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{ report.model }} version {{ report.version }}: window {{ report.window_id }}</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; }
.calm { border-left: .5rem solid #2a7d4f; padding-left: .75rem; }
.alarm { border-left: .5rem solid #b3261e; padding-left: .75rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
caption { text-align: left; font-weight: 600; padding: 1rem 0 .25rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #8884; }
td { overflow-wrap: anywhere; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
.high { color: #b3261e; font-weight: 600; }
@media (prefers-color-scheme: dark) { .high { color: #ff8a80; } }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; }
dd { margin: 0; overflow-wrap: anywhere; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(18rem, 1fr)); gap: 1rem; }
figure { margin: 0; }
figcaption { font-size: .9rem; overflow-wrap: anywhere; }
svg { width: 100%; }
.key { display: inline-block; width: .8em; height: .8em; }
</style>
</head>
<body>
{% set scores = [("Drift of requests", report.drift_score), ("Drift of predictions", report.prediction_drift_score),
("Skew between research and production", report.skew_score)] %}
{% set high = scores|selectattr(1, "ne", none)|selectattr(1, "ge", 1)|list %}
<h1 class="{{ "alarm" if high else "calm" }}">{{ report.model }} version {{ report.version }}:
{{ "a threshold is reached" if high else "nothing unusual" }} in {{ report.rows }} live rows</h1>
{% for step in report.next_steps %}
<p><strong>Next step:</strong> {{ step }}</p>
{% endfor %}
{% for warning in report.warnings %}
<p>{{ warning }}</p>
{% endfor %}
<dl>
{% for name, score in scores %}
<dt>{{ name }}</dt><dd>{% if score is none %}not judged{% else %}
<span class="{{ "high" if score >= 1 }}">{{ "%.2f"|format(score) }}</span> (threshold 1){% endif %}</dd>
{% endfor %}
<dt>Requests from</dt><dd>{{ report.first_time }}</dd>
<dt>Requests to</dt><dd>{{ report.last_time }}</dd>
<dt>Scored</dt><dd>{{ report.scored_at }}, look {{ report.look }} of its week</dd>
<dt>Stack</dt><dd>{{ report.stack }}</dd>
<dt>Window</dt><dd>{{ report.window_id }}</dd>
</dl>
<p>A score is 1 where a difference is both certain (all tests of a week together raise a false alarm with probability
{{ report.false_alarm_rate }} at most, <code>monitoring.false_alarm_rate</code>) and large (a distance of at least
{{ report.min_effect }}, <code>monitoring.min_effect</code>). Compared with
{{ "the training rows of the same hours of the week" if report.reference == "seasonal" else "all training rows" }}.</p>
{% if plots %}
<h2>Columns</h2>
<p><span class="key" style="background:#8a8f98"></span> reference <span class="key" style="background:#2f6fde"></span>
window; height is the share of rows, bars of numbers hold about equal shares of the reference.</p>
<div class="plots">
{% for plot in plots %}
<figure>
<figcaption>{{ plot.column }} ({{ plot.kind }}): score
<span class="{{ "high" if plot.score >= 1 }}">{{ "%.2f"|format(plot.score) }}</span></figcaption>
{{ plot.svg }}
</figure>
{% endfor %}
</div>
{% endif %}
{% if report.tests %}
<div class="scroll"><table>
<caption>Tests</caption>
<thead><tr><th>Comparison</th><th>Column</th><th>Measure</th><th class="number">Distance</th>
<th class="number">Certain from</th><th class="number">p</th><th class="number">Score</th></tr></thead>
<tbody>
{% for test in report.tests %}
<tr><td>{{ test.comparison }}</td><td>{{ test.column }}</td><td>{{ test.measure }}</td>
<td class="number">{{ "%.3f"|format(test.distance) }}</td>
<td class="number">{{ "%.3f"|format(test.critical_distance) }}</td>
<td class="number">{{ "%.2g"|format(test.p_value) }}</td>
<td class="number {{ "high" if test.score >= 1 }}">{{ "%.2f"|format(test.score) }}</td></tr>
{% endfor %}
</tbody>
</table></div>
{% endif %}
</body>
</html>
"""
