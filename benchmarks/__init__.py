"""Measurements of vidremove, each one command."""
