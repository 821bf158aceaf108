"""Collects outcomes of models, judges their answers, fits profiles on them, adds models to those and takes them out."""
