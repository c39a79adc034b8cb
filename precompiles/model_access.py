"""What the ModelRegistry's methods share: models that exist, and who owns them."""

from precompiles.contract import Error
from precompiles.host import Host
from precompiles.views import models as view
from precompiles.views.models import Model

MODEL_NOT_FOUND = Error("error ModelNotFound(uint256 modelId)")
NOT_OWNER = Error("error NotOwner(address caller)")


def existing_model(host: Host, model_id: int) -> Model:
    """The model, or a revert."""
    if not view.model_exists(host, model_id):
        raise MODEL_NOT_FOUND(model_id)
    return view.model(host, model_id)


def owned_model(host: Host, model_id: int) -> Model:
    """The model, if the caller owns it."""
    model = existing_model(host, model_id)
    if model.owner != host.caller:
        raise NOT_OWNER(host.caller)
    return model
