"""On-call schedules in a YAML file; each may take shifts from an iCalendar file, and any can be given as one."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import icalendar
import recurring_ical_events  # type: ignore[import-untyped]
from pydantic import AfterValidator, Field, field_validator

from sori_notify.domain.schedules import Rotation, Schedule, Shift, Source, moment
from sori_notify.settings import documents, places
from sori_notify.settings.hours import HoursOf, Zone
from sori_notify.settings.places import Document, Duration, Mistake, MistakesFound, Name, Strict
from sori_notify.settings.policies import duration

Schedules = Mapping[str, Schedule]


def _moment(text: str) -> str:
    dt.datetime.fromisoformat(text)
    return text


Moment = Annotated[str, AfterValidator(_moment)]


class _Rotation(Strict):
    people: Annotated[list[Name], Field(min_length=1)]
    start: Moment  # what the zone's clocks show
    length: Duration = "7d"
    hours: HoursOf | None = None

    @field_validator("start", mode="before")
    @classmethod
    def _text(cls, value: object) -> object:
        return value.isoformat() if isinstance(value, (dt.datetime, dt.date)) else value

    @field_validator("start")
    @classmethod
    def _shown(cls, value: str) -> str:
        if dt.datetime.fromisoformat(value).tzinfo is not None:
            raise ValueError("has an offset; it is what the clocks of `zone` show")
        return value


class _Override(Strict):
    person: Name
    start: Moment
    end: Moment

    @field_validator("start", "end", mode="before")
    @classmethod
    def _text(cls, value: object) -> object:
        return value.isoformat() if isinstance(value, (dt.datetime, dt.date)) else value


class _Schedule(Strict):
    name: Name
    zone: Zone = "Asia/Seoul"
    rotations: list[_Rotation] = []
    overrides: list[_Override] = []
    ical_file: str = ""


class _File(Strict):
    schedules: list[_Schedule] = []


def load(path: Path) -> Schedules:
    """Read a file of schedules; one that is wrong anywhere is refused, with each line and column that is wrong."""
    return parse(path.name, documents.read(path), path.parent)


def parse(name: str, text: str, folder: Path) -> Schedules:
    """Read schedules, as `load` does; iCalendar files are looked for in `folder`."""
    file, document = places.parse(name, text, _File)
    mistakes = list(_wrong(file, document))
    sources: dict[str, Source] = {}
    for index, each in enumerate(file.schedules):
        if each.ical_file:
            try:
                sources[each.name] = from_ical((folder / each.ical_file).read_bytes(), each.zone)
            except (OSError, ValueError) as error:
                why = f"cannot be read as iCalendar: {type(error).__name__}"
                mistakes.append(document.mistake(("schedules", index, "ical_file"), why))
    if mistakes:
        raise MistakesFound(name, mistakes)
    return {
        each.name: Schedule(
            name=each.name,
            zone=each.zone,
            rotations=tuple(
                Rotation(
                    people=tuple(rotation.people),
                    start=dt.datetime.fromisoformat(rotation.start),
                    length=duration(rotation.length),
                    hours=rotation.hours.read() if rotation.hours else None,
                )
                for rotation in each.rotations
            ),
            overrides=tuple(
                Shift(
                    person=override.person,
                    start_time=_aware(override.start, each.zone),
                    end_time=_aware(override.end, each.zone),
                )
                for override in reversed(each.overrides)  # The last one holds.
            ),
            imported=sources.get(each.name),
        )
        for each in file.schedules
    }


def _aware(text: str, zone: str) -> dt.datetime:
    read = dt.datetime.fromisoformat(text)
    return moment(read, zone) if read.tzinfo is None else read.astimezone(dt.UTC)


def _wrong(file: _File, document: Document) -> Iterator[Mistake]:
    seen: set[str] = set()
    for index, each in enumerate(file.schedules):
        if each.name in seen:
            yield document.mistake(("schedules", index, "name"), "is the name of an earlier schedule")
        seen.add(each.name)
        if not (each.rotations or each.overrides or each.ical_file):
            yield document.mistake(("schedules", index), "has nobody: give rotations, overrides or ical_file")
        for number, override in enumerate(each.overrides):
            if _aware(override.start, each.zone) >= _aware(override.end, each.zone):
                yield document.mistake(("schedules", index, "overrides", number), "ends before it starts")


def from_ical(data: bytes, zone: str) -> Source:
    """Read shifts from an iCalendar: the summary of an event names who is on call; repeats and exceptions count."""
    calendar = icalendar.Calendar.from_ical(data)
    query = recurring_ical_events.of(calendar)

    def shifts(start: dt.datetime, end: dt.datetime) -> Sequence[Shift]:
        found: list[Shift] = []
        for event in query.between(start, end):
            person = str(event.get("SUMMARY", "")).strip()
            if person and str(event.get("STATUS", "")).upper() != "CANCELLED":
                begin, finish = _bound(event.start, zone), _bound(event.end, zone)
                found.append(Shift(person=person, start_time=begin, end_time=finish))
        return sorted(found, key=lambda each: (each.start_time, each.person))

    return shifts


def _bound(given: dt.date | dt.datetime, zone: str) -> dt.datetime:
    if not isinstance(given, dt.datetime):
        given = dt.datetime.combine(given, dt.time())
    return moment(given, zone) if given.tzinfo is None else given.astimezone(dt.UTC)


def to_ical(schedule: Schedule, start: dt.datetime, end: dt.datetime) -> bytes:
    """Write who is on call between two moments as an iCalendar; the same shifts have the same ids each time."""
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//Sori//notify//EN")
    calendar.add("version", "2.0")
    for shift in schedule.shifts(start, end):
        event = icalendar.Event()
        event.add("uid", f"{schedule.name}-{shift.start_time:%Y%m%dT%H%M%SZ}-{shift.person}@sori")
        event.add("summary", shift.person)
        event.add("dtstart", shift.start_time)
        event.add("dtend", shift.end_time)
        event.add("dtstamp", start)
        calendar.add_component(event)
    return bytes(calendar.to_ical())
