"""Computes routes without running them: which agent takes each turn of recorded conversations."""
