"""`guest-routes lint` as it is typed; that its commands are right is tests/openstack/test_lint.py's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.lab import Lab
from tests.support.passes import run, valid_json

SUBNETS = json.dumps(
    [
        {"ID": "1", "Name": "A", "Project": "p", "Subnet": "10.65.0.0/24", "Gateway": "10.65.0.1",
         "Host Routes": [{"destination": "11.11.0.0/16", "nexthop": "11.8.0.99"}]},
        {"ID": "2", "Name": "B", "Project": "p", "Subnet": "11.8.0.0/24", "Gateway": "11.8.0.1", "Host Routes": []},
    ]
)  # fmt: skip


@pytest.mark.parametrize("where", ["", " -", " {}/subnets.json"])
def test_by_pipe_and_by_file(lab: Lab, tmp_path: Path, where: str) -> None:
    (tmp_path / "subnets.json").write_text(SUBNETS)
    ran = run(lab, "lint" + where.format(tmp_path), stdin=SUBNETS)
    assert (ran.code, ran.err) == (1, "")
    assert "11.8.0.99 is in subnet B, 11.8.0.0/24, but its gateway is 11.8.0.1" in ran.out
    good = SUBNETS.replace(".99", ".1")
    (tmp_path / "subnets.json").write_text(good)
    ran = run(lab, "lint" + where.format(tmp_path), stdin=good)
    assert (ran.code, ran.out) == (0, "nothing found in 1 host route of 2 subnets")


def listed(*subnets: str) -> str:
    """What the client prints of these: "name project prefix gateway [destination,next hop]"."""
    found = []
    for words in map(str.split, subnets):
        name, project, prefix, gateway = words[:4]
        pairs = [pair.split(",") for pair in words[4:]]
        routes = [{"destination": destination, "nexthop": next_hop} for destination, next_hop in pairs]
        found.append({"ID": name, "Name": name, "Project": project, "Subnet": prefix, "Gateway": gateway,
                      "Host Routes": routes})  # fmt: skip
    return json.dumps(found)


FRONT, BACK = "front p 10.65.0.0/24 10.65.0.1", "back {} 11.8.0.0/24 11.8.0.1"


def test_a_route_by_a_shared_network_is_not_to_be_unset(lab: Lab) -> None:
    """As a tenant sees the cloud: a network of its own, and the operator's that is shared with everybody."""
    ran = run(lab, "lint", stdin=listed(f"{FRONT} 11.11.0.0/16,11.8.0.1", BACK.format("admin")))
    assert (ran.code, ran.out) == (0, "nothing found in 1 host route of 2 subnets")
    ran = run(lab, "lint", stdin=listed(f"{FRONT} 11.11.0.0/16,10.65.0.1", BACK.format("admin")))
    assert (ran.code, ran.out) == (0, "nothing found in 1 host route of 2 subnets")


@pytest.mark.parametrize(
    "next_hop, said",
    [("11.8.0.1", "lists it too, and an instance with NICs in both needs it once"), ("10.66.0.1", "lists the same")],
)
def test_a_route_that_another_instance_may_need_is_unset_on_a_condition(lab: Lab, next_hop: str, said: str) -> None:
    """Two pairs of networks, each pair an instance's: subnets don't tell."""
    other = f"other p 10.66.0.0/24 10.66.0.1 11.11.0.0/16,{next_hop}"
    ran = run(lab, "lint", stdin=listed(f"{FRONT} 11.11.0.0/16,11.8.0.1", BACK.format("p"), other))
    assert (ran.code, said in ran.out) == (1, True)
    assert "unset it only if no instance has a NIC in other and none in front" in ran.out
    twice = f"{FRONT} 11.11.0.0/16,11.8.0.1 11.11.0.0/16,10.65.0.1"
    ran = run(lab, "lint", stdin=listed(twice, BACK.format("p")))
    assert (ran.code, "only if" in ran.out) == (1, False), "of one subnet there is no doubt"


def test_json_fits_its_schema(lab: Lab) -> None:
    value = valid_json("lint", lab.run("lint", "--json", stdin=SUBNETS))
    assert (value["exit_code"], value["findings"][0]["kind"], len(value["findings"][0]["commands"])) == (
        1,
        "no-gateway",
        2,
    )
    assert valid_json("lint", lab.run("lint", "--json", stdin="{"))["exit_code"] == 2


def test_a_file_and_a_cloud_are_two_inputs(lab: Lab) -> None:
    ran = run(lab, "lint subnets.json --cloud here")
    assert (ran.code, ran.err) == (
        2, "guest-routes: FILE and --cloud can't be used together; see `guest-routes help lint`"
    )  # fmt: skip
    assert valid_json("lint", lab.run("lint", "subnets.json", "--cloud", "here", "--json"))["exit_code"] == 2


def test_what_can_not_be_read_is_said(lab: Lab, tmp_path: Path) -> None:
    wanted = "`openstack subnet list --long -f json` prints what is wanted"
    ran = run(lab, "lint", stdin="ID,Name")
    assert (ran.code, ran.err) == (2, f"guest-routes: standard input:1:1: not JSON: Expecting value; {wanted}")
    ran = run(lab, f"lint {tmp_path}/none.json")
    assert (ran.code, ran.err) == (2, f"guest-routes: {tmp_path}/none.json: cannot be read: No such file or directory")
    ran = run(lab, f"lint {tmp_path}")
    assert (ran.code, ran.err) == (2, f"guest-routes: {tmp_path}: cannot be read: Is a directory")


@pytest.mark.parametrize("name", ["2", "-x", "--no-host-route", "a\u202eb", "a\nb", "$(id)"])
def test_commands_name_the_subnet_by_its_id(lab: Lab, name: str) -> None:
    """A tenant who calls a subnet by another one's ID does not have the operator change that one."""
    ran = lab.run("lint", stdin=SUBNETS.replace('"Name": "A"', f'"Name": {json.dumps(name)}'))
    commands = [line.strip() for line in ran.stdout.splitlines() if line.strip().startswith("openstack ")]
    assert [command.split()[-1] for command in commands] == ["1", "1"]
    assert ran.stdout.replace("\n", "").isprintable()


@pytest.mark.parametrize("wrong", ['"--all"', '""', '"a b"', '"a;b"', "7", "null"])
def test_an_id_that_is_none_is_refused(lab: Lab, wrong: str) -> None:
    ran = run(lab, "lint", stdin=SUBNETS.replace('"ID": "1"', f'"ID": {wrong}'))
    assert (ran.code, ran.out) == (2, "")
    assert "standard input: [0].ID: must be the ID of a subnet, not " in ran.err
