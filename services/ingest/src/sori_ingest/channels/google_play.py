"""Google Play: reviews with replies, as the Publisher API, the console's export or a scraper lists them."""

import base64
import csv
import io
import re
import urllib.parse
from collections.abc import Mapping

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import parts, reading
from sori_ingest.channels.payload import Ignored, Payload, Reading, Source, Unreadable
from sori_ingest.channels.reading import Media
from sori_ingest.settings import options
from sori_ingest.settings.options import Option

NAME = "google_play"
TITLE = "Google Play reviews"
DOCUMENT = "https://developers.google.com/android-publisher/api-ref/rest/v3/reviews"
CHANNEL = "review"
FIELDS: Mapping[str, str] = {
    "external_id": "reviewId; the developer's reply: reviewId#reply; of an exported row that has no link to its review "
    "`csv:` and when it was first submitted, the device and the language",
    "revision": "lastModified in milliseconds: an edited review is a new version of the same touchpoint",
    "thread_id": "reviewId",
    "kind": "review; reply for the developer's comment",
    "actor": "customer; agent for the developer's comment",
    "occurred_time": "lastModified",
    "text": "originalText where the review was translated, else text; title and body on lines of their own",
    "language": "reviewerLanguage",
    "rating": "starRating, 1 to 5",
    "product": "the option `app`",
    "attributes": "app_version, android_version, device, thumbs_up, thumbs_down",
    "ignored": "pages without reviews; Google Play's notifications for developers, which Pub/Sub pushes",
}
OPTIONS: Mapping[str, Option] = {
    "app": Option("the product of its touchpoints: the app's package or name"),
    "channel": options.CHANNEL,
}

_VERSIONS = ("appVersionCode", "appVersionName")
_COLUMNS: Mapping[str, str] = {
    "appVersionCode": "App Version Code",
    "appVersionName": "App Version Name",
    "reviewerLanguage": "Reviewer Language",
    "device": "Device",
    "submitted": "Review Submit Millis Since Epoch",
    "modified": "Review Last Update Millis Since Epoch",
    "starRating": "Star Rating",
    "title": "Review Title",
    "text": "Review Text",
    "replied": "Developer Reply Millis Since Epoch",
    "reply": "Developer Reply Text",
    "link": "Review Link",
}
_SCRAPED: Mapping[str, tuple[str, str]] = {  # how google-play-scraper has it in Python and in JavaScript
    "text": ("content", "text"),
    "lastModified": ("at", "date"),
    "starRating": ("score", "score"),
    "appVersionName": ("reviewCreatedVersion", "version"),
    "thumbsUpCount": ("thumbsUpCount", "thumbsUp"),
}
_SCRAPED_REPLY: Mapping[str, tuple[str, str]] = {
    "text": ("replyContent", "replyText"),
    "lastModified": ("repliedAt", "replyDate"),
}
_LINKED = re.compile(r"\breviewid=([^&#\s]{1,300})", re.I)
_LONGEST_TIME = 15  # digits


def read(payload: Payload, source: Source) -> Reading:
    """Read a page of reviews, several pages, one review, the console's export, or what a scraper found."""
    if reading.media(payload) in (Media.CSV, Media.TSV):
        return parts.read_each(_exported(payload), "row", lambda review: _review(review, payload, source))
    given = reading.json_value(payload)
    if isinstance(given, dict):
        given = _pushed(given)
        if event := next((name for name in given if name.endswith("Notification")), ""):
            return Reading(
                ignored=(Ignored("test_ping" if event == "testNotification" else "event_type_unknown", event),)
            )
        reviews = [given] if {"reviewId", "comments", "score"} & given.keys() else _listed(given)
    elif isinstance(given, list):
        pages = [each["reviews"] if isinstance(each, dict) and "reviews" in each else [each] for each in given]
        reviews = [each for page in pages for each in (page if isinstance(page, list) else [page])]
    else:
        raise Unreadable("not_json", "not an object")
    if not reviews:
        return Reading(ignored=(Ignored("no_reviews"),))
    return parts.read_each(reviews, "reviews", lambda review: _review(_as_the_api(review), payload, source))


def _exported(payload: Payload) -> list[reading.JsonObject]:
    """Give the rows of the console's export, which is a CSV in UTF-16, in the shape of the API."""
    rows = csv.DictReader(io.StringIO(reading.decoded(payload).removeprefix("\ufeff"), newline=""), restval="")
    try:
        if not {"Star Rating", "Review Text"} <= {*(rows.fieldnames or ())}:
            raise Unreadable("field_missing", "no column Star Rating or Review Text", "Star Rating")
        return [_as_listed(row) for row in rows]
    except csv.Error:
        raise Unreadable("not_a_table", "not CSV") from None


def _as_listed(row: Mapping[str, str]) -> reading.JsonObject:
    cell = {name: row.get(column, "") for name, column in _COLUMNS.items()}
    link = _LINKED.search(cell["link"])
    unlinked = ":".join(("csv", cell["submitted"], cell["device"], cell["reviewerLanguage"]))
    said: reading.JsonObject = {
        name: cell[name] for name in ("starRating", "reviewerLanguage", "device", *_VERSIONS) if cell[name]
    }
    said |= {"text": f"{cell['title']}\t{cell['text']}", "lastModified": _at(cell["modified"] or cell["submitted"])}
    comments: list[reading.JsonObject] = [{"userComment": said}]
    if cell["reply"].strip():
        comments.append({"developerComment": {"text": cell["reply"], "lastModified": _at(cell["replied"])}})
    return {"reviewId": urllib.parse.unquote(link[1]) if link else unlinked, "comments": comments}


