"""App Store: reviews and our responses as App Store Connect lists them, and the public feed, as it is or scraped."""

import codecs
import re
from collections.abc import Mapping
from xml.etree import ElementTree

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import parts, reading
from sori_ingest.channels.payload import Ignored, Payload, Reading, Source, Unreadable
from sori_ingest.settings import options
from sori_ingest.settings.options import Option

NAME = "app_store"
TITLE = "App Store reviews"
DOCUMENT = "https://developer.apple.com/documentation/appstoreconnectapi/customer-reviews"
CHANNEL = "review"
FIELDS: Mapping[str, str] = {
    "external_id": "id of the review or of the response",
    "revision": "createdDate, updated or lastModifiedDate in milliseconds: an edited review keeps its id",
    "thread_id": "id of the review",
    "kind": "review; reply for customerReviewResponses",
    "actor": "customer; agent for customerReviewResponses",
    "occurred_time": "createdDate; lastModifiedDate of a response; updated in the feed",
    "identifiers": "author's id in the feed, as `app_store:…`; App Store Connect gives a nickname only",
    "text": "title and body, on lines of their own",
    "rating": "1 to 5",
    "product": "the option `app`",
    "attributes": "territory, app_version, votes, vote_sum, state of a response",
}
OPTIONS: Mapping[str, Option] = {
    "app": Option("the product of its touchpoints: the app's id or name"),
    "channel": options.CHANNEL,
}

_REVIEWS, _RESPONSES = "customerReviews", "customerReviewResponses"
_ATOM, _ITUNES = "{http://www.w3.org/2005/Atom}", "{http://itunes.apple.com/rss}"
_SCRAPED: Mapping[str, str] = {
    "id": "id",
    "updated": "updated",
    "title": "title",
    "content": "text",
    "im:rating": "score",
    "im:version": "version",
}
_AUTHOR = re.compile(r"/id(\d{1,20})\b")


def read(payload: Payload, source: Source) -> Reading:
    """Read reviews and responses as JSON:API, or the feed as JSON or XML."""
    is_xml = payload.body.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"<")
    value = _feed(payload.body) if is_xml else reading.json_value(payload)
    if not isinstance(value, dict | list):
        raise Unreadable("not_json", "neither an object nor a list")
    given: reading.JsonObject = {"data": value} if isinstance(value, list) else value
    if "feed" in given:
        entries = reading.object_at(given, "feed").get("entry")
        listed = [entries] if isinstance(entries, dict) else reading.items_at(given, "feed.entry")
        found = parts.read_each(listed, "feed.entry", lambda each: [_entry(each, payload, source)])
    else:
        data = [given] if "data" not in given and "type" in given else given.get("data")
        if data is None:
            raise Unreadable("field_missing", "missing", "data")
        listed = [data] if isinstance(data, dict) else reading.items_at({"data": data}, "data")
        pages = [each for each in listed if isinstance(each, dict) and isinstance(each.get("data"), list)]
        if pages and len(pages) == len(listed):  # Several pages as a list.
            listed = [each for page in pages for each in page["data"]]
            given = {"included": [each for page in pages for each in reading.items_at(page, "included")]}
        answered = _answered(listed)
        listed = [*listed, *(each for each in reading.items_at(given, "included") if _is_response(each))]
        found = parts.read_each(listed, "data", lambda each: [_resource(each, payload, source, answered)])
    if not listed:
        return Reading(ignored=(Ignored("no_reviews"),))
    return found


def _feed(body: bytes) -> reading.JsonObject:
    """Read the feed as XML into the shape that it has as JSON."""
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:  # A feed needs neither, and entities may grow beyond all bounds.
        raise Unreadable("not_xml", "has a document type")
    try:
        feed = ElementTree.fromstring(body.strip())
    except (ElementTree.ParseError, ValueError, LookupError):
        raise Unreadable("not_xml", "not XML") from None
    return {"feed": {"entry": [_labelled(each) for each in feed.iterfind(f"{_ATOM}entry")]}}


def _labelled(entry: ElementTree.Element) -> reading.JsonObject:
    made: reading.JsonObject = {}
    for each in entry:
        name = each.tag.removeprefix(_ATOM).replace(_ITUNES, "im:")
        value = _labelled(each) if len(each) else {"label": reading.clean(each.text or "")}
        made.setdefault(name, value)  # The content is there as text, and then as HTML.
    return made


