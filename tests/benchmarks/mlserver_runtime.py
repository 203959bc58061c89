"""A runtime for MLServer that serves one ONNX network as lean as MLServer lets it."""

import numpy as np
import onnxruntime as ort
from mlserver import MLModel
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput


class OnnxNetwork(MLModel):
    """Takes one tensor and gives one."""

    async def load(self) -> bool:
        """Load the file that the settings name."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        path = self.settings.parameters.uri
        self._session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Run it."""
        given = payload.inputs[0]
        data = getattr(given.data, "root", given.data)
        tensor = np.array(data, dtype=np.float32).reshape(given.shape)
        (output,) = self._session.run(None, {given.name: tensor})
        made = ResponseOutput(name="dense_1", shape=list(output.shape), datatype="FP32", data=output.ravel().tolist())
        return InferenceResponse(model_name=self.name, outputs=[made])
