"""What runs a model. Today: ONNX, inside the web workers."""
