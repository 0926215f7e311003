"""Does a service run as the manifests want it: as nobody, on a read-only disk, and with a graceful end?"""

import ast
import base64
import configparser
import contextlib
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from grpc_health.v1 import health_pb2, health_pb2_grpc

import harness
from engines import Engines
from sori_kit import rpc
from sori_local import engines as local
from sori_local.tokens import LocalIssuer

BASE_IMAGE = "python:3.11-slim"
BUILD_SECONDS = 900
REGISTRY_SETTINGS = ("index-url", "extra-index-url", "trusted-host", "cert", "proxy", "default-timeout", "timeout")
ROOT = harness.repository()

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Docker:
    """A Docker client."""

    program: str

    def __call__(self, *arguments: str, check: bool = True, timeout: float = 60) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [self.program, *arguments],
            env={**os.environ, "DOCKER_BUILDKIT": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
        )
        assert not check or done.returncode == 0, f"docker {arguments[0]}: {done.stdout[-4_000:]}"
        return done


@pytest.fixture(scope="module")
def docker() -> Docker:
    """Docker, where there is one that can build our images without asking a registry for their base."""
    clients = [Docker(path) for path in (shutil.which("docker"), "/usr/bin/docker") if path and Path(path).exists()]
    if not clients:
        pytest.skip("docker is not installed")
    if clients[0]("info", check=False).returncode:
        pytest.skip("no Docker engine answers")
    if clients[0]("image", "inspect", BASE_IMAGE, check=False).returncode:
        pytest.skip(f"there is no image {BASE_IMAGE} here, and no registry is asked for one")
    for client in clients:
        if "--secret" in client("build", "--help", check=False).stdout:
            return client
    pytest.skip("no Docker client here can use BuildKit")


@pytest.fixture(scope="module")
def dev() -> Mapping[tuple[str, str], Manifest]:
    """What `kubectl apply -k deploy/k8s/overlays/dev` would send, by kind and name."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed: the manifests cannot be rendered (Debian: kubernetes-client)")
    command = ["kubectl", "kustomize", str(ROOT / "deploy/k8s/overlays/dev")]
    rendered = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(rendered)}


def pip_configuration(path: Path) -> Path:
    """Write down where this machine's pip finds packages; what points to its other files stays behind."""
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], check=True, capture_output=True, text=True)
    config = configparser.RawConfigParser()
    for line in sorted(listed.stdout.splitlines(), key=lambda line: line.startswith(":env:")):  # The environment wins.
        name, _, value = line.partition("=")
        section, _, key = name.replace(":env:", "global").partition(".")
        if key not in REGISTRY_SETTINGS:
            continue
        if not config.has_section(section):
            config.add_section(section)
        config.set(section, key, str(ast.literal_eval(value)))
    with path.open("w") as file:
        config.write(file)
    return path


def build(docker: Docker, service: str, folder: Path) -> str:
    """Build the image of a service; what did not change comes from the builder's cache."""
    image = f"sori/{service}:e2e"
    secret = f"id=pip,src={pip_configuration(folder / 'pip.conf')}"
    options = ("--network", "host", "--secret", secret, "--build-arg", f"SERVICE={service}", "--tag", image)
    docker("build", *options, "--file", str(ROOT / "deploy/Dockerfile"), str(ROOT), timeout=BUILD_SECONDS)
    return image


