# Every target sets up what it needs; see `make help`.

PYTHON ?= python3
# A version manager's shim costs more than our whole pass and breaks virtual environments: use what it stands for.
REAL_PYTHON = $$($(PYTHON) -c 'import sys; print(sys.executable)')
FUZZ_SECONDS ?= 60
TARGETS ?= $(patsubst tests/fuzz/fuzz_%.py,%,$(sort $(wildcard tests/fuzz/fuzz_*.py)))
SOAK_SECONDS ?= 180
DIFFERENTIAL_SECONDS ?= 60
SEED ?=
SITUATIONS ?=
SUITES ?= bookworm trixie forky
VARIANTS ?= networkd netplan netplan-ubuntu NetworkManager ifupdown
DOCUMENTS ?= static-right static-wrong drive dhcp-right dhcp-wrong dual-static dual-ra chain
VENV = .venv
BIN = $(VENV)/bin
# What runs the quick unit tests; `check` has it measure their coverage.
RUNNER = $(BIN)/python
QUICK = tests/own-processes $(RUNNER) -m pytest -q --hypothesis-profile=quick -p no:logging
# Folders of tests that run beside those which span modules, so that both halves take as long.
BESIDE = tests/unit/diagnose/ tests/unit/settings/ tests/unit/state/
FRAME = setup.py pyproject.toml guest_routes/__init__.py

.DEFAULT_GOAL = help
.DELETE_ON_ERROR:
# Thousands of processes import the same modules: they are compiled once, whatever the environment says.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help demo test test-quick quick-modules quick-whole test-packages test-packages-here test-image test-image-here test-openstack test-all check differential exhaustive bench soak fuzz e2e e2e-attacks docs publish-check release clean

help:  ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 23

demo: $(VENV)/.runtime  ## the documented example in a private network namespace
	@$(BIN)/guest-routes rehearse --example

test: $(VENV)/.dev  ## all tests but those of packages, on one interpreter, several files at a time
	@tests/install-tools
	@tests/in-parallel $(BIN)/python -m 'not packages' $(ARGS)

test-quick: $(VENV)/.dev  ## the unit tests with few examples each, half a minute
	@$(MAKE) --no-print-directory --jobs=2 --output-sync quick-modules quick-whole

