"""Trained networks at work: pictures, video and the live camera in one pass."""
