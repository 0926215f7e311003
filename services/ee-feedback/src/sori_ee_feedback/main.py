"""Composition root of ee-feedback."""

import datetime as dt
import secrets

from sori.ee_feedback.v1 import ee_feedback_service_pb2, ee_feedback_service_pb2_grpc
from sori_ee_feedback import usecases
from sori_ee_feedback.api import EeFeedbackApi
from sori_ee_feedback.model import Classifier
from sori_ee_feedback.settings import Settings
from sori_kit import rpc, service

_LEAST_SECRET = 32  # bytes


async def build(runtime: service.Runtime, settings: Settings) -> None:
    """Build everything that this service is."""
    rules = usecases.Rules(
        secret=read_secret(settings),
        zone=settings.zone,
        k_comments=settings.k_comments,
        k_scores=settings.k_scores,
        settle=dt.timedelta(seconds=settings.settle_seconds),
    )
    db = runtime.open_database(settings)
    channel = rpc.channel(settings.classify_target, retry=False)  # A voice does not wait for a peer that is away.
    runtime.stack.push_async_callback(channel.close)
    classifier = Classifier(channel, settings.service_token_file, seconds=settings.classify_seconds)
    rng = secrets.SystemRandom()
    runtime.server.add(
        ee_feedback_service_pb2_grpc.add_EeFeedbackServiceServicer_to_server,
        EeFeedbackApi(db, classifier, rules, runtime.clock, rng),
        ee_feedback_service_pb2.DESCRIPTOR.services_by_name["EeFeedbackService"],
    )
    runtime.in_background(
        "release",
        usecases.keep_releasing(
            db,
            classifier,
            rules,
            runtime.clock,
            rng,
            release_seconds=settings.release_seconds,
            shuffle_seconds=settings.shuffle_seconds,
            retry_seconds=settings.retry_seconds,
        ),
    )


def read_secret(settings: Settings) -> bytes:
    """Read the key of the hashes of people; a short one stops the start."""
    secret = settings.secret_file.read_bytes().strip()
    if len(secret) < _LEAST_SECRET:
        raise ValueError(f"SORI_EE_FEEDBACK_SECRET_FILE holds {len(secret)} bytes: give {_LEAST_SECRET} or more")
    return secret


def main() -> None:
    """Run `sori-ee-feedback`."""
    service.main("ee-feedback", Settings, build, migrated="sori_ee_feedback")
