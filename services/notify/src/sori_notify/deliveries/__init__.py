"""Messages on their way out."""

from sori_notify.deliveries.chat import AppriseSender
from sori_notify.deliveries.message import Outgoing, Sender
from sori_notify.deliveries.outbound import Outbound, compose
from sori_notify.deliveries.webhook import SignedWebhook

__all__ = ["AppriseSender", "Outbound", "Outgoing", "Sender", "SignedWebhook", "compose"]
