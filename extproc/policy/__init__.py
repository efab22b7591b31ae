"""What a caller may do, where the call goes, and what it cost."""
