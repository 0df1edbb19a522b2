"""Dense optical flow plug-ins."""
