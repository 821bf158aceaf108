"""How values of a thread are written and read: no type that a stored blob names is built, no key is stored.

It is LangGraph's serialiser, closed, with the exception that ended a task kept as a redacted text: a failed task's
exception goes into every kind of store, and a provider's may hold a key. It knows no store.
"""

from typing import Any

from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from graphs.redaction import redact

__all__ = ["StrictSerializer", "strict_serializer"]


class StrictSerializer(JsonPlusSerializer):
    """Builds LangGraph's own safe types only (CVE-2026-28277), and keeps exceptions as redacted texts."""

    def __init__(self) -> None:
        super().__init__(allowed_msgpack_modules=None)

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """Return the kind and the bytes of a value."""
        return super().dumps_typed(redact(repr(obj)) if isinstance(obj, BaseException) else obj)


def strict_serializer(serde: SerializerProtocol) -> SerializerProtocol:
    """Return the strict form of a serialiser that LangGraph brings; one of another class is left as it is.

    A subclass, as that of the Redis saver, writes another format: the environment variable makes it strict.
    """
    if isinstance(serde, EncryptedSerializer):
        return EncryptedSerializer(serde.cipher, strict_serializer(serde.serde))
    return StrictSerializer() if type(serde) is JsonPlusSerializer else serde
