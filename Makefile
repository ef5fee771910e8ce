# report · test · lab · bench · pins. Each target sets up what it needs (virtual environment, pinned packages) once.
#
#   make report                                     the sample photo
#   make report PHOTO=my_room.jpg CAMERA_HEIGHT=1.5±0.05
#   make report PHOTO=my_room.jpg MODEL=midas-small REPORT_LANG=zh OUT=report/mine
#
# Needs Python 3.11 or newer and make.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PHOTO ?=
MODEL ?=
CAMERA_HEIGHT ?=
FOCAL_PX ?=
PITCH_ROLL ?=
REFERENCE ?=
CATALOGUE ?=
REPORT_LANG ?= en
OUT ?= report
PYTHON ?=
TEST_TIME ?= 900
export PHOTO MODEL CAMERA_HEIGHT FOCAL_PX PITCH_ROLL REFERENCE CATALOGUE REPORT_LANG OUT

VENV := .venv
BIN := $(VENV)/bin
PINS := pyproject.toml constraints.txt
KNOWN := PHOTO MODEL CAMERA_HEIGHT FOCAL_PX PITCH_ROLL REFERENCE CATALOGUE REPORT_LANG OUT PYTHON TEST_TIME

# A misspelt variable would be ignored silently, and the report would be made without it: refuse it instead.
GIVEN := $(foreach v,$(.VARIABLES),$(if $(findstring command line,$(origin $(v))),$(v)))
UNKNOWN := $(filter-out $(KNOWN) MAKEFLAGS MAKEOVERRIDES,$(GIVEN))
ifneq ($(UNKNOWN),)
$(error unknown parameter $(UNKNOWN). $(shell python3 -c "import difflib, sys; near = difflib.get_close_matches(sys.argv[1].upper(), sys.argv[2:], 1, 0.6); print('Did you mean ' + near[0] + '?' if near else '')" 2>/dev/null $(firstword $(UNKNOWN)) $(KNOWN)) Known: $(KNOWN))
endif

.PHONY: help report test test-quick lab bench setup torch pins clean

help:
	@echo "make report [PHOTO=… MODEL=… CAMERA_HEIGHT=… FOCAL_PX=… PITCH_ROLL=… REFERENCE=… CATALOGUE=… REPORT_LANG=en|zh OUT=…]   one photo in, one report out"
	@echo "make test     as many tests as $(TEST_TIME) s allow      make lab     the workbook in JupyterLab      make bench   time of each stage"

report: setup
	@if [ -n "$$MODEL" ] && $(BIN)/poc models --needs-torch "$$MODEL" 2>/dev/null; then $(MAKE) --no-print-directory torch; fi
	@set --; \
	if [ -n "$$MODEL" ]; then set -- "$$@" --model "$$MODEL"; fi; \
	if [ -n "$$CAMERA_HEIGHT" ]; then set -- "$$@" --camera-height "$$CAMERA_HEIGHT"; fi; \
	if [ -n "$$FOCAL_PX" ]; then set -- "$$@" --focal-px "$$FOCAL_PX"; fi; \
	if [ -n "$$PITCH_ROLL" ]; then set -- "$$@" --pitch-roll="$$PITCH_ROLL"; fi; \
	if [ -n "$$REFERENCE" ]; then set -- "$$@" --reference "$$REFERENCE"; fi; \
	if [ -n "$$CATALOGUE" ]; then set -- "$$@" --parameter "CATALOGUE=$$CATALOGUE"; fi; \
	if [ -n "$$PHOTO" ]; then set -- "$$@" -- "$$PHOTO"; fi; \
	exec $(BIN)/poc report -o "$${OUT:-report}" --lang "$${REPORT_LANG:-en}" "$$@"

test: torch
	@$(BIN)/python -m tests.run_all --seconds $(TEST_TIME)

test-quick: setup $(VENV)/.stamp-test
	@$(BIN)/python -m pytest -m "not slow"

lab: torch
	@echo "Opening the workbook; run 01 to 06 in order. Ctrl-C twice to stop."
	@exec $(BIN)/jupyter lab notebooks

bench: setup
	@exec $(BIN)/poc bench

setup: $(VENV)/.stamp-core

torch: $(VENV)/.stamp-torch

# uv installs in seconds where pip takes a minute; where uv is not available, pip installs the same pinned versions.
define install
	if [ -x $(BIN)/uv ]; then $(BIN)/uv pip install -q --python $(BIN)/python -c constraints.txt $(1); \
	else $(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt $(1); fi
endef

# A stamp file, not the folder, marks the environment as complete: an interrupted set-up starts again.
$(VENV)/.stamp-venv:
	@set -e; for python in $(PYTHON) python3.11 python3 python3.12 python3.13 python; do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; done; \
	if [ -z "$$found" ]; then echo "No Python 3.11 or newer is on the path: install it, or set PYTHON=/path/to/python3.11" >&2; exit 2; fi; \
	echo "Setting up (once): a virtual environment in $(VENV) with $$found …"; \
	"$$found" -m venv --clear $(VENV); \
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt uv || echo "(uv is not available: continuing with pip, which is slower)"; \
	touch $@

$(VENV)/.stamp-core: $(PINS) | $(VENV)/.stamp-venv
	@echo "Setting up (once): installing the packages at the versions in constraints.txt …"
	@$(call install,-e .)
	@touch $@

$(VENV)/.stamp-test: $(PINS) | $(VENV)/.stamp-core
	@echo "Setting up (once): installing the test tools …"
	@$(call install,-e ".[test]")
	@touch $@

$(VENV)/.stamp-torch: $(PINS) | $(VENV)/.stamp-core
	@echo "Setting up (once): installing torch and the test tools, about 6 GB on disk, a minute or more …"
	@$(call install,-e ".[torch$(comma)test]")
	@touch $@ $(VENV)/.stamp-test

comma := ,

pins: $(VENV)/.stamp-venv
	@echo "Resolving pyproject.toml into constraints.txt …"
	@$(BIN)/uv pip compile -q pyproject.toml --extra torch --extra test --extra crf --extra setup --universal --python-version 3.11 \
	  --no-annotate --no-header --no-emit-index-url --no-emit-find-links -o constraints.txt

clean:
	@rm -rf $(VENV) report build dist *.egg-info
