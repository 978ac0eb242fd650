"""Bytes and devices: files, pictures, video, cameras and windows."""
