"""The REST interface without its sockets: a method, a path and a body in, an answer out."""

from __future__ import annotations

import logging
import re
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from tensorflow_serving.apis.get_model_metadata_pb2 import SignatureDefMap

from . import inference, json_answers, json_requests
from .inference import Runner
from .manager import ModelManager
from .metrics import Metrics
from .protocol import Code, ModelAddress, ServingError
from .replies import metadata_reply, status_reply
from .rest_paths import parse_rest_call

log = logging.getLogger("model_server")

MAX_BODY_BYTES = 64 << 20  # of one request, also after gunzip
HEAD_SECONDS = 30.0  # for the first request line and headers of a connection
PROMETHEUS_PATH = "/monitoring/prometheus/metrics"
HTML = "text/html; charset=ISO-8859-1"
_NOT_FOUND = (
    "<HTML><HEAD>\n<TITLE>404 Not Found</TITLE>\n</HEAD><BODY>\n"
    "<H1>Not Found</H1>\n</BODY></HTML>\n"
)


@dataclass(frozen=True)
class RestOptions:
    """What the flags say about REST."""

    port: int
    threads: int
    timeout_ms: int = 30_000
    cors: bool = False
    prometheus_path: str = ""  # empty: no monitoring
    max_body_bytes: int = MAX_BODY_BYTES
    head_seconds: float = HEAD_SECONDS


@dataclass(frozen=True)
class Answer:
    """Status, body and type of a REST answer."""

    status: int
    body: bytes
    content_type: str = "application/json"


class BodyTooLargeError(Exception):
    """A body that is longer than this server takes."""

    def __init__(self, limit: int) -> None:
        """Name the limit, in bytes."""
        super().__init__(f"The body is larger than {limit} bytes")


class RestApi:
    """Answers requests; knows nothing of sockets."""

    def __init__(self, manager: ModelManager, metrics: Metrics, options: RestOptions) -> None:
        """Keep what answers need."""
        self._manager = manager
        self._metrics = metrics
        self._options = options

    def answer(
        self, method: str, path: str, body: bytes, *, origin: str = "", gzipped: bool = False
    ) -> Answer:
        """Return the answer to a request; never raises.

        ``path`` is as it was sent, with its query; ``origin`` is the header of that name.
        """
        prometheus = self._options.prometheus_path
        if prometheus and path.partition("?")[0] == prometheus:
            return self._prometheus(path)
        if not re.match("/v1/", path, re.IGNORECASE):
            return Answer(404, _NOT_FOUND.encode(), "text/html")
        if method == "OPTIONS":
            code = Code.OK if re.search("https?://", origin) else Code.FAILED_PRECONDITION
            self._metrics.requests.add("", code.name)
            return Answer(code.http, b"", HTML)
        return self._counted(method, path, body, gzipped)

    def _prometheus(self, path: str) -> Answer:
        if path != self._options.prometheus_path:
            text = f"Unexpected path: {path}. Should be {self._options.prometheus_path}"
            return Answer(400, text.encode(errors="surrogateescape"), "text/plain")
        return Answer(200, self._metrics.page().encode(errors="replace"), "text/plain")

    def _counted(self, method: str, path: str, body: bytes, gzipped: bool) -> Answer:
        """Answer, and count the request and its time as the server does."""
        start = time.perf_counter()
        name = verb = ""
        status = Code.OK
        try:
            call = parse_rest_call(method, path)
            name, verb = call.address.name, call.verb
            if gzipped:
                body = gunzip(body, self._options.max_body_bytes)
            answer = Answer(200, self._dispatch(verb, call.address, body))
        except BodyTooLargeError as error:
            status = Code.RESOURCE_EXHAUSTED
            answer = Answer(413, json_answers.write_error(str(error)))
        except ServingError as error:
            status = error.code
            answer = Answer(status.http, json_answers.write_error(error.message))
        except Exception as error:  # a fault of ours: the log gets the traceback, not the client
            log.exception("Error processing HTTP/REST request: %s %s", method, path)
            status = Code.INTERNAL
            message = f"{type(error).__name__} in the emulation; see its log"
            answer = Answer(500, json_answers.write_error(message))
        if status is Code.OK:
            api = "" if verb in ("status", "metadata") else verb
            micros = (time.perf_counter() - start) * 1e6
            self._metrics.request_latency.observe(micros, name, api, "REST")
        self._metrics.requests.add(name, status.name)
        return answer

    def _dispatch(self, verb: str, address: ModelAddress, body: bytes) -> bytes:
        if verb == "status":
            return json_answers.write_message(status_reply(self._manager, address)).encode()
        if verb == "metadata":
            return self._metadata(address)
        work = {"predict": self._predict, "classify": self._classify, "regress": self._regress}
        return work[verb](address, body)

    def _metadata(self, address: ModelAddress) -> bytes:
        reply = metadata_reply(self._manager, address)
        signatures = SignatureDefMap()
        reply.metadata["signature_def"].Unpack(signatures)
        # Pieced together like this by the server, too.
        spec = json_answers.write_message(reply.model_spec)
        text = json_answers.write_message(signatures)
        return f'{{\n"model_spec":{spec},\n"metadata": {{"signature_def": {text}}}\n}}\n'.encode()

    def _predict(self, address: ModelAddress, body: bytes) -> bytes:
        used: list[Runner] = []
        # The JSON is read first, then the model looked up, as in the server; the model found then
        # is the one that answers.
        with ExitStack() as later:

            def inputs_of(signature_name: str) -> json_requests.TensorInfos:
                runner, _ = later.enter_context(self._manager.use(address))
                used.append(runner)
                return inference.input_infos(runner, signature_name)

            with json_requests.turn(body):
                request = json_requests.read_predict(body, inputs_of)
            with self._timed(address.name, "Predict"):
                outputs = inference.predict(
                    *(used[0], request.signature_name, request.inputs),
                    timeout_ms=self._options.timeout_ms,
                )
        write = json_answers.write_rows if request.rows else json_answers.write_columns
        return write(outputs)

    def _classify(self, address: ModelAddress, body: bytes) -> bytes:
        with json_requests.turn(body):
            name, examples = json_requests.read_examples(body)
        with self._manager.use(address) as (runner, _), self._timed(address.name, "Classify"):
            results = inference.classify(runner, name, examples, self._options.timeout_ms)
        return json_answers.write_classes(results)

    def _regress(self, address: ModelAddress, body: bytes) -> bytes:
        with json_requests.turn(body):
            name, examples = json_requests.read_examples(body)
        with self._manager.use(address) as (runner, _), self._timed(address.name, "Regress"):
            results = inference.regress(runner, name, examples, self._options.timeout_ms)
        return json_answers.write_regressions(results)

    @contextmanager
    def _timed(self, model: str, api: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        micros = (time.perf_counter() - start) * 1e6
        self._metrics.runtime_latency.observe(micros, model, api, "TF1")


def gunzip(body: bytes, limit: int) -> bytes:
    """Return the unpacked body, or nothing if it is no gzip, as the server does.

    Raises BodyTooLargeError if it is longer than ``limit`` bytes.
    """
    reader = zlib.decompressobj(wbits=31)
    try:
        plain = reader.decompress(body, limit + 1)
    except zlib.error:
        return b""
    if len(plain) > limit:
        raise BodyTooLargeError(limit)
    return plain if reader.eof else b""
