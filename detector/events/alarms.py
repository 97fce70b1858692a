"""Rules for what somebody wants to know at once."""

from __future__ import annotations

from dataclasses import dataclass

from detector.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """What a visit must have become to set it off; it is set off once.

    classes: of which; None: of any. seconds: that it has lasted, in the zone where one is named. kelvin: that
    its highest temperature has reached; None: any, also an unknown one.
    """

    name: str
    classes: tuple[str, ...] | None
    seconds: float
    kelvin: float | None
    zone: str | None

    def __post_init__(self) -> None:
        if self.seconds < 0:
            raise UserError(f"events.alarms.{self.name}.seconds={self.seconds}: must be at least 0")

    def rings(self, *, name: str, seconds: float, kelvin: float | None, zones: dict[str, float]) -> bool:
        """Whether a visit of this class, length, highest temperature and times in zones sets it off."""
        if self.classes is not None and name not in self.classes:
            return False
        if self.kelvin is not None and (kelvin is None or kelvin < self.kelvin):
            return False
        return (seconds if self.zone is None else zones.get(self.zone, -1.0)) >= self.seconds
