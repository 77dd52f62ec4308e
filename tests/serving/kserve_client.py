"""Ask a model server with KServe's client: python kserve_client.py URL; prints JSON."""

import asyncio
import json
import sys

from kserve import InferenceRESTClient, RESTConfig


async def ask(url: str) -> object:
    client = InferenceRESTClient(RESTConfig(protocol="v1", timeout=60))
    answer = await client.infer(url, {"instances": [1.0, 2.0, 5.0]}, model_name="m")
    await client.close()
    return answer


print(json.dumps(asyncio.run(ask(sys.argv[1]))))
