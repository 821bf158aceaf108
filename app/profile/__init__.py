"""Fits profiles of models on recorded outcomes, adds models to them, takes models out."""
