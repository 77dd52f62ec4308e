"""Start the server: ``python -m model_server --rest_api_port=8501 --model_base_path=…``."""

import sys

from model_server.server import main

if __name__ == "__main__":
    sys.exit(main())
