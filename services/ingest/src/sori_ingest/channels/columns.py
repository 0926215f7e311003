"""How the columns of surveys' tables are called: by the letters of their titles, in lower case."""

import functools
import re

from sori_ingest.channels import questionnaire, translations

IDS = (
    "external_id",
    "responseid",
    "submissionid",
    "respondentid",
    "id",
    "token",
    "uuid",
    "응답번호",
    "응답id",
    "응답자id",
    "externalid",
    "idresponseid",  # LimeSurvey's
    *("제출id", "제출번호", "답변id", "답변번호", "응답자번호"),
    *("feedbacksubmissionid", "feedbackid", "surveyresponseid", "uniqueid", "entryid"),
    *("reviewid", "리뷰글번호", "리뷰번호", "리뷰id", "상품평id", "상품평번호", "구매평번호", "후기번호", "후기id"),
    *translations.IDS,
)
PERHAPS_IDS = (  # of what is asked about: of several answers that have the same it names the first
    *("상담번호", "상담id", "콜id", "통화id", "콜번호", "접수번호", "문의번호", "voc번호", "callid", "interactionid"),
)
TIMES = (
    "enddate", "submittedat", "completedat", "respondedat", "answeredat", "finishedat", "occurredtime", "createdat",
    "timestamp", "time", "date", "datemodified", "datecreated", "응답일시", "응답시간", "제출일시", "제출시간",
    "응답일", "응답시각", "제출시각", "작성일시", "등록일시", "설문일시", "참여일시", "완료일시", "접수일시",
    "완료시간", "타임스탬프", "등록일", "종료일", "종료날짜", "종료일시", "응답종료시간", "응답종료일시",
    "응답완료시간", "응답완료일시", "응답날짜", "응답일자", "제출일", "제출일자", "제출날짜", "답변일시", "답변일",
    "평가일시", "평가일", "작성일자", "등록일자", "설문일", "참여일", "완료일", "접수일", "상담일시", "상담일",
    "작성일", "일시", "날짜", "submitdate", "submitdateutc",
    "submissiondate", "datesubmitted", "submitteddate", "submittedon", "responsecreatedat", "responsedate",
    "recordeddate", "submitdatedatesubmitted", "리뷰등록일", "리뷰등록일시", "리뷰작성일", "리뷰작성일시", "후기작성일",
    "구매평작성일", "상담일자", "문의일시", "문의일", "통화일시", "통화일", "인입일시",
    *("datetime", "dateandtime", "submittedtime", "submittime", "entrydate", "entrydatesubmitted", "posteddate"),
    "reviewlastupdatedateandtime", "reviewsubmitdateandtime", "reviewcreated", "reviewposteddate",
    *translations.TIMES,
    "startdate", "startedat", "시작일", "시작날짜", "응답시작시간", "응답시작일시",
)  # fmt: skip
PERHAPS_TIMES = (  # Where they hold a time: others mean by them how long it took.
    *("satisfactionratedat", "ratedat", "responded", "답변시간", "작성시간", "종료시간"),
    *("completiontime", "completedtime", "submissiontime", "starttime", "startedtime", "timestarted"),
    *("stagedateutc", "stagedate", "startdateutc", "startdatedatestarted", "시작시간", "시작일시"),
    *("createddate", "createdon", "surveydate", "feedbackdate", "reviewdate", "ratingdate", "answerdate"),
    *("lastsubmittedtime", "createtime", "created", "submitted", "completed", "answered"),
    *("통화시작시간", "통화시작일시", "at", "응답완료", "응답시작", "entrydatecreated"),
    *translations.PERHAPS_TIMES,
    *("상담종료시각", "상담종료시간", "상담종료일시", "상담시작시각", "상담시작시간", "상담시작일시"),
)
LAST_TIMES = ("updatedat", "updated", "modifiedat", "lastmodifiedtime")  # Where there is no other.
_ALL_TIMES = frozenset((*TIMES, *PERHAPS_TIMES, *LAST_TIMES))
WORDS = (
    "제목", "리뷰제목", "상품평제목", "구매평제목", "후기제목",  # of a review or a request
    "reviewtitle", "reviewheadline", "reviewheader", "reviewsubject", "title", "subject",
    "qualitativeresponse", "followupresponse",
    "comment", "comments", "text", "feedback", "reason", "message", "opentext", "openended", "verbatim", "note",
    "review", "reviewtext", "reviewbody", "reviewcontent", "reviewmessage", "body", "content",
    "ticketdescription", "issuedescription", "remark", "remarks",
    "의견", "이유", "코멘트", "내용", "남기실말씀", "하고싶은말", "주관식",
    "리뷰", "리뷰내용", "리뷰상세내용", "리뷰본문", "상품평", "상품평내용", "구매평", "구매평내용", "후기", "후기내용",
    "상담내용", "문의내용", "접수내용", "통화내용", "voc내용",
)  # fmt: skip
TITLES = frozenset({"title", "subject"})  # They have words of the customer only where a review stands beside them.
REVIEWS = frozenset({"review", "reviewtext", "reviewbody", "reviewcontent", "reviewmessage", "body", "content"})
TYPES = ("type", "surveytype", "metric", "questiontype", "survey", "question", "kind", "유형", "문항", "설문유형")
QUESTIONS = ("question", "questiontext", "questiontitle", "질문", "문항", "설문문항")  # of tables with an answer a row
ANSWERS = ("answer", "answertext", "response", "responsetext", "답변", "답변내용", "응답", "응답내용")
SCORES = ("score", "rating", "value", "answer", "점수", "평점", "별점", "만족도점수")
SURVEYS = ("surveyid", "formid", "survey", "surveyname", "collectorid", "설문", "설문명")
UNSAID = (  # kept out: nobody asked for them
    *("ipaddress", "ip", "firstname", "lastname", "fullname", "name", "customername", "respondentname"),
    *("ip주소", "성", "submissionip"),
    *("personname", "recipientfirstname", "recipientlastname", "locationlatitude", "locationlongitude"),
    *("이름", "성함", "성명", "고객명", "응답자", "응답자명", "작성자", "작성자명", "구매자", "구매자명", "주문자명"),
    *("reviewername", "reviewernickname", "reviewusername", "authorname", "usernickname", "displayname", "nickname"),
    *("consumername", "requestername", "닉네임", "ipaddripaddress", "ipaddr"),
    *translations.UNSAID,
)

