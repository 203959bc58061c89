"""How model registries outside are called, as the settings say."""

from modelyard.outgoing.addresses import Addresses
from modelyard.outgoing.calling import Outgoing
from modelyard.registries.mlflow import MlflowRegistries
from modelyard.settings import Settings


def model_registries(settings: Settings) -> MlflowRegistries:
    """Calls no address but those that ``outgoing_networks`` opens, and the public ones."""
    return MlflowRegistries(Outgoing(Addresses(settings.outgoing_networks)))
