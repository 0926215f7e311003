"""The 600 made-up customers: who they are and by what each channel knows them."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_sample.company import SHOPS, Unit

ChannelValue: TypeAlias = pb.Channel.ValueType
TypeValue: TypeAlias = pb.IdentifierType.ValueType

CUSTOMER_COUNT: Final = 600
ENGLISH_SHARE: Final = 0.2  # 0 to 1
WEAK_TYPES: Final = frozenset({pb.IDENTIFIER_TYPE_DEVICE_ID, pb.IDENTIFIER_TYPE_ANONYMOUS_ID})
SAFE_NUMBER_PREFIX: Final = "+82504"  # 050 numbers, which forward to a phone for the length of one delivery


@dataclass(frozen=True, slots=True)
class Identity:
    """An identifier in normal form."""

    type: TypeValue
    value: str

    @property
    def strong(self) -> bool:
        """Whether it stands for one person for good."""
        return self.type not in WEAK_TYPES and not self.value.startswith(SAFE_NUMBER_PREFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A person as the company would know them if it knew everything."""

    key: str
    language: str
    home: Unit
    member_id: Identity | None
    app_user_id: Identity | None
    email: Identity
    phone: Identity
    old_phone: Identity | None
    safe_number: Identity | None
    kakao_id: Identity | None
    loyalty_card: Identity | None
    device_id: Identity
    anonymous_id: Identity
    handle: Identity

    @property
    def anchor(self) -> Identity:
        """The identifier that ties the others together."""
        return self.member_id or self.phone

    def reachable(self, channel: ChannelValue) -> bool:
        """Say whether this customer uses the channel."""
        if channel == pb.CHANNEL_APP:
            return self.app_user_id is not None
        return channel != pb.CHANNEL_KAKAO or self.kakao_id is not None

    def known_at(self, channel: ChannelValue, rng: random.Random) -> list[Identity]:
        """Return what one contact on this channel reveals; it always includes a strong identifier but on SNS."""
        maybe_member = self.member_id if rng.random() < 0.4 else None
        found: list[Identity | None]
        if channel == pb.CHANNEL_APP:
            found = [self.app_user_id or self.email, self.device_id, maybe_member]
        elif channel == pb.CHANNEL_WEB:
            found = [self.email, self.anonymous_id, maybe_member]
        elif channel == pb.CHANNEL_STORE:
            found = [self.loyalty_card or self.phone, maybe_member]
        elif channel == pb.CHANNEL_KAKAO:
            found = [self.kakao_id or self.phone, self.phone if rng.random() < 0.25 else None]
        elif channel == pb.CHANNEL_CALL_CENTER:
            found = [self.old_phone if self.old_phone and rng.random() < 0.3 else self.phone, maybe_member]
        elif channel == pb.CHANNEL_SNS:
            found = [self.handle]
        elif channel == pb.CHANNEL_CHAT:
            found = [self.app_user_id or self.email, self.device_id]
        elif channel == pb.CHANNEL_DELIVERY:
            found = [self.safe_number, self.anchor] if self.safe_number else [self.phone, maybe_member]
        elif channel == pb.CHANNEL_CRM:
            found = [self.anchor, self.email, self.phone]
        elif channel == pb.CHANNEL_SURVEY:
            found = [rng.choice([self.email, self.phone, self.anchor])]
        else:
            found = [self.email]
        return list(dict.fromkeys(one for one in found if one))

    def all_known(self) -> list[Identity]:
        """Return what a signup form asks for."""
        asked = [self.member_id, self.app_user_id, self.email, self.phone, self.kakao_id, self.loyalty_card]
        return [one for one in asked if one]


def population(rng: random.Random) -> list[Customer]:
    """Make the customers; no two share an identifier."""
    return [_customer(number, rng) for number in range(1, CUSTOMER_COUNT + 1)]


