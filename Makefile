# Every verb runs from the root of the tree and makes .venv first; nothing is installed outside it.

PY   := .venv/bin/python
PORT ?= 2024
JOBS ?= 1

# One thread a process: tests and training start many, and idle OpenMP threads spin.
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help setup demo real ablations nano check test unit format bench studio site links lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## make .venv (again only if the lock or pyproject.toml changed)
	@bash scripts/setup.sh

demo: setup ## train a small planner on this machine and show what it learned
	@$(PY) -m rl.demo

real: setup ## train a real language model (135 million) here; goes on if interrupted
	@$(PY) -m rl.real

ablations: setup ## compare ways to train a planner, three seeds, about an hour and a half
	@$(PY) -m rl.studies.ablations

check: setup ## ruff and mypy, changing nothing; a minute, later seconds
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(PY) scripts/snippets.py build/snippets && $(PY) -m mypy build/snippets

# Files of tests go whole to one of the processes; each of them may start Ray and vLLM: 10 GB.
test: setup ## every test, up to 75 minutes; JOBS=2 two side by side; some: ARGS="tests/rl/run -k dead"
	@$(PY) -m pytest $(if $(filter-out 1,$(JOBS)),-n $(JOBS) --dist loadfile --no-loadscope-reorder) $(ARGS)

unit: setup ## the tests that start no server and open no socket, 3 minutes; ARGS as above
	@$(PY) -m pytest -m "not integration" --disable-socket --allow-unix-socket $(ARGS)

format: setup ## let ruff rewrite what it can
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

bench: setup ## what the graph, tools, benchmark runner, viewer and training cost
	@$(PY) -m benchmarks.costs.overhead
	@$(PY) -m benchmarks.costs.sandbox
	@$(PY) -m benchmarks.costs.web
	@$(PY) -m benchmarks.costs.runner
	@$(PY) -m benchmarks.costs.tracing
	@$(PY) -m benchmarks.costs.viewer
	@$(PY) -m rl.studies.bench.update
	@$(PY) -m rl.studies.bench.pools
	@$(PY) -m rl.studies.bench.memory

nano: demo ## make the planner that ships with the package anew
	@rm -rf agentflow_graph/models/nano && cp -r runs/demo/model agentflow_graph/models/nano

# Ten workers: the default of one lets a single waiting run block every other.
studio: setup ## serve the graph to LangGraph Studio (PORT=2024)
	@LANGGRAPH_NO_VERSION_CHECK=1 LANGGRAPH_CLI_NO_ANALYTICS=1 \
	$(PY) -m langgraph_cli dev --no-browser --port $(PORT) --n-jobs-per-worker 10

SPHINX = $(PY) -m sphinx -c scripts/site -d build/doctrees

site: setup ## the documentation as a site in build/site; a link that leads nowhere is an error
	@$(SPHINX) -q -E -W --keep-going . build/site
	@echo build/site/index.html

links: setup ## the addresses outside that the documentation names, asking none of them
	@$(SPHINX) -N -b linkcheck -D linkcheck_ignore='.*' . build/links | \
	sed -n 's/^( *\(.*\): line *\([0-9]*\)) -ignored- \(http.*\)/\3  (\1.md:\2)/p' | sort -u

lock: ## resolve the dependencies anew and rewrite requirements/
	@bash scripts/lock.sh

clean: ## remove what tools left behind; keeps .venv and runs/
	@rm -rf .hypothesis .langgraph_api .mypy_cache .pytest_cache .ruff_cache build dist *.egg-info
	@find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
