"""The `sori` command: an ordinary client of the public gRPC APIs."""
