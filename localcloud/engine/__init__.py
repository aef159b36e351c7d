"""The local engine: runs a Pulumi program without the Pulumi CLI, against AWS services on loopback.

It proves a program and its wiring, not the real provider's validation; it is never called Pulumi.
"""

from localcloud.engine.engine import Engine
from localcloud.engine.errors import EngineError
from localcloud.engine.steps import Step, Summary

__all__ = ["Engine", "EngineError", "Step", "Summary"]
