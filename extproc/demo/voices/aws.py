"""The voices of AWS, and the credential that they want."""

from collections.abc import Callable

from extproc.demo.voices import bedrock, sagemaker
from extproc.demo.voices.base import Asked, Refused, Voice, bearer
from extproc.demo.voices.bedrock import GENERATION, aws_error
from extproc.demo.voices.bedrockvectors import EMBEDDINGS
from extproc.demo.voices.sigv4 import Signer


def _admitted(service: str, signer: Signer | None) -> Callable[[Asked], None]:
    """Any credential will do where no signer is known."""

    def admit(asked: Asked) -> None:
        if not asked.headers.get("authorization"):
            message = "Missing Authentication Token"
            raise Refused(403, message, aws_error("MissingAuthenticationTokenException", message))
        if signer is None or bearer(asked) is not None:
            return
        fault = signer.fault(asked.request, service)
        if fault is not None:
            raise Refused(403, fault[1], aws_error(*fault))

    return admit


def voices(signer: Signer | None = None) -> tuple[Voice, ...]:
    """With a signer only its signature is believed, or a bearer token."""
    runtime = (*EMBEDDINGS, *GENERATION)
    return (
        Voice("bedrock", runtime, bedrock.error, _admitted("bedrock", signer)),
        Voice("sagemaker", sagemaker.ENDPOINTS, sagemaker.error, _admitted("sagemaker", signer)),
    )
