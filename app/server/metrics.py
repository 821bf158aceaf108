"""What Prometheus reads: turns, time, tokens, money, fallbacks, breakers, admission. No word and no name of a user."""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from graphs.gateway.ledger import CANCELLED, Call
from graphs.services import Services

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_MOST_IDS = 500
"""Agents and models with series of their own; more are counted as one."""
_OTHER = "other"
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


class Metrics:
    """The counters of one server.

    Calls are counted when they are over and not with their turn: one that is cut short has paid for them all the same.
    """

    def __init__(self, services: Services) -> None:
        self._registry = CollectorRegistry()
        self._ids: set[str] = set()
        registry = self._registry
        self._turns = Counter(
            "moma_turns", "Turns by who served them.", ["kind", "id", "status"], registry=registry
        )
        self._seconds = Histogram(
            "moma_turn_seconds",
            "From the request to the end of the answer.",
            ["kind"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._tokens = Counter(
            "moma_tokens", "Tokens of models.", ["model", "direction"], registry=registry
        )
        self._cost = Counter("moma_cost_usd", "What models cost.", ["model"], registry=registry)
        self._unpriced = Counter(
            "moma_unpriced_calls", "Calls whose price is not known.", ["model"], registry=registry
        )
        self._failed = Counter(
            "moma_failed_calls", "Calls that a model did not answer.", ["model"], registry=registry
        )
        self._fallbacks = Counter(
            "moma_fallbacks", "Turns that another model answered.", ["direction"], registry=registry
        )
        registry.register(_State(services))
        services.budgets.told = self._count_call

    def count(self, record: Mapping[str, Any], *, status: str, began: float) -> None:
        """Count a turn.

        Args:
            record: of it, empty where there was no decision.
            status: `ok`, or the HTTP status of its failure.
            began: when the request came, on the clock of `time.perf_counter`.
        """
        served = record.get("served_by") or {"kind": "none", "id": "none"}
        kind = str(served["kind"])
        self._turns.labels(kind, self._known(str(served["id"])), status).inc()
        self._seconds.labels(kind).observe(time.perf_counter() - began)
        if step := record.get("stepped"):
            self._fallbacks.labels(str(step["direction"])).inc()

    def count_refused(self, status: int) -> None:
        """Count a request that came to no turn."""
        self._turns.labels("none", "none", str(status)).inc()

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self._registry)

    def _count_call(self, call: Call) -> None:
        model = self._known(call.model)
        self._tokens.labels(model, "input").inc(call.input_tokens)
        self._tokens.labels(model, "output").inc(call.output_tokens)
        if call.cost_usd is None:
            self._unpriced.labels(model).inc()
        else:
            self._cost.labels(model).inc(call.cost_usd)
        if not call.ok and call.error != CANCELLED:
            self._failed.labels(model).inc()

    def _known(self, candidate: str) -> str:
        if candidate not in self._ids:
            if len(self._ids) >= _MOST_IDS:
                return _OTHER
            self._ids.add(candidate)
        return candidate


class _State(Collector):
    """What is read off the services when Prometheus asks."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Return no description: asking for one would read the services before they are loaded."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return the gauges of this moment."""
        services = self._services
        open_now = GaugeMetricFamily(
            "moma_model_resting", "Whether a model rests after failures.", labels=["model"]
        )
        for model in [*services.gateway.models][:_MOST_IDS]:
            open_now.add_metric([model], float(services.gateway.breaker_open(model)))
        yield open_now
        admission = services.admission
        yield GaugeMetricFamily(
            "moma_agents_resting", "Agents that rest after crashes.", value=len(services.broken())
        )
        yield GaugeMetricFamily(
            "moma_turns_admitted", "Turns that run or wait.", value=admission.admitted
        )
        yield GaugeMetricFamily(
            "moma_turns_most", "Turns that may run or wait.", value=admission.most
        )
        yield GaugeMetricFamily(
            "moma_draining", "Whether the process is about to end.", value=float(admission.draining)
        )
        if services.permits is not None:
            yield GaugeMetricFamily(
                "moma_policy_stale",
                "Whether the policy's file has changed and fails its checks.",
                value=float(services.permits.policy.fault is not None),
            )
