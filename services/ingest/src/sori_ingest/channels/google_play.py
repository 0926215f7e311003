"""Google Play: reviews as the Android Publisher API lists them, with the developer's replies."""

import base64
from collections.abc import Mapping

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import parts, reading
from sori_ingest.channels.payload import Ignored, Payload, Reading, Source, Unreadable

NAME = "google_play"
TITLE = "Google Play reviews"
DOCUMENT = "https://developers.google.com/android-publisher/api-ref/rest/v3/reviews"
CHANNEL = "review"
FIELDS: Mapping[str, str] = {
    "external_id": "reviewId; the developer's reply: reviewId#reply",
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


def read(payload: Payload, source: Source) -> Reading:
    """Read a page of reviews, or one review."""
    given = reading.json_value(payload)
    if isinstance(given, dict):
        given = _pushed(given)
        if event := next((name for name in given if name.endswith("Notification")), ""):
            return Reading(
                ignored=(Ignored("test_ping" if event == "testNotification" else "event_type_unknown", event),)
            )
        reviews = [given] if "reviewId" in given or "comments" in given else _listed(given)
    elif isinstance(given, list):
        reviews = given
    else:
        raise Unreadable("not_json", "not an object")
    if not reviews:
        return Reading(ignored=(Ignored("no_reviews"),))
    return parts.read_each(reviews, "reviews", lambda review: _review(review, payload, source))


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
