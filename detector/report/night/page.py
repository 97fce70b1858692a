"""Who came in a night: counts, a line for each visit, and its picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from detector.events.visit import Visit
from detector.report.kit.page import Block, Page, Picture, Section, Table, Text, Tiles
from detector.report.kit.words import NONE, duration

UNKNOWN = "unknown"
"""The night of visits whose frames tell no time."""

MOST_PICTURES = 200
"""On a page, so that a phone can open it; the table has every visit."""

_CELSIUS = 273.15


def file_name(night: str) -> str:
    """Of a night's page."""
    return f"night_{night}.html"


def by_night(visits: Sequence[Visit]) -> dict[str, list[Visit]]:
    """Visits by the date on which their night began, in order; last those of UNKNOWN time."""
    nights: dict[str, list[Visit]] = {}
    for visit in sorted(visits, key=_order):
        nights.setdefault(visit.night or UNKNOWN, []).append(visit)
    return dict(sorted(nights.items()))


def _order(visit: Visit) -> tuple[datetime, str, float]:
    """By the clock that the page shows; some cameras tell a zone and others none."""
    began = datetime.min if visit.began is None else visit.began.replace(tzinfo=None)
    return began, visit.recording, visit.first


def night_page(night: str, visits: Sequence[Visit], folder: Path) -> Page:
    """The page of one night. folder: where the visits' pictures are."""
    counts = Counter(visit.name for visit in visits)
    sections = [
        Section("Pictures", _pictures(visits, folder)),
        Section("Visits", (_visits(visits),)),
    ]
    hours = _hours(visits)
    if hours is not None:
        sections.insert(0, Section("Hours", (hours,)))
    places = _places(visits)
    if places:
        sections.append(Section("Zones and lines", places))
    title = "Visits of unknown time" if night == UNKNOWN else f"Night of {night}"
    return Page(title, f"{_counted(len(visits), 'visit')}: {_listed(counts)}.", tuple(sections))


def season_page(nights: dict[str, list[Visit]], *, recordings: int, seconds: float) -> Page:
    """All nights in a table. recordings, seconds: how much was watched."""
    names = _names([visit for visits in nights.values() for visit in visits])
    rows = [(night, *_row(visits, names)) for night, visits in nights.items()]
    everything = [visit for visits in nights.values() for visit in visits]
    rows.append(("all", *_row(everything, names)))
    lead = (
        f"{_counted(len(everything), 'visit')} in {_counted(recordings, 'recording')}, {duration(seconds)}."
    )
    pages = Text(f"A page of each night lies beside this one: {file_name('DATE')}.")
    table = Table(("night", *names, "all", "alarms"), tuple(rows), "visits; a night is from noon to noon")
    return Page("Visits", lead, (Section("Nights", (table, pages)),))


def told(nights: dict[str, list[Visit]]) -> list[str]:
    """A line of text for each night: '2024-05-03  12 visits: 9 person, 3 animal'."""
    return [
        f"{night}  {_counted(len(visits), 'visit')}: {_listed(Counter(visit.name for visit in visits))}"
        for night, visits in nights.items()
    ]


def _pictures(visits: Sequence[Visit], folder: Path) -> tuple[Block, ...]:
    files = ((visit, folder / visit.picture) for visit in visits if visit.picture is not None)
    pictures = tuple(_picture(visit, file) for visit, file in files if file.is_file())
    blocks: list[Block] = [Tiles(pictures[:MOST_PICTURES])]
    if len(pictures) > MOST_PICTURES:
        blocks.append(Text(f"The first {MOST_PICTURES} of {len(pictures)}; the others lie in {folder}."))
    return tuple(blocks)


def _picture(visit: Visit, file: Path) -> Picture:
    facts = [f"{visit.name} #{visit.track}", _when(visit), duration(visit.seconds)]
    if visit.kelvin is not None:
        facts.append(_warmth(visit.kelvin))
    facts += [f"alarm {name}" for name in visit.alarms]
    return Picture(file.read_bytes(), f"thermal picture of {visit.name} #{visit.track}", ", ".join(facts))


def _visits(visits: Sequence[Visit]) -> Table:
    rows = [
        (
            _when(visit),
            visit.name,
            duration(visit.seconds),
            f"{visit.score:.2f}",
            NONE if visit.kelvin is None else _warmth(visit.kelvin),
            NONE if visit.kelvin_near is None else _warmth(visit.kelvin_near),
            ", ".join(visit.alarms) or NONE,
            f"{Path(visit.recording).name} #{visit.track}",
        )
        for visit in visits
    ]
    header = ("time", "class", "for", "score", "warmest", "nearest", "alarms", "recording and track")
    return Table(header, tuple(rows))


def _hours(visits: Sequence[Visit]) -> Table | None:
    """Visits of each class by the hour in which they began; None where no time is known."""
    names = _names(visits)
    counts: dict[str, Counter[str]] = {}
    for visit in visits:
        if visit.began is not None:
            hour = f"{visit.began.hour:02d}:00"
            counts.setdefault(hour, Counter())[visit.name] += 1
    if not counts:
        return None
    rows = [(hour, *(str(found[name]) for name in names)) for hour, found in counts.items()]
    return Table(("from", *names), tuple(rows), "visits that began within an hour")


def _places(visits: Sequence[Visit]) -> tuple[Block, ...]:
    """How many were in each zone, and crossed each line, by class."""
    rows = []
    for zone in sorted({zone for visit in visits for zone in visit.zones}):
        inside = [visit for visit in visits if zone in visit.zones]
        rows.append((f"in {zone}", _listed(Counter(visit.name for visit in inside))))
    for line in sorted({line for visit in visits for line in visit.lines}):
        for words, sign in (("forward", 1), ("back", -1)):
            over = [visit for visit in visits if visit.lines.get(line, 0) * sign > 0]
            rows.append((f"over {line}, {words}", _listed(Counter(visit.name for visit in over)) or NONE))
    return (Table(("place", "visits"), tuple(rows)),) if rows else ()


def _row(visits: Sequence[Visit], names: Sequence[str]) -> tuple[str, ...]:
    counts = Counter(visit.name for visit in visits)
    alarms = sum(len(visit.alarms) for visit in visits)
    return (*(str(counts[name]) for name in names), str(len(visits)), str(alarms))


def _names(visits: Sequence[Visit]) -> list[str]:
    """The classes, the most frequent first."""
    return [name for name, _ in Counter(visit.name for visit in visits).most_common()]


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.most_common())


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _when(visit: Visit) -> str:
    """Of the day where it is known, else since the recording began."""
    if visit.began is not None:
        return visit.began.strftime("%H:%M:%S")
    return f"{int(visit.first) // 60}:{int(visit.first) % 60:02d} min"


def _warmth(kelvin: float) -> str:
    return f"{kelvin - _CELSIUS:.1f} °C"
