"""The manifests: valid by the schemas of several Kubernetes versions, and true to the program."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml
from sqlalchemy import text

from reglab.api.access.policy import Policy
from reglab.client.cli import app
from reglab.core.settings import Settings, unknown_variables
from reglab.core.settings.limits import Limits
from tests.harness.stored import submit

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "deploy" / "kubernetes"
# The oldest that has everything used here, and the newest that the validator knows.
VERSIONS = ("1.30", kubernetes_validate.latest_version())
TEXT = {"type": "string"}
NUMBER = {"type": "integer", "minimum": 0}


def fields(required: tuple[str, ...] = (), **properties) -> dict:
    """Schema of an object with these fields and no others."""
    document = {"type": "object", "additionalProperties": False, "properties": properties}
    return document | {"required": list(required)}


HEAD = {
    "apiVersion": {"const": "keda.sh/v1alpha1"},
    "kind": TEXT,
    "metadata": {"type": "object", "required": ["name"]},
}
# Fields and types as https://keda.sh/docs/2.17/reference/ describes them.
KEDA = {
    "TriggerAuthentication": fields(
        ("spec",),
        **HEAD,
        spec=fields(
            secretTargetRef={
                "type": "array",
                "items": fields(("parameter", "name", "key"), parameter=TEXT, name=TEXT, key=TEXT),
            }
        ),
    ),
    "ScaledObject": fields(
        ("spec",),
        **HEAD,
        spec=fields(
            ("scaleTargetRef", "triggers"),
            scaleTargetRef=fields(("name",), name=TEXT, kind=TEXT, apiVersion=TEXT),
            pollingInterval=NUMBER,
            cooldownPeriod=NUMBER,
            minReplicaCount=NUMBER,
            maxReplicaCount=NUMBER,
            fallback=fields(
                ("failureThreshold", "replicas"),
                failureThreshold=NUMBER,
                replicas=NUMBER,
                behavior={
                    "enum": ["static", "currentReplicas", "currentReplicasIfHigher",
                             "currentReplicasIfLower"]
                },
            ),
            advanced=fields(
                restoreToOriginalReplicaCount={"type": "boolean"},
                horizontalPodAutoscalerConfig=fields(name=TEXT, behavior={"type": "object"}),
            ),
            triggers={
                "type": "array",
                "minItems": 1,
                "items": fields(
                    ("type", "metadata"),
                    type=TEXT,
                    metricType={"enum": ["AverageValue", "Value", "Utilization"]},
                    authenticationRef=fields(("name",), name=TEXT, kind=TEXT),
                    metadata={"type": "object", "additionalProperties": TEXT},
                ),
            },
        ),
    ),
}  # fmt: skip


def documents() -> list[dict]:
    found = []
    for path in sorted(FOLDER.rglob("*.yaml")):
        if path.name != "kustomization.yaml":
            found += [each for each in yaml.safe_load_all(path.read_text()) if each]
    return found


DOCUMENTS = {f"{each['kind']}/{each['metadata']['name']}": each for each in documents()}
KINDS = ("Deployment", "StatefulSet", "Job", "CronJob")


def pod(document: dict) -> dict:
    spec = document["spec"]
    if document["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    return spec["template"]


PODS = {name: pod(each) for name, each in DOCUMENTS.items() if each["kind"] in KINDS}
OURS = {
    name: each for name, each in PODS.items() if each["spec"]["containers"][0]["image"] == "reglab"
}


def validate(document: dict, version: str) -> None:
    if document["apiVersion"].startswith("keda.sh/"):
        jsonschema.validate(document, KEDA[document["kind"]])
    else:
        kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_manifest_is_valid(name, version):
    validate(DOCUMENTS[name], version)


def test_the_validators_see_faults():
    broken = yaml.safe_load(yaml.safe_dump(DOCUMENTS["Deployment/reglab-api"]))
    broken["spec"]["template"]["spec"]["containers"][0]["resource"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        validate(broken, VERSIONS[0])
    broken = yaml.safe_load(yaml.safe_dump(DOCUMENTS["ScaledObject/reglab-worker"]))
    broken["spec"]["triggers"][0]["metadata"]["targetQueryValue"] = 2
    with pytest.raises(jsonschema.ValidationError):
        validate(broken, VERSIONS[0])


def test_the_kustomizations_name_every_file():
    for path in FOLDER.rglob("kustomization.yaml"):
        named = set(yaml.safe_load(path.read_text())["resources"])
        assert named == {each.name for each in path.parent.glob("*.yaml")} - {path.name}
        assert yaml.safe_load(path.read_text())["namespace"] == "reglab"


@pytest.mark.parametrize("name", PODS)
def test_pods_are_confined(name):
    spec = PODS[name]["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in spec["containers"]:
        confined = container["securityContext"]
        assert confined["allowPrivilegeEscalation"] is False
        assert confined["capabilities"] == {"drop": ["ALL"]}
        assert "memory" in container["resources"]["limits"]
        assert {"cpu", "memory"} <= set(container["resources"]["requests"])
        mounts = [mount["name"] for mount in container.get("volumeMounts", [])]
        templates = DOCUMENTS[name]["spec"].get("volumeClaimTemplates", [])
        volumes = [each["name"] for each in spec.get("volumes", [])]
        assert set(mounts) <= {*volumes, *(each["metadata"]["name"] for each in templates)}
        for variable in container.get("env", []):
            if re.search(r"PASSWORD|TOKEN|SECRET", variable["name"]):
                assert "secretKeyRef" in variable["valueFrom"], variable


COMMANDS = {command.name or command.callback.__name__ for command in app.registered_commands}


@pytest.mark.parametrize("name", OURS)
def test_our_pods_run_what_exists_with_settings_that_are_known(name, tmp_path):
    spec = OURS[name]["spec"]
    assert spec["securityContext"]["runAsUser"] == 10001
    [container] = spec["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    probes = [container.get(probe, {}) for probe in ("startupProbe", "livenessProbe")]
    commands = [probe["exec"]["command"] for probe in probes if "exec" in probe]
    for command in [container["command"], *commands]:
        assert command[0] == "reglab"
        assert command[1] in COMMANDS, command
    env = dict(DOCUMENTS["ConfigMap/reglab"]["data"])
    env |= {each["name"]: each.get("value", "") for each in container["env"]}
    env["REGLAB_BROKER_URL"] = "redis://reglab-redis:6379/0"
    assert unknown_variables(env) == []
    settings = Settings.from_env(env | {"REGLAB_HOME": str(tmp_path)})
    assert settings.database_url.startswith("postgresql+psycopg://")
    Limits.from_env(env)
    if container["name"] == "api":
        policy = Policy.from_env(env)
        assert policy.needs_tokens
        assert not policy.local


def test_parts_find_each_other():
    service = DOCUMENTS["Service/reglab"]["spec"]
    assert (
        service["selector"].items() <= PODS["Deployment/reglab-api"]["metadata"]["labels"].items()
    )
    [port] = PODS["Deployment/reglab-api"]["spec"]["containers"][0]["ports"]
    assert (port["name"], port["containerPort"]) == (service["ports"][0]["targetPort"], 8000)
    scaled = DOCUMENTS["ScaledObject/reglab-worker"]["spec"]
    assert f"Deployment/{scaled['scaleTargetRef']['name']}" in PODS
    trigger = scaled["triggers"][0]
    assert f"TriggerAuthentication/{trigger['authenticationRef']['name']}" in DOCUMENTS
    for name, template in OURS.items():
        document = DOCUMENTS[name]
        selector = document["spec"].get("selector", {}).get("matchLabels", {})
        assert selector.items() <= template["metadata"]["labels"].items(), name
        # The policy of the network applies to all of them.
        assert template["metadata"]["labels"]["app.kubernetes.io/name"] == "reglab"
    claims = {
        volume["persistentVolumeClaim"]["claimName"]
        for template in OURS.values()
        for volume in template["spec"]["volumes"]
        if "persistentVolumeClaim" in volume
    }
    assert {f"PersistentVolumeClaim/{claim}" for claim in claims} <= set(DOCUMENTS)
    budget = DOCUMENTS["PodDisruptionBudget/reglab-api"]["spec"]
    assert budget["minAvailable"] < DOCUMENTS["Deployment/reglab-api"]["spec"]["replicas"]


def test_the_autoscaler_that_comes_of_it_is_valid():
    """KEDA hands this to Kubernetes as a HorizontalPodAutoscaler."""
    scaled = DOCUMENTS["ScaledObject/reglab-worker"]["spec"]
    document = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "keda-hpa-reglab-worker"},
        "spec": {
            "scaleTargetRef": {
                "apiVersion": "apps/v1", "kind": "Deployment", **scaled["scaleTargetRef"],
            },
            "minReplicas": scaled["minReplicaCount"],
            "maxReplicas": scaled["maxReplicaCount"],
            **{"behavior": scaled["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]},
        },
    }  # fmt: skip
    for version in VERSIONS:
        validate(document, version)


def test_workers_are_as_many_as_runs_need(storage):
    [trigger] = DOCUMENTS["ScaledObject/reglab-worker"]["spec"]["triggers"]
    [container] = PODS["Deployment/reglab-worker"]["spec"]["containers"]
    slots = int(trigger["metadata"]["targetQueryValue"])
    assert slots == int(container["resources"]["limits"]["cpu"])
    submit(storage, runs=5)
    storage.runs.finish(storage.runs.lease_next("a"), None, {}, {})
    storage.runs.lease_next("b")
    with storage.engine.connect() as connection:
        found = connection.execute(text(trigger["metadata"]["query"])).scalar()
    assert found == 4, "those that wait and those that train"
    assert "replicas" not in DOCUMENTS["Deployment/reglab-worker"]["spec"]


def test_a_pod_that_goes_has_time_to_hand_its_runs_back():
    spec = PODS["Deployment/reglab-worker"]["spec"]
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    grace = int(compose["services"]["worker"]["stop_grace_period"].removesuffix("s"))
    assert spec["terminationGracePeriodSeconds"] >= grace


def test_clients_of_the_database_are_as_new_as_the_database():
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    images = {compose["services"]["postgres"]["image"]}
    images |= {
        container["image"]
        for template in PODS.values()
        for container in template["spec"]["containers"]
        if container["name"] == "postgres"
    }
    [client] = re.findall(r"postgresql-client-(\d+)", (ROOT / "Dockerfile").read_text())
    assert images == {f"postgres:{client}"}
