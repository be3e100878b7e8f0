"""The real cloud-init of Debian 12 and of a current Debian, all four stages, with our module in its list."""

from __future__ import annotations

import json
import logging
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, Iterator, List

import pytest
import yaml

from tests.support.debian import ROOT, Debian
from tests.support.lab import Lab, document, write_document
from tests.support.passes import DOCUMENTED, documented, table

UUID = "8f2a6f5e-0000-4000-8000-000000000001"
STAGES = (["init", "--local"], ["init"], ["modules", "--mode", "config"], ["modules", "--mode", "final"])
PACKAGES = "/usr/lib/python3/dist-packages"
DMIDECODE = f"""#!/bin/sh
case $2 in system-product-name) echo "OpenStack Nova" ;; system-uuid) echo {UUID} ;; esac
"""
"""The machine's product name and uuid, as Nova's virtual machines have them."""


class Cloud:
    """An instance with cloud-init and guest-routes in it."""

    def __init__(self, lab: Lab, suite: str) -> None:
        self.lab, self.debian = lab, Debian(suite)
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "guest_routes", self.debian.path(f"{PACKAGES}/guest_routes"), ignore=ignored)
        shutil.copy(ROOT / "cloudinit_module/cc_guest_routes.py", self.debian.path(PACKAGES))
        self.debian.write("/usr/local/sbin/dmidecode", DMIDECODE, 0o755)
        for client in ("dhclient", "dhcpcd", "udhcpc"):
            for folder in ("/usr/sbin", "/usr/bin"):
                self.debian.path(f"{folder}/{client}").unlink(missing_ok=True)

    def configure(self, datasource: str = "OpenStack", stanza: object = None) -> None:
        """What an image builder sets: the module first in its list, and here the lab's own NICs left alone."""
        self.debian.run("python3", "-m", "guest_routes", "module", "--add")
        value: Dict[str, object] = {
            "datasource_list": [datasource],
            "datasource": {"OpenStack": {"max_wait": 1, "timeout": 1, "retries": 0}},
            "network": {"config": "disabled"},
            "growpart": {"mode": "off"},
            "resize_rootfs": False,
            "locale": False,
            "ssh_genkeytypes": [],
        }
        if stanza is not None:
            value["guest_routes"] = stanza
        self.debian.write("/etc/cloud/cloud.cfg.d/99-test.cfg", yaml.safe_dump(value))

    def serve(self, network_data: Path, *more: str) -> None:
        """Starts the metadata service; see support/openstack_service.py for what more it may have."""
        script = str(ROOT / "tests/support/openstack_service.py")
        holder = str(self.lab._holder.pid)
        command = ["nsenter", "-t", holder, "-n", sys.executable, script, str(network_data), UUID, *more]
        server = self.lab._start(*command, pipe=True)
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        self.server = server

    def boot(self) -> None:
        """All four stages."""
        for stage in STAGES:
            self.debian.run("cloud-init", *stage)

    def status(self) -> Dict[str, Any]:
        """`cloud-init status`, and what it has to say."""
        found: Dict[str, Any] = json.loads(self.debian.path("/run/cloud-init/status.json").read_text())["v1"]
        said = self.debian.run("cloud-init", "status", "--long", check=False)
        return {**found, "said": said.stdout, "code": said.returncode}

    def result(self) -> Dict[str, Any]:
        """result.json."""
        found: Dict[str, Any] = json.loads(self.debian.path("/run/cloud-init/result.json").read_text())["v1"]
        return found

    def said(self) -> List[str]:
        """Our lines of cloud-init's log: level and text."""
        log = self.debian.path("/var/log/cloud-init.log").read_text()
        lines = [line.partition(" - ")[2] for line in log.splitlines() if "guest-routes: " in line]
        return [line.partition("[")[2].replace("]", "", 1) for line in lines]

    def assert_well(self) -> None:
        """Done, without an error, and not degraded."""
        status = self.status()
        assert "status: done" in status["said"], status["said"]
        assert status["init-local"]["errors"] + status["init"]["errors"] + status["modules-config"]["errors"] == []
        assert self.result()["errors"] == []
        recoverable = {text for stage in status.values() if isinstance(stage, dict)
                       for texts in stage.get("recoverable_errors", {}).values() for text in texts}  # fmt: skip
        # OpenStack's local stage finds no DHCP server in the lab, and says so with a WARNING without text.
        assert recoverable <= {""}, recoverable
        assert recoverable or status["code"] == 0, status["said"]


