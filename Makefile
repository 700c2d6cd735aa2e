# Every target does its own set-up: a machine with Python >= 3.10, make and a C library is enough.
#   PYTHON=/usr/bin/python3.12   the interpreter to build the environment from (default: the newest tested one found)
#   TORCH=torch==2.13.0          the torch to install (default: the newest; CPU wheels where their index answers)
#   VENV=.venv                   where the environment goes
#   WORKERS=                     run the tests one after another (default: a process for each core and one, 8 at most)

VENV ?= .venv
# A file's tests share what is costly to set up, so they stay together, in the order of tests/grader/order.py. Every
# worker holds torch: 0.4 GB. One more than there are cores, for many tests wait for a process to end.
CORES := $(shell getconf _NPROCESSORS_ONLN)
WORKERS ?= -n $(shell echo $$(( $(CORES) < 7 ? $(CORES) + 1 : 8 ))) --dist loadfile --no-loadscope-reorder
BIN := $(VENV)/bin
PIP := $(BIN)/python scripts/install_torch.py
DEMO := build/demo

export TORCH
unexport PYTHONPATH PYTHONHOME

.DEFAULT_GOAL := help
.PHONY: help demo test fast pythons coverage fidelity lint format types template examples zip setup clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -e 's/:.*## /|/' | while IFS='|' read -r name text; do \
		printf '  make %-10s %s\n' "$$name" "$$text"; done

demo: $(VENV)/.installed ## grade the class of made-up submissions in examples/class
	$(BIN)/python -m autograder batch examples/class --out $(DEMO)
	@echo
	@echo "results.json files  $(DEMO)/results/"
	@echo "grades              $(DEMO)/grades.csv"
	@echo "reports             $(DEMO)/index.html (open it in a browser)"

test: lint types ## everything a change must pass: lint, types, all tests
	$(BIN)/python -m pytest $(WORKERS)

fast: $(VENV)/.dev ## the quick tests only
	$(BIN)/python -m pytest -m "not slow" -x

pythons: ## the quick tests on each Python that is at hand (PYTHONS="3.10 3.13" TESTS=... for some)
	@WORKERS="$(WORKERS)" sh scripts/pythons

coverage: $(VENV)/.dev ## which lines and branches of the trusted rooms the quick tests run, by folder
	@mkdir -p build/coverage
	$(BIN)/python tests/grader/box.py --write build/coverage $(BIN)/python scripts/covered.py $(WORKERS) -m "not slow"

fidelity: $(VENV)/.dev ## the grader graded: right programs failed, mistakes missed or misnamed, margins (minutes)
	$(BIN)/python benchmarks/fidelity.py

lint: $(VENV)/.dev ## ruff: rules and format, changing nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.dev ## ruff: fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.dev ## mypy, strict
	$(BIN)/mypy

template: $(VENV)/.installed ## rebuild student_template/hw6.ipynb from its sources
	$(BIN)/python -m autograder.commands.template build

examples: $(VENV)/.installed ## rebuild examples/class from its sources
	$(BIN)/python examples/build.py

zip: $(VENV)/.installed ## make build/gradescope.zip and build/hw6-student.zip, from what is committed
	$(BIN)/python -m autograder package gradescope
	$(BIN)/python -m autograder package student

setup: $(VENV)/.dev ## only make the environment

clean: ## remove the environment, build output and caches
	rm -rf build dist .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

# Stamps: each step runs again only when what it depends on is newer.
$(VENV)/pyvenv.cfg:
	@python=$$(PYTHON="$(PYTHON)" sh scripts/find_python) || exit 2; \
		echo "environment: $(VENV), from $$python"; "$$python" -m venv "$(VENV)"

$(VENV)/.torch: $(VENV)/pyvenv.cfg scripts/install_torch.py
	@$(BIN)/python scripts/install_torch.py
	@touch $@

$(VENV)/.installed: pyproject.toml $(VENV)/.torch
	@$(PIP) -e ".[notebook,students]"
	@touch $@

$(VENV)/.dev: $(VENV)/.installed
	@$(PIP) -e ".[dev,notebook,students]"
	@touch $@