# Two processes, each with half of the work: workers of pytest-xdist would each collect all of it. 5: nothing fits ARGS.
quick-modules:
	@$(QUICK) $(filter-out $(BESIDE),$(wildcard tests/unit/*/)) $(ARGS) || [ $$? -eq 5 ]

quick-whole:
	@$(QUICK) tests/unit/*.py $(BESIDE) $(ARGS) || [ $$? -eq 5 ]

test-packages:  ## packages built, installed and run; real cloud-init, network managers and DHCP clients; as root on Debian
	@! tests/can-test-packages || $(MAKE) --no-print-directory test-packages-here

test-image:  ## of these only the packages themselves and cloud-init's four stages; as root on Debian or Ubuntu
	@! tests/can-test-packages || $(MAKE) --no-print-directory test-image-here

test-image-here: $(VENV)/.dev packages
	@tests/make-chroot bookworm trixie
	@$(BIN)/python -m pytest -m packages tests/netns/test_packages.py tests/netns/test_cloud_init.py $(ARGS)

test-packages-here: $(VENV)/.dev packages
	@tests/make-chroot bookworm trixie
	@tests/make-managers-chroot
	@tests/make-dhcp-clients
	-@tests/make-ifcfg-rh-chroot
	@$(BIN)/python -m pytest -m packages $(ARGS)

packages: wheel deb rpm zipapp  ## all of them

wheel: $(VENV)/.build  ## wheel and sdist, into dist/
	@PYTHON=$(CURDIR)/$(BIN)/python packaging/build wheel

deb: $(VENV)/.build  ## the Debian package, into dist/
	@packaging/install-tools deb
	@PYTHON=$(CURDIR)/$(BIN)/python packaging/build deb

rpm: $(VENV)/.build  ## the RPM for Fedora and EL 9, into dist/
	@packaging/install-tools rpm
	@PYTHON=$(CURDIR)/$(BIN)/python packaging/build rpm

zipapp: $(VENV)/.build  ## the single file guest-routes.pyz, with all it needs but Python, into dist/
	@PYTHON=$(CURDIR)/$(BIN)/python packaging/build zipapp

test-openstack: $(VENV)/.dev .venv-neutron/bin/.made .venv-nova/bin/.made  ## the chain from Neutron's API to the kernel, by OpenStack's own code
	@tests/install-tools
	@$(BIN)/python -m pytest tests/openstack $(ARGS)

.venv-neutron/bin/.made:
	@$(REAL_PYTHON) -m venv --clear .venv-neutron
	@.venv-neutron/bin/pip install -q --disable-pip-version-check neutron python-openstackclient
	@touch $@

.venv-nova/bin/.made:
	@$(REAL_PYTHON) -m venv --clear .venv-nova
	@.venv-nova/bin/pip install -q --disable-pip-version-check nova
	@touch $@

test-all:  ## all tests but those of packages, on every Python from 3.9 on that this machine has; two hours
	@tests/install-tools
	@tests/every-python $(ARGS)

check: $(VENV)/.dev  ## style, formatting, types, layers, complexity, man pages, coverage by unit tests
	@tests/install-tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/python -m tests.gates.complexity
	mandoc -T lint -W warning docs/man/*.[1-9]
	@$(MAKE) --no-print-directory test-quick RUNNER='$(BIN)/coverage run --parallel-mode'
	@$(BIN)/coverage combine -q
	$(BIN)/python -m tests.gates.coverage_gate

differential: $(VENV)/.dev  ## the rules' own text against made-up situations, new ones each time, DIFFERENTIAL_SECONDS=60 or SITUATIONS=..., SEED=...
	@tests/install-tools
	@$(BIN)/python -m tests.differential.run $(if $(SITUATIONS),--situations $(SITUATIONS),--seconds $(DIFFERENTIAL_SECONDS)) \
		$(if $(SEED),--seed $(SEED))

exhaustive: $(VENV)/.dev  ## every table of up to three routes with every document of two networks, hours; ARGS='--share 1/100'
	@nice $(BIN)/python -m tests.exhaustive.run $(ARGS)

bench: .venv-bench/.bench  ## the measurements of benchmarks/RESULTS.md, ten minutes
	@tests/install-tools
	@.venv-bench/bin/python benchmarks/run.py $(ARGS)
	@.venv-bench/bin/python benchmarks/service.py

bench-service: .venv-bench/.bench  ## the service's part of them: repairs, memory, wakeups; five minutes
	@tests/install-tools
	@.venv-bench/bin/python benchmarks/service.py

soak: $(VENV)/.dev  ## the service among random faults, SOAK_SECONDS=180; SEED=7 for the same dice again
	@tests/install-tools
	@$(BIN)/python -m tests.soak.run --seconds $(SOAK_SECONDS) $(if $(SEED),--seed $(SEED)) $(ARGS)

dib: deb  ## an image by the real diskimage-builder with our element, looked into; as root
	@tests/dib

bench-storm: $(VENV)/.runtime  ## ten thousand instances against one metadata service, simulated; a minute
	@$(BIN)/python benchmarks/storm.py $(ARGS)

bench-growth: .venv-bench/.bench  ## time and memory over routes and NICs as a chart, benchmarks/growth.svg; half an hour
	@tests/install-tools
	@.venv-bench/bin/python benchmarks/growth.py $(ARGS)

bench-cloudinit: .venv-bench/.bench  ## what the module adds to the process of cloud-init
	@tests/install-tools
	@.venv-bench/bin/python benchmarks/cloudinit.py

fuzz: $(VENV)/.fuzz  ## every reader of bytes against made-up ones, FUZZ_SECONDS=60 each; TARGETS=leases for one
	@set -e; for target in $(TARGETS); do echo "fuzz_$$target"; \
		$(BIN)/python -m tests.fuzz.fuzz_$$target -max_total_time=$(FUZZ_SECONDS) $(ARGS); done

e2e:  ## virtual machines booted from nothing, hours, taken up where ended; as root. SUITES=bookworm VARIANTS=networkd DOCUMENTS=static-wrong for one
	@$(MAKE) --no-print-directory deb
	@$(REAL_PYTHON) -m tests.e2e.run --package $$(ls -t dist/guest-routes_*_all.deb | head -n 1) \
		--suites $(SUITES) --managers $(VARIANTS) --networks $(DOCUMENTS) $(ARGS)

e2e-attacks:  ## one virtual machine, attacked from inside the process that asks the metadata service; as root
	@$(MAKE) --no-print-directory deb
	@$(REAL_PYTHON) -m tests.e2e.attack --package $$(ls -t dist/guest-routes_*_all.deb | head -n 1) $(ARGS)

docs: .venv-docs/.made  ## the site of docs/, into .cache/site; a broken link is an error
	@tests/install-tools
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build -q

publish-check: .venv-publish/.made  ## what an index asks of the wheel and the sdist
	@rm -f dist/guest_routes-*
	@PYTHON=$(CURDIR)/.venv-publish/bin/python packaging/build wheel
	.venv-publish/bin/validate-pyproject pyproject.toml
	.venv-publish/bin/check-wheel-contents dist/guest_routes-*.whl
	.venv-publish/bin/twine check --strict dist/guest_routes-*

release:  ## every package, built twice and compared, with checksums and an SBOM, into dist/; docs/releasing.md
	@packaging/install-tools deb
	@packaging/install-tools rpm
	@$(MAKE) --no-print-directory publish-check
	@PYTHON=$(CURDIR)/.venv-publish/bin/python packaging/release

clean:  ## takes away all that make made
	rm -rf .venv .venv-* .cache build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.venv:
	@$(REAL_PYTHON) -c 'import ensurepip, venv' 2>/dev/null || tests/install-tools python3-venv
	@$(REAL_PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.runtime: $(VENV)/.venv $(FRAME)
	@echo 'setting up $(VENV)'
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.venv $(FRAME)
	@echo 'setting up $(VENV) for development'
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[dev]'
	@touch $@ $(VENV)/.runtime

$(VENV)/.build: $(VENV)/.venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check build shtab
	@touch $@

$(VENV)/.fuzz: $(VENV)/.venv $(FRAME)
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[fuzz]'
	@touch $@

.venv-docs/.made: packaging/site/requirements.txt
	@$(REAL_PYTHON) -m venv --clear .venv-docs
	@.venv-docs/bin/python -m pip install -q --disable-pip-version-check -r $<
	@touch $@

.venv-publish/.made: setup.py
	@$(REAL_PYTHON) -m venv --clear .venv-publish
	@.venv-publish/bin/python -m pip install -q --disable-pip-version-check '.[publish]'
	@rm -rf build
	@touch $@

# The package as users have it: an editable install adds its finder to every start.
.venv-bench/.bench: $(FRAME) $(wildcard guest_routes/*.py guest_routes/*/*.py guest_routes/*/*/*.py)
	@$(REAL_PYTHON) -m venv --clear .venv-bench
	@.venv-bench/bin/python -m pip install -q --disable-pip-version-check .
	@rm -rf build
	@touch $@
