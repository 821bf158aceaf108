"""The encoders behind `graphs.routing.encoder`, a file each."""
