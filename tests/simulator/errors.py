"""Errors of the registry protocol (contract 2.4 and 3.8)."""

from __future__ import annotations

from typing import Any


class SetError(Exception):
    """One item of a `/set` fails; becomes an entry of notCreated, notUpdated or notDestroyed."""

    def __init__(self, type_: str, description: str | None = None, **members: Any) -> None:
        super().__init__(description or type_)
        self.body: dict[str, Any] = {"type": type_}
        if description is not None:
            self.body["description"] = description
        self.body.update(members)


class MethodError(Exception):
    """One method call fails as a whole; becomes an `error` response."""

    def __init__(self, type_: str, description: str | None = None) -> None:
        super().__init__(description or type_)
        self.body = {"type": type_} | ({"description": description} if description is not None else {})


def invalid_patch(description: str, path: str) -> SetError:
    return SetError("invalidPatch", description, properties=[path])


INVALID_VALUE = "Invalid value for property."
#: By kind or format of the type; strings and enums answer INVALID_VALUE.
INVALID_SCALAR = {
    "boolean": "Invalid value for boolean property (expected true or false)",
    "unsignedInteger": "Invalid value for unsigned integer property (expected non-negative integer)",
    "size": "Invalid value for unsigned integer property (expected non-negative integer)",
    "integer": "Invalid value for signed integer property (expected integer)",
    "float": "Invalid value for float property (expected finite number)",
    "duration": "Invalid duration value",
    "objectId": "Failed to parse Id from string",
    "utcDateTime": "Failed to parse UTCDateTime from string",
    "ipAddress": "Failed to parse IpAddr from string",
    "ipNetwork": "Failed to parse IpAddrOrMask from string",
    "socketAddress": "Failed to parse SocketAddr from string",
}
UNAVAILABLE = "This server is temporarily unavailable. Attempting this same operation later may succeed."
INVALID_MEMBER_VALUE = "Invalid value for object property"
INVALID_MEMBER_KEY = "Invalid key for object property"
INVALID_OBJECT = "Invalid value type for object"
INVALID_KEY = "Invalid key for object"
INVALID_PROPERTY = "Invalid property"
INVALID_POINTER = "Invalid JSON Pointer path"
INVALID_VARIANT = "Missing or invalid '@type' property in object"
SERVER_SET = "Cannot modify server set property"
CREATE_ONLY = "Cannot modify read-only property"
