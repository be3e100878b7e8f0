"""`module`: what is said where cloud-init does otherwise."""

from __future__ import annotations

from guest_routes.output.cloud_cfg import not_in_force_texts


def test_what_cloud_init_goes_by_instead() -> None:
    assert not_in_force_texts(True, None, "") == []
    assert not_in_force_texts(True, ("/a", True), "") == not_in_force_texts(False, ("/a", False), "") == []
    its = "/a has a list cloud_config_modules of its own, which cloud-init goes by"
    assert not_in_force_texts(True, ("/a", False), "") == [f"{its}, without the module; put it in there"]
    assert not_in_force_texts(False, ("/a", True), "") == [f"{its}, with the module in it; take it out there"]
    (told,) = not_in_force_texts(True, None, "/usr/bin/python3")
    assert told.startswith("/usr/bin/python3, which runs cloud-init, has no module cc_guest_routes")
