"""The event edge of insight."""

from zoneinfo import ZoneInfo

from sori.classify.v1.classification_events_pb2 import ClassificationCorrected
from sori.ee_feedback.v1.pulse_events_pb2 import PulseReleased
from sori.ee_feedback.v1.voice_events_pb2 import VoiceReleased
from sori.journey.v1.customer_events_pb2 import CustomerErased, CustomerMerged, CustomerSplit
from sori.journey.v1.touchpoint_events_pb2 import TouchpointStitched
from sori.notify.v1.alert_events_pb2 import AlertSent
from sori.notify.v1.case_events_pb2 import (
    CaseAcknowledged,
    CaseAnswered,
    CaseBreached,
    CaseOpened,
    CaseReopened,
    CaseResolved,
    CaseUpdated,
    ClockBreached,
)
from sori_insight import usecases
from sori_insight.domain import Change
from sori_kit.bus import Batch
from sori_kit.database import Database


class Consumers:
    """Hands events to use cases."""

    def __init__(self, db: Database, zone: ZoneInfo) -> None:
        self._db = db
        self._zone = zone

    async def add_touchpoints(self, batch: Batch[TouchpointStitched]) -> None:
        """Put touchpoints on the feed."""
        await usecases.add_touchpoints(self._db, batch, zone=self._zone)

    async def merge_customers(self, batch: Batch[CustomerMerged]) -> None:
        """Show merged customers' lines under those who remain."""
        await usecases.merge_customers(self._db, batch)

    async def split_customers(self, batch: Batch[CustomerSplit]) -> None:
        """Show touchpoints under whom they turned out to belong to."""
        await usecases.split_customers(self._db, batch)

    async def correct(self, batch: Batch[ClassificationCorrected]) -> None:
        """Show touchpoints as people say they should have been read."""
        await usecases.correct(self._db, batch)

    async def erase(self, batch: Batch[CustomerErased]) -> None:
        """Remove everything of erased customers."""
        await usecases.erase(self._db, batch)

    async def add_opened_cases(self, batch: Batch[CaseOpened]) -> None:
        """Put opened cases on the feed."""
        await usecases.add_cases(self._db, batch, Change.OPENED, zone=self._zone)

    async def add_answered_cases(self, batch: Batch[CaseAnswered]) -> None:
        """Put answered cases on the feed."""
        await usecases.add_cases(self._db, batch, Change.ANSWERED, zone=self._zone)

    async def add_acknowledged_cases(self, batch: Batch[CaseAcknowledged]) -> None:
        """Put acknowledged cases on the feed."""
        await usecases.add_cases(self._db, batch, Change.ACKNOWLEDGED, zone=self._zone)

    async def add_breached_cases(self, batch: Batch[CaseBreached]) -> None:
        """Put breached cases on the feed."""
        await usecases.add_cases(self._db, batch, Change.BREACHED, zone=self._zone)

    async def add_resolved_cases(self, batch: Batch[CaseResolved]) -> None:
        """Put resolved cases on the feed."""
        await usecases.add_cases(self._db, batch, Change.RESOLVED, zone=self._zone)

    async def add_reopened_cases(self, batch: Batch[CaseReopened]) -> None:
        """Put reopened cases on the feed."""
        await usecases.add_cases(self._db, batch, Change.REOPENED, zone=self._zone)

    async def add_updated_cases(self, batch: Batch[CaseUpdated]) -> None:
        """Keep how cases stand that changed in other ways."""
        await usecases.add_cases(self._db, batch, Change.UPDATED, zone=self._zone)

    async def add_breached_clocks(self, batch: Batch[ClockBreached]) -> None:
        """Put promises on the feed that were broken, other than the first response."""
        await usecases.add_cases(self._db, batch, Change.CLOCK_BREACHED, zone=self._zone)

    async def add_alerts(self, batch: Batch[AlertSent]) -> None:
        """Put alerts on the feed."""
        await usecases.add_alerts(self._db, batch, zone=self._zone)

    async def add_voices(self, batch: Batch[VoiceReleased]) -> None:
        """Put released voices on the feed."""
        await usecases.add_voices(self._db, batch, zone=self._zone)

    async def add_pulses(self, batch: Batch[PulseReleased]) -> None:
        """Keep released eNPS results."""
        await usecases.add_pulses(self._db, batch)
