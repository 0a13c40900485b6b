"""The recipes of docs/deploy against Ray's schema, Kubernetes', KubeRay's fields, the pins and the command line."""

import re
import shlex
import tomllib
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

import launch
from motor.commands import line

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "docs" / "deploy"
PAGE = (DEPLOY / "README.md").read_text(encoding="utf-8")
DOCUMENTS = {file.name: list(yaml.safe_load_all(file.read_text(encoding="utf-8"))) for file in DEPLOY.glob("*.yaml")}
RAY_UP = sorted(name for name in DOCUMENTS if name.startswith("ray-cluster"))
KUBERAY = sorted(name for name in DOCUMENTS if name.startswith("kuberay"))
KUBERNETES = "1.37"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PINS = dict(re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE))

# Those fields of KubeRay's v1 that a recipe may use; a field that is not here is read in KubeRay's sources first.
TEXT, COUNT, POD = {"type": "string"}, {"type": "integer", "minimum": 0}, {"type": "object", "required": ["spec"]}
PARAMETERS = {"type": "object", "additionalProperties": TEXT}  # of `ray start`; a number would be refused


def record(required, **properties):
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


HEAD = record(["rayStartParams", "template"], rayStartParams=PARAMETERS, template=POD, serviceType=TEXT)
WORKERS = record(
    ["groupName", "rayStartParams", "template", "minReplicas", "maxReplicas"],
    groupName=TEXT,
    rayStartParams=PARAMETERS,
    template=POD,
    **dict.fromkeys(("replicas", "minReplicas", "maxReplicas", "numOfHosts", "idleTimeoutSeconds"), COUNT),
)
CREDENTIAL = record([], value=TEXT, valueFrom={"type": "object"})
REDIS = record(["redisAddress"], redisAddress=TEXT, redisUsername=CREDENTIAL, redisPassword=CREDENTIAL)
CLUSTER = record(
    ["headGroupSpec"],
    rayVersion=TEXT,
    authOptions=record([], mode={"enum": ["disabled", "token"]}),
    enableInTreeAutoscaling={"type": "boolean"},
    gcsFaultToleranceOptions=REDIS,
    headGroupSpec=HEAD,
    workerGroupSpecs={"type": "array", "items": WORKERS},
)
JOB = record(
    ["entrypoint", "rayClusterSpec"],
    **dict.fromkeys(("entrypoint", "runtimeEnvYAML"), TEXT),
    **dict.fromkeys(("backoffLimit", "ttlSecondsAfterFinished", "activeDeadlineSeconds"), COUNT),
    submissionMode={"enum": ["K8sJobMode", "HTTPMode", "InteractiveMode", "SidecarMode"]},
    shutdownAfterJobFinishes={"type": "boolean"},
    rayClusterSpec=CLUSTER,
)
RESOURCES = {"RayCluster": CLUSTER, "RayJob": JOB}


def cluster_of(name):
    """Return the cluster of a KubeRay manifest."""
    (manifest,) = DOCUMENTS[name]
    return manifest["spec"].get("rayClusterSpec", manifest["spec"])


def pods_of(name):
    """Return the pods' specs of a KubeRay manifest, the head's first."""
    cluster = cluster_of(name)
    return [group["template"]["spec"] for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])]


def containers_of(name):
    return [container for pod in pods_of(name) for container in pod["containers"]]


def commands():
    """Return the lines that the page shows for a shell, each as words."""
    shown = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return [shlex.split(line) for block in shown for line in block.splitlines()]


def launches():
    """Return the arguments of each launch that the page or a manifest shows."""
    (job,) = DOCUMENTS["kuberay-job.yaml"]
    shown = [*commands(), *map(shlex.split, re.findall(r"`(python launch\.py [^`]+)`", PAGE))]
    shown.append(shlex.split(job["spec"]["entrypoint"]))
    places = [(words, place) for words in shown for place, word in enumerate(words) if Path(word).name == "launch.py"]
    return [words[place + 1 :] for words, place in places]


@pytest.mark.parametrize("name", RAY_UP)
def test_ray_up_file_passes_rays_own_checks(name):
    from ray.autoscaler._private.util import prepare_config, validate_config

    (config,) = DOCUMENTS[name]
    prepared = prepare_config(config)
    validate_config(prepared)
    fixed = [kind for kind in prepared["available_node_types"].values() if kind["max_workers"]]
    assert [kind["min_workers"] for kind in fixed] == [kind["max_workers"] for kind in fixed]


