"""The only place that knows protobuf and gRPC."""
