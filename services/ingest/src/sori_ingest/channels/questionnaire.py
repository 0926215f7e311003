"""Answers to a questionnaire as touchpoints: the main score with the open answers, each further score on its own."""

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import reading, translations
from sori_ingest.channels.payload import Source
from sori_ingest.domain import fields
from sori_ingest.settings import options
from sori_ingest.settings.options import Option

SURVEYS: Mapping[str, pb.SurveyType.ValueType] = {
    "nps": pb.SURVEY_TYPE_NPS,
    "csat": pb.SURVEY_TYPE_CSAT,
    "ces": pb.SURVEY_TYPE_CES,
}
RATING = Option("the question with a rating, by id or title")
RATING_SCALE = Option("scale of ratings, as in `1-5`", options.scale)
# Of a survey's source: which questions are which, and on what scale.
OPTIONS: Mapping[str, Option] = {
    **{name: Option(f"questions for {name.upper()}, by id or title, with commas between") for name in SURVEYS},
    "csat_scale": Option("scale of CSAT, as in `1-7`", options.scale),
    "ces_scale": Option("scale of CES, as in `1-7`", options.scale),
    "rating_scale": RATING_SCALE,
    "voice": Option("`internal` for a survey of employees, whose scores are ratings", options.one_of(("internal",))),
}
_WORDS: tuple[tuple[pb.SurveyType.ValueType, re.Pattern[str]], ...] = (
    (
        pb.SURVEY_TYPE_NPS,
        re.compile(
            r"(?<![a-z])nps(?![a-z])|net.?promoter|추천(?!\s*(?:인(?!지)|받|코드|메뉴|상품|제품|경로))"
            r"|(?:likely|willing|would you).{0,40}recommend|likelihood (?:to|of) recommend|^ltr$|" + translations.NPS,
            re.I,
        ),
    ),
    (
        pb.SURVEY_TYPE_CES,
        re.compile(
            r"(?<![a-z])ces(?![a-z])|effort|how easy|easy (?:it )?(?:was|is)|made it easy|easy to (?:use|solve|resolve)"
            r"|(?:쉬웠|수월했|간편했|편리했)(?:나요|습니까|는지)|(?:얼마나|정도).{0,20}(?:쉬|수월|편리)|(?:노력|수고).{0,20}(?:점수|정도|들)|노력\s?지수|"
            + translations.CES,
            re.I,
        ),
    ),
    (
        pb.SURVEY_TYPE_CSAT,
        re.compile(r"(?<![a-z])(?:csat|osat)(?![a-z])|satisf|만족|" + translations.CSAT, re.I),
    ),
)
_MADE_OF_SCORES = re.compile(  # as Qualtrics' 1 to 3 for detractors, passives and promoters; or the points of a quiz
    r"nps[_ ](?:group|category|segment|type|id|date|status|label)\b|recommend.{0,200} - group$"
    r"|nps\s?(?:그룹|구분|분류|유형)|^(?:points|punkte|puntos|pontos|punti|점수|点数) [-–] ",
    re.I,
)
_OF_WORK = re.compile(  # Employees are asked whether they recommend their employer.
    r"place (?:to|of) work|\bas an employer|recommend(?:ing)? (?:working|a (?:job|career))|\bto work (?:for|at|here)\b"
    r"|employee net.?promoter|(?:일하기|근무하기|다니기)\s?좋은|(?:직장|일터|근무지|근무처)(?:으로|로서?)(?![가-힣])"
    r"|입사를",
    re.I,
)
_NOT_OPEN = re.compile(
    r"(?<![a-z])(?:id|date|time|type|url)$|(?:길이|번호|일자|일시|날짜)$"
    r"|^(?:\w+ ){0,2}repl(?:y|ies)(?: \w+){0,2}$|^(?:developer|company|owner|business|seller|merchant|shop) response"
    r"|^(?:\S{1,6}\s?)?(?:답글|댓글)(?![을를])|(?<![a-z])translat(?:ed|ion)(?![a-z])|번역"
    r"|^(?:agent|internal|admin)(?:'s)? (?:comments?|notes?|remarks?|feedback)$"
    r"|^(?:상담[사원]|관리자|내부)\s?(?:의견|코멘트)$",
    re.I,
)
_OPEN = re.compile(
    r"open.?end|(?<![a-z])remarks?(?![a-z])|코멘트"
    r"|comment|feedback|reason|\bwhy\b|improve|suggest|do (?:better|differently)|tell us|anything else"
    r"|(?:what|how) (?:can|could|should|would|might) (?:we|make|have|be better|be improved)\b"
    r"|what (?:did|do) you (?:most |least |really )?(?:like|love|enjoy|dislike|hate)|in your own words"
    r"|describe (?:your|the|what|how)|explain"
    r"|의견|이유|건의|제안|개선|아쉬운|아쉬웠|좋았|좋은\s?점|불편|어떤\s?점|바라는|말씀|하고\s?싶은\s?말|한\s?마디|후기|소감"
    r"|느낀\s?점|꿀팁|주관식|자유|기타|직접\s?입력|please specify|- other - text"
    r"|\b(?:last|final|closing) words\b|your (?:thoughts|opinion)|(?:what|anything) (?:went|did not go) (?:wrong|well)|"
    + translations.OPEN,
    re.I,
)
_CONTACTS = (
    (pb.IDENTIFIER_TYPE_PHONE, re.compile(r"phone|mobile|전화|휴대폰|핸드폰|연락처|발신(?:자\s?)?번호", re.I)),
    (pb.IDENTIFIER_TYPE_EMAIL, re.compile(r"e-?mail|이메일|메일 주소|^user ?name$|^사용자 이름$", re.I)),
)
_USUAL_SCALES = {pb.SURVEY_TYPE_NPS: (0, 10), pb.SURVEY_TYPE_CSAT: (1, 5), pb.SURVEY_TYPE_CES: (1, 7)}
_RANKS = {pb.SURVEY_TYPE_NPS: 0, pb.SURVEY_TYPE_CSAT: 1, pb.SURVEY_TYPE_CES: 2}
_LONGEST_LABEL = 300
_LONGEST_REVISION = 19  # digits, and one more would be too many for 64 bits
_REMEMBERED = 1_024  # titles, which many responses have
_MOST_STARS = 10
_HANGUL = re.compile("[\uac00-\ud7a3]")
_SCALE_TOLD = re.compile(
    r"(?<!\d)(\d{1,2})\s?점?\s?(?:to|through|[-–~]|부터|에서)\s?(\d{1,3})(?!\d)"
    r"|(?<!\d)(\d)\s?(?:is|=|:|점은)\s[^\d]{1,60}(?<!\d)(\d{1,2})\s?(?:is|=|:|점은)\s",
    re.I,
)

