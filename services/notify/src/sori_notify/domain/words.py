"""The words of the line that cases and policies use."""

from enum import StrEnum


class Channel(StrEnum):
    """Where a customer and the company met."""

    APP = "app"
    WEB = "web"
    STORE = "store"
    KAKAO = "kakao"
    CALL_CENTER = "call_center"
    SNS = "sns"
    REVIEW = "review"
    SURVEY = "survey"
    EMAIL = "email"
    CHAT = "chat"
    DELIVERY = "delivery"
    CRM = "crm"


class Kind(StrEnum):
    """What happened."""

    INQUIRY = "inquiry"
    COMPLAINT = "complaint"
    PRAISE = "praise"
    REVIEW = "review"
    MENTION = "mention"
    SURVEY_RESPONSE = "survey_response"
    REPLY = "reply"
    VISIT = "visit"
    VIEW = "view"
    CART = "cart"
    PURCHASE = "purchase"
    REFUND = "refund"
    DELIVERY = "delivery"
    RESOLUTION = "resolution"
    SIGNUP = "signup"
    CANCELLATION = "cancellation"
    REFERRAL = "referral"
    OTHER = "other"


class Actor(StrEnum):
    """Who spoke or acted."""

    CUSTOMER = "customer"
    AGENT = "agent"
    BOT = "bot"
    SYSTEM = "system"


class Severity(StrEnum):
    """How bad a matter is."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    CRITICAL = "critical"


SEVERITIES = {  # How helpdesks spell it.
    "low": Severity.LOW,
    "minor": Severity.LOW,
    "p4": Severity.LOW,
    "normal": Severity.NORMAL,
    "medium": Severity.NORMAL,
    "p3": Severity.NORMAL,
    "high": Severity.HIGH,
    "major": Severity.HIGH,
    "p2": Severity.HIGH,
    "critical": Severity.CRITICAL,
    "urgent": Severity.CRITICAL,
    "blocker": Severity.CRITICAL,
    "p1": Severity.CRITICAL,
}
