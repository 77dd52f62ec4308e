"""Write the body of a REST request with some samples, for curl and JavaScript: request.json."""

from __future__ import annotations

import argparse

import model_client
import samples
from artifacts import at_least, check_writable, run, whole


def main() -> None:
    """Write the samples in the row format."""
    parser = argparse.ArgumentParser(description=__doc__)
    samples.add_argument(parser)
    parser.add_argument("--count", type=at_least(1), default=1, help="samples (default: 1)")
    options = parser.parse_args()
    check_writable()
    inputs, labels = samples.read(options.samples)
    columns = {name: values[: options.count] for name, values in inputs.items()}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    # A single input needs no name.
    instances = [row.popitem()[1] if len(row) == 1 else row for row in rows]
    with whole("request.json") as path:
        path.write_bytes(model_client.json_body({"instances": instances}))
    known = "" if labels is None else f", labels {labels[: options.count].tolist()}"
    count = f"{len(instances)} sample{'s' * (len(instances) > 1)}"
    print(f"request.json: {count} of {' and '.join(columns)}{known}")


if __name__ == "__main__":
    run(main)
