"""The home kitchen: validated rows as pandas frames, fitted and compared by production's own code.

Needs the extra `research`. docs/guide.md and examples/research.ipynb show it at work.
"""

from research.fitted import Fitted
from research.study import Study

__all__ = ["Fitted", "Study"]