def test_ray_up_check_refuses_what_ray_does_not_know():
    import jsonschema
    from ray.autoscaler._private.util import prepare_config, validate_config

    (config,) = DOCUMENTS["ray-cluster-aws.yaml"]
    with pytest.raises(jsonschema.ValidationError, match="setup_comands"):
        validate_config(prepare_config(config | {"setup_comands": []}))


@pytest.mark.parametrize("name", RAY_UP)
def test_ray_up_file_starts_a_head_without_cpus_on_known_options(name):
    from ray.scripts.scripts import start

    known = {option for parameter in start.params for option in parameter.opts}
    (config,) = DOCUMENTS[name]
    head, workers = config["head_start_ray_commands"][-1], config["worker_start_ray_commands"][-1]
    assert set(re.findall(r"--[a-z-]+", f"{head} {workers}")) <= known
    assert {"--head", "--num-cpus=0", "--num-gpus=0"} <= set(head.split())
    assert "--address=$RAY_HEAD_IP:6379" in workers
    assert "--port=6379" in head


@pytest.mark.parametrize("name", RAY_UP)
def test_ray_up_file_mounts_what_the_checkout_has(name):
    (config,) = DOCUMENTS[name]
    own = [local for local in config["file_mounts"].values() if not local.startswith("~")]
    assert [local for local in own if not (ROOT / local).exists()] == []
    assert config["file_mounts"]["~/.ray/auth_token"] == "~/.ray/auth_token"
    assert "RAY_AUTH_MODE=token" in str(config)


@pytest.mark.parametrize("name", KUBERAY)
def test_kuberay_manifest_has_fields_that_kuberay_knows(name):
    import jsonschema

    (manifest,) = DOCUMENTS[name]
    assert manifest["apiVersion"] == "ray.io/v1"
    jsonschema.validate(manifest["spec"], RESOURCES[manifest["kind"]])


