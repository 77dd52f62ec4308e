"""Send a PNG file to a signature that takes its bytes, in the fewest lines."""

import base64
import sys
from pathlib import Path

import requests

png = base64.b64encode(Path("digit.png").read_bytes()).decode()
body = {"signature_name": "read_png", "instances": [{"b64": png}]}
print(requests.post(sys.argv[1], json=body).json()["predictions"][0])