_LABELS: Mapping[str, float] = {
    "verysatisfied": 5, "satisfied": 4, "neithersatisfiednordissatisfied": 3, "neutral": 3, "dissatisfied": 2,
    "verydissatisfied": 1, "extremelysatisfied": 5, "somewhatsatisfied": 4, "somewhatdissatisfied": 2,
    "extremelydissatisfied": 1, "unsatisfied": 2, "veryunsatisfied": 1, "somewhatunsatisfied": 2,
    "extremelyunsatisfied": 1, "neithersatisfiednorunsatisfied": 3, "completelysatisfied": 5,
    "completelydissatisfied": 1, "notatallsatisfied": 1,
    "extremelyhappy": 5, "veryhappy": 5, "happy": 4, "unhappy": 2, "veryunhappy": 1, "extremelyunhappy": 1,
    "매우좋음": 5, "좋음": 4, "나쁨": 2, "매우나쁨": 1,
    "전혀만족하지않음": 1, "전혀만족하지않는다": 1, "만족하지않음": 2, "만족하지않는다": 2,
    **translations.LABELS,
    "만족": 4, "보통": 3, "그저그렇다": 3, "그저그럼": 3, "그저그래요": 3,
    "그저그렇습니다": 3, "불만족": 2, "불만": 2, "매우만족": 5, "매우불만족": 1, "매우불만": 1,
}  # fmt: skip
_KOREAN_LABEL = re.compile(
    r"(매우|아주|정말|대단히|대체로|다소|약간|조금|어느정도)?(만족|불만족|불만|보통)"
    r"(?:함|합니다|한다|해요|했음|했다|했습니다|했어요|하는편|하는편이다|하는편입니다|스럽다|스러움|스러워요|스러웠다|스러웠어요|스러웠습니다|스럽습니다|임|이다|입니다|이에요|이요)?"
)
_STEPS_TOLD = re.compile(
    r"(?<!\d)(\d{1,3})\s?(?:점\s?(?:만점|척도)|단계|[- ]?(?:point|pt)s?\s(?:likert\s)?scale)|\bout of (\d{1,3})(?!\d)",
    re.I,
)
_VERY = ("매우", "아주", "정말", "대단히")
_AGREED: Mapping[str, float] = {
    "매우그렇다": 5, "그렇다": 4, "보통이다": 3, "그렇지않다": 2, "전혀그렇지않다": 1, "매우그렇지않다": 1,
    "stronglyagree": 5, "agree": 4, "neitheragreenordisagree": 3, "disagree": 2, "stronglydisagree": 1,
    "somewhatagree": 4, "somewhatdisagree": 2, "completelyagree": 5, "completelydisagree": 1,
}  # fmt: skip
_EASE: Mapping[str, float] = {
    "veryeasy": 5, "extremelyeasy": 5, "easy": 4, "somewhateasy": 4, "neithereasynordifficult": 3,
    "difficult": 2, "somewhatdifficult": 2, "verydifficult": 1, "extremelydifficult": 1,
}  # fmt: skip