def _customer(number: int, rng: random.Random) -> Customer:
    member = rng.random() < 0.85
    domain = "example.co.kr" if rng.random() < 0.3 else "example.com"
    handle = rng.choice(["haru", "bom", "dal", "namu", "byeol", "sol", "gureum", "mori"])

    def some(type_: TypeValue, value: str, share: float = 1.0) -> Identity | None:
        return Identity(type_, value) if rng.random() < share else None

    return Customer(
        key=f"customer-{number:04}",
        language="en" if number % round(1 / ENGLISH_SHARE) == 0 else "ko",
        home=rng.choices(SHOPS, [shop.customer_share for shop in SHOPS])[0],
        member_id=Identity(pb.IDENTIFIER_TYPE_MEMBER_ID, f"M{100_000 + number}") if member else None,
        app_user_id=some(pb.IDENTIFIER_TYPE_APP_USER_ID, f"app-{rng.getrandbits(48):012x}", 0.72) if member else None,
        email=Identity(pb.IDENTIFIER_TYPE_EMAIL, f"{handle}.{number:04}@{domain}"),
        phone=Identity(pb.IDENTIFIER_TYPE_PHONE, f"+82100000{number:04}"),
        old_phone=some(pb.IDENTIFIER_TYPE_PHONE, f"+82100000{number + 5_000:04}", 0.06),
        safe_number=some(pb.IDENTIFIER_TYPE_PHONE, f"{SAFE_NUMBER_PREFIX}0000{number:04}", 0.07),
        kakao_id=some(pb.IDENTIFIER_TYPE_KAKAO_ID, f"kakao-{rng.getrandbits(40):010x}", 0.75),
        loyalty_card=Identity(pb.IDENTIFIER_TYPE_LOYALTY_CARD, f"LC-7700-{number:06}") if member else None,
        device_id=Identity(pb.IDENTIFIER_TYPE_DEVICE_ID, f"device-{rng.getrandbits(64):016x}"),
        anonymous_id=Identity(pb.IDENTIFIER_TYPE_ANONYMOUS_ID, f"anon-{rng.getrandbits(64):016x}"),
        handle=Identity(pb.IDENTIFIER_TYPE_ANONYMOUS_ID, f"sns-{handle}_{number:04}"),
    )


def written(identity: Identity, source: str) -> str:
    """Write an identifier the way the source has it: phones and mail domains before normalisation."""
    if identity.type == pb.IDENTIFIER_TYPE_PHONE:
        national = "0" + identity.value.removeprefix("+82")
        middle = 4 if identity.value.startswith(SAFE_NUMBER_PREFIX) else 3
        dashed = f"{national[:middle]}-{national[middle:-4]}-{national[-4:]}"
        return {"shop-pos": national, "call-main": identity.value, "crm-main": f"+82 {dashed[1:]}"}.get(source, dashed)
    if identity.type == pb.IDENTIFIER_TYPE_EMAIL and source == "zendesk-main":
        name, domain = identity.value.split("@")
        return f"{name}@{domain.capitalize()}"
    return identity.value


def loose_ends(contacts: Sequence[tuple[Identity, ...]], anchor: Identity) -> Iterable[int]:
    """Return which contacts must also show the anchor so that all of one customer's hang together.

    Strong identifiers alone connect every contact that has one; any other hangs on to such a contact by a weak one.
    """
    groups: list[tuple[set[Identity], list[int]]] = []
    for index, contact in enumerate(contacts):
        strong = {identity for identity in contact if identity.strong}
        if strong:
            touching = [group for group in groups if group[0] & strong]
            groups = [group for group in groups if not group[0] & strong]
            members = sorted([index, *(member for _, indexes in touching for member in indexes)])
            groups.append((strong.union(*(identities for identities, _ in touching)), members))
    for identities, members in groups:
        if anchor not in identities:
            yield members[len(members) // 2]

    known = {identity for contact in contacts if any(one.strong for one in contact) for identity in contact}
    for index, contact in enumerate(contacts):
        if known.isdisjoint(contact):
            yield index
            known.update(contact)
