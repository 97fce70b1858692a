"""ByteTrack's order of matching, with distances in sizes in place of overlap.

Boxes of six pixels at nine frames a second rarely overlap from frame to frame, so what is compared is where
the centre was expected and where it is, in sizes of the object.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from detector.errors import UserError
from detector.structures import NO_TRACK, Detections
from detector.tracking.assignment import assign
from detector.tracking.motion import Motion

SAME = 0.7
"""Share of the smaller of two boxes that lies in the other, from which they are of one object.

Of 3,850 objects of HIT-UAV, seen from above and crowded, 23 pairs overlap so far, one of two classes.
"""

_MISSES = 1
"""Frames in a row in which an object may be missed that is no track yet."""


@dataclass(frozen=True, kw_only=True)
class ByteTrack:
    """Strong detections go to tracks first, weak ones to what is left of the tracks that are certain.

    weak: share of the threshold of its class from which a detection may continue a track.
    hits: frames in which an object must have been found before it is a track.
    keep: seconds for which a track that is not found is waited for.
    reach: how far from where it was expected an object may be, in its sizes.
    sigmas: the same in standard deviations of the expectation; the nearer of the two counts.
    resize: by what factor its size may differ from the one before.
    noise, speed, agility: as of Motion.

    Zhang et al., ECCV 2022. Raises UserError at construction for values out of range.
    """

    weak: float
    hits: int
    keep: float
    reach: float
    sigmas: float
    resize: float
    noise: float
    speed: float
    agility: float

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            if not getattr(self, name) > 0:
                raise UserError(f"tracker.{name}={getattr(self, name)}: must be above 0")
        if self.weak > 1:
            raise UserError(f"tracker.weak={self.weak}: must be 1 at most, the threshold itself")
        if self.resize < 1:
            raise UserError(f"tracker.resize={self.resize}: must be at least 1")

    def start(self) -> ByteTracks:
        """For a new recording."""
        return ByteTracks(self)


class _Track:
    """One object. number: NO_TRACK until it has been found often enough. seen: when it was found last."""

    def __init__(self, motion: Motion) -> None:
        self.motion = motion
        self.number = NO_TRACK
        self.hits = 0
        self.missed = 0
        self.seen = 0.0
        self.votes: dict[int, float] = {}

    def find(self, box: np.ndarray, *, seconds: float) -> None:
        if self.hits:  # else its motion begins with this box
            self.motion.see(box)
        self.hits, self.missed, self.seen = self.hits + 1, 0, seconds

    def vote(self, label: int, share: float) -> None:
        self.votes[label] = self.votes.get(label, 0.0) + share

    @property
    def label(self) -> int:
        """The class with the greatest sum of shares; of equals the one found first."""
        return max(self.votes, key=self.votes.__getitem__)


_Owners = dict[int, _Track]
"""By index of a detection the track that it belongs to."""


class ByteTracks:
    """The tracks of one recording."""

    def __init__(self, settings: ByteTrack) -> None:
        self.settings = settings
        self.live: list[_Track] = []
        self.count = 0
        self.seconds = 0.0

    def update(self, detections: Detections, shares: np.ndarray, *, seconds: float) -> Detections:
        """As Tracks.update; what has a track gets the class of its votes and the box of its motion.

        Of detections on one place only the best is told; all vote, with their shares. Scores stay as they
        are: a mean along the track tells right from wrong worse (docs/tracking.md).
        """
        able = shares >= self.settings.weak
        detections, shares = detections.keep(able), shares[able]
        for track in self.live:
            track.motion.move(seconds - self.seconds)
            track.missed += 1
        self.seconds = seconds
        objects = distinct(detections.boxes, shares)
        owners = self._matched(detections.boxes, np.unique(objects), strong=shares >= 1)
        for index in np.unique(objects).tolist():
            if index not in owners and shares[index] >= 1:
                owners[index] = self._new(detections.boxes[index])
        for index, track in owners.items():
            track.find(detections.boxes[index], seconds=seconds)
            for vote in np.flatnonzero(objects == index).tolist():
                track.vote(int(detections.labels[vote]), float(shares[vote]))
        self._number(owners)
        self.live = [track for track in self.live if not self._ended(track)]
        return _told(detections, owners, strong=np.unique(objects[shares >= 1]))

    def _matched(self, boxes: np.ndarray, objects: np.ndarray, *, strong: np.ndarray) -> _Owners:
        """What continues a track; those that are certain are served before new ones."""
        certain = [track for track in self.live if track.number != NO_TRACK]
        recent = [track for track in certain if track.missed == 1]  # was found in the frame before
        new = [track for track in self.live if track.number == NO_TRACK]
        owners: _Owners = {}
        for tracks, allowed in ((certain, strong), (recent, ~strong), (new, strong)):
            served = set(map(id, owners.values()))
            waiting = [track for track in tracks if id(track) not in served]
            free = [index for index in objects[allowed[objects]].tolist() if index not in owners]
            if not waiting or not free:
                continue
            costs = np.stack([self._costs(track.motion, boxes[free]) for track in waiting])
            owners |= {free[column]: waiting[row] for row, column in assign(costs)}
        return owners

    def _costs(self, motion: Motion, boxes: np.ndarray) -> np.ndarray:
        """[N] in [0, 1]: the distance of each from where the object should be; 1 where it is too far."""
        corners = boxes.astype(np.float64)
        away = np.hypot(*((corners[:, :2] + corners[:, 2:]) / 2 - motion.centre).T)
        sizes = np.sqrt((corners[:, 2:] - corners[:, :2]).clip(1.0).prod(1))
        alike = np.abs(np.log(sizes / motion.size)) <= np.log(self.settings.resize)
        near = alike & (away <= self.settings.sigmas * motion.spread)
        return np.where(near, np.minimum(away / (self.settings.reach * np.maximum(sizes, motion.size)), 1), 1)

    def _new(self, box: np.ndarray) -> _Track:
        settings = self.settings
        motion = Motion(box, noise=settings.noise, speed=settings.speed, agility=settings.agility)
        self.live.append(_Track(motion))
        return self.live[-1]

    def _number(self, owners: _Owners) -> None:
        """Makes tracks of what has been found often enough, the best of a frame first."""
        for _, track in sorted(owners.items()):
            if track.number == NO_TRACK and track.hits >= self.settings.hits:
                self.count += 1
                track.number = self.count

    def _ended(self, track: _Track) -> bool:
        if track.number == NO_TRACK and track.missed > _MISSES:
            return True
        return self.seconds - track.seen > self.settings.keep


def distinct(boxes: np.ndarray, merit: np.ndarray) -> np.ndarray:
    """[N] int: for each of boxes [N, 4] the index of the best one on its place, by merit [N]; or its own."""
    objects = np.full(len(boxes), -1)
    for index in np.argsort(-merit, kind="stable").tolist():
        if objects[index] < 0:
            same = _covered(boxes[index], boxes) >= SAME
            objects[same & (objects < 0)] = index
    return objects


def _covered(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """[N] in [0, 1]: of a box [4] and each of boxes [N, 4], how much of the smaller lies in the other."""
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    areas = np.minimum((boxes[:, 2:] - boxes[:, :2]).prod(1), (box[2:] - box[:2]).prod())
    return sides.clip(min=0).prod(1) / areas


def _told(detections: Detections, owners: _Owners, *, strong: np.ndarray) -> Detections:
    """What counts, best first: the strong ones, and all that belong to a track."""
    boxes, labels = detections.boxes.copy(), detections.labels.copy()
    tracks = np.full(len(labels), NO_TRACK, np.int64)
    for index, track in owners.items():
        if track.number != NO_TRACK:
            boxes[index], labels[index], tracks[index] = track.motion.box, track.label, track.number
    counts = tracks != NO_TRACK
    counts[strong] = True
    return Detections(boxes, detections.scores, labels, tracks).keep(counts)
