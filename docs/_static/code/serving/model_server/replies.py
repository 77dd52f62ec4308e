"""The replies that both front ends give: a model's status and its metadata."""

from __future__ import annotations

from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

from .manager import ModelManager
from .protocol import ModelAddress


def status_reply(
    manager: ModelManager, address: ModelAddress
) -> get_model_status_pb2.GetModelStatusResponse:
    """Return the states of a model's versions; REST prints the same message."""
    reply = get_model_status_pb2.GetModelStatusResponse()
    for found in manager.status(address):
        entry = reply.model_version_status.add(version=found.version, state=found.state.value)
        if found.error is None:
            entry.status.SetInParent()
        else:
            entry.status.error_code = found.error.code.value
            entry.status.error_message = found.error.message
    return reply


def metadata_reply(
    manager: ModelManager, address: ModelAddress
) -> get_model_metadata_pb2.GetModelMetadataResponse:
    """Return the signatures of a model; REST prints the same message."""
    reply = get_model_metadata_pb2.GetModelMetadataResponse()
    signatures = get_model_metadata_pb2.SignatureDefMap()
    with manager.use(address) as (runner, version):
        for name, signature in runner.signatures.items():
            signatures.signature_def[name].CopyFrom(signature)
    reply.model_spec.name = address.name
    reply.model_spec.version.value = version
    reply.metadata["signature_def"].Pack(signatures)
    return reply
