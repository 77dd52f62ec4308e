"""Unpack the programs beside this notebook, and let commands use its Python."""

import os
import sys
import urllib.request
import zipfile
from pathlib import Path

PROGRAMS = ""  # where programs.zip is, unless it lies beside this notebook

os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
if not Path("mnist_cnn.py").exists():
    if PROGRAMS and not Path("programs.zip").exists():
        urllib.request.urlretrieve(PROGRAMS, "programs.zip")
    zipfile.ZipFile("programs.zip").extractall()
