"""Rules, chains, schedules and messages."""

import datetime as dt
import uuid

from google.protobuf.timestamp_pb2 import Timestamp

from sori.notify.v1 import chain_pb2, delivery_pb2, outreach_pb2, rule_pb2, schedule_pb2
from sori_kit import auth, parse, rpc
from sori_kit.errors import InvalidInput, NotFound
from sori_notify import domain, wire
from sori_notify.api.edge import Edge, cursor
from sori_notify.settings import rules as rule_files
from sori_notify.settings.places import MistakesFound
from sori_notify.settings.schedules import to_ical
from sori_notify.store.deliveries import WantedDeliveries
from sori_notify.store.outreach import WantedOutreach
from sori_notify.usecases import alerting, cases, chains, deliver, rules
from sori_notify.usecases.automation import list_outreach

_MOST_TOUCHPOINTS = 10_000  # of one test
_MOST_FLAWS = 500  # of one audit
_MOST_IDS = 500  # of one call
_LONGEST_SCHEDULE = dt.timedelta(days=366)


class AlertingApi:
    """What people ask of rules, chains, schedules and messages."""

    _edge: Edge

    async def TestRules(self, request: rule_pb2.TestRulesRequest, context: rpc.Context) -> rule_pb2.TestRulesResponse:
        """Say what rules would have done."""
        if len(request.touchpoints) > _MOST_TOUCHPOINTS:
            raise InvalidInput.of_field("touchpoints", f"are more than {_MOST_TOUCHPOINTS}")
        try:
            ruleset = rule_files.parse("rules", request.rules) if request.rules else self._alerting.house().rules
        except MistakesFound as found:
            said = [(each.line, each.column, ".".join(map(str, each.where)), each.why) for each in found.mistakes]
            return rule_pb2.TestRulesResponse(mistakes=wire.alerting.mistakes(said))
        if request.touchpoints:
            trial = rules.try_rules(ruleset, request.touchpoints)
        else:
            end = _time(request.end_time, "end_time") or self._edge.clock.now()
            start = _time(request.start_time, "start_time") or end - dt.timedelta(days=7)
            if end <= start:
                raise InvalidInput.of_field("end_time", "is not after start_time")
            trial = await rules.test_rules(self._edge.db, ruleset, start_time=start, end_time=end)
        return rule_pb2.TestRulesResponse(
            tallies=wire.alerting.tallies(ruleset, trial.firings),
            firings=map(wire.alerting.firing, trial.firings[: parse.page_size(request.page_size)]),
            touchpoint_count=trial.asked,
            complete=trial.complete,
        )

    @property
    def _alerting(self) -> alerting.Alerting:
        return self._edge.alerting

    async def _visible(self, case_id: str) -> uuid.UUID:
        """Read a case id; a case that the caller may not see is NotFound."""
        found = parse.uuid(case_id, "case_id")
        await cases.get_case(self._edge.db, found, domain.visible(auth.caller().roles), now=self._edge.clock.now())
        return found

    async def ListChains(
        self, request: chain_pb2.ListChainsRequest, context: rpc.Context
    ) -> chain_pb2.ListChainsResponse:
        """Give the chains of a case."""
        found = await chains.list_chains(self._edge.db, await self._visible(request.case_id))
        return chain_pb2.ListChainsResponse(chains=map(wire.alerting.chain, found))

    async def SnoozeChains(
        self, request: chain_pb2.SnoozeChainsRequest, context: rpc.Context
    ) -> chain_pb2.SnoozeChainsResponse:
        """Let the chains of a case rest."""
        until, now = _time(request.until_time, "until_time"), self._edge.clock.now()
        if until is None or until <= now:
            raise InvalidInput.of_field("until_time", "is missing, or not in the future")
        case_id = await self._visible(request.case_id)
        found = await chains.snooze(self._edge.db, case_id, by=auth.caller().subject, until=until, now=now)
        return chain_pb2.SnoozeChainsResponse(chains=map(wire.alerting.chain, found))

    async def HandOverChains(
        self, request: chain_pb2.HandOverChainsRequest, context: rpc.Context
    ) -> chain_pb2.HandOverChainsResponse:
        """Tell somebody else."""
        found = await chains.hand_over(
            self._edge.db,
            await self._visible(request.case_id),
            wire.alerting.recipient(request.recipient),
            self._alerting.house().people,
            self._alerting.links,
            by=auth.caller().subject,
            now=self._edge.clock.now(),
        )
        return chain_pb2.HandOverChainsResponse(chains=map(wire.alerting.chain, found))

    async def AcknowledgeByLink(
        self, request: chain_pb2.AcknowledgeByLinkRequest, context: rpc.Context
    ) -> chain_pb2.AcknowledgeByLinkResponse:
        """Take a case by the link of a message."""
        now = self._edge.clock.now()
        claim = self._alerting.links.read(request.token, now=now)
        taken = await chains.take_by_link(self._edge.db, claim, now=now)
        return chain_pb2.AcknowledgeByLinkResponse(case_id=str(taken))

    async def AuditChains(
        self, request: chain_pb2.AuditChainsRequest, context: rpc.Context
    ) -> chain_pb2.AuditChainsResponse:
        """Say which chains have no future step."""
        count, flawed = await chains.audit_chains(self._edge.db, grace=self._alerting.grace, now=self._edge.clock.now())
        return chain_pb2.AuditChainsResponse(
            chain_count=count,
            flaws=[wire.alerting.flaw(each.chain, each.flaw) for each in flawed[:_MOST_FLAWS]],
            flaw_count=len(flawed),
        )

    async def GetSchedule(
        self, request: schedule_pb2.GetScheduleRequest, context: rpc.Context
    ) -> schedule_pb2.GetScheduleResponse:
        """Say who is on call."""
        schedule = self._alerting.house().people.schedules.get(request.name)
        if schedule is None:
            raise NotFound("there is no schedule of that name")
        start = _time(request.start_time, "start_time") or self._edge.clock.now()
        end = _time(request.end_time, "end_time") or start + dt.timedelta(days=14)
        if not start < end <= start + _LONGEST_SCHEDULE:
            raise InvalidInput.of_field("end_time", "is not after start_time, or more than 366 days later")
        return schedule_pb2.GetScheduleResponse(
            on_call=schedule.on_call(start),
            shifts=map(wire.alerting.shift, schedule.shifts(start, end)),
            icalendar=to_ical(schedule, start, end).decode(),
        )

    async def ListDeliveries(
        self, request: delivery_pb2.ListDeliveriesRequest, context: rpc.Context
    ) -> delivery_pb2.ListDeliveriesResponse:
        """Give a page of messages."""
        size = parse.page_size(request.page_size)
        wanted = WantedDeliveries(
            state=wire.alerting.delivery_state(request.state),
            target=request.target,
            case_id=parse.uuid(request.case_id, "case_id") if request.case_id else None,
        )
        found = await deliver.list_deliveries(self._edge.db, wanted, before=cursor(request.page_token), most=size + 1)
        last = found[size - 1] if len(found) > size else None
        return delivery_pb2.ListDeliveriesResponse(
            deliveries=map(wire.alerting.delivery, found[:size]),
            next_page_token=parse.encode_token(last.created_time.isoformat(), str(last.delivery_id)) if last else "",
        )

    async def RedeliverFailed(
        self, request: delivery_pb2.RedeliverFailedRequest, context: rpc.Context
    ) -> delivery_pb2.RedeliverFailedResponse:
        """Put failed messages back in line."""
        if len(request.delivery_ids) > _MOST_IDS:
            raise InvalidInput.of_field("delivery_ids", f"are more than {_MOST_IDS}")
        wanted = WantedDeliveries(
            target=request.target, case_id=parse.uuid(request.case_id, "case_id") if request.case_id else None
        )
        found = [parse.uuid(each, "delivery_ids") for each in request.delivery_ids]
        count = await deliver.redeliver(self._edge.db, wanted, found, now=self._edge.clock.now())
        return delivery_pb2.RedeliverFailedResponse(redelivered_count=count)

    async def ListOutreach(
        self, request: outreach_pb2.ListOutreachRequest, context: rpc.Context
    ) -> outreach_pb2.ListOutreachResponse:
        """Give a page of messages to customers."""
        size = parse.page_size(request.page_size)
        wanted = WantedOutreach(
            automation=request.automation,
            customer_id=parse.uuid(request.customer_id, "customer_id") if request.customer_id else None,
            state=wire.alerting.outreach_state(request.state),
        )
        found = await list_outreach(self._edge.db, wanted, before=cursor(request.page_token), most=size + 1)
        last = found[size - 1] if len(found) > size else None
        return outreach_pb2.ListOutreachResponse(
            outreach=map(wire.alerting.outreach, found[:size]),
            next_page_token=parse.encode_token(last.triggered_time.isoformat(), str(last.outreach_id)) if last else "",
        )


def _time(given: Timestamp, field: str) -> dt.datetime | None:
    return parse.time(given, field) if given.ByteSize() else None
