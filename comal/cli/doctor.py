"""`comal doctor`: whether this machine, and the account behind a stack, have what they need."""

from dataclasses import asdict

import typer

from comal.cli.checkup import PROBLEM, machine_findings, stack_findings
from comal.cli.console import Json, Stack, examples, print_json, print_table, say
from comal.cli.failures import FAILED
from comal.cli.repository import find_repository
from comal.cli.target import LOCAL_STACK

EPILOG = examples("comal doctor", "comal doctor -s prod", "comal doctor --json")


def doctor(stack: Stack = LOCAL_STACK, as_json: Json = False) -> None:
    """Check this machine; for a stack on AWS also credentials and the quota of every recipe's GPU instance.

    Exit code 1 when there is a problem; warnings do not count.

    Keys of --json, one row a check: check, state (ok, warning, problem), found, next_step.
    """
    findings = machine_findings(find_repository())
    if stack != LOCAL_STACK:
        findings += stack_findings(stack)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        print_table(("check", "state", "found"), [(f.check, f.state, f.found) for f in findings])
        for finding in findings:
            if finding.next_step:
                say(f"{finding.check}: {finding.next_step}")
    if any(finding.state == PROBLEM for finding in findings):
        raise typer.Exit(FAILED)
