"""What machines that watch this machine read of anchors: no names, only how many and how far."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Gauge

from api.anchor_sights import Sight


class AnchorGauges:
    """Of all organisations of an installation together."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._open = Gauge("tallystick_anchors_open", "Anchors that are open", registry=registry)
        self._troubled = Gauge(
            "tallystick_anchors_troubled", "Open anchors with a trouble", registry=registry
        )
        self._stopped = Gauge(
            "tallystick_anchors_stopped",
            "Open anchors that send nothing until a person looked",
            registry=registry,
        )
        self._behind = Gauge(
            "tallystick_anchor_entries_behind",
            "Most entries that an open anchor does not hold",
            registry=registry,
        )

    def tell(self, sights: Sequence[Sight], behind: int) -> None:
        """Set them to what was seen in one turn of all open anchors."""
        self._open.set(len(sights))
        self._troubled.set(sum(1 for one in sights if one.troubles))
        self._stopped.set(sum(1 for one in sights if any(trouble.stops for trouble in one.troubles)))
        self._behind.set(behind)
