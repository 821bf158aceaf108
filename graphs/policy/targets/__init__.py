"""What one policy compiles to; each target is a pure function of the policy, and each file bears the policy's hash."""
