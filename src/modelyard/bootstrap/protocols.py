"""The protocols that inference is asked for in, and by which credentials."""

from collections.abc import Mapping

from modelyard.core.audit.bounded import BoundedRecorder
from modelyard.dialects.mlflow.scoring.protocol import MlflowInference
from modelyard.dialects.open_inference.names import BELOW
from modelyard.dialects.open_inference.protocol import Expectations, OpenInference
from modelyard.dialects.seldon.inference.protocol import SeldonInference
from modelyard.dialects.wallaroo.inference.protocol import WallarooInference
from modelyard.settings import Settings
from modelyard.web.authentication import TokenAuthenticator
from modelyard.web.basic import BasicAuthenticator
from modelyard.web.inference.admission import Admission
from modelyard.web.inference.protocol import InferenceProtocol


def inference_protocols(settings: Settings) -> dict[str, InferenceProtocol]:
    """By name, the one that is asked most first; the Open Inference Protocol stands twice, for its two places."""
    expectations = Expectations()
    return {
        "wallaroo": WallarooInference(),
        "open_inference": OpenInference(expectations),
        "open_inference below": OpenInference(expectations, BELOW),
        "seldon": SeldonInference(skip_logging=settings.skip_logging),
        "mlflow": MlflowInference(),
    }


def admissions(
    plain: Admission, identity: Admission, tokens: TokenAuthenticator, basic: BasicAuthenticator, audit: BoundedRecorder
) -> Mapping[str, Admission]:
    """Who is let in by each protocol: ``identity`` takes ID tokens and sessions, too, for Seldon's places alone."""
    return {
        "wallaroo": plain,
        "open_inference": plain,
        "open_inference below": identity,
        "seldon": identity,
        "mlflow": Admission(tokens, audit, basic=basic),
    }
