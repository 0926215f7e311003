"""What mappings call the fields of a touchpoint."""

TEXTS = frozenset({"text", "external_id", "thread_id", "order_id", "product", "org_unit", "language"})
CHOICES = frozenset({"channel", "kind", "actor"})
SURVEYS = frozenset({"nps", "csat", "ces"})
IDENTIFIERS = frozenset(
    {"member_id", "app_user_id", "email", "phone", "kakao_id", "loyalty_card", "device_id", "anonymous_id"}
)
ATTRIBUTE = "attributes."  # and a name
FIELDS = TEXTS | CHOICES | SURVEYS | IDENTIFIERS | {"rating", "revision", "occurred_time"}


def is_field(name: str) -> bool:
    """Say whether a mapping may point to this."""
    return name in FIELDS or (name.startswith(ATTRIBUTE) and len(name) > len(ATTRIBUTE))
