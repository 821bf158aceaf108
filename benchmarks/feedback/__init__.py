"""What feedback is worth when models change in mid-stream, and what poisoned feedback can do."""
