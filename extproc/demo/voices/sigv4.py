"""Whether a request carries the AWS signature that its credentials make: SigV4, recomputed.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

import hmac
import re
from dataclasses import dataclass, field

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from extproc.demo.request import Request

_FORM = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<id>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)"
    r"/aws4_request,\s*SignedHeaders=(?P<headers>[^,]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)
_MUST_BE_SIGNED = {"host", "x-amz-date"}


@dataclass(frozen=True, slots=True)
class Signer:
    """The one caller that is known."""

    access_key_id: str
    secret_access_key: str = field(repr=False)

    def fault(self, request: Request, service: str) -> tuple[str, str] | None:
        """AWS's name for what is wrong with a request's signature, and its message; or None."""
        found = _FORM.fullmatch(request.headers.get("authorization", ""))
        if found is None:
            return "IncompleteSignatureException", "Authorization header is not a SigV4 signature."
        if found["id"] != self.access_key_id:
            message = "The security token included in the request is invalid."
            return "UnrecognizedClientException", message
        signed = found["headers"].split(";")
        complete = _MUST_BE_SIGNED <= set(signed) <= request.headers.keys()
        date = request.headers.get("x-amz-date", "")
        if not complete or found["service"] != service or not date.startswith(found["day"]):
            message = "Credential should be scoped to the correct service, date and headers."
            return "InvalidSignatureException", message
        if not hmac.compare_digest(self._signature(request, found, signed), found["signature"]):
            message = "The request signature we calculated does not match the one you provided."
            return "InvalidSignatureException", message
        return None

    def _signature(self, request: Request, found: re.Match[str], signed: list[str]) -> str:
        """What botocore makes of the request as it was received."""
        credentials = Credentials(self.access_key_id, self.secret_access_key)
        auth = SigV4Auth(credentials, found["service"], found["region"])
        again = AWSRequest(
            request.method,
            f"http://{request.headers['host']}{request.target}",
            {name: request.headers[name] for name in signed},
            request.body,
        )
        again.context["timestamp"] = request.headers["x-amz-date"]
        canonical = auth.canonical_request(again)
        return str(auth.signature(auth.string_to_sign(again, canonical), again))
