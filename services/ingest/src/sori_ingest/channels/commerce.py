"""What shops' systems have in common: money, the customer's number there, branches."""

from collections.abc import Iterable, Mapping

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import reading
from sori_ingest.channels.payload import Source
from sori_ingest.domain import rules
from sori_ingest.settings import options
from sori_ingest.settings.options import Option

# ISO 4217: currencies without a smaller unit, and those of which it is a thousandth.
_WHOLE = frozenset(
    (
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    )
)
_THOUSANDTHS = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])
_MOST_NAMES = 20


def digits(currency: str) -> int:
    """Say how many digits after the point an amount of a currency has."""
    return 0 if currency in _WHOLE else 3 if currency in _THOUSANDTHS else 2


def major_units(amount: int, currency: str) -> str:
    """Write an amount of the smallest unit as one of the currency, as in 1050 USD -> 10.50."""
    after = digits(currency)
    if not after:
        return str(amount)
    whole, part = divmod(abs(amount), 10**after)
    return f"{'-' if amount < 0 else ''}{whole}.{part:0{after}d}"


OPTIONS: Mapping[str, Option] = {
    "customer_id": Option("type of identifier that a customer's id is; `vendor:id` unless given", options.identifier),
    "location.…": Option("org unit of the branch with that id, as in `location.L7H: store-gangnam`"),
}


def identify_customer(made: pb.Touchpoint, vendor: str, value: str, source: Source) -> None:
    """Add a shop system's customer id: as `vendor:id`, or as the type that the option `customer_id` names."""
    if kind := reading.enum_named("identifier", source.options.get("customer_id", "")):
        reading.identify(made, pb.IdentifierType.ValueType(kind), value)
    else:
        reading.identify_account(made, vendor, value)


def place(made: pb.Touchpoint, location: str, source: Source) -> None:
    """Set the branch: the option `location.<id>` says which org unit it is."""
    reading.attribute(made, "location", location)
    if location and (unit := source.options.get(f"location.{location}", "")):
        made.org_unit = unit


def list_products(made: pb.Touchpoint, names: Iterable[str]) -> None:
    """Name what was bought, up to the length of the field."""
    named = list(dict.fromkeys(name.strip() for name in names if name.strip()))
    made.product = ", ".join(named[:_MOST_NAMES])[: rules.LONGEST_REFERENCE]
