"""Run by python-keycloak's own interpreter: makes its objects and calls their methods as lines of JSON say.

A line is ``[object number, method, arguments, keywords]``; number -1 makes an object of the class that the method
names. An answer is ``{"value": …}`` or, for an exception, ``{"error": class, "status": code, "message": text}``.
"""

import json
import sys

import keycloak


def main():
    """Answer line by line until there are no more."""
    objects = []
    for line in sys.stdin:
        print(json.dumps(answer(objects, *json.loads(line)), default=as_text), flush=True)


def answer(objects, number, method, args, keywords):
    """The value of one call, or what was raised."""
    try:
        if number < 0:
            objects.append(getattr(keycloak, method)(*args, **keywords))
            return {"value": len(objects) - 1}
        return {"value": getattr(objects[number], method)(*args, **keywords)}
    except Exception as error:  # noqa: BLE001
        body = getattr(error, "response_body", None) or b""
        status = getattr(error, "response_code", None)
        return {"error": type(error).__name__, "status": status, "message": body.decode() or str(error)}


def as_text(value):
    """Bytes as text; anything else as it prints."""
    return value.decode() if isinstance(value, bytes) else str(value)


if __name__ == "__main__":
    main()
