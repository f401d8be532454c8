"""The training engine: arrays in, evaluations and a network out; knows no service around it."""

from reglab.core.engine.inputs import Inputs
from reglab.core.engine.network import Network
from reglab.core.engine.records import Checkpoint, Evaluation
from reglab.core.engine.stopping import hold_out
from reglab.core.engine.trainer import Trainer

# Goes up with every change after which an equal spec and seed may end with other numbers: results
# of another version are never reused. tests/engine/test_version.py notices such changes.
ENGINE_VERSION = "4"

__all__ = ["ENGINE_VERSION", "Checkpoint", "Evaluation", "Inputs", "Network", "Trainer", "hold_out"]