def test_kuberay_fault_tolerance_of_the_page_has_fields_that_kuberay_knows():
    import jsonschema

    (block,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (manifest,) = DOCUMENTS["kuberay-cluster.yaml"]
    jsonschema.validate(manifest["spec"] | yaml.safe_load(block)["spec"], CLUSTER)


@pytest.mark.parametrize("name", KUBERAY)
def test_pods_pass_the_schema_of_kubernetes(name):
    check = kubernetes_validate
    for pod in pods_of(name):
        check.validate({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": pod}, KUBERNETES, True)


def test_storage_passes_the_schema_of_kubernetes():
    check = kubernetes_validate
    for document in DOCUMENTS["storage.yaml"]:
        check.validate(document, KUBERNETES, True)


def test_schema_of_kubernetes_refuses_a_field_that_it_does_not_know():
    check = kubernetes_validate
    pod = {"containers": [{"name": "x", "image": "y", "resorces": {}}]}
    with pytest.raises(check.ValidationError, match="resorces"):
        check.validate({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": pod}, KUBERNETES, True)


@pytest.mark.parametrize("name", KUBERAY)
def test_pods_mount_volumes_and_secrets_that_are_there(name):
    claims = {document["metadata"]["name"]: document["kind"] for document in DOCUMENTS["storage.yaml"]}
    for pod in pods_of(name):
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        mounts = [mount["name"] for container in pod["containers"] for mount in container["volumeMounts"]]
        assert sorted(mounts) == sorted(volumes)
        assert claims[volumes["motors"]["persistentVolumeClaim"]["claimName"]] == "PersistentVolumeClaim"
        secrets = [source["secretRef"]["name"] for container in pod["containers"] for source in container["envFrom"]]
        assert [claims[secret] for secret in secrets] == ["Secret"]


def test_job_and_cluster_are_of_one_shape():
    assert cluster_of("kuberay-job.yaml") == cluster_of("kuberay-cluster.yaml")


def test_versions_are_the_pinned_ones():
    images = {container["image"] for name in KUBERAY for container in containers_of(name)}
    images.add(DOCUMENTS["ray-cluster-aws.yaml"][0]["docker"]["image"])
    assert images == {f"registry.example.com/motor-grid:ray-{PINS['ray']}"}
    assert {cluster_of(name)["rayVersion"] for name in KUBERAY} == {PINS["ray"]}
    texts = [file.read_text(encoding="utf-8") for file in DEPLOY.iterdir()]
    said = {version for text in texts for version in re.findall(r"(?:ray[:-]|__ == ')(\d+\.\d+\.\d+)", text)}
    assert said == {PINS["ray"]}


def faults_of_pins():
    """Return what the pins leave open or contradict of `pip install -c constraints.txt -e '.[s3]'`."""
    from importlib.metadata import requires

    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    pins = {canonicalize_name(name): version for name, version in PINS.items()}
    asked = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["s3"]]
    waiting, seen, faults = [("the project", Requirement(line)) for line in asked], set(), set()
    while waiting:
        by, needed = waiting.pop()
        name = canonicalize_name(needed.name)
        if not needed.specifier.contains(pins.get(name, "0"), prereleases=True) or name not in pins:
            faults.add(f"{by} needs {needed.name}{needed.specifier}, the pin is {pins.get(name)}")
        new = {(name, extra) for extra in ("", *needed.extras)} - seen
        seen |= new
        lines = [(Requirement(line), extra) for _, extra in new for line in requires(needed.name) or ()]
        waiting += [(name, line) for line, extra in lines if not line.marker or line.marker.evaluate({"extra": extra})]
    return sorted(fault for fault in faults if " needs setuptools" not in fault)  # it comes with the environment


def test_pins_are_of_all_that_the_nodes_install_and_go_together():
    assert faults_of_pins() == []


def test_python_of_the_image_is_one_of_the_projects():
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    (minor,) = re.findall(r"^FROM rayproject/ray:[\d.]+-py3(\d+)$", text, re.MULTILINE)
    assert int(minor) >= int(PROJECT["requires-python"].removeprefix(">=3."))
    assert f"python3.{minor} -m venv" in PAGE


@pytest.mark.parametrize("name", KUBERAY)
def test_a_worker_holds_what_the_full_grid_asks_for_and_the_head_no_stage(name):
    asked = yaml.safe_load((ROOT / "configs" / "grid.yaml").read_text(encoding="utf-8"))["resources"]
    kinds = [kind for kind in asked.values() if isinstance(kind, dict)]
    head, *workers = containers_of(name)
    limits = workers[0]["resources"]["limits"]
    assert int(limits["nvidia.com/gpu"]) == max(kind.get("gpus", 0) for kind in kinds)
    assert int(limits["cpu"]) >= max(kind["cpus"] for kind in kinds)
    assert "nvidia.com/gpu" not in head["resources"]["limits"]
    assert cluster_of(name)["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"


@pytest.mark.parametrize("name", KUBERAY)
def test_workers_are_of_a_fixed_number_for_a_launch_asks_for_no_more(name):
    for group in cluster_of(name)["workerGroupSpecs"]:
        assert group["replicas"] == group["minReplicas"] == group["maxReplicas"] > 0


def test_environment_of_the_head_is_what_the_project_reads():
    from grid.store.remote import CACHE

    config = (ROOT / "configs" / "grid.yaml").read_text(encoding="utf-8")
    read = {*re.findall(r"\$\{(\w+)", config), CACHE}
    given = {entry["name"] for name in KUBERAY for entry in containers_of(name)[0]["env"]}
    run_options = " ".join(DOCUMENTS["ray-cluster-aws.yaml"][0]["docker"]["run_options"])
    assert given == read
    assert set(re.findall(r"--env (\w+)=", run_options)) == read | {"RAY_AUTH_MODE"}


def test_launches_of_the_page_have_options_and_configs_that_exist():
    assert len(launches()) >= 8
    for words in launches():
        _, arguments = line.read(words)
        assert not getattr(arguments, "config", None) or (ROOT / "configs" / arguments.config).exists(), words


def test_entrypoint_of_the_job_plans_the_grid(tmp_path, capsys):
    (job,) = DOCUMENTS["kuberay-job.yaml"]
    python, program, *words = shlex.split(job["spec"]["entrypoint"])
    words[words.index("--storage") + 1] = str(tmp_path)
    assert (python, Path(program).name) == ("python", "launch.py")
    assert launch.main(["dry-run", *words]) == 0
    assert "1 GPU" in capsys.readouterr().out


def test_shell_lines_of_the_page_name_files_that_exist():
    named = [word for words in commands() for word in words if word.startswith("docs/")]
    assert len(named) >= 8
    assert [word for word in named if not (ROOT / word).exists()] == []


def test_links_of_the_page_lead_to_a_file_and_a_heading():
    prose = re.sub(r"^```.*?^```$", "", PAGE, flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        name, _, anchor = target.partition("#")
        file = DEPLOY / name if name else DEPLOY / "README.md"
        assert file.exists(), target
        titles = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
        headings = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
        assert not anchor or anchor in headings, target


def test_page_names_every_file_of_its_folder():
    shown = {file.name for file in DEPLOY.iterdir()} - {"README.md", "Dockerfile.dockerignore"}
    assert [name for name in sorted(shown) if f"]({name})" not in PAGE] == []
