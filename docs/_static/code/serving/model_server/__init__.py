"""An emulation of ``tensorflow_model_server`` in Python: ``python -m model_server --help``."""
