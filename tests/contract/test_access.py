"""Who may call what is declared in one place, completely."""

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor import MethodDescriptor

from sori.access.v1 import access_pb2
from sori_kit import auth

GENERATED = Path(__file__).resolve().parents[2] / "proto/gen"


def methods() -> Iterator[MethodDescriptor]:
    for file in sorted(GENERATED.rglob("*_service_pb2.py")):
        module = importlib.import_module(".".join(file.relative_to(GENERATED).with_suffix("").parts))
        for service in module.DESCRIPTOR.services_by_name.values():
            yield from service.methods


@pytest.mark.parametrize("method", list(methods()), ids=lambda method: method.full_name)
def test_every_rpc_declares_its_roles(method: MethodDescriptor) -> None:
    roles = auth.required_roles(method)

    assert roles <= auth.ROLES


def test_rpc_without_roles_is_refused() -> None:
    from grpc_health.v1 import health_pb2

    service = health_pb2.DESCRIPTOR.services_by_name["Health"]

    with pytest.raises(TypeError, match="declares no roles"):
        auth.policy({service.full_name: service})


def test_roles_are_spelled_as_the_design_has_them() -> None:
    assert auth.ROLES == {"ingest.write", "cx.read", "cx.act", "hr.read", "employee", "admin"}
    assert auth.role_name(access_pb2.ROLE_CX_READ) == "cx.read"
