"""The training engine: arrays in, evaluations and a network out; knows no service around it.

Kernels are loaded when something is first calculated: a server that only tells of results needs
neither them nor numba.
"""

from typing import TYPE_CHECKING, Any

from reglab.core.engine.network import Network
from reglab.core.engine.records import Checkpoint, Evaluation
from reglab.core.engine.stopping import hold_out

if TYPE_CHECKING:
    from reglab.core.engine.inputs import Inputs
    from reglab.core.engine.trainer import Trainer

# Goes up with every change after which an equal spec and seed may end with other numbers: results
# of another version are never reused. tests/unit/engine/test_version.py notices such changes.
ENGINE_VERSION = "5"

__all__ = ["ENGINE_VERSION", "Checkpoint", "Evaluation", "Inputs", "Network", "Trainer", "hold_out"]


def __getattr__(name: str) -> Any:
    if name == "Inputs":
        from reglab.core.engine.inputs import Inputs

        return Inputs
    if name == "Trainer":
        from reglab.core.engine.trainer import Trainer

        return Trainer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
