"""Graders: from an answer's text and a question's key to a score, 0 to 1. They call no model."""
