"""Starts and supervises the processes of one gateway; serves health and metrics."""
