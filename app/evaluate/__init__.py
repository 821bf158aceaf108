"""Measures routing on labelled data."""
