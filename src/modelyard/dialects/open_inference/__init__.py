"""The Open Inference Protocol V2 over HTTP and gRPC, for every deployment whatever it was made with.

The protocol is KServe's specification with Triton's extensions for binary tensors and for the model repository.
"""

from modelyard.dialects.open_inference import metadata, repository
from modelyard.dialects.open_inference.dialect import open_inference

__all__ = ["metadata", "open_inference", "repository"]