@pytest.fixture(params=["bookworm", "trixie"])
def cloud(request: pytest.FixtureRequest, lab: Lab) -> Iterator[Cloud]:
    """cloud-init 22.4 and a current one, on an instance with both defaults, as it leaves them."""
    documented(lab)
    made = Cloud(lab, request.param)
    yield made
    made.debian.close()


@pytest.mark.packages
@pytest.mark.parametrize("name", ["documented", "wrong-subnet"])
def test_all_four_stages_give_the_documented_table(cloud: Cloud, name: str) -> None:
    cloud.serve(document(name))
    cloud.configure(stanza={"enabled": True})
    cloud.boot()
    assert table(cloud.lab) == DOCUMENTED
    cloud.assert_well()
    assert "DataSourceOpenStack" in str(cloud.result()["datasource"])
    assert json.loads(cloud.debian.path("/run/guest-routes/stanza.json").read_text()) == {"enabled": True}
    said = "\n".join(cloud.said())
    assert "INFO: guest-routes: added 11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes: " in said
    assert "INFO: guest-routes: removed default via 11.8.0.1 dev eth1" in said
    assert "WARNING" not in said
    status = cloud.debian.run("python3", "-m", "guest_routes", "status", "--json")
    assert json.loads(status.stdout)["last_pass"]["exit_code"] == 0


@pytest.mark.packages
def test_a_route_that_cannot_be_resolved_is_told_and_degrades_nothing(cloud: Cloud, tmp_path: Path) -> None:
    value = json.loads(document("documented").read_text())
    value["networks"][1]["routes"][1]["gateway"] = "11.8.0.99"
    cloud.serve(write_document(tmp_path / "data.json", value))
    cloud.configure()
    cloud.boot()
    cloud.assert_well()
    assert not cloud.debian.path("/run/guest-routes/stanza.json").exists()
    told = [line for line in cloud.said() if "not programmed" in line]
    assert told
    assert told[0].startswith("INFO: ")


@pytest.mark.packages
def test_the_second_boot_without_the_service_uses_the_last_known_good(cloud: Cloud) -> None:
    cloud.serve(document("documented"))
    cloud.configure(stanza={"deadline_seconds": 1})
    cloud.boot()
    cloud.lab.stop(cloud.server)
    cloud.lab.ip("route", "del", "11.11.0.0/16")
    cloud.debian.reboot()
    cloud.boot()
    assert table(cloud.lab) == DOCUMENTED
    cloud.assert_well()
    assert "last known good" in cloud.said()[-1]


@pytest.mark.packages
def test_a_config_drive_does_too(cloud: Cloud) -> None:
    seed = "/var/lib/cloud/seed/config_drive/openstack/latest"
    cloud.debian.write(f"{seed}/meta_data.json", json.dumps({"uuid": UUID}))
    cloud.debian.write(f"{seed}/network_data.json", document("wrong-subnet").read_text())
    cloud.configure("ConfigDrive", {"deadline_seconds": 1})
    cloud.boot()
    assert table(cloud.lab) == DOCUMENTED
    cloud.assert_well()


@pytest.mark.packages
def test_without_metadata_nothing_is_degraded(cloud: Cloud) -> None:
    cloud.configure("None", {"deadline_seconds": 1})
    before = table(cloud.lab)
    cloud.boot()
    assert table(cloud.lab) == before
    assert cloud.result()["errors"] == []
    assert any(line.startswith("INFO: guest-routes: cannot find network_data.json") for line in cloud.said())
    assert not any("guest_routes" in json.dumps(part) for part in cloud.status().values() if isinstance(part, dict))


@pytest.mark.packages
def test_a_wrong_stanza_is_a_warning_and_no_failure(cloud: Cloud) -> None:
    cloud.serve(document("documented"))
    cloud.configure(stanza={"enabeld": True})
    before = table(cloud.lab)
    cloud.boot()
    assert table(cloud.lab) == before
    assert cloud.result()["errors"] == []
    assert any(line.startswith("WARNING: ") and 'did you mean "enabled"?' in line for line in cloud.said())


