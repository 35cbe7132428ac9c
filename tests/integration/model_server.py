#!/usr/bin/env python3
"""A server for tests, on loopback only: speaks both dialects, well or badly, by the first part of the path.

model_server.py PORT_FILE [CERTIFICATE KEY]   writes its ports (http, then https if there is a certificate) to PORT_FILE.
POST /SCENARIO/v1/chat/completions, /SCENARIO/v1/messages; GET /log returns what was asked, as JSON lines.
"""
import asyncio
import json
import os
import ssl
import subprocess
import sys

counts = {}
log = []
batches = {}
TEXT = ["ker", "nel ", "one"]
PLAYER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../cases/sessions/player.py")


def played(messages):
    """What tests/cases/sessions/player.py answers: a model that writes candidates for one problem."""
    def text(content):
        return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
    prompt = "\n".join(f"=== {m['role']} ===\n{text(m['content'])}" for m in messages)
    return subprocess.run([sys.executable, PLAYER], input=prompt, capture_output=True, text=True, check=True).stdout


def played_events(messages):
    reply, prompt = played(messages), json.dumps(messages)
    for at in range(0, len(reply), 200):
        yield json.dumps({"model": "played-1", "choices": [{"delta": {"content": reply[at:at + 200]}}]})
    yield json.dumps({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    yield json.dumps({"choices": [], "usage": {"prompt_tokens": len(prompt) // 4, "completion_tokens": len(reply) // 4 + 1}})
    yield "[DONE]"


def chat_events():
    for piece in TEXT:
        yield json.dumps({"model": "local-1", "choices": [{"delta": {"content": piece}}]})
    yield json.dumps({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    yield json.dumps({"choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": 10,
                                               "prompt_tokens_details": {"cached_tokens": 40}}})
    yield "[DONE]"


def message_events():
    yield json.dumps({"type": "message_start", "message": {"model": "local-1", "usage": {
        "input_tokens": 40, "cache_read_input_tokens": 40, "cache_creation_input_tokens": 20, "output_tokens": 1}}})
    for piece in TEXT:
        yield json.dumps({"type": "content_block_delta", "delta": {"type": "text_delta", "text": piece}})
    yield json.dumps({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 10}})
    yield json.dumps({"type": "message_stop"})


def whole_chat(text="kernel one"):
    return {"model": "local-1", "choices": [{"message": {"content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 10}}


def whole_message(text="kernel one"):
    return {"type": "message", "model": "local-1", "content": [{"type": "text", "text": text}],
            "stop_reason": "end_turn", "usage": {"input_tokens": 100, "output_tokens": 10}}


def head(status, headers):
    lines = [f"HTTP/1.1 {status} Whatever"] + [f"{k}: {v}" for k, v in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Connection:
    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, status, body, headers=None):
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        await self.send(head(status, {"content-type": "application/json", **(headers or {}),
                                      "content-length": len(body)}) + body)

    async def chunk(self, data):
        await self.send(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    async def begin(self, kind="text/event-stream"):
        await self.send(head(200, {"content-type": kind, "transfer-encoding": "chunked"}))

    async def stream(self, events, pause=0.0):
        await self.begin()
        for event in events:
            await self.chunk(f"data: {event}\n\n".encode())
            if pause:
                await asyncio.sleep(pause)
        await self.send(b"0\r\n\r\n")

    async def serve(self):
        try:
            while True:
                request = await self.reader.readuntil(b"\r\n\r\n")
                lines = request.decode("latin-1").split("\r\n")
                method, path, _ = lines[0].split(" ", 2)
                headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:] if line)}
                body = await self.reader.readexactly(int(headers.get("content-length", 0)))
                if await self.handle(method, path, headers, body) == "close":
                    break
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.writer.close()

    async def handle(self, method, path, headers, body):
        if path == "/log":
            return await self.answer(200, "\n".join(log))
        scenario, _, rest = path.lstrip("/").partition("/")
        if scenario == "fast":  # for benchmarks: nothing kept
            return await self.stream(chat_events(), 0.001)
        if scenario == "slow":
            return await self.stream(chat_events(), 0.25)
        if method == "GET" and rest.endswith("models"):
            if scenario == "refuse_key":
                return await self.answer(401, {"error": {"message": "Incorrect API key"}})
            if not scenario.startswith("player"):
                return await self.answer(404, {"error": {"message": "nothing here"}})
            return await self.answer(200, {"data": [{"id": "local"}, {"id": "other"}]})
        log.append(json.dumps({"method": method, "path": path, "headers": headers, "body": body.decode("utf-8", "replace")}))
        counts[scenario] = n = counts.get(scenario, 0) + 1
        if rest.startswith(("v1/messages/batches", "v1/batches", "v1/files")):
            return await self.batch(scenario, method, rest, body)
        events = list(message_events() if rest.endswith("messages") else chat_events())
        return await getattr(self, scenario, self.nowhere)(n, events, headers, body)

    async def nowhere(self, n, events, headers, body):
        await self.answer(404, {"error": {"message": "nothing here"}})

    async def good(self, n, events, headers, body):
        await self.stream(events)

    async def player(self, n, events, headers, body):
        await self.stream(played_events(json.loads(body)["messages"]))

    async def player_stalls(self, n, events, headers, body):  # in the middle of the second call
        await (self.stall if n == 2 else self.player)(n, events, headers, body)

    async def half(self, n, events, headers, body):  # breaks off within a chunked body, then goes well
        if n > 1:
            return await self.stream(events)
        await self.begin()
        await self.chunk(f"data: {events[0]}\n\ndata: {events[1]}\n\ndata: {{\"cho".encode())
        return "close"

    async def half_clean(self, n, events, headers, body):  # the same without chunks: the end looks like one
        if n > 1:
            return await self.stream(events)
        await self.send(head(200, {"content-type": "text/event-stream", "connection": "close"}))
        await self.send(f"data: {events[0]}\n\ndata: {events[1]}\n\ndata: {{\"cho".encode())
        return "close"

    async def overload(self, n, events, headers, body):
        if n > 3:
            return await self.stream(events)
        await self.answer(529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})

    async def overload_inside(self, n, events, headers, body):
        if n > 2:
            return await self.stream(events)
        await self.stream(events[:1] + [json.dumps(
            {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})])

    async def retry_after(self, n, events, headers, body):
        if n > 1:
            return await self.stream(events)
        await self.answer(429, {"error": {"message": "slow down"}}, {"retry-after": "1"})

    async def html(self, n, events, headers, body):
        await self.answer(200, "<html><body>Welcome</body></html>", {"content-type": "text/html"})

    async def long_line(self, n, events, headers, body):
        await self.begin()
        await self.chunk(b"data: {\"x\": \"")
        for _ in range(40):
            await self.chunk(b"x" * 50_000)
        await self.send(b"0\r\n\r\n")

    async def endless(self, n, events, headers, body):
        await self.begin()
        line = f"data: {events[1]}\n\n".encode() * 500
        while True:
            await self.chunk(line)

    async def endless_json(self, n, events, headers, body):
        await self.begin("application/json")
        await self.chunk(b"{\"choices\": \"")
        while True:
            await self.chunk(b"x" * 50_000)

    async def headers(self, n, events, headers, body):
        await self.send(b"HTTP/1.1 200 OK\r\n")
        while True:
            await self.send(b"x-padding: " + b"x" * 5_000 + b"\r\n")

    async def redirect(self, n, events, headers, body):
        await self.answer(302, "", {"location": "http://127.0.0.1:9/elsewhere?token=abc"})

    async def drip(self, n, events, headers, body):
        await self.begin()
        while True:
            await self.chunk(b":")
            await asyncio.sleep(0.05)

    async def stall(self, n, events, headers, body):
        await self.begin()
        await self.chunk(f"data: {events[0]}\n\n".encode())
        await asyncio.sleep(3600)

    async def silent(self, n, events, headers, body):
        await asyncio.sleep(3600)

    async def empty(self, n, events, headers, body):
        await self.answer(200, "")

    async def bad_json(self, n, events, headers, body):
        await self.stream(["{\"choices\": [}"])

    async def bad_utf8(self, n, events, headers, body):
        await self.begin()
        await self.chunk(b"data: {\"choices\": [{\"delta\": {\"content\": \"\xff\xfe\"}}]}\n\n")
        await self.send(b"0\r\n\r\n")

    async def no_usage(self, n, events, headers, body):
        await self.stream([e for e in events if "usage" not in e])

    async def no_done(self, n, events, headers, body):
        await self.stream([e for e in events if e != "[DONE]"])

    async def whole(self, n, events, headers, body):
        await self.answer(200, whole_chat() if "choices" in events[0] else whole_message())

    async def echo_key(self, n, events, headers, body):  # a server that repeats the key in its refusal
        await self.answer(400, {"error": {"message": "bad: " + headers.get("authorization", headers.get("x-api-key", ""))}})

    async def refuse_key(self, n, events, headers, body):
        await self.answer(401, {"error": {"message": "Incorrect API key: " + headers.get("authorization", "")[:14]}})

    async def no_model(self, n, events, headers, body):
        await self.answer(404, {"error": {"message": "The model does not exist", "code": "model_not_found"}})

    # Batches, in both dialects: done at the second look.
    async def batch(self, scenario, method, rest, body):
        if rest == "v1/files" and method == "POST":
            start = body.index(b'name="file"')
            text = body[body.index(b"\r\n\r\n", start) + 4:]
            batches["file"] = text[:text.index(b"\r\n--")].decode()
            return await self.answer(200, {"id": "file-1"})
        if rest.startswith("v1/files/"):
            lines = []
            for line in batches["file"].splitlines():
                one = json.loads(line)
                messages = one["body"]["messages"]
                reply = played(messages) if scenario.startswith("player") else "batched " + messages[-1]["content"]
                lines.append({"custom_id": one["custom_id"], "error": None,
                              "response": {"status_code": 200, "body": whole_chat(reply)}})
            return await self.answer(200, "\n".join(json.dumps(line) for line in reversed(lines)))
        openai = "messages" not in rest
        if method == "POST":
            batches["looks"] = 0
            if not openai:
                batches["requests"] = json.loads(body)["requests"]
            name = 1 if scenario == "batch_numbered" else "batch_1"
            return await self.answer(200, {"id": name, "status": "validating", "processing_status": "in_progress"})
        if rest.endswith("/results"):
            lines = [{"custom_id": one["custom_id"], "result": {"type": "succeeded", "message": whole_message(
                "batched " + one["params"]["messages"][-1]["content"][0]["text"])}} for one in batches["requests"]]
            lines[-1]["result"] = {"type": "errored", "error": {"type": "error", "error": {
                "type": "invalid_request_error", "message": "too long"}}} if scenario == "batch_error" else lines[-1]["result"]
            return await self.answer(200, "\n".join(json.dumps(line) for line in reversed(lines)))
        batches["looks"] += 1
        done = batches["looks"] > 1 or scenario.startswith("player")
        await self.answer(200, {"id": "batch_1", "status": "completed" if done else "in_progress",
                                "processing_status": "ended" if done else "in_progress",
                                "output_file_id": "file-out" if done else None})


async def main():
    async def serve(reader, writer):
        await Connection(reader, writer).serve()

    plain = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=512)
    ports = [plain.sockets[0].getsockname()[1]]
    if len(sys.argv) > 3:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[2], sys.argv[3])
        secure = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        ports.append(secure.sockets[0].getsockname()[1])
    with open(sys.argv[1] + ".new", "w") as file:
        file.write(" ".join(map(str, ports)))
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    await asyncio.Event().wait()


asyncio.run(main())
