"""The REST front end: HTTP by aiohttp, one thread for the connections, a pool for the models.

Nothing a client sends may hang or fill the server: the head, the body and the answer of a request
each have a time limit, one body and all bodies together a size limit.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

import serving_inference as inference
import serving_json
from aiohttp import web
from serving_grpc import metadata_reply, status_reply
from serving_inference import Runner
from serving_manager import ModelManager
from serving_metrics import Metrics
from serving_protocol import Code, RestCall, ServingError, invalid, parse_rest_call
from tensorflow_serving.apis.get_model_metadata_pb2 import SignatureDefMap

log = logging.getLogger("model_server")

MAX_BODY_BYTES = 64 << 20  # of one request, also after gunzip
MAX_PENDING_BYTES = 256 << 20  # of all requests that have not been answered
HEAD_SECONDS = 30.0  # for the first request line and headers of a connection
PROMETHEUS_PATH = "/monitoring/prometheus/metrics"
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET",
    "Access-Control-Allow-Headers": "Content-Type",
}
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
    """Status and body of a REST answer."""

    status: int
    body: bytes
    content_type: str = "application/json"


class _HttpError(Exception):
    """A request that ends before it reaches a model; the connection is closed."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.answer = Answer(status, serving_json.write_error(message))


class RestApi:
    """Answers requests; knows nothing of sockets."""

    def __init__(self, manager: ModelManager, metrics: Metrics, options: RestOptions) -> None:
        """Keep what answers need."""
        self._manager = manager
        self._metrics = metrics
        self._options = options

    def answer(self, method: str, path: str, body: bytes, *, gzipped: bool = False) -> Answer:
        """Return the answer to a request; never raises."""
        if self._options.prometheus_path and path == self._options.prometheus_path:
            return Answer(200, self._metrics.page().encode(), "text/plain")
        if not re.match("/v1/", path, re.IGNORECASE):
            return Answer(404, _NOT_FOUND.encode(), "text/html")
        if method == "OPTIONS" and self._options.cors:
            return Answer(200, b"")
        try:
            if gzipped:
                body = gunzip(body, self._options.max_body_bytes)
            return Answer(200, self._dispatch(parse_rest_call(method, path), body))
        except ServingError as error:
            return Answer(error.code.http, serving_json.write_error(error.message))
        except _HttpError as error:
            return error.answer
        except Exception as error:  # a fault of ours: the log gets the traceback, not the client
            log.exception("Error processing HTTP/REST request: %s %s", method, path)
            message = f"{type(error).__name__} in the emulation; see its log"
            return Answer(500, serving_json.write_error(message))

    def _dispatch(self, call: RestCall, body: bytes) -> bytes:
        if call.verb == "status":
            return serving_json.write_message(status_reply(self._manager, call.address)).encode()
        if call.verb == "metadata":
            return self._metadata(call)
        start = time.perf_counter()
        status = Code.OK
        work = {"predict": self._predict, "classify": self._classify, "regress": self._regress}
        try:
            return work[call.verb](call, body)
        except ServingError as error:
            status = error.code
            raise
        except Exception:
            status = Code.INTERNAL
            raise
        finally:
            name, api = call.address.name, call.verb.capitalize()
            micros = (time.perf_counter() - start) * 1e6
            self._metrics.requests.add(name, status.name)
            self._metrics.request_latency.observe(micros, name, api, "REST", status.name)

    def _metadata(self, call: RestCall) -> bytes:
        reply = metadata_reply(self._manager, call.address)
        signatures = SignatureDefMap()
        reply.metadata["signature_def"].Unpack(signatures)
        # Pieced together like this by the server, too.
        spec = serving_json.write_message(reply.model_spec)
        text = serving_json.write_message(signatures)
        return f'{{\n"model_spec":{spec},\n"metadata": {{"signature_def": {text}}}\n}}\n'.encode()

    def _predict(self, call: RestCall, body: bytes) -> bytes:
        used: list[Runner] = []
        # The JSON is read first, then the model looked up, as in the server; the model found then
        # is the one that answers.
        with ExitStack() as later:

            def inputs_of(signature_name: str) -> serving_json.TensorInfos:
                runner, _ = later.enter_context(self._manager.use(call.address))
                used.append(runner)
                return inference.input_infos(runner, signature_name)

            request = serving_json.read_predict(body, inputs_of)
            with self._timed(call, "Predict"):
                outputs = inference.predict(
                    *(used[0], request.signature_name, request.inputs),
                    timeout_ms=self._options.timeout_ms,
                )
        write = serving_json.write_rows if request.rows else serving_json.write_columns
        return write(outputs)

    def _classify(self, call: RestCall, body: bytes) -> bytes:
        name, examples = serving_json.read_examples(body)
        with self._manager.use(call.address) as (runner, _), self._timed(call, "Classify"):
            results = inference.classify(runner, name, examples, self._options.timeout_ms)
        self._count_examples(call, len(examples))
        return serving_json.write_classes(results)

    def _regress(self, call: RestCall, body: bytes) -> bytes:
        name, examples = serving_json.read_examples(body)
        with self._manager.use(call.address) as (runner, _), self._timed(call, "Regress"):
            results = inference.regress(runner, name, examples, self._options.timeout_ms)
        self._count_examples(call, len(examples))
        return serving_json.write_regressions(results)

    @contextmanager
    def _timed(self, call: RestCall, api: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        micros = (time.perf_counter() - start) * 1e6
        self._metrics.runtime_latency.observe(micros, call.address.name, api, "TF1")

    def _count_examples(self, call: RestCall, count: int) -> None:
        self._metrics.examples.observe(count, call.address.name)
        self._metrics.example_total.add(call.address.name, by=count)


def gunzip(body: bytes, limit: int) -> bytes:
    """Return the unpacked body; raise if it is no gzip or longer than ``limit`` bytes."""
    reader = zlib.decompressobj(wbits=31)
    try:
        plain = reader.decompress(body, limit + 1)
    except zlib.error as error:
        raise invalid(f"Failed to decompress the gzip body: {error}") from None
    if len(plain) > limit:
        raise _HttpError(413, f"The unpacked body is larger than {limit} bytes")
    if not reader.eof:
        raise invalid("Failed to decompress the gzip body: it ends too early")
    return plain


@dataclass
class _Bytes:
    """How much of the pending bytes is one request's."""

    count: int = 0


class RestServer:
    """Listens on a port, in a thread with an event loop of its own."""

    def __init__(self, api: RestApi, options: RestOptions) -> None:
        """Listen; raise OSError if the port is taken."""
        self._api = api
        self._options = options
        self._pending = 0  # bytes of bodies; touched by the loop's thread only
        self._pool = ThreadPoolExecutor(options.threads, thread_name_prefix="rest")
        self._loop = asyncio.new_event_loop()
        self._http: web.Server | None = None
        self._silent: set[web.RequestHandler] = set()  # connections that have asked nothing yet
        self._thread = threading.Thread(target=self._loop.run_forever, name="http", daemon=True)
        try:
            self._listener = self._loop.run_until_complete(self._listen())
        except BaseException:
            self._loop.close()
            self._pool.shutdown()
            raise
        self._thread.start()

    async def _listen(self) -> asyncio.Server:
        http: web.Server = web.Server(
            self._handle, access_log=None, auto_decompress=False, lingering_time=1.0
        )
        self._http = http
        first_requests = self._watch(http)
        return await self._loop.create_server(
            first_requests, "0.0.0.0", self._options.port, backlog=1024
        )

    def _watch(self, http: web.Server) -> Callable[[], web.RequestHandler]:
        """Close connections that never send a whole head (aiohttp limits only the later ones)."""

        def connect() -> web.RequestHandler:
            handler = http()
            self._silent.add(handler)
            self._loop.call_later(self._options.head_seconds, self._drop_silent, handler)
            return handler

        return connect

    def _drop_silent(self, handler: web.RequestHandler) -> None:
        if handler in self._silent:
            self._silent.remove(handler)
            handler.force_close()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self._silent.discard(request.protocol)
        taken = _Bytes()
        try:
            answer = await self._answer(request, taken)
        except _HttpError as error:
            answer = error.answer
        finally:
            self._pending -= taken.count
        headers = _CORS if self._options.cors else None
        response = web.Response(
            status=answer.status,
            body=answer.body,
            content_type=answer.content_type,
            headers=headers,
        )
        if not request.content.is_eof():
            response.force_close()
        return response

    async def _answer(self, request: web.BaseRequest, taken: _Bytes) -> Answer:
        seconds = self._options.timeout_ms / 1000
        try:
            async with asyncio.timeout(seconds):
                body = await self._body(request, taken)
        except TimeoutError:
            raise _HttpError(408, "Timed out waiting for the body of the request") from None
        except (web.RequestPayloadError, ValueError) as error:
            raise _HttpError(400, f"Cannot read the body of the request: {error}") from None
        gzipped = "gzip" in request.headers.get("Content-Encoding", "").lower()
        path = request.rel_url.raw_path
        work = self._loop.run_in_executor(
            self._pool, lambda: self._api.answer(request.method, path, body, gzipped=gzipped)
        )
        try:
            # TensorFlow ends a run at the same limit; this one is for a queue that is too long.
            return await asyncio.wait_for(work, seconds + 1)
        except TimeoutError:
            raise _HttpError(504, "Timed out waiting for the model") from None

    async def _body(self, request: web.BaseRequest, taken: _Bytes) -> bytes:
        if request.headers.get("Expect", "").lower() == "100-continue" and request.transport:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if (request.content_length or 0) > self._options.max_body_bytes:
            raise _HttpError(413, f"The body is larger than {self._options.max_body_bytes} bytes")
        chunks = []
        async for chunk in request.content.iter_any():
            taken.count += len(chunk)
            self._pending += len(chunk)
            if taken.count > self._options.max_body_bytes:
                raise _HttpError(
                    413, f"The body is larger than {self._options.max_body_bytes} bytes"
                )
            if self._pending > max(MAX_PENDING_BYTES, self._options.max_body_bytes):
                raise _HttpError(503, "Too many large requests at once")
            chunks.append(chunk)
        return b"".join(chunks)

    def close(self, seconds: float = 5.0) -> None:
        """Stop listening, let answers finish, end the thread."""
        closing = asyncio.run_coroutine_threadsafe(self._close(seconds), self._loop)
        with suppress(TimeoutError):
            closing.result(seconds + 1)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _close(self, seconds: float) -> None:
        self._listener.close()
        if self._http is not None:
            await self._http.shutdown(seconds)
