"""The gRPC edge of ee-feedback."""

import random

from sori.ee_feedback.v1 import ee_feedback_service_pb2 as pb
from sori.ee_feedback.v1 import ee_feedback_service_pb2_grpc as pb_grpc
from sori_ee_feedback import domain, usecases, wire
from sori_ee_feedback.model import Classifier
from sori_ee_feedback.usecases import Rules
from sori_kit import auth, parse, rpc
from sori_kit.clock import Clock
from sori_kit.database import Database


class EeFeedbackApi(pb_grpc.EeFeedbackServiceServicer):
    """Translates, calls one use case, translates back."""

    def __init__(self, db: Database, classifier: Classifier, rules: Rules, clock: Clock, rng: random.Random) -> None:
        self._db = db
        self._classifier = classifier
        self._rules = rules
        self._clock = clock
        self._rng = rng

    async def SubmitVoice(self, request: pb.SubmitVoiceRequest, context: rpc.Context) -> pb.SubmitVoiceResponse:
        """Take in a voice."""
        receipt = await usecases.submit_voice(
            self._db,
            self._classifier,
            self._rules,
            subject=auth.caller().subject,
            org_unit=wire.org_unit(request.org_unit),
            text=wire.text(request.text),
            now=self._clock.now(),
            rng=self._rng,
        )
        return pb.SubmitVoiceResponse(receipt=receipt)

    async def SubmitPulse(self, request: pb.SubmitPulseRequest, context: rpc.Context) -> pb.SubmitPulseResponse:
        """Take in a pulse answer."""
        await usecases.submit_pulse(
            self._db,
            self._rules,
            subject=auth.caller().subject,
            org_unit=wire.org_unit(request.org_unit),
            score=wire.score(request),
            now=self._clock.now(),
        )
        return pb.SubmitPulseResponse()

    async def ImportResponses(
        self, request: pb.ImportResponsesRequest, context: rpc.Context
    ) -> pb.ImportResponsesResponse:
        """Take in what another tool collected."""
        now = self._clock.now()
        added = await usecases.import_responses(
            self._db,
            self._classifier,
            self._rules,
            request_id=parse.uuid(request.request_id, "request_id"),
            responses=wire.responses(request.responses, before=domain.week_of(now, self._rules.zone)),
            now=now,
            rng=self._rng,
        )
        return wire.import_responses(added)

    async def GetPulse(self, request: pb.GetPulseRequest, context: rpc.Context) -> pb.GetPulseResponse:
        """Give the pulse results."""
        results = await usecases.get_pulse(
            self._db, self._rules, wire.org_unit_filter(request.org_unit), now=self._clock.now()
        )
        return pb.GetPulseResponse(results=map(wire.pulse_result, results))

    async def ListReleasedVoices(
        self, request: pb.ListReleasedVoicesRequest, context: rpc.Context
    ) -> pb.ListReleasedVoicesResponse:
        """Give a page of the released voices."""
        size = parse.page_size(request.page_size)
        voices = await usecases.list_released_voices(
            self._db,
            wire.org_unit_filter(request.org_unit),
            after=wire.place(request.page_token),
            most=size + 1,
        )
        shown = voices[:size]
        return pb.ListReleasedVoicesResponse(
            voices=map(wire.released_voice, shown),
            next_page_token=wire.page_token(shown[-1]) if len(voices) > size else "",
        )

    async def GetTally(self, request: pb.GetTallyRequest, context: rpc.Context) -> pb.GetTallyResponse:
        """Count everything."""
        return wire.tally(*await usecases.get_tally(self._db, self._rules, now=self._clock.now()))