# How forms and trackers name what a customer is known by.
NAMES: Mapping[str, str] = {
    "memberid": "member_id",
    "membernumber": "member_id",
    "customerid": "member_id",
    "contactid": "member_id",
    "회원번호": "member_id",
    "고객번호": "member_id",
    "userid": "app_user_id",
    "appuserid": "app_user_id",
    "uid": "app_user_id",
    "email": "email",
    "emailaddress": "email",
    "useremail": "email",
    "이메일": "email",
    "이메일주소": "email",
    "전자메일": "email",
    "전자우편": "email",
    "phone": "phone",
    "phonenumber": "phone",
    "mobile": "phone",
    "tel": "phone",
    "전화번호": "phone",
    "휴대폰": "phone",
    "휴대폰번호": "phone",
    "연락처": "phone",
    "kakaoid": "kakao_id",
    "loyaltycard": "loyalty_card",
    "deviceid": "device_id",
    "anonymousid": "anonymous_id",
    "orderid": "order_id",
    "ordernumber": "order_id",
    "order": "order_id",
    "주문번호": "order_id",
    "상품주문번호": "order_id",
    "product": "product",
    "productid": "product",
    **dict.fromkeys(("productname", "producttitle"), "product"),
    "상품": "product",
    "상품명": "product",
    "제품명": "product",
    "orgunit": "org_unit",
    "store": "org_unit",
    "storeid": "org_unit",
    "branch": "org_unit",
    "매장": "org_unit",
    "지점": "org_unit",
    **dict.fromkeys(("locationname", "branchname", "가게명", "점포명"), "org_unit"),
    **dict.fromkeys(translations.EMAILS, "email"),
    **dict.fromkeys(translations.PHONES, "phone"),
    **dict.fromkeys(("storecode", "storename", "branchid", "매장코드", "매장명", "지점코드", "지점명"), "org_unit"),
    **dict.fromkeys(("회원id", "회원아이디", "고객id", "고객아이디", "membershipnumber"), "member_id"),
    **dict.fromkeys(("핸드폰", "핸드폰번호", "휴대전화", "휴대전화번호"), "phone"),
    **dict.fromkeys(("userlanguage", "responselanguage", "설문언어"), "language"),
    "language": "language",
    "lang": "language",
    "locale": "language",
}
_LANGUAGES = {
    "english": "en",
    "korean": "ko",
    "japanese": "ja",
    "chinese": "zh",
    "영어": "en",
    "한국어": "ko",
    "일본어": "ja",
    "중국어": "zh",
}
_NO_LETTER = re.compile(r"[\W_]+")
_ZONES_TOLD: Mapping[str, str] = {
    **dict.fromkeys(("UTC", "GMT"), "UTC"),
    "KST": "Asia/Seoul", "JST": "Asia/Tokyo",
    **dict.fromkeys(("ET", "EST", "EDT"), "America/New_York"),
    **dict.fromkeys(("PT", "PST", "PDT"), "America/Los_Angeles"),
    **dict.fromkeys(("CET", "CEST"), "Europe/Paris"),
    "한국시간": "Asia/Seoul", "한국시각": "Asia/Seoul",
}  # fmt: skip
_ZONE_TOLD = re.compile(
    r"(?:UTC[\s)]*$|\(\s*(UTC|GMT|KST|JST|E[SD]?T|P[SD]?T|CES?T|한국\s?시[간각])\s*\)\s*$"
    r"|\(\s*(?:UTC|GMT)\s?([+-])(\d{1,2})(?::?00)?\s*\)\s*$)",
    re.I,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A question answered by a number on a scale."""

    key: str  # the question's id: with the response's it names a touchpoint
    value: float
    question: pb.SurveyType.ValueType = pb.SURVEY_TYPE_UNSPECIFIED  # none of the three: a rating
    lowest: float = 0  # With `highest` also 0: the question's usual scale.
    highest: float = 0


def field_of(name: str, source: Source) -> str:
    """Say which touchpoint field a name stands for: by the source's mapping, else by what such names usually mean."""
    return source.mapping.get(name) or NAMES.get(_NO_LETTER.sub("", name).lower(), "")


def question(source: Source, *labels: str) -> pb.SurveyType.ValueType:
    """Say which question this is, by the source's options or mapping, else by the words of its id, type or title."""
    for label in filter(None, labels):
        if (mapped := source.mapping.get(label, "")) in SURVEYS:
            return SURVEYS[mapped]
        for option, kind in SURVEYS.items():
            if label in [each.strip() for each in source.options.get(option, "").split(",")]:
                return kind
    told = next((kind for label in labels if (kind := _told(label[:_LONGEST_LABEL]))), pb.SURVEY_TYPE_UNSPECIFIED)
    is_of_work = told == pb.SURVEY_TYPE_NPS and any(_is_of_work(label[:_LONGEST_LABEL]) for label in labels)
    return pb.SURVEY_TYPE_UNSPECIFIED if is_of_work else told


@functools.lru_cache(_REMEMBERED)
def _told(label: str) -> pb.SurveyType.ValueType:
    label = " ".join(label.split())  # A title may have lines.
    if _MADE_OF_SCORES.search(label):
        return pb.SURVEY_TYPE_UNSPECIFIED
    return next((kind for kind, words in _WORDS if words.search(label)), pb.SURVEY_TYPE_UNSPECIFIED)


@functools.lru_cache(_REMEMBERED)
def _is_of_work(label: str) -> bool:
    return _OF_WORK.search(" ".join(label.split())) is not None


def zone(source: Source, name: str, value: object) -> str:
    """Give the IANA zone of a time without offset: its name's, the option's, or Seoul's where either is in Korean."""
    if told := zone_told(name):
        return told
    korean = any(_HANGUL.search(each) for each in (name, value) if isinstance(each, str))
    return source.options.get("zone", "") or ("Asia/Seoul" if korean else "")


def zone_told(title: str) -> str:
    """Give the zone that the title of a column with times ends in, as `Submitted (UTC)` or `Date (GMT+9)`."""
    found = _ZONE_TOLD.search(title[:_LONGEST_LABEL])
    if not found:
        return ""
    if found[2]:
        return f"Etc/GMT{'-' if found[2] == '+' else '+'}{int(found[3])}"  # They count to the west.
    return _ZONES_TOLD[(found[1] or "UTC").upper().replace(" ", "")]


def is_open(label: str) -> bool:
    """Say whether a question's title asks for words."""
    return _is_open(label[:_LONGEST_LABEL])


@functools.lru_cache(_REMEMBERED)
def _is_open(label: str) -> bool:
    label = " ".join(label.split())
    return _OPEN.search(label) is not None and _NOT_OPEN.search(label) is None


def is_on_scale(source: Source, kind: pb.SurveyType.ValueType, highest: float, *labels: str) -> bool:
    """Say whether a question may be of this kind: who is asked on another scale than NPS's is not asked for NPS."""
    if kind != pb.SURVEY_TYPE_NPS or highest in (0, 10):
        return True
    named = [each.strip() for each in source.options.get("nps", "").split(",")]
    return any(label and (label in named or source.mapping.get(label) == "nps") for label in labels)


def is_rating(source: Source, *labels: str) -> bool:
    """Say whether the source's option `rating` or its mapping names this question."""
    named = [each.strip() for each in source.options.get("rating", "").split(",")]
    return any(label and (label in named or source.mapping.get(label) == "rating") for label in labels)


def scale(source: Source, option: str, lowest: float, highest: float) -> tuple[float, float]:
    """Give the scale that an option such as `csat_scale: 1-7` names, or the given one."""
    given = options.SCALE.fullmatch(source.options.get(option, ""))
    return (float(given[1]), float(given[2])) if given else (lowest, highest)


def stars(text: str) -> tuple[float, float] | None:
    """Count stars such as ★★★★☆; gives how many, and of how many where empty ones tell it, else 0."""
    plain = text.replace("\ufe0f", "").replace("⭐", "★").replace(" ", "")
    if not plain or len(plain) > _MOST_STARS or not set(plain) <= {"★", "☆"}:
        return None
    return plain.count("★"), len(plain) if "☆" in plain else 0


def label(answer: str) -> float | None:
    """Give what an answer in words, such as `Very satisfied`, stands for on a scale of 1 to 5."""
    letters = _NO_LETTER.sub("", answer).lower()
    if (known := _LABELS.get(letters)) or not (found := _KOREAN_LABEL.fullmatch(letters)):
        return known
    return _LABELS.get(("매우" if found[1] in _VERY else "") + found[2])


def agreed(answer: str) -> float | None:
    """Give what an answer such as `매우 그렇다` to a question or statement stands for on a scale of 1 to 5."""
    return _AGREED.get(_NO_LETTER.sub("", answer).lower())


def ease(answer: str) -> float | None:
    """Give what an answer in words, such as `Very easy`, stands for on a scale of 1 to 5."""
    return _EASE.get(_NO_LETTER.sub("", answer).lower())


def scale_told(title: str, value: float) -> tuple[float, float] | None:
    """Give the scale that a title tells, as `1 to 5`, `0~10점`, `1 is poor, 5 is excellent` or `7점 척도`."""
    for found in _SCALE_TOLD.finditer(title[:_LONGEST_LABEL]):
        low, high = (float(found[1]), float(found[2])) if found[1] else (float(found[3]), float(found[4]))
        if low in (0, 1) and low < high <= 100 and low <= value <= high:
            return low, high
    if steps := _STEPS_TOLD.search(title[:_LONGEST_LABEL]):
        high = float(steps[1] or steps[2])
        low, high = (0.0, 10.0) if high == 11 else (0.0 if high == 100 or value == 0 else 1.0, high)
        return (low, high) if 3 <= high <= 100 and low <= value <= high else None
    return None


def touchpoints(main: pb.Touchpoint, scores: Iterable[Score], source: Source, *, survey_id: str) -> list[pb.Touchpoint]:
    """Put the main score (NPS before CSAT before CES before ratings) on `main` and each further one on its own.

    The further ones are of the same thread, without the words: they would be counted twice. With the source's option
    `voice: internal` employees answer: nobody is identified, and their scores are ratings, no customers' NPS.
    """
    ranked = sorted(scores, key=lambda each: _RANKS.get(each.question, len(_RANKS)))
    if _is_internal(source):
        main.actor = pb.ACTOR_AGENT
        main.ClearField("identifiers")
    main.thread_id = main.thread_id or main.external_id
    made = [main]
    for further in ranked[1:]:
        touchpoint = pb.Touchpoint()
        touchpoint.CopyFrom(main)
        touchpoint.text = ""
        touchpoint.attributes.clear()
        touchpoint.external_id = f"{main.external_id}#{further.key}" if main.external_id else ""
        _put(touchpoint, further, source, survey_id)
        reading.attribute(touchpoint, "question", further.key)
        made.append(touchpoint)
    if ranked:
        _put(main, ranked[0], source, survey_id)
        reading.attribute(main, "question", ranked[0].key)
    elif survey_id:
        reading.attribute(main, "survey_id", survey_id)
    return made


def _is_internal(source: Source) -> bool:
    return source.options.get("voice", "") == "internal"


def _put(made: pb.Touchpoint, score: Score, source: Source, survey_id: str) -> None:
    lowest, highest = 0.0, 0.0  # There is no other for NPS.
    if score.question != pb.SURVEY_TYPE_NPS:
        name = next((name for name, kind in SURVEYS.items() if kind == score.question), "rating")
        lowest, highest = scale(source, f"{name}_scale", score.lowest, score.highest)
    if not score.question:
        reading.rate(made, score.value, lowest, highest)
        reading.attribute(made, "survey_id", survey_id)
        return
    if _is_internal(source):
        usual = _USUAL_SCALES[score.question]
        reading.rate(made, score.value, *((lowest, highest) if lowest or highest else usual))
        reading.attribute(made, "survey_id", survey_id)
        return
    reading.answer_survey(made, score.question, score.value, lowest=lowest, highest=highest, survey_id=survey_id)


def fill(made: pb.Touchpoint, name: str, value: str, source: Source) -> bool:
    """Put a named value into the field that it is for; says whether there is one."""
    field = field_of(name, source)
    if field in fields.IDENTIFIERS:
        reading.identify(made, pb.IdentifierType.ValueType(reading.enum_named("identifier", field)), value)
    elif field == "language":
        made.language = _language(value.strip())
    elif field == "product" and made.product and _NO_LETTER.sub("", name).lower() == "productid":
        return False  # It has its name already.
    elif field in ("order_id", "product", "org_unit", "thread_id"):
        setattr(made, field, value.strip())
    elif field in fields.CHOICES and (choice := reading.enum_named(field, value)):
        setattr(made, field, choice)
    elif field == "revision" and value.strip().isdecimal() and len(value) < _LONGEST_REVISION:
        made.revision = int(value)
    elif field.startswith(fields.ATTRIBUTE):
        reading.attribute(made, field.removeprefix(fields.ATTRIBUTE), value)
    else:
        return False
    return True


def _language(written: str) -> str:
    return _LANGUAGES.get(written.lower(), written.lower() if written.isalpha() else written)


def identify(made: pb.Touchpoint, title: str, written: str) -> bool:
    """Take the answer to a question for a number or an address, however the question is put; says whether it is one."""
    for kind, words in _CONTACTS:
        if words.search(title):
            found = pb.Touchpoint()
            reading.identify(found, kind, written)
            if found.identifiers:  # Also where it is known already.
                reading.identify(made, kind, written)
                return True
    return False