def _is_response(given: object) -> bool:
    return bool(reading.find(given, "type") == _RESPONSES)


def _answered(resources: list[object]) -> dict[str, str]:
    """Say which review a response answers, from the reviews' side."""
    made: dict[str, str] = {}
    for each in resources:
        response = reading.find(each, "relationships.response.data.id")
        review = reading.find(each, "id")
        if isinstance(response, str) and isinstance(review, str):
            made[response] = review
    return made


def _resource(given: object, payload: Payload, source: Source, answered: Mapping[str, str]) -> pb.Touchpoint | Ignored:
    if isinstance(given, dict) and "score" in given and "type" not in given:
        return _entry(_as_feed(given), payload, source)
    kind = reading.text(given, "type")
    if kind not in (_REVIEWS, _RESPONSES):
        return Ignored("event_type_unknown", kind[:64])
    external_id = reading.text(given, "id")
    said = reading.object_at(given, "attributes")
    if kind == _RESPONSES:
        review = reading.optional_text(given, "relationships.review.data.id") or answered.get(external_id, "")
        made = _begin(external_id, review, said, ("lastModifiedDate",), pb.TOUCHPOINT_KIND_REPLY, payload, source)
        made.actor = pb.ACTOR_AGENT
        made.text = reading.optional_text(said, "responseBody")
        reading.attribute(made, "state", said.get("state"))
        return made
    made = _begin(external_id, external_id, said, ("createdDate",), pb.TOUCHPOINT_KIND_REVIEW, payload, source)
    _say(made, reading.optional_text(said, "title"), reading.optional_text(said, "body"))
    reading.rate(made, reading.number(given, "attributes.rating"), 1, 5)
    reading.attribute(made, "territory", said.get("territory"))
    return made


def _as_feed(given: reading.JsonObject) -> reading.JsonObject:
    """Give a review as app-store-scraper has it in the shape of the feed, which it reads."""
    made: reading.JsonObject = {name: {"label": given.get(own)} for name, own in _SCRAPED.items()}
    return {**made, "author": {"uri": {"label": given.get("userUrl")}}}


def _entry(given: object, payload: Payload, source: Source) -> pb.Touchpoint | Ignored:
    """Read an entry of the feed, where each value is in a `label`; the first may be the app itself."""
    if isinstance(given, dict) and "im:rating" not in given and "im:name" in given:
        return Ignored("not_a_review")
    external_id = reading.text(given, "id.label")
    made = _begin(external_id, external_id, given, ("updated.label",), pb.TOUCHPOINT_KIND_REVIEW, payload, source)
    _say(made, reading.optional_text(given, "title.label"), reading.optional_text(given, "content.label"))
    reading.rate(made, reading.number(given, "im:rating.label"), 1, 5)
    if author := _AUTHOR.search(reading.optional_text(given, "author.uri.label")):
        reading.identify_account(made, NAME, author[1])
    reading.attribute(made, "app_version", reading.optional_text(given, "im:version.label"))
    reading.attribute(made, "votes", reading.optional_text(given, "im:voteCount.label"))
    reading.attribute(made, "vote_sum", reading.optional_text(given, "im:voteSum.label"))
    return made


def _begin(
    external_id: str,
    thread_id: str,
    within: object,
    times: tuple[str, ...],
    kind: pb.TouchpointKind.ValueType,
    payload: Payload,
    source: Source,
) -> pb.Touchpoint:
    at = reading.moment_at(within, *times, payload=payload, source=source)
    return reading.touchpoint(
        source,
        channel=reading.configured_channel(source, pb.CHANNEL_REVIEW),
        kind=kind,
        at=at,
        external_id=external_id,
        revision=at.revision if reading.optional_text(within, *times) else 0,
        thread_id=thread_id,
        product=source.options.get("app", ""),
    )


def _say(made: pb.Touchpoint, title: str, body: str) -> None:
    title = title.strip()
    made.text = body if not title or body.startswith(title.rstrip("….")) else f"{title}\n{body}".strip()
