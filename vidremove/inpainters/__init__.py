"""Image inpainting plug-ins: fill pixels that no frame shows."""
