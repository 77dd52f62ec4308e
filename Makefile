# `make` alone prints what there is. Everything runs in .venv, which the first target sets up.

PYTHON ?= python3
BIN := .venv/bin
SPHINX := $(BIN)/sphinx-build -n -W --keep-going -c .
ZH := -d build/doctrees/zh docs build/html
# The English half shows what the Chinese one has run.
EN := -D language=en -D gallery_run=none -D html_title='Deploying TensorFlow Models' -d build/doctrees/en docs build/html/en
READY := .venv/ready
# The converter of TensorFlow.js needs an older TensorFlow, and with it Python 3.11 or 3.12.
CONVERTER := .venv-tfjs/ready
TFJS_PYTHON ?= $(shell for python in $(PYTHON) python3.12 python3.11; do \
  $$python -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2> /dev/null \
  && echo $$python && break; done)
PACKAGES := node_modules/ready
ALL := $(READY) $(CONVERTER) $(PACKAGES)

.PHONY: help html test linkcheck livehtml page accept catalog lock lint bench clean

help: ## print this
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' Makefile

$(READY): requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --require-hashes -r requirements.txt
	@touch $@

$(CONVERTER): requirements-tfjs.txt
	@test -n "$(TFJS_PYTHON)" || { echo "the converter of TensorFlow.js needs Python 3.11 or 3.12;" \
	  "install one beside this one, or name it: make html TFJS_PYTHON=..." >&2; exit 1; }
	$(TFJS_PYTHON) -m venv .venv-tfjs
	.venv-tfjs/bin/pip install --quiet --require-hashes -r requirements-tfjs.txt
	@touch $@

$(PACKAGES): package-lock.json package.json $(READY)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm ci --no-audit --no-fund
	@touch $@

html: $(ALL) ## run what is stale, build the site: build/html/ (Chinese), build/html/en/
	$(SPHINX) -b html $(ZH)
	$(SPHINX) -b html $(EN)

test: html ## build the site and test it
	$(BIN)/python -m pytest

linkcheck: $(READY) ## check all external links
	rm -f build/linkcheck/output.json
	$(BIN)/sphinx-build -q -c . -b linkcheck -d build/doctrees/linkcheck docs build/linkcheck || true
	$(BIN)/python -m sphinxext.links build/linkcheck/output.json

livehtml: $(READY) ## serve the Chinese site, reload on save; runs no page
	$(BIN)/sphinx-autobuild -c . -D gallery_run=none --watch gallery --watch locale \
	  --ignore '*/docs/gallery/*' --re-ignore '.*/build/.*' $(ZH)

page: $(ALL) ## run one page and what it needs: make page PAGE=plot_convert
	@test -f gallery/$(PAGE).py || { echo "make page PAGE=... takes one of:"; ls gallery; exit 2; }
	$(SPHINX) -b html -D gallery_run=$(PAGE) $(ZH)

accept: $(READY) ## take the last build's outputs as the documented ones
	$(BIN)/python -m tests.documented accept

catalog: $(READY) ## bring the English catalog up to date with the Chinese text
	$(BIN)/sphinx-build -q -c . -b gettext -d build/doctrees/gettext docs build/gettext
	$(BIN)/sphinx-intl update -p build/gettext -d locale -l en --no-obsolete -w 100

lint: $(READY) ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(ALL) ## measure the promised ratios (about 20 minutes)
	$(BIN)/python -m tests.bench

lock: ## compile the requirements*.in into requirements*.txt (needs uv)
	for name in requirements requirements-tfjs; do \
	  uv pip compile --universal --python-version 3.11 --generate-hashes \
	    --fork-strategy fewest --quiet $$name.in -o $$name.txt || exit; done

clean: ## delete everything generated, what is installed excepted
	rm -rf build docs/gallery
