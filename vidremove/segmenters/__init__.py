"""Segmentation plug-ins: from a prompt to a mask of one frame."""
