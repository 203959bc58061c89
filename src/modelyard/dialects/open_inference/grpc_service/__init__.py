"""The Open Inference Protocol V2 over gRPC: needs the extra ``grpc``, and is imported only where it is served."""
