# Everything sets itself up: the only things a machine needs are make and Python 3.11 or newer.
UV := $(shell command -v uv 2>/dev/null || echo .tools/uv)
RUN := .venv/bin
export UV_PYTHON_DOWNLOADS := never
export ANONYMIZED_TELEMETRY := False
export LANGSMITH_TRACING ?= false
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help
BENCHES := growth intents orders retrieval lies screening first-words xero cross-customer crash-writes faults chaos checkpoints streams serving mistakes inbox talk-over telemetry drills dashboards release restore turns size memory tokens profile
CLIENTS := tests/protocol/js/node_modules/.package-lock.json
.PHONY: help setup run cluster monitor audit test test-contract test-protocol validate check format eval clean train-intents load bench-start $(BENCHES:%=bench-%)

help: ## Show the targets
	@grep -hE '^[a-z$$(].*## ' $(MAKEFILE_LIST) | sed -E 's/^\$$\(BENCHES[^#]*/bench-...: /; s/:.*## /\t/' | expand -t 16

run: .venv/ready ## Start the service with everything it needs and print where to click
	@$(RUN)/python -m api.launch

cluster: .venv/ready ## Start three replicas on shared parts behind a proxy and print where to click
	@$(RUN)/python -m api.cluster

monitor: .venv/monitoring ## Watch the service that runs: Prometheus, Alertmanager and exporters beside it
	@$(RUN)/python -m api.monitor

test: check .venv/browser .venv/monitoring .venv/validators $(CLIENTS) ## Check, then run the tests on real parts, a file a core
	@$(RUN)/pytest -n auto --dist loadfile || { test $$? -eq 1 && \
	echo "Run once more, alone: what has just failed beside everything else." && \
	$(RUN)/pytest --last-failed --last-failed-no-failures none; }

test-protocol: .venv/ready $(CLIENTS) ## Hold the service to LangGraph's own Python and JavaScript clients alone
	@$(RUN)/pytest -n auto --dist loadfile tests/protocol

test-contract: .venv/ready ## Hold the sandbox and our requests to Xero's official description alone
	@$(RUN)/pytest tests/contract

validate: .venv/validators ## Hold the files of deploy/ to the programs that read them, and to our own rules
	@$(RUN)/pytest tests/deploy --ignore-glob='*release*' --ignore-glob='*restore*' --ignore-glob='*backup*'

check: .venv/ready ## Format, lint, types and import rules
	@$(RUN)/ruff format --check -q . && $(RUN)/ruff check -q .
	@$(RUN)/mypy
	@$(RUN)/lint-imports --no-logo

audit: .venv/ready ## Ask whether something that is locked is known to be vulnerable (needs the network)
	@sh deploy/audit.sh $(UV)

format: .venv/ready ## Put the code into its form
	@$(RUN)/ruff format -q . && $(RUN)/ruff check -q --fix .

eval: .venv/ready ## Play every eval conversation without a model; the exit code is the gate
	@$(RUN)/python -m evals run

$(BENCHES:%=bench-%): bench-%: .venv/ready ## Measure: growth intents orders retrieval lies screening first-words xero cross-customer crash-writes faults chaos checkpoints streams serving mistakes inbox talk-over telemetry drills dashboards release restore turns size memory tokens profile
	@$(RUN)/python -m evals.bench.$(subst -,_,$*)

load: .venv/ready ## Put the service under seven loads and judge them; QUICK=1 takes about ten minutes
	@$(RUN)/python -m tests.load $(if $(QUICK),--quick)

bench-start: ## Time from a bare clone, and from a warm one, to the first answer
	@python3 evals/bench/start.py

train-intents: .venv/ready ## Fit the intent classifier to tools/understanding/utterances (needs scikit-learn, fetched for this)
	@UV_PROJECT_ENVIRONMENT=.tools/training $(UV) run --locked --group training python -m evals.train_intents

setup: .venv/ready ## Install, without starting anything

clean: ## Remove what was installed and every embedded part's data
	rm -rf .venv .tools .tria $(dir $(CLIENTS)) .mypy_cache .ruff_cache .pytest_cache .hypothesis

.tools/uv:
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0])'
	@python3 deploy/bootstrap.py $@

.venv/ready: pyproject.toml uv.lock | $(if $(filter .tools/uv,$(UV)),.tools/uv)
	@echo "Installing (the first time takes about half a minute) ..."
	@$(UV) sync --locked --compile-bytecode
	@touch $@

.venv/browser: .venv/ready
	@sh deploy/chromium.sh
	@touch $@

.venv/monitoring: .venv/ready
	@sh deploy/monitoring.sh
	@touch $@

.venv/validators: .venv/ready
	@sh deploy/validators.sh
	@touch $@

$(CLIENTS): tests/protocol/js/package-lock.json | .venv/ready
	@sh deploy/node.sh $(UV)