@dataclass(frozen=True, slots=True)
class Pod:
    """A service's pod, for Docker to run with the rights, bounds, settings and files that a cluster would give it."""

    service: str
    objects: Mapping[tuple[str, str], Manifest]
    folder: Path  # for the files

    @property
    def spec(self) -> Manifest:
        found: Manifest = self.objects["Deployment", self.service]["spec"]["template"]["spec"]
        return found

    @property
    def before(self) -> list[Manifest]:
        """The containers that run before the service's own."""
        found: list[Manifest] = self.spec.get("initContainers", [])
        return found

    @property
    def container(self) -> Manifest:
        """The service's own container."""
        found: Manifest
        (found,) = self.spec["containers"]
        return found

    def options(self, container: Manifest, elsewhere: Mapping[str, str]) -> list[str]:
        """Give what makes Docker run a container so; `elsewhere` are the settings that name another place here."""
        rights = {**self.spec["securityContext"], **container["securityContext"]}
        limits = container["resources"]["limits"]
        settings = self._settings(container)
        assert elsewhere.keys() <= settings.keys()
        return [
            f"--user={rights['runAsUser']}:{rights['runAsGroup']}",
            f"--read-only={str(rights['readOnlyRootFilesystem']).lower()}",
            *([] if rights["allowPrivilegeEscalation"] else ["--security-opt=no-new-privileges"]),
            *(f"--cap-drop={each}" for each in rights["capabilities"]["drop"]),
            f"--memory={limits['memory'].removesuffix('i')}",
            f"--cpus={limits['cpu']}",
            *(f"--env={name}={value}" for name, value in {**settings, **elsewhere}.items()),
            *(
                f"--volume={self._files(each['name'])}:{each['mountPath']}:ro"
                for each in container.get("volumeMounts", [])
            ),
        ]

    def _settings(self, container: Manifest) -> dict[str, str]:
        found: dict[str, str] = {}
        for source in container["envFrom"]:
            found |= self._data("ConfigMap", source["configMapRef"]["name"])
        for variable in container.get("env", []):
            secret = variable["valueFrom"]["secretKeyRef"]
            found[variable["name"]] = self._data("Secret", secret["name"])[secret["key"]]
        return found

    def _files(self, volume: str) -> Path:
        (found,) = (each for each in self.spec["volumes"] if each["name"] == volume)
        name = found["configMap"]["name"] if "configMap" in found else found["secret"]["secretName"]
        folder = self.folder / volume
        folder.mkdir(exist_ok=True)
        for file, content in self._data("ConfigMap" if "configMap" in found else "Secret", name).items():
            (folder / file).write_text(content)
        return folder

    def _data(self, kind: str, name: str) -> dict[str, str]:
        data: dict[str, str] = self.objects.get((kind, name), {}).get("data", {})  # Some are optional.
        if kind == "Secret":
            return {key: base64.b64decode(value).decode() for key, value in data.items()}
        return data


def with_keys(objects: Mapping[tuple[str, str], Manifest], issuer: LocalIssuer) -> Mapping[tuple[str, str], Manifest]:
    """Fill the placeholder of the issuer's key set, as docs/deploy.md says."""
    return {
        (kind, name): {**each, "data": {"jwks.json": issuer.jwks.read_text()}} if name.startswith("sori-jwks") else each
        for (kind, name), each in objects.items()
    }


@contextlib.contextmanager
def running(docker: Docker, *arguments: str) -> Iterator[str]:
    """Run a container in the background until the block ends; gives its name."""
    name = f"sori-e2e-{uuid.uuid4()}"
    try:
        docker("run", "--detach", "--name", name, *arguments)
        yield name
    finally:
        docker("rm", "--force", name, check=False)


async def is_serving(target: str) -> bool:
    async with rpc.channel(target, retry=False) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        try:
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=1)
        except grpc.aio.AioRpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


@pytest.mark.timeout(BUILD_SECONDS + 120)
@pytest.mark.parametrize("service", ["journey", "classify"])  # One with tables and one with files; each takes a build.
async def test_service_runs_without_rights_and_ends_in_time(
    service: str,
    docker: Docker,
    dev: Mapping[tuple[str, str], Manifest],
    engines: Engines,
    tmp_path: Path,
) -> None:
    image = build(docker, service, tmp_path)
    pod = Pod(service, with_keys(dev, LocalIssuer(tmp_path / "issuer")), tmp_path)
    port, prefix = local.free_port(), f"SORI_{service.upper().replace('-', '_')}"
    here = {
        "SORI_NATS_URL": engines.nats_url,
        "SORI_LISTEN_HOST": "127.0.0.1",
        f"{prefix}_GRPC_PORT": str(port),
        f"{prefix}_METRICS_PORT": "0",
        **({"SORI_POSTGRES_URL": engines.postgres_url} if pod.before else {}),
    }
    grace = int(pod.spec["terminationGracePeriodSeconds"])

    for container in pod.before:
        docker("run", "--rm", "--network=host", *pod.options(container, here), image, *container["args"])
    service_options = pod.options(pod.container, here)
    with running(docker, "--network=host", *service_options, image, *pod.container["args"]) as name:
        try:
            await harness.until(lambda: is_serving(f"127.0.0.1:{port}"), seconds=60)
        except TimeoutError:
            pytest.fail(docker("logs", name).stdout)
        docker("stop", "-t", str(grace), name, timeout=grace + 30)
        exit_code = docker("inspect", "--format", "{{.State.ExitCode}}", name).stdout.strip()
        log = docker("logs", name).stdout

    assert "0" == exit_code, log  # One that did not end in time was killed: 137.
    assert "service.draining" in log


@pytest.mark.timeout(BUILD_SECONDS + 120)
def test_image_runs_as_nobody_even_where_nothing_demands_it(docker: Docker, tmp_path: Path) -> None:
    image = build(docker, "journey", tmp_path)

    user = docker("image", "inspect", "--format", "{{.Config.User}}", image).stdout.strip()

    assert "65532:65532" == user
