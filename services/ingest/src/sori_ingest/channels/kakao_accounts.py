"""Who somebody is at Kakao, which has a key for each channel and a number for each app."""

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import reading
from sori_ingest.channels.payload import Source
from sori_ingest.settings.options import Option, one_of

OPTION = Option(
    "`kakao_id` where Kakao Login's ids are no member's ids of the company's app", one_of(("kakao_id", "app_user_id"))
)


def identify_app_user(made: pb.Touchpoint, source: Source, value: str) -> None:
    """Add a Kakao Login user id: the app's own, or with the source's option `app_user_id=kakao_id` one of Kakao's."""
    as_kakao_id = source.options.get("app_user_id", "") == "kakao_id"
    reading.identify(made, pb.IDENTIFIER_TYPE_KAKAO_ID if as_kakao_id else pb.IDENTIFIER_TYPE_APP_USER_ID, value)
