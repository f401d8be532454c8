"""The training engine: arrays in, evaluations and a network out; knows no service around it."""

from reglab.core.engine.inputs import Inputs
from reglab.core.engine.network import Network
from reglab.core.engine.records import Checkpoint, Evaluation
from reglab.core.engine.stopping import hold_out
from reglab.core.engine.trainer import Trainer

__all__ = ["Checkpoint", "Evaluation", "Inputs", "Network", "Trainer", "hold_out"]
