"""Do the manifests and the Dockerfile fit the services that they deploy?"""

import functools
import importlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import AliasChoices

from sori_kit.settings import KitSettings
from sori_local import engines

ROOT = Path(__file__).resolve().parents[2]
KUBERNETES = "1.33"
SERVICES = sorted(folder.parent.name for folder in ROOT.glob("services/*/pyproject.toml"))
RENDERINGS = {"base": "deploy/k8s/base", "dev": "deploy/k8s/overlays/dev"}
IN_IMAGE = {  # what deploy/Dockerfile copies beside the code, and from where
    "/opt/sori/models": ROOT / "services/classify/models",
    "/opt/sori/lexicons": ROOT / "services/classify/lexicons",
    "/opt/sori/policies": ROOT / "deploy/local/policies",
}

Manifest = dict[str, Any]

per_rendering = pytest.mark.parametrize("rendering", RENDERINGS)
per_service = pytest.mark.parametrize("service", SERVICES)


@functools.cache
def text(rendering: str) -> str:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed: the manifests cannot be rendered (Debian: kubernetes-client)")
    command = ["kubectl", "kustomize", str(ROOT / RENDERINGS[rendering])]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@functools.cache
def objects(rendering: str) -> dict[tuple[str, str], Manifest]:
    return {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(text(rendering))}


def workloads(rendering: str) -> Iterator[Manifest]:
    return (each for (kind, _), each in objects(rendering).items() if kind in {"Deployment", "StatefulSet"})


def pod(workload: Manifest) -> Manifest:
    spec: Manifest = workload["spec"]["template"]["spec"]
    return spec


def containers(workload: Manifest) -> list[Manifest]:
    return [*pod(workload).get("initContainers", []), *pod(workload)["containers"]]


def the_container(rendering: str, service: str) -> Manifest:
    found: Manifest
    (found,) = pod(objects(rendering)["Deployment", service])["containers"]
    return found


def ports(container: Manifest) -> dict[str, int]:
    return {port["name"]: port["containerPort"] for port in container["ports"]}


def environment(rendering: str, container: Manifest) -> dict[str, str]:
    """Give the variables of a container; one whose Secret is not in the rendering is empty."""
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        found |= objects(rendering)["ConfigMap", source["configMapRef"]["name"]]["data"]
    for variable in container.get("env", []):
        found[variable["name"]] = variable.get("value", "")
    return found


def settings_of(service: str) -> type[KitSettings]:
    made: type[KitSettings] = importlib.import_module(f"sori_{service.replace('-', '_')}.settings").Settings
    return made


def variables_of(settings: type[KitSettings]) -> Iterator[str]:
    for name, field in settings.model_fields.items():
        alias = field.validation_alias
        if isinstance(alias, AliasChoices):
            yield str(alias.choices[0])
        else:
            yield f"{settings.model_config['env_prefix']}{name}".upper()


def references(workload: Manifest) -> Iterator[tuple[str, str, str | None]]:
    """Give the kind, name and key of every object without which the pods do not start."""
    for container in containers(workload):
        for source in container.get("envFrom", []):
            yield "ConfigMap", source["configMapRef"]["name"], None
        for variable in container.get("env", []):
            if secret := variable.get("valueFrom", {}).get("secretKeyRef"):
                yield "Secret", secret["name"], secret["key"]
    for volume in pod(workload).get("volumes", []):
        if "configMap" in volume and not volume["configMap"].get("optional"):
            yield "ConfigMap", volume["configMap"]["name"], None
        if "secret" in volume and not volume["secret"].get("optional"):
            yield "Secret", volume["secret"]["secretName"], None
    yield "ServiceAccount", pod(workload)["serviceAccountName"], None


def test_kubernetes_accepts_every_object(tmp_path: Path) -> None:
    files = [tmp_path / f"{rendering}.yaml" for rendering in RENDERINGS]
    for file in files:
        file.write_text(text(file.stem))

    validated = subprocess.run(
        [engines.program("kubernetes-validate"), "--strict", "--quiet", "-k", KUBERNETES, *map(str, files)],
        capture_output=True,
        text=True,
    )

    assert 0 == validated.returncode, validated.stdout + validated.stderr


@per_rendering
@per_service
def test_every_service_is_deployed_and_reachable(rendering: str, service: str) -> None:
    container = the_container(rendering, service)
    exposed = objects(rendering)["Service", service]["spec"]

    labels = objects(rendering)["Deployment", service]["spec"]["template"]["metadata"]["labels"]
    assert exposed["selector"].items() <= labels.items()
    assert {port["targetPort"] for port in exposed["ports"]} == set(ports(container))
    assert ports(container).items() >= {"grpc": 7000, "metrics": 9090}.items()


@per_rendering
@per_service
def test_every_image_is_the_services_own(rendering: str, service: str) -> None:
    tag = {"base": "0.1.0", "dev": "dev"}[rendering]

    images = {container["image"] for container in containers(objects(rendering)["Deployment", service])}

    assert {f"sori/{service}:{tag}"} == images


@per_rendering
def test_every_image_is_pinned(rendering: str) -> None:
    for workload in workloads(rendering):
        for container in containers(workload):
            _, _, tag = container["image"].partition(":")
            assert tag not in {"", "latest"}, container["image"]


@per_rendering
@per_service
def test_every_variable_is_a_setting_of_its_service(rendering: str, service: str) -> None:
    known = set(variables_of(settings_of(service)))

    for container in containers(objects(rendering)["Deployment", service]):
        assert environment(rendering, container).keys() <= known


