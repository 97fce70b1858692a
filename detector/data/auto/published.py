"""Sets that were published in a layout of their own, known by the names of their folders."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from detector.data.auto.layouts import Layout, Place, of_source
from detector.data.readers.flir_v1 import FlirV1Source
from detector.data.readers.flir_v2 import FlirV2Source
from detector.data.readers.hit_uav import HitUavSource
from detector.data.readers.llvip import LlvipSource

PUBLISHED = ("flir_v1", "flir_v2", "hit_uav", "llvip")


def published(place: Place, kinds: Mapping[str, Sequence[str]]) -> tuple[str, Layout] | None:
    """The set that a folder holds, with the name of its reader; None where it is none of these."""
    if "hit_uav" in kinds:
        top = PurePosixPath(kinds["hit_uav"][0]).parent.parent
        return "hit_uav", of_source("HIT-UAV", HitUavSource(place.root / top, classes=place.classes))
    files = place.listing.others
    flir_v1 = _top(files, r"[^/]+/thermal_annotations\.json")
    if flir_v1 is None and _top(place.listing.pictures, r"PreviewData/[^/]*") is not None:
        flir_v1 = _top(files, r"[^/]+/Annotations/[^/]*\.json")
    if flir_v1 is not None:
        frames = _frames(place, "thermal_16_bit|Data")
        one = FlirV1Source(place.root / flir_v1, frames=frames, classes=place.classes)
        return "flir_v1", of_source(f"FLIR ADAS v1, {frames} frames", one)
    flir_v2 = _top(files, r"images_thermal_(?:train|val)/coco\.json")
    if flir_v2 is not None:
        frames = _frames(place, "analyticsData")
        two = FlirV2Source(place.root / flir_v2, frames=frames, classes=place.classes)
        return "flir_v2", of_source(f"FLIR ADAS v2, {frames} frames", two)
    llvip = _top(place.listing.pictures, r"infrared/[^/]+/[^/]*")
    if llvip is not None and _top(files, r"Annotations/[^/]*\.xml") == llvip:
        return "llvip", of_source("LLVIP", LlvipSource(place.root / llvip, classes=place.classes))
    return None


def _top(files: Sequence[str], ending: str) -> PurePosixPath | None:
    """The folder that the first file lies in whose path ends as the pattern says, from a name's start on."""
    form = re.compile(rf"(?:^|(.*)/){ending}$")
    found = next(filter(None, map(form.match, files)), None)
    return None if found is None else PurePosixPath(found[1] or "")


def _frames(place: Place, folders: str) -> str:
    """Raw counts where one of their folders holds any, or else the preview."""
    return "8bit" if _top(place.listing.pictures, rf"(?:{folders})/[^/]*") is None else "16bit"
