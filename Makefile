# Every target does its own setting up, from a bare Debian machine on.
# What it downloads and builds is in .venv and .cache.

PYTHON ?= /usr/bin/python3

tools   = .venv/.ready
wheels  = .cache/wheels.ready
vendor  = .cache/vendor.ready
cupy    = .cache/cupy.ready
devnode = .cache/devnode.ready
is_root = $(filter 0,$(shell id -u))

.PHONY: help
help:
	@echo 'make run     start the daemon of this tree, without installing it, and look at it'
	@echo 'make test    checks and all tests; as root also those that boot a systemd'
	@echo 'make check   ruff and mypy'
	@echo 'make deb     dist/polaris.deb'
	@echo 'make deb-gpu the GPU stack as a package, for Debian 12; PYTHONS=3.13 for Debian 13'
	@echo 'make bench   measure what the tests only check'
	@echo 'make lock    resolve the dependencies anew'
	@echo 'make clean   remove what the above made'

.PHONY: run
run: $(tools)
	@.venv/bin/python packaging/run_local.py

.PHONY: check
check: $(tools)
	.venv/bin/ruff check .
	.venv/bin/mypy

# the tests under systemd install the package that this tree makes
.PHONY: test
test: check $(cupy) $(devnode) $(if $(is_root),deb)
	$(if $(is_root),packaging/setup-host box)
	.venv/bin/pytest -n 2 --dist loadgroup

.PHONY: deb
deb: $(vendor)
	packaging/setup-host deb
	packaging/build-deb

# For hosts without a network.  What it downloads, 0.8 GB for each Python, stays in .cache.
PYTHONS ?= 3.11

.PHONY: deb-gpu
deb-gpu: $(tools)
	packaging/setup-host deb
	.venv/bin/python packaging/build_gpu_deb.py $(addprefix --python ,$(PYTHONS))

.PHONY: bench
bench: $(tools)
	.venv/bin/python -m tests.bench

.PHONY: lock
lock: $(tools)
	PATH="$(CURDIR)/.venv/bin:$$PATH" packaging/relock $(LOCK_OPTIONS)

.PHONY: clean
clean:
	rm -rf .venv .cache dist build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Locked and checked by hash throughout; nothing is built in an environment that is not.
$(tools): packaging/lock/tool.txt packaging/lock/dev.txt pyproject.toml packaging/setup-host
	packaging/setup-host base
	$(PYTHON) -m venv .venv
	.venv/bin/pip install -qq --disable-pip-version-check --require-hashes -r packaging/lock/tool.txt
	.venv/bin/uv pip install -q --python .venv/bin/python --require-hashes --no-build-isolation -r packaging/lock/dev.txt
	.venv/bin/uv pip install -q --python .venv/bin/python --no-deps --no-build-isolation --editable .
	touch $@

$(wheels): packaging/lock/core.txt packaging/pythons packaging/fetch-wheels | $(tools)
	packaging/fetch-wheels
	touch $@

$(cupy): packaging/lock/gpu.txt packaging/fetch-cupy | $(tools)
	packaging/fetch-cupy
	touch $@

$(devnode): packaging/fetch-devnode | $(tools)
	packaging/fetch-devnode
	touch $@

$(vendor): $(wheels) packaging/build-vendor packaging/merge_trees.py
	packaging/build-vendor
	touch $@
