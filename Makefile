# `make` alone prints what there is. Everything runs in .venv, which the first target sets up.

PYTHON ?= python3
BIN := .venv/bin
SPHINX := $(BIN)/sphinx-build -n -W --keep-going -c .
ZH := -d build/doctrees/zh docs build/html
# The other languages show what the Chinese half has run.
TRANSLATIONS := $(filter-out zh_CN,$(notdir $(wildcard locale/*)))
READY := .venv/ready
CONVERTER := .venv-tfjs/ready
CLIENTS := .venv-clients/ready
PACKAGES := node_modules/ready
LOCK := uv pip compile --universal --python-version=3.11 --generate-hashes --fork-strategy=fewest --quiet
ALL := $(READY) $(CONVERTER) $(PACKAGES)

.PHONY: help packages html books test linkcheck livehtml page accept catalog lock upgrade reader lint bench mutants compatibility lighthouse clean forget

help: ## print this
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-13s %s\n", $$1, $$2}' Makefile

$(READY): requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --no-deps --require-hashes -r requirements.txt # complete, with an override
	@touch $@

$(CONVERTER): requirements-tfjs.txt $(READY)
	rm -rf .venv-tfjs
	PYTHONPATH=docs/_static/code/modelsave $(BIN)/python docs/_static/code/javascript/tfjs_env.py .venv-tfjs
	@touch $@

$(PACKAGES): package-lock.json package.json $(READY)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm ci --no-audit --no-fund
	@touch $@

$(CLIENTS): requirements-clients.txt
	rm -rf .venv-clients
	$(PYTHON) -m venv .venv-clients
	.venv-clients/bin/pip install --quiet --no-deps --require-hashes -r requirements-clients.txt
	@touch $@

packages: $(ALL) $(CLIENTS) ## install what the build needs, and run nothing

html: $(ALL) ## run what is stale, build the site: build/html/ (Chinese), build/html/en/
	$(SPHINX) -b html $(ZH)
	@for language in $(TRANSLATIONS); do \
	  SITE_LANGUAGE=$$language $(SPHINX) -b html -D gallery_run=none \
	    -d build/doctrees/$$language docs build/html/$$language || exit 1; \
	done

books: html ## EPUB and PDF of the whole in both languages, into build/html/
	@for language in zh_CN $(TRANSLATIONS); do \
	  out=build/html; [ $$language = zh_CN ] || out=build/html/$$language; \
	  rm -rf build/books; for kind in epub pdf; do \
	    SITE_LANGUAGE=$$language $(SPHINX) -E -b $$kind -D gallery_run=none -D html_static_path=docs/_static/book \
	      -D html_js_files= -d build/doctrees/$$kind-$$language docs build/books/$$kind || exit 1; \
	    cp build/books/$$kind/tutorial.$$kind $$out/; \
	  done; \
	done
	$(BIN)/python -m tests.books
	$(MAKE) html # whose first page links to them

test: html $(CLIENTS) ## build the site and test it
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

linkcheck: $(READY) ## check all external links
	$(BIN)/sphinx-build -q -c . -b linkcheck -d build/doctrees/linkcheck docs build/linkcheck

livehtml: $(READY) ## serve the Chinese site, reload on save; plots again, runs no program
	$(BIN)/sphinx-autobuild -c . -D gallery_run=stored --watch gallery --watch locale \
	  --ignore '*/docs/gallery/*' --re-ignore '.*/build/.*' $(ZH)

page: $(ALL) ## run one page and what it needs: make page PAGE=plot_convert
	@test -f gallery/$(PAGE).py || { echo "make page PAGE=... takes one of:"; ls gallery; exit 2; }
	$(SPHINX) -b html -D gallery_run=$(PAGE) $(ZH)

accept: $(READY) ## take the last build's outputs as the documented ones
	$(BIN)/python -m recordings.documented accept

catalog: $(READY) ## bring the English catalog up to date with the Chinese text
	rm -rf build/gettext
	$(BIN)/sphinx-build -q -c . -b gettext -d build/doctrees/gettext docs build/gettext
	$(BIN)/sphinx-intl update -p build/gettext -d locale $(TRANSLATIONS:%=-l %) --no-obsolete -w 100

reader: html ## follow the built chapters in an empty folder; FRESH=--fresh installs everything
	$(BIN)/python -m tests.reader $(FRESH)

lint: $(READY) ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(ALL) ## measure the promised ratios (about 40 minutes)
	$(BIN)/python -m tests.bench

mutants: $(ALL) ## break the sources in many ways; each must be caught; ONLY=KIND takes a part
	$(BIN)/python -m tests.mutants $(ONLY)

compatibility: $(READY) ## try each TensorFlow since 2.16 with each Python here; ONLY=2.18 tries one
	$(BIN)/python -m tests.compatibility $(ONLY)

lighthouse: $(READY) ## Lighthouse on all pages of the last build (about half an hour)
	$(BIN)/python -m tests.lighthouse

lock: ## compile requirements*.in into requirements*.txt (needs uv); ONLY=NAME moves that package
	$(LOCK) $(ONLY:%=--upgrade-package=%) requirements.in --override=requirements-overrides.in \
	  --output-file=requirements.txt
	$(LOCK) $(ONLY:%=--upgrade-package=%) requirements-tfjs.in --constraints=requirements.txt \
	  --override=requirements-tfjs-overrides.in --output-file=requirements-tfjs.txt
	$(LOCK) $(ONLY:%=--upgrade-package=%) requirements-clients.in --output-file=requirements-clients.txt
	@git diff --text --unified=0 requirements*.txt | grep '^[-+][a-z]' \
	  || echo "nothing moved: pinned in requirements.in, unknown, or the newest"

upgrade: $(PACKAGES) ## lock the newest versions, build, show which documented outputs would change
	rm -f build/upgrade.md
	sed -i 's/^\([a-z][a-z-]*\)==[0-9.]*/\1/' requirements.in requirements-tfjs.in requirements-clients.in # lift the pins
	$(MAKE) lock LOCK="$(LOCK) --upgrade"
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm install --package-lock-only --save-exact --no-audit --no-fund \
	  $$($(BIN)/node -p "Object.keys(require('./package.json').dependencies).map((n) => n + '@latest').join(' ')")
	$(MAKE) html
	$(BIN)/python -m recordings.documented changes > build/upgrade.md; \
	  status=$$?; cat build/upgrade.md; exit $$status

clean: ## delete everything generated but recordings and what is installed
	rm -rf docs/gallery
	find build -mindepth 1 -maxdepth 1 ! -name store -exec rm -rf {} +

forget: ## delete the recordings: the next build runs every program
	rm -rf build/store
