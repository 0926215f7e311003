"""Every receiver that the file of targets names, ready to be sent to."""

import json
from collections.abc import Mapping, Sequence

from sori_notify.deliveries.chat import AppriseSender
from sori_notify.deliveries.message import Outgoing, Sender
from sori_notify.deliveries.webhook import SignedWebhook
from sori_notify.domain.delivery import Delivery, Origin, Target, shown
from sori_notify.domain.words import Severity
from sori_notify.settings.targets import Address, Directory, WebhookAddress

_MOST_NAMED = 20  # cases that a digest names
_SEVERITIES = list(Severity)


class Outbound:
    """Keeps one sender for each address; another address of the same name gets another sender."""

    def __init__(self, *, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        self._senders: dict[str, tuple[Address, Sender]] = {}

    async def sender(self, directory: Directory, name: str) -> Sender | None:
        """Give what reaches a target; None: it is not in the file."""
        address = directory.addresses.get(name)
        known = self._senders.get(name)
        if known and known[0] == address:
            return known[1]
        if known:
            del self._senders[name]
            await known[1].close()
        if address is None:
            return None
        made: Sender
        if isinstance(address, WebhookAddress):
            made = SignedWebhook(address.url, address.secret, name=name, timeout_seconds=self._timeout_seconds)
        else:
            made = AppriseSender(address.url, timeout_seconds=self._timeout_seconds)
        self._senders[name] = (address, made)
        return made

    async def close(self) -> None:
        """Close all of them."""
        for _, sender in self._senders.values():
            await sender.close()


def compose(directory: Directory, target: Target, given: Delivery, members: Sequence[Delivery] = ()) -> Outgoing:
    """Write a message as its receiver is to read it, or one for all `members` of a digest."""
    values = {**shown(given.values, target), "reason": given.reason, "severity": given.severity.value}
    title, text = "title", "body"
    if given.origin is Origin.DIGEST:
        values |= gathered(members)
        title, text = "digest_title", "digest_body"
    said = {
        kind: directory.templates.render(target.language, name, values)
        for kind, name in (("title", title), ("text", text))
    }
    body = {"delivery_id": str(given.delivery_id), "type": f"sori.{given.origin.value}", **values, **said}
    return Outgoing(
        message_id=str(given.delivery_id),
        title=said["title"].replace("\n", " "),
        text=said["text"],
        body=json.dumps(body, ensure_ascii=False, default=str),
    )


def gathered(members: Sequence[Delivery]) -> Mapping[str, object]:
    """Say of many messages what one can say of them."""
    reasons: dict[str, int] = {}
    for each in members:
        reasons[each.reason] = reasons.get(each.reason, 0) + 1
    worst = max((each.severity for each in members), key=_SEVERITIES.index, default=Severity.NORMAL)
    cases = list(dict.fromkeys(str(each.case_id) for each in members if each.case_id))
    return {"count": len(members), "reasons": reasons, "severity": worst.value, "case_ids": cases[:_MOST_NAMED]}
