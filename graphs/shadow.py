"""Decides live turns once more under another configuration, beside them, and writes down what would change.

A shadow serves nobody: it calls no agent and no model, and when it fails or falls behind the turn does not notice. It
takes processor time, as much as a turn's routing does. `python -m app.evaluate replay --shadow FILE` sums up its file.
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from agents.errors import MomaError
from graphs.counterfactual import compared
from graphs.nodes.route import routed
from graphs.services import Services
from graphs.state import Context, State

__all__ = ["Shadow"]

AT_ONCE = 32
"""Turns that may wait for the shadow; it passes over what comes on top."""
_LOAD_WITHIN_S = 60.0
_log = logging.getLogger(__name__)


class Shadow:
    """Another configuration, beside the one that serves."""

    def __init__(self, services: Services, path: Path) -> None:
        """Its comparisons are appended to the file `path`, a JSON object a line."""
        self.services, self.path = services, path
        self.passed_over = 0
        """Turns that it did not look at."""
        self._running: set[asyncio.Task[None]] = set()

    def watch(
        self, state: Mapping[str, Any], context: Context | None, record: Mapping[str, Any]
    ) -> None:
        """Decide a turn once more, soon; nobody waits for it.

        Args:
            state: as it was when the turn came to be routed.
            context: who is calling.
            record: what was decided.
        """
        if len(self._running) >= AT_ONCE:
            self.passed_over += 1
            return
        task = asyncio.get_running_loop().create_task(self._look(state, context, record))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def rest(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._running)

    async def _look(
        self, state: Mapping[str, Any], context: Context | None, record: Mapping[str, Any]
    ) -> None:
        try:
            # Without its routers it would open to the default model, and what would change would be taken from that.
            await self.services.loaded_router(seconds=_LOAD_WITHIN_S)
            update = await routed(cast(State, state), context, self.services, may_call=False)
            row = compared(record, update["decision"], state, self.services).plain()
            await asyncio.to_thread(self._write, {**row, "spent_usd": None})
        except (MomaError, OSError) as error:
            _log.warning("the shadow could not look at a turn: %s", error)
        except Exception:  # noqa: BLE001 whatever breaks in it, the turn does not notice
            _log.warning("the shadow could not look at a turn", exc_info=True)

    def _write(self, row: Mapping[str, Any]) -> None:
        self.path.touch(mode=0o600)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
