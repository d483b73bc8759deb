"""The floor: the same work in a bare ASGI function that knows nothing of MCP and checks nothing."""

import json
from typing import Any

from tests.bench.peers import work


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Any body in, the tool's result out."""
    if scope["type"] != "http":
        return
    message = json.loads((await receive())["body"])
    bearer = next(value for name, value in scope["headers"] if name == b"authorization")
    caller = await work.verify(bearer.decode().removeprefix("Bearer "))
    result = await work.whoami(caller)
    structured = result.model_dump(mode="json")
    answer = {
        "jsonrpc": "2.0",
        "id": message["id"],
        "result": {
            "content": [{"type": "text", "text": json.dumps(structured)}],
            "structuredContent": structured,
            "isError": False,
        },
    }
    body = json.dumps(answer).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
