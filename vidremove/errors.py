"""One tree of errors. Each message says where, what was found against what was needed, and what to do."""


class VidremoveError(Exception):
    """Something the user can put right; the CLI prints it on one line and exits with 1."""


class InputError(VidremoveError):
    """A source, mask or prompt that cannot be read or does not fit."""


class OutputError(VidremoveError):
    """A target that cannot be written; nothing is left under its name."""


class ConfigError(VidremoveError):
    """A settings file or override with an unknown key or a value out of range."""


class ShapeError(VidremoveError):
    """Arrays whose shapes or dtypes do not belong together."""


class PluginError(VidremoveError):
    """A plug-in that is unknown, or whose weights or packages are missing."""


class Cancelled(VidremoveError):
    """The progress callback asked to stop; the target was not touched."""
