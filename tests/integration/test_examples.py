"""Every consumer takes every example of what it consumes."""

from pathlib import Path

import pytest
from google.protobuf import json_format

import builders
import event_catalogue
import harness
from engines import Engines
from sori_kit.envelope import Event, event_type, seal

EXAMPLES = Path(__file__).parents[1] / "contract/examples"
CONSUMING = sorted({durable for durables in event_catalogue.listeners().values() for durable in durables})
SERVICES = [name for name in ("classify", "journey", "notify", "insight") if any(d.startswith(name) for d in CONSUMING)]
SETTINGS = {
    "classify": {
        "SORI_CLASSIFY_MODEL_PATH": str(harness.repository() / "services/classify/models/sori-small-2"),
        "SORI_CLASSIFY_LEXICON_PATH": str(harness.repository() / "services/classify/lexicons"),
    },
    "notify": {"SORI_NOTIFY_POLICY_PATH": str(harness.repository() / "deploy/local/policies/sla.yaml")},
}


@pytest.mark.parametrize("service", SERVICES)
async def test_every_consumer_takes_all_examples(service: str, engines: Engines) -> None:
    async with harness.serving(service, engines, env=SETTINGS.get(service)) as running:
        taken = 0
        for consumer in running.runtime.bus.consumers:
            for path in sorted((EXAMPLES / event_type(consumer.message)).glob("*.json")):
                message = json_format.Parse(path.read_text(), consumer.message())
                sealed = seal(Event.new(message, entity_id="example", time=builders.NOON), "sori/test")
                await consumer.handle_again(sealed.data, sealed.headers)
                taken += 1

    assert taken >= len(running.runtime.bus.consumers)
