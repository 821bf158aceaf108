"""Estimators of each model's quality on a query, a file each, behind `graphs.routing.estimators.base`."""
