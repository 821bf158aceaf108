"""Computes routes on recorded data, without running anything."""
