"""Tunes the last layers of the encoder, for vectors by which agents are chosen."""
