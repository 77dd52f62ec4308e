"""The HTTP server below the REST interface: one thread for the connections, a pool for the models.

Nothing a client sends may hang or fill the server: the head, the body and the answer of a request
each have a time limit, one body and all bodies together a size limit.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import web

from .json_answers import write_error
from .rest_api import Answer, BodyTooLargeError, RestApi, RestOptions

MAX_PENDING_BYTES = 256 << 20  # of all requests that have not been answered


_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET",
    "Access-Control-Allow-Headers": "Content-Type",
}


class TooManyBytesError(Exception):
    """The bodies of all requests together are more than this server keeps."""

    def __str__(self) -> str:
        """Say it to the client."""
        return "Too many large requests at once"


def refusal(status: int, message: str) -> Answer:
    """Return the answer to a request that ends before it reaches a model."""
    return Answer(status, write_error(message))


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
        finally:
            self._pending -= taken.count
        response = web.Response(
            status=answer.status,
            body=answer.body,
            headers={"Content-Type": answer.content_type, **(_CORS if self._options.cors else {})},
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
            return refusal(408, "Timed out waiting for the body of the request")
        except BodyTooLargeError as error:
            return refusal(413, str(error))
        except TooManyBytesError as error:
            return refusal(503, str(error))
        except (web.RequestPayloadError, ValueError) as error:
            return refusal(400, f"Cannot read the body of the request: {error}")
        work = self._loop.run_in_executor(self._pool, self._ask, request, body)
        try:
            # TensorFlow ends a run at the same limit; this one is for a queue that is too long.
            return await asyncio.wait_for(work, seconds + 1)
        except TimeoutError:
            return refusal(504, "Timed out waiting for the model")

    def _ask(self, request: web.BaseRequest, body: bytes) -> Answer:
        path = re.sub("^https?://[^/?]*", "", request.raw_path)
        gzipped = "gzip" in request.headers.get("Content-Encoding", "")
        origin = request.headers.get("Origin", "")
        return self._api.answer(request.method, path, body, origin=origin, gzipped=gzipped)

    async def _body(self, request: web.BaseRequest, taken: _Bytes) -> bytes:
        if request.headers.get("Expect", "").lower() == "100-continue" and request.transport:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        limit = self._options.max_body_bytes
        if (request.content_length or 0) > limit:
            raise BodyTooLargeError(limit)
        chunks = []
        async for chunk in request.content.iter_any():
            taken.count += len(chunk)
            self._pending += len(chunk)
            if taken.count > limit:
                raise BodyTooLargeError(limit)
            if self._pending > max(MAX_PENDING_BYTES, limit):
                raise TooManyBytesError
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