ABOUT_RESPONSES = (  # what makers say of a response, and nobody answers
    *("networkid", "responsetype", "tags", "ending", "status", "finished", "progress", "durationinseconds"),
    *("distributionchannel", "userlanguage", "lastmodifiedtime", "lastpage", "seed", "startlanguage", "datestamp"),
    *("lastpagelastpage", "seedseed", "startlanguagestartlanguage", "datestampdatelastaction", "refurlreferrerurl"),
    *("startdatedatestarted", "interviewtimetotaltime", "refurl"),  # LimeSurvey's
    *("responsestatus", "collectorname", "collectorid", "timetakentocompleteseconds", "surveylanguage"),  # Zoho's
    *("sent", "sentat", "surveysentat", "segment", "번호", "no"),
)
_OF_NAMES = re.compile(
    r"(?:please )?(?:what(?:'s| is) |enter |tell us )?your (?:full |first |last )?name\W*"
    r"|(?:귀하의|고객님의|본인의|신청자|응답자)?\s*(?:이름|성함|성명)[을를은]?\s*(?:적어|입력|기입|기재|알려|작성|써|무엇).*",
    re.I | re.S,
)
LONGEST_NAME = 300  # characters of a title that are looked at
RATED = re.compile(
    r"\brate (?:your|our|the|this|us)\b|\bplease rate\b|^rate (?!of\b)|별점|평점|평가해|평가(?:\s?점수)?$"
    r"|(?<![a-z])rating(?![a-z])(?![_ ](?:count|id|date|scale|range|type|comment|remark|reason))"
    r"|(?<![a-z])(?:review|stars?)[_ ](?:score|stars)$|^stars$|" + translations.RATED,
    re.I,
)  # what a question for a rating says
BARE_NUMBER = re.compile(r"\s*+-?\d{1,4}(?:[.]\d{1,6}|,\d{1,2})?\s*+점?\s*+")
_REMEMBERED = 1_024  # titles
_NO_LETTER = re.compile(r"[\W_]+")
_FORMAT = re.compile(r"\s*\((?:[dmy]{1,4}[/.-]){2}[dmy]{1,4}[^()]{0,20}\)\s*$", re.I)  # Timestamp (mm/dd/yyyy)


def is_named(title: str) -> bool:
    """Say whether a column is called by what is asked."""
    found = letters(title)
    return found in questionnaire.SURVEYS or found in SCORES or found in WORDS


def is_known(title: str) -> bool:
    """Say whether a column's title alone tells what is in it."""
    found = letters(title)
    return is_named(title) or found in questionnaire.NAMES or found in (*IDS, *TIMES, *UNSAID)


def is_unsaid(title: str) -> bool:
    """Say whether a column is kept out: what identifies people, and nobody asked for."""
    return letters(title) in UNSAID or _is_of_names(title[:LONGEST_NAME])


@functools.lru_cache(_REMEMBERED)
def _is_of_names(title: str) -> bool:
    return _OF_NAMES.fullmatch(title.strip()) is not None


def is_time(title: str) -> bool:
    """Say whether a column may hold the time of an answer."""
    return time_letters(title) in _ALL_TIMES


@functools.lru_cache(_REMEMBERED)
def time_letters(title: str) -> str:
    """Give the letters of a title, without what it tells at its end of its times: their zone, or their format."""
    whole = letters(title)
    if whole in _ALL_TIMES or not title.endswith(")") or len(title) > LONGEST_NAME:
        return whole
    told = title.rindex("(") if questionnaire.zone_told(title) and "(" in title else len(title)
    return letters(_FORMAT.sub("", title)[:told])


def day_first_told(title: str) -> bool | None:
    """Say whether a title tells that the day stands first in its dates; None where it does not tell."""
    found = _FORMAT.search(title[:LONGEST_NAME])
    return found[0].lstrip(" (")[:1].lower() == "d" if found and found[0].lstrip(" (")[:1].lower() in "dm" else None


def letters(name: str) -> str:
    """Give the letters and digits of a title."""
    return _letters_of(name) if len(name) <= LONGEST_NAME else _NO_LETTER.sub("", name).lower()


@functools.lru_cache(_REMEMBERED)
def _letters_of(name: str) -> str:
    """Do it once for the titles of a table, which all of its rows have."""
    return _NO_LETTER.sub("", name).lower()
