# `make run` starts the app, `make fast` checks most in a minute, `make test` checks everything;
# `make help` lists the rest.

# Python 3.11 to 3.13; TensorFlow has no build for others. Another one: make run PYTHON=python3.12
PYTHON ?= python3
VENV ?= .venv
# More for Streamlit, such as: make run STREAMLIT_ARGS=--server.port=8080
STREAMLIT_ARGS ?=
# More for pytest, such as: make unit PYTEST_ARGS="-k labels -x"
PYTEST_ARGS ?=
# Processes that run tests at once, each with one thread and up to 2 GB; on two cores three, as some
# tests wait, for processes of their own, threads or the browser
TEST_WORKERS ?= 3
# How long `make fuzz` searches
FUZZ_SECONDS ?= 60

# Otherwise each process that runs tests would compile all modules anew: five seconds for each.
export PYTHONDONTWRITEBYTECODE :=

PY := $(VENV)/bin/python
TYPED := fer_core train
PYTEST := $(PY) -m pytest -n $(TEST_WORKERS)

.DEFAULT_GOAL := help
.PHONY: help run test unit fast lint format fuzz bench wheel lock docs detector clean distclean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# For this computer alone, as .streamlit/config.toml has it. For others, as docs/DEPLOY.md has it:
# make run STREAMLIT_ARGS=--server.address=0.0.0.0
run: $(VENV)/.installed detector ## Install what is missing and start the app.
	$(PY) -m streamlit run app.py $(STREAMLIT_ARGS)

test: lint unit ## Lint, check types and run all tests, those in the browser too; ten minutes.

unit: $(VENV)/.installed-dev detector ## Run all tests.
	$(PYTEST) $(PYTEST_ARGS)

# Needs nothing but the checkout and what is installed.
fast: $(VENV)/.installed-dev ## Run the tests without browser, training, Ray and ../shared; a minute.
	$(PYTEST) -m "not browser and not training and not shared and not wheel and not site and not ray" $(PYTEST_ARGS)

lint: $(VENV)/.installed-dev ## Check style, format, types and imports.
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy $(TYPED)
	$(VENV)/bin/lint-imports

format: $(VENV)/.installed-dev ## Format the code and mend what ruff can mend.
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

# The smallest files that fail are kept in build/fuzz.
fuzz: $(VENV)/.installed-dev ## Damage small files, and see whether the readers bear it.
	$(PY) -m tests.fuzz --seconds $(FUZZ_SECONDS)

bench: $(VENV)/.installed-dev detector ## Measure speed and memory.
	$(PY) -m benchmarks

wheel: $(VENV)/.installed-dev ## Build the library's wheel, into build/.
	$(PY) -m pip wheel --no-deps --no-build-isolation --wheel-dir build .

# From the list of ranges; versions that are still right stay. No name of a registry gets into it.
# Without what only training needs. pip tries what uv has chosen, as the image will install it.
lock: $(VENV)/.installed-dev ## Pin what the app's image installs, in deploy/requirements.lock.
	sed '/^# For training alone/,$$d' requirements.txt | $(PY) -m uv pip compile - \
		--constraint deploy/constraints.txt --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet \
		--output-file deploy/requirements.lock
	$(PY) -m pip install --dry-run --ignore-installed --quiet --disable-pip-version-check \
		--require-hashes --only-binary :all: -r deploy/requirements.lock

# The theme's makers warn of the next MkDocs, which requirements-dev.txt rules out.
docs: $(VENV)/.installed-dev ## Build the documentation, into build/site.
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict

# Without a network the app still runs, on the detector that OpenCV ships.
detector: $(VENV)/.installed
	@$(PY) -m fer_core download || echo "Going on without it, on the built-in Haar detector."

# The stamps are younger than what they were made from, so a second run installs nothing.
$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { \
		echo "$(PYTHON) is not Python 3.11, 3.12 or 3.13. Name one: make run PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: requirements.txt $(VENV)/.created
	$(PY) -m pip install --disable-pip-version-check -r requirements.txt
	@$(PY) -c 'import cv2' || { \
		echo "OpenCV lacks system libraries; on Debian: apt-get install $$(xargs < packages.txt)"; exit 1; }
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	$(PY) -m pip install --disable-pip-version-check -r requirements-dev.txt
	@touch $@

clean: ## Remove caches and what tests wrote.
	rm -rf build .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -exec rm -rf {} +

distclean: clean ## Remove the virtual environment too.
	rm -rf $(VENV)
