"""The training engine: arrays in, evaluations and a network out; knows no service around it."""

from reglab.core.engine.inputs import Inputs
from reglab.core.engine.network import Network
from reglab.core.engine.trainer import Checkpoint, Evaluation, Trainer

__all__ = ["Checkpoint", "Evaluation", "Inputs", "Network", "Trainer"]
