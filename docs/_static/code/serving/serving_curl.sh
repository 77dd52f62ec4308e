#!/bin/sh
# The model server by curl. Needs digits.json (python digits_json.py) in this folder.
set -e
url=${TF_SERVING_REST_URL:-http://localhost:8501}

# Is it there, and which versions?
curl --silent --show-error --fail-with-body "$url/v1/models/mnist"

# What goes in, what comes out? (the start of it)
curl --silent --show-error --fail-with-body "$url/v1/models/mnist/metadata" | head -n 12

# What are these digits? A file is sent as it is with --data-binary @file.
curl --silent --show-error --fail-with-body --data-binary @digits.json \
  "$url/v1/models/mnist:predict"
echo

# A compressed request: the server unpacks it.
gzip --stdout digits.json | curl --silent --show-error --fail-with-body \
  --header 'Content-Encoding: gzip' --data-binary @- --output /dev/null \
  --write-out 'gzip: %{http_code}, %{size_upload} bytes sent\n' "$url/v1/models/mnist:predict"