class Network(SimpleNamespace):
    """What a datasource has."""


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module, imported as cloud-init does."""
    monkeypatch.syspath_prepend(str(ROOT / "cloudinit_module"))
    import cc_guest_routes

    return cc_guest_routes


STANZA = {"guest_routes": {"deadline_seconds": 0.2, "sources": ["http", "cloud-init"]}}


@pytest.mark.parametrize("form", ["positional", "keyword"])
def test_the_datasource_is_the_last_resort(lab: Lab, module: Any, form: str, caplog: pytest.LogCaptureFixture) -> None:
    documented(lab)
    caplog.set_level(logging.INFO)
    copy = json.loads(document("documented").read_text())
    cloud = Network(datasource=Network(network_json=copy, metadata={"uuid": UUID}))
    if form == "positional":
        module.handle("guest_routes", STANZA, cloud, logging.getLogger("cloud"), [])
    else:
        module.handle(name="guest_routes", cfg=STANZA, cloud=cloud, args=[])
    assert table(lab) == DOCUMENTED
    assert "the datasource's copy" in caplog.text
    assert not Path("/run/guest-routes/datasource").exists()
    assert UUID in Path("/var/lib/guest-routes/last-known-good").read_bytes().decode()


def test_the_datasource_is_better_than_leases(lab: Lab, module: Any, caplog: pytest.LogCaptureFixture) -> None:
    documented(lab)
    caplog.set_level(logging.INFO)
    copy = json.loads(document("documented").read_text())
    lease = Path("/run/guest-routes/leases/eth0")
    lease.parent.mkdir(parents=True)
    lease.write_text("interface=eth0\nip=10.65.0.7\nrouter=10.65.0.1\n")
    stanza = {"guest_routes": {"deadline_seconds": 0.2}}
    module.handle(
        "guest_routes", stanza, Network(datasource=Network(network_json=copy, metadata={"uuid": UUID})), None, []
    )
    assert table(lab) == DOCUMENTED
    assert "the datasource's copy" in caplog.text
    # Where the datasource has none, they stand in.
    Path("/var/lib/guest-routes/last-known-good").unlink()
    module.handle("guest_routes", stanza, Network(datasource=Network(network_json=None)), None, [])
    assert "using the DHCP leases of eth0" in caplog.text


@pytest.mark.parametrize("network_json", [None, "unset", "{}", []])
def test_other_datasources_have_no_copy(lab: Lab, module: Any, network_json: object, caplog: Any) -> None:
    before = documented(lab)
    caplog.set_level(logging.INFO)
    module.handle("guest_routes", STANZA, Network(datasource=Network(network_json=network_json)), None, [])
    assert table(lab) == before
    assert [record.levelname for record in caplog.records if record.name == module.__name__] == ["INFO"]
    assert json.loads(Path("/run/guest-routes/status").read_text())["failed"]["exit_code"] == 4


def test_a_stale_stanza_goes(lab: Lab, module: Any) -> None:
    module.handle("guest_routes", {"guest_routes": {"enabled": False}}, None, None, [])
    assert json.loads(Path(module.STANZA_PATH).read_text()) == {"enabled": False}
    module.handle("guest_routes", {}, None, None, [])
    assert not Path(module.STANZA_PATH).exists()


@pytest.mark.parametrize("stanza", [[], "on", 3, {"routes": {"no": "list"}}, {3: 4}])
def test_whatever_the_stanza_is_nothing_is_raised(lab: Lab, module: Any, stanza: object, caplog: Any) -> None:
    module.handle("guest_routes", {"guest_routes": stanza}, None, None, [])
    assert [record.levelname for record in caplog.records if record.name == module.__name__] == ["WARNING"]


def test_only_the_standard_library_stands_at_the_top() -> None:
    import ast

    tree = ast.parse((ROOT / "cloudinit_module/cc_guest_routes.py").read_text())
    names = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert names <= {"__future__", "json", "logging", "os", "time"}
