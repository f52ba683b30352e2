"""The manifests of boxes on a cluster. They are checked against the schemas; no cluster has run them."""

from __future__ import annotations

import pathlib
import warnings
from typing import Any

import pytest
import yaml

MANIFESTS = pathlib.Path(__file__).parents[2] / "deploy" / "agent-boxes.yaml"


def valid(manifest: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the validator's own imports
        import kubernetes_validate

        kubernetes_validate.validate(manifest, "1.33", strict=True)


@pytest.mark.requirement("agents:kubernetes")
def test_the_manifests_of_boxes_are_valid_and_closed() -> None:
    manifests = {manifest["kind"]: manifest for manifest in yaml.safe_load_all(MANIFESTS.read_text())}
    assert manifests.keys() == {"NetworkPolicy", "PersistentVolumeClaim", "StatefulSet", "Sandbox"}
    sandbox = manifests.pop("Sandbox")  # a resource of its own, around a pod
    for manifest in manifests.values():
        valid(manifest)
    for template in (manifests["StatefulSet"]["spec"]["template"], sandbox["spec"]["podTemplate"]):
        name = {**template["metadata"], "name": "agent-box"}
        valid({"apiVersion": "v1", "kind": "Pod", "metadata": name, "spec": template["spec"]})
        pod = template["spec"]
        [box] = pod["containers"]
        assert (pod["automountServiceAccountToken"], pod["securityContext"]["runAsNonRoot"]) == (False, True)
        assert box["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert box["resources"]["limits"]
    policy = manifests["NetworkPolicy"]["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert not {"ingress", "egress"} & policy.keys()
    assert policy["podSelector"]["matchLabels"] == manifests["StatefulSet"]["spec"]["template"]["metadata"]["labels"]
