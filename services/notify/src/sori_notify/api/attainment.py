"""How many promises were kept."""

import asyncio
import datetime as dt

from sori.notify.v1 import notify_service_pb2 as pb
from sori_kit import rpc
from sori_kit.errors import InvalidInput
from sori_notify import store, usecases, wire
from sori_notify.api.edge import Edge, between
from sori_notify.domain.attainment import total
from sori_notify.settings import policies

_LONGEST = 256 << 10  # characters of a policy file
_FIGURES = dt.timedelta(weeks=12)
_EVALUATION = dt.timedelta(weeks=4)


class AttainmentApi:
    """Figures of promises."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    async def GetAttainment(self, request: pb.GetAttainmentRequest, context: rpc.Context) -> pb.GetAttainmentResponse:
        """Count promises by week, policy, metric, channel and team."""
        since, until = between(request.from_time, request.until_time, usual=_FIGURES, now=self._edge.clock.now())
        found = await usecases.get_attainment(
            self._edge.db,
            store.Measured(
                since=since,
                until=until,
                policy=request.policy,
                metric=wire.metric(request.metric, "metric"),
                channel=wire.channel(request.channel, "channel"),
                team=request.team,
                org_unit=request.org_unit,
            ),
        )
        return pb.GetAttainmentResponse(attainments=map(wire.attainment, found), total=wire.attainment(total(found)))

    async def EvaluatePolicy(
        self, request: pb.EvaluatePolicyRequest, context: rpc.Context
    ) -> pb.EvaluatePolicyResponse:
        """Say what would have been attained under other policies."""
        if not 0 < len(request.policies) <= _LONGEST:
            raise InvalidInput.of_field("policies", "is empty, or longer than 256 KiB")
        now = self._edge.clock.now()
        since, until = between(request.from_time, request.until_time, usual=_EVALUATION, now=now)
        try:
            read = await asyncio.to_thread(policies.parse, request.policies)
        except policies.PolicyRefused as refused:
            raise InvalidInput.of_field("policies", str(refused)) from None
        actual, evaluated, count, truncated = await usecases.evaluate_policy(
            self._edge.db, read, since=since, until=until, now=now
        )
        return pb.EvaluatePolicyResponse(
            actual=map(wire.attainment, actual),
            evaluated=map(wire.attainment, evaluated),
            thread_count=count,
            truncated=truncated,
        )