@per_service
def test_dev_gives_every_setting_that_a_service_needs(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    container = the_container("dev", service)
    for name in [name for name in os.environ if name.startswith("SORI_")]:
        monkeypatch.delenv(name)
    for name, value in environment("dev", container).items():
        monkeypatch.setenv(name, _here(value))

    settings = settings_of(service)()

    assert "0.0.0.0" == settings.listen_host
    assert ports(container)["grpc"] == settings.grpc_port
    assert ports(container)["metrics"] == settings.metrics_port
    assert ports(container).get("http") == getattr(settings, "http_port", None)


def _here(value: str) -> str:
    """Say where something of the image is in the repository."""
    for folder, here in IN_IMAGE.items():
        if value.startswith(folder):
            found = here / value.removeprefix(folder).lstrip("/")
            assert found.exists(), f"{value} will not be in the image"
            return str(found)
    return value


@per_rendering
@per_service
def test_every_file_that_a_setting_names_is_mounted_or_in_the_image(rendering: str, service: str) -> None:
    container = the_container(rendering, service)
    folders = [*IN_IMAGE, *(mount["mountPath"] for mount in container["volumeMounts"])]

    for name, value in environment(rendering, container).items():
        if value.startswith("/"):
            assert any(value.startswith(folder) for folder in folders), f"{name}={value}"


@per_rendering
@per_service
def test_every_target_is_a_service_that_is_deployed(rendering: str, service: str) -> None:
    for name, value in environment(rendering, the_container(rendering, service)).items():
        if name.endswith("_TARGET"):
            host, _, port = value.partition(":")
            found = objects(rendering)["Service", host]["spec"]["ports"]
            assert int(port) in {each["port"] for each in found if each["name"] == "grpc"}, f"{name}={value}"


def test_dev_has_everything_that_its_pods_refer_to() -> None:
    for workload in workloads("dev"):
        for kind, name, key in references(workload):
            found = objects("dev")[kind, name]
            assert key is None or key in found["data"]


@per_rendering
@per_service
def test_tables_are_brought_up_to_date_before_a_service_starts(rendering: str, service: str) -> None:
    package = service.replace("-", "_")
    has_tables = (ROOT / f"services/{service}/src/sori_{package}/migrations").is_dir()

    before = pod(objects(rendering)["Deployment", service]).get("initContainers", [])

    assert [["migrate"]] * has_tables == [container["args"] for container in before]
    for container in (*before, the_container(rendering, service)):
        assert has_tables == ("SORI_POSTGRES_URL" in environment(rendering, container))


@per_rendering
@per_service
@pytest.mark.parametrize("probe", ["startupProbe", "readinessProbe", "livenessProbe"])
def test_health_is_asked_by_grpc(rendering: str, service: str, probe: str) -> None:
    container = the_container(rendering, service)

    assert {"port": ports(container)["grpc"]} == {"port": container[probe]["grpc"]["port"]}


@per_rendering
@per_service
def test_a_service_is_given_the_time_to_drain(rendering: str, service: str) -> None:
    container = the_container(rendering, service)
    pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    drain = float(environment(rendering, container)["SORI_DRAIN_SECONDS"])

    grace = pod(objects(rendering)["Deployment", service])["terminationGracePeriodSeconds"]

    assert grace > pause + 2 * drain  # Calls first, then the console's pages.


@per_rendering
@per_service
def test_several_replicas_are_not_taken_away_at_once(rendering: str, service: str) -> None:
    deployment = objects(rendering)["Deployment", service]["spec"]

    if deployment["replicas"] > 1:
        budget = objects(rendering)["PodDisruptionBudget", service]["spec"]
        assert budget["selector"] == deployment["selector"]
        assert 1 == budget["maxUnavailable"]


@per_rendering
def test_no_process_has_more_rights_than_it_needs(rendering: str) -> None:
    for workload in workloads(rendering):
        name, spec = workload["metadata"]["name"], pod(workload)
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["runAsUser"] > 0, name
        assert {"type": "RuntimeDefault"} == spec["securityContext"]["seccompProfile"], name
        for container in containers(workload):
            rights = container["securityContext"]
            assert rights["readOnlyRootFilesystem"] is True, name
            assert rights["allowPrivilegeEscalation"] is False, name
            assert {"drop": ["ALL"]} == rights["capabilities"], name


@per_rendering
def test_every_container_has_bounds(rendering: str) -> None:
    for workload in workloads(rendering):
        for container in containers(workload):
            for kind in ("requests", "limits"):
                assert {"cpu", "memory"} == container["resources"][kind].keys(), workload["metadata"]["name"]


@per_rendering
def test_every_object_says_what_it_belongs_to(rendering: str) -> None:
    for workload in workloads(rendering):
        labels = workload["spec"]["template"]["metadata"]["labels"]
        assert workload["metadata"]["name"] == labels["app.kubernetes.io/name"]
        assert "sori" == labels["app.kubernetes.io/part-of"]


def test_base_holds_no_secret() -> None:
    assert not [name for kind, name in objects("base") if kind == "Secret"]


def test_broker_accepts_its_configuration(tmp_path: Path) -> None:
    (config,) = (
        each["data"]["nats.conf"]
        for (kind, _), each in objects("dev").items()
        if kind == "ConfigMap" and "nats.conf" in each["data"]
    )
    (tmp_path / "nats.conf").write_text(config)

    checked = subprocess.run(
        [engines.program("nats-server"), "-t", "-c", str(tmp_path / "nats.conf")],
        env={**os.environ, "POD_NAME": "nats-0"},
        capture_output=True,
        text=True,
    )

    assert 0 == checked.returncode, checked.stderr
    assert "sync_interval: always" in config  # An acknowledgement means on disk.


def test_dockerfile_keeps_the_rules() -> None:
    checked = subprocess.run(
        [engines.program("hadolint"), str(ROOT / "deploy/Dockerfile")], capture_output=True, text=True
    )

    assert 0 == checked.returncode, checked.stdout