def _at(milliseconds: str) -> reading.JsonObject:
    if not milliseconds.isdecimal() or len(milliseconds) > _LONGEST_TIME:
        return {}
    seconds, rest = divmod(int(milliseconds), 1_000)
    return {"seconds": seconds, "nanos": rest * 1_000_000}


def _as_the_api(review: reading.JsonObject) -> reading.JsonObject:
    """Give a review that a scraper found in the shape of the API."""
    if "comments" in review or "score" not in review:
        return review
    comments = [{"userComment": _named(review, _SCRAPED)}]
    if reading.optional_text(review, *_SCRAPED_REPLY["text"]):
        comments.append({"developerComment": _named(review, _SCRAPED_REPLY)})
    return {"reviewId": review.get("reviewId") or review.get("id"), "comments": comments}


def _named(review: reading.JsonObject, names: Mapping[str, tuple[str, str]]) -> reading.JsonObject:
    found = {ours: review.get(one) or review.get(other) for ours, (one, other) in names.items()}
    return {name: value for name, value in found.items() if value is not None}


def _pushed(given: reading.JsonObject) -> reading.JsonObject:
    """Unwrap what Pub/Sub pushes, such as Google Play's notifications for developers, which are of no reviews."""
    data = reading.find(given, "message.data")
    if not isinstance(data, str):
        return given
    try:
        pushed = reading.parse_json(base64.b64decode(data, validate=True).decode())
    except ValueError:
        raise Unreadable("field_wrong", "not base64", "message.data") from None
    if not isinstance(pushed, dict):
        raise Unreadable("field_wrong", "not an object", "message.data")
    return pushed


def _listed(given: reading.JsonObject) -> list[object]:
    """Give the reviews of a page; one without any has no such field, as the API leaves out what is empty."""
    if "nextPaginationToken" in given:  # As a scraper has a page.
        return reading.items_at(given, "data")
    if given and not any(name in given for name in ("reviews", "tokenPagination", "pageInfo")):
        raise Unreadable("field_missing", "missing", "reviews")
    return reading.items_at(given, "reviews")


def _review(review: object, payload: Payload, source: Source) -> list[pb.Touchpoint]:
    review_id = reading.text(review, "reviewId")
    comments = reading.objects_at(review, "comments")
    if not comments:
        raise Unreadable("field_missing", "missing", "comments")
    made: list[pb.Touchpoint] = []
    for comment in comments:
        if comment.get("userComment") is not None:
            said = reading.object_at(comment, "userComment")
            made.append(
                _begin(said, review_id, review_id, pb.TOUCHPOINT_KIND_REVIEW, pb.ACTOR_CUSTOMER, payload, source)
            )
            _fill(made[-1], said)
        if comment.get("developerComment") is not None:
            said = reading.object_at(comment, "developerComment")
            reply_id = f"{review_id}#reply"
            made.append(_begin(said, review_id, reply_id, pb.TOUCHPOINT_KIND_REPLY, pb.ACTOR_AGENT, payload, source))
    if not made:
        raise Unreadable("field_missing", "neither userComment nor developerComment", "comments.0")
    return made


def _begin(
    said: reading.JsonObject,
    review_id: str,
    external_id: str,
    kind: pb.TouchpointKind.ValueType,
    actor: pb.Actor.ValueType,
    payload: Payload,
    source: Source,
) -> pb.Touchpoint:
    given: reading.JsonObject = {}
    if isinstance(written := said.get("lastModified"), str):  # As some clients write timestamps.
        given = {"lastModified": written}
    elif (modified := reading.optional_integer(said, "lastModified.seconds")) is not None:
        nanos = reading.optional_integer(said, "lastModified.nanos") or 0
        given = {"lastModified": modified * 1_000 + nanos // 1_000_000}
    at = reading.moment_at(given, "lastModified", payload=payload, source=source)
    text = reading.optional_text(said, "originalText", "text")
    return reading.touchpoint(
        source,
        channel=reading.configured_channel(source, pb.CHANNEL_REVIEW),
        kind=kind,
        actor=actor,
        at=at,
        external_id=external_id,
        revision=at.revision if given else 0,
        text="\n".join(part.strip() for part in text.split("\t") if part.strip()),  # The title ends in a tab.
        thread_id=review_id,
        product=source.options.get("app", ""),
    )


def _fill(made: pb.Touchpoint, said: reading.JsonObject) -> None:
    made.language = reading.optional_text(said, "reviewerLanguage").replace("_", "-")
    reading.rate(made, reading.optional_number(said, "starRating"), 1, 5)
    reading.attribute(made, "app_version", reading.optional_text(said, "appVersionName", "appVersionCode"))
    reading.attribute(made, "android_version", said.get("androidOsVersion"))
    reading.attribute(made, "device", reading.optional_text(said, "deviceMetadata.productName", "device"))
    reading.attribute(made, "thumbs_up", said.get("thumbsUpCount"))
    reading.attribute(made, "thumbs_down", said.get("thumbsDownCount"))
