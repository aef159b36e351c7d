"""CloudWatch: metrics, alarms that are judged on their period, and dashboards."""
