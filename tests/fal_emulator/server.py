# SPDX-License-Identifier: GPL-3.0-or-later
"""The web application: routes, keys, faults and counters around queue, storage and platform API."""

import asyncio
import contextlib
import json
import secrets
import signal
from collections.abc import Awaitable, Callable

from aiohttp import web

from . import queue_api, webhooks, wire
from .account_api import AccountRoutes
from .inputs import MediaReader
from .job_queue import JobQueue
from .platform_api import PlatformError, PlatformRoutes
from .queue_api import QueueRoutes
from .schemas import Json
from .state import ControlError, Controls
from .storage import FileStore, StorageRoutes
from .wire import json_answer, platform_refusal, refusal

HOST = "127.0.0.1"
MAX_BODY_BYTES = 2 << 30
SHUTDOWN_SECONDS = 0.5  # Slow responses must not delay the exit.
LACKS_PERMISSION = "The key lacks the permission for this"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Emulator:
    """One fal account and everything behind it, in memory."""

    def __init__(self, defaults: Json | None = None) -> None:
        self.port = 0
        self.controls = Controls(defaults)
        self.store = FileStore(self.controls)
        self.storage = StorageRoutes(self.store)
        self.queue = JobQueue(self.controls, self.store, MediaReader(self.store, lambda: self.port))
        self.queue_routes = QueueRoutes(self.controls, self.queue)
        self.platform = PlatformRoutes(self.controls, self.queue)
        self.account = AccountRoutes(self.controls, self.queue, self.store, self.platform)
        self.short_tokens: set[str] = set()

    def application(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[self._count])
        app.router.add_get("/ledger", self.ledger)
        app.router.add_get("/files", self.files)
        app.router.add_get("/stats", self.stats)
        app.router.add_get("/control", self.show_control)
        app.router.add_post("/control", self.control)
        app.router.add_route("*", "/queue/{tail:.+}", self.queue_call)
        app.router.add_post("/run/{tail:.+}", self.direct_call)
        self._add_storage(app)
        self._add_platform(app)
        return app

    def _add_storage(self, app: web.Application) -> None:
        storage = self.storage
        for path, point, handler, permission in (
            ("/rest/storage/auth/token", "token", storage.token, "uploads"),
            ("/rest/storage/upload/initiate", "initiate", storage.initiate, "uploads"),
            ("/rest/storage/upload/initiate-multipart", "initiate", storage.initiate_multipart, "uploads"),
            ("/rest/tokens{slash:/?}", "token", self.short_token, ""),
        ):
            app.router.add_post(path, self._guarded(point, handler, has_key=True, permission=permission))
        app.router.add_get("/rest/.well-known/jwks.json", self.webhook_keys)
        for method, path, handler in (
            ("POST", "/cdn/files/upload", storage.upload),
            ("POST", "/cdn/files/upload/multipart", storage.begin_multipart),
            ("PUT", r"/cdn/{path:files/b/.+}/multipart/{upload_id}/{number:\d+}", storage.put_part),
            ("POST", "/cdn/{path:files/b/.+}/multipart/{upload_id}/complete", storage.complete_multipart),
            ("PUT", "/cdn/upload/{path:files/b/.+}", storage.put_signed),
            ("PUT", r"/cdn/parts/{path:files/b/.+}/{number:\d+}", storage.put_signed_part),
            ("POST", "/cdn/parts/{path:files/b/.+}/complete", storage.complete_signed),
        ):
            app.router.add_route(method, path, self._guarded("upload", handler))
        app.router.add_get("/cdn/{path:.+}", self.download)

    def _add_platform(self, app: web.Application) -> None:
        platform = self.platform
        guarded = self._guarded_platform
        app.router.add_get("/v1/models/pricing", guarded("prices", platform.pricing))
        app.router.add_post("/v1/models/pricing/estimate", guarded("prices", platform.estimate))
        for name, handler in (("by-endpoint", platform.requests), ("search", platform.search)):
            app.router.add_get(
                f"/v1/models/requests/{name}", guarded("requests", handler, permission="requests")
            )
        app.router.add_get("/v1/models", guarded("models", platform.models, has_key=False))
        app.router.add_get("/v1/meta", guarded("models", platform.meta, has_key=False))
        for path in ("/v1/models/usage", "/v1/models/analytics", "/v1/account/{tail:.+}", "/v1/keys"):
            app.router.add_get(path, guarded("models", platform.for_admins))
        account = self.account
        for method, path, point, handler, permission in (
            ("GET", "/v1/models/billing-events", "billing", account.billing_events, "billing"),
            ("DELETE", "/v1/models/requests/{id}/payloads", "assets", account.delete_payloads, "payloads"),
            ("GET", "/v1/storage/files/acl", "assets", account.acl, "assets"),
            ("PUT", "/v1/storage/files/acl", "assets", account.acl, "assets"),
            ("POST", "/v1/storage/files/sign", "assets", account.sign, "assets"),
        ):
            app.router.add_route(method, path, guarded(point, handler, permission=permission))
        app.router.add_get("/openapi", self._guarded("openapi", platform.openapi))

    @web.middleware
    async def _count(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Count requests, and record every key that arrives, on any route."""
        stats = self.controls.stats
        word, _, key = request.headers.get("Authorization", "").partition(" ")
        if word.lower() == "key":
            stats.saw_key(key.strip())
        answer = await handler(request)
        route = request.get("route", f"{request.method} {request.path}")
        stats.routes[route] += 1
        stats.answers[f"{route} {answer.status}"] += 1
        return answer

    def _guarded(
        self, point: str, handler: Handler, *, has_key: bool = False, permission: str = ""
    ) -> Handler:
        """``handler`` behind the key check, the permission that the key needs, and the faults of its point."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            request["route"] = point
            if has_key and (refused := self._key_problem(request)):
                return refusal(401, refused)
            if not self._may(permission):
                return refusal(403, LACKS_PERMISSION)
            return await self._with_faults(point, "upload", request, lambda: handler(request))

        return guarded

    def _guarded_platform(
        self, point: str, handler: Handler, *, has_key: bool = True, permission: str = ""
    ) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            request["route"] = point
            if (has_key or "Authorization" in request.headers) and (refused := self._key_problem(request)):
                return platform_refusal(401, "authorization_error", refused)
            if not self._may(permission):
                return platform_refusal(403, "authorization_error", LACKS_PERMISSION)

            async def produce() -> web.StreamResponse:
                try:
                    return await handler(request)
                except PlatformError as error:
                    return error.answer

            endpoint_id = request.query.get("endpoint_id", "")
            return await self._with_faults(point, endpoint_id, request, produce)

        return guarded

    async def _with_faults(
        self, point: str, endpoint_id: str, request: web.Request, produce: wire.Produce
    ) -> web.StreamResponse:
        fault = self.controls.plan.at(point, endpoint_id)
        if fault is None:
            return await produce()
        await request.read()  # Closing a connection with unread data would look different to the client.
        return await wire.faulty(request, fault, produce)

    def _may(self, permission: str) -> bool:
        return not permission or permission in self.controls.settings.permissions

    def _key_problem(self, request: web.Request) -> str:
        """Why the Authorization header is refused, or ""."""
        header = request.headers.get("Authorization", "")
        word, _, key = header.partition(" ")
        if word.lower() == "bearer" and key in self.short_tokens:
            return ""
        if request.query.get("fal_jwt_token", "") in self.short_tokens:
            return ""
        if word.lower() != "key" or not key.strip():
            return "Invalid or missing authorization token"
        key_id, colon, secret = key.strip().partition(":")
        if not (key_id and colon and secret):
            return "Invalid Key Authorization header format. Expected '<key_id>:<key_secret>'."
        return ""

    async def short_token(self, _request: web.Request) -> web.StreamResponse:
        token = secrets.token_urlsafe(24)
        self.short_tokens.add(token)
        return json_answer(token, 201)

    async def webhook_keys(self, request: web.Request) -> web.StreamResponse:
        request["route"] = "webhook keys"
        return json_answer(webhooks.key_set())

    async def queue_call(self, request: web.Request) -> web.StreamResponse:
        verb, app, request_id = queue_api.verb_and_job(request.match_info["tail"])
        request["route"] = verb
        if refused := self._key_problem(request):
            return refusal(401, refused)
        if request.method != queue_api.METHODS.get(verb, "POST"):
            return refusal(405, "Method Not Allowed")
        if verb == "submit":
            if not self._may("submit"):
                return refusal(403, LACKS_PERMISSION)
            return await self._with_faults(
                "submit", app, request, lambda: self.queue_routes.submit(request, app)
            )
        job = self.queue_routes.find(app, request_id)
        handler = getattr(self.queue_routes, verb)
        if verb == "stream":
            return await handler(request, job)
        endpoint_id = job.endpoint.id if job else app
        return await self._with_faults(verb, endpoint_id, request, lambda: handler(request, job))

    async def direct_call(self, request: web.Request) -> web.StreamResponse:
        request["route"] = "run"
        if refused := self._key_problem(request):
            return refusal(401, refused)
        if not self._may("submit"):
            return refusal(403, LACKS_PERMISSION)
        endpoint_id = request.match_info["tail"].rstrip("/")
        return await self._with_faults(
            "submit", endpoint_id, request, lambda: self.queue_routes.run(request, endpoint_id)
        )

    async def download(self, request: web.Request) -> web.StreamResponse:
        request["route"] = "download"
        stored = self.store.get(request.match_info["path"])
        if stored and not self.store.may_read(
            stored, request.query.get("identity", ""), request.headers.get("Authorization", "")
        ):
            return refusal(403, "The file is restricted") if stored.acl == "forbid" else queue_api.not_found()
        endpoint_id = stored.endpoint if stored else "upload"
        return await self._with_faults(
            "download", endpoint_id, request, lambda: self.storage.download(request, stored)
        )

    async def ledger(self, _request: web.Request) -> web.StreamResponse:
        return json_answer([job.ledger_entry() for job in self.queue.jobs.values()])

    async def files(self, _request: web.Request) -> web.StreamResponse:
        return json_answer(self.store.described())

    async def stats(self, _request: web.Request) -> web.StreamResponse:
        return json_answer(self.controls.stats.described())

    async def show_control(self, _request: web.Request) -> web.StreamResponse:
        return json_answer(self.controls.described())

    async def control(self, request: web.Request) -> web.StreamResponse:
        try:
            self.controls.apply(json.loads(await request.read()))
        except (ControlError, json.JSONDecodeError, TypeError, ValueError) as error:
            return json_answer({"error": str(error)}, 400)
        self.queue.look_again()
        return json_answer(self.controls.described())


async def serve(port: int, defaults: Json, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; ``on_ready`` is called with the base URL once connections are accepted."""
    emulator = Emulator(defaults)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows loops have no signal handlers.
            loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(emulator.application(), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, HOST, port)
        await site.start()
        emulator.port = runner.addresses[0][1]
        on_ready(f"http://{HOST}:{emulator.port}")
        await stop.wait()
    finally:
        emulator.queue.close()
        await runner.cleanup()
