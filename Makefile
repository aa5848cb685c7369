# heapstash. `make help` lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build

# The archive is SQLite, compiled from C.
export CGO_ENABLED := 1

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
# The date in generated files, so that one revision gives the same files.
ifndef SOURCE_DATE_EPOCH
SOURCE_DATE_EPOCH := $(shell git log -1 --format=%ct 2>/dev/null || date +%s)
endif
export SOURCE_DATE_EPOCH
# The seed of torture, soak and the year's archive.
SEED ?= 1
PREFIX ?= /usr/local
DESTDIR ?=
MAINTAINER ?= heapstash maintainers <maintainers@heapstash.invalid>

BINARY := bin/heapstash
STATIC := bin/static/heapstash
# A static program cannot load libraries: Go looks names up, and SQLite has no
# extensions.
STATIC_TAGS := osusergo,netgo,sqlite_omit_load_extension
# The program that make install copies.
PROGRAM ?= $(BINARY)
NFPM := github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

# Nested modules keep their requirements out of heapstash's go.mod.
MODULES := . e2e e2e/realheapster e2e/realkubernetes e2e/oldkustomize
# go vet and staticcheck read everything that a module requires. For the four small
# files of realkubernetes, that takes longer than the build. oldkustomize has no
# files.
ANALYSED := $(filter-out e2e/realkubernetes e2e/oldkustomize,$(MODULES))

.PHONY: help build static smoke test race fuzz e2e trial torture soak demo year-archive bench-queries bench-engines bench check verify format vet staticcheck tidy install stage deb clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/heapstash; needs Go and a C compiler
	go build -trimpath -ldflags '-X heapstash/cmd/heapstash/build.version=$(VERSION)' -o $(BINARY) ./cmd/heapstash

static: ## build bin/static/heapstash, which needs only a Linux kernel
	go build -trimpath -tags $(STATIC_TAGS) -ldflags '-s -w -linkmode external -extldflags "-static" -X heapstash/cmd/heapstash/build.version=$(VERSION)' -o $(STATIC) ./cmd/heapstash

smoke: static ## have bin/static/heapstash archive a made-up cluster and read it
	@dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
	$(STATIC) version; \
	$(STATIC) demo --days 0 --db-file "$$dir/demo.db" >/dev/null; \
	samples=$$($(STATIC) sql --db-file "$$dir/demo.db" --format csv 'SELECT count(*) AS samples FROM samples' | tail -n 1); \
	echo "$$samples samples archived"; \
	test "$$samples" -gt 0

# The tests that were left out because a program or root is missing, a line each.
# Every target that tests shows them at its end.
LEFT_OUT := bin/left-out
export TEST_LEFT_OUT := $(CURDIR)/$(LEFT_OUT)
list = @trap 'test ! -s $(LEFT_OUT) || { echo "Left out:"; sort -u $(LEFT_OUT) | sed "s/^/  /"; }' EXIT;

.PHONY: setup-build setup-test setup-check
setup-build setup-test setup-check: setup-%:
	@.ci/setup $*
	@mkdir -p bin && : >$(LEFT_OUT)

test: setup-test ## run the tests, in minutes; installs the programs that they use, if it may
	$(list) go test -short -timeout 20m ./... && \
	go test -C e2e -short -count=1 -timeout 20m $(E2E) # the cache does not know the programs that these tests build

# The packages that need no root.
E2E := . ./tools ./docs ./history

race: setup-check ## run the same tests with the race detector and every seed, and a short torture
	$(list) GORACE=atexit_sleep_ms=0 go test -race -timeout 30m ./... && \
	go test -C e2e -count=1 -timeout 30m $(E2E) && \
	go test -C e2e -count=1 -short ./torture

# How many inputs each target is fuzzed with: 3000 in make check. A run of a
# target in archive/collect is a whole pass, and gets a hundredth of them. A
# count and not a duration, because at the end of a duration Go may report a
# failure that is not one (go.dev/issue/75804). Tests run the seeds.
FUZZ_INPUTS ?= 30000

fuzz: ## fuzz each target with FUZZ_INPUTS inputs (default 30000, 3000 in make check)
	@grep -r --include='*_test.go' -o '^func Fuzz[A-Za-z]*' . | sed 's|/[^/]*_test.go:func | |' | sort -u | while read -r package target; do \
	inputs=$(FUZZ_INPUTS); \
	case "$$package" in ./archive/collect) inputs=$$(((inputs + 99) / 100));; esac; \
	echo "$$package $$target"; \
	go test "$$package" -run '^$$' -fuzz "^$$target\$$" -fuzztime "$${inputs}x" -fuzzminimizetime 10x </dev/null; \
	done

e2e: setup-check ## run the tests that need root: a real Kubernetes, installed packages, unusual disks, a ClickHouse cluster
	$(list) go test -C e2e -count=1 -timeout 30m ./rig ./cluster ./install ./disk ./chdb ./clickhouse ./lake

trial: setup-check ## a short torture and soak, as root: full disks, and a day
	$(list) go test -C e2e -count=1 -run 'TestDisk|TestReadOnly' ./torture -every 16 && \
	go test -C e2e -count=1 -timeout 30m ./soak

torture: ## kill heapstash, fail its system calls, fill its disk, thousands of times; SEED=n for another run. Needs root
	go test -C e2e -count=1 -timeout 180m -v ./torture -seed $(SEED)
	go test -C e2e -count=1 -timeout 60m -v ./clickhouse -long

soak: ## archive an accelerated month in half an hour; SEED=n for another one
	cd e2e && go run ./soak -seed $(SEED)

demo: setup-build build ## archive a made-up cluster and query it; needs no cluster
	$(BINARY) demo --db-file bin/heapstash-demo.db

# For how many days the year's archive has a row a minute. It has hours and days for
# the whole year.
RAW_DAYS ?= 90

year-archive: ## make bin/year.db, a year of 200 pods, with RAW_DAYS (default 90) minute by minute; SEED=n for another one
	@mkdir -p bin
	cd e2e && go run ./year -file ../bin/year.db -raw-days $(RAW_DAYS) -seed $(SEED)

bench-queries: ## ask bin/year.db and InfluxDB 1.x (Debian's influxdb) the same questions
	@test -e bin/year.db || { echo "bin/year.db is missing: make year-archive makes it" >&2; exit 1; }
	cd e2e && go run ./questions -file ../bin/year.db

# The pods, the hours with a row a minute, and the pods of the minute that has to be
# written in 512 MB.
PODS ?= 10000
HOURS ?= 6
LARGE ?= 150000

bench-engines: setup-check ## write and ask SQLite, ClickHouse, and DuckDB over Parquet side by side; PODS, HOURS, LARGE set the size
	cd e2e && \
	go test ./bench -run '^$$' -bench Pass -benchtime 1x -timeout 0 -pods $(PODS) && \
	go test ./questions -run '^$$' -bench Engines -benchtime 1x -timeout 0 -pods $(PODS) -hours $(HOURS) && \
	go test ./questions -run '^$$' -bench Minute -benchtime 1x -timeout 0 -large $(LARGE)

bench: ## run the benchmarks, and a whole pass against the real Heapster
	go test -run '^$$' -bench . -benchmem ./...
	cd e2e && go run ./bench
	go test -C e2e -run '^$$' -bench . -benchtime 1x ./tools
	go test -C e2e -run '^$$' -bench . -benchtime 1x ./cluster # needs root

check: FUZZ_INPUTS = 3000
check: setup-check format vet staticcheck tidy verify race fuzz e2e trial demo ## run everything that must pass before a merge

format: ## fail on files that gofmt would change
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "gofmt would change:"; echo "$$unformatted"; exit 1; }

vet: ## run go vet
	for module in $(ANALYSED); do go vet -C $$module ./...; done

staticcheck: ## run staticcheck
	for module in $(ANALYSED); do (cd $$module && go run $(STATICCHECK) ./...); done

tidy: ## fail if go.mod or go.sum is not tidy
	for module in $(MODULES); do go -C $$module mod tidy -diff; done

verify: ## fail if a downloaded module differs from go.sum
	for module in $(filter-out e2e,$(MODULES)); do go -C $$module mod verify; done
# e2e requires heapstash from this directory, which has no hash.
	@wrong=$$(go -C e2e mod verify 2>&1 | grep -v '^heapstash v0.0.0: missing ziphash\|^all modules verified' || true); test -z "$$wrong" || { echo "$$wrong"; exit 1; }

install: build ## install into PREFIX (default /usr/local), below DESTDIR
	@$(MAKE) --no-print-directory stage

# Units name their program with its path.
stage:
	install -D -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/heapstash
	install -d $(DESTDIR)$(PREFIX)/share/man/man1
	$(PROGRAM) man --all $(DESTDIR)$(PREFIX)/share/man/man1
	cd $(DESTDIR)$(PREFIX)/share/man/man1 && chmod 644 heapstash*.1 && gzip -9nf heapstash*.1
	$(PROGRAM) completion bash | install -D -m 644 /dev/stdin $(DESTDIR)$(PREFIX)/share/bash-completion/completions/heapstash
	$(PROGRAM) completion zsh | install -D -m 644 /dev/stdin $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_heapstash
	$(PROGRAM) completion fish | install -D -m 644 /dev/stdin $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/heapstash.fish
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/doc/heapstash README.md CHANGELOG.md RELIABILITY.md SECURITY.md
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/doc/heapstash/docs docs/*.md
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/doc/heapstash/archive archive/FORMAT.md
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/doc/heapstash/examples config.example.yaml
	install -D -m 644 deploy/cron/heapstash $(DESTDIR)$(PREFIX)/share/doc/heapstash/examples/cron
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/systemd/system deploy/systemd/*.service deploy/systemd/*.timer
	sed -i 's|/usr/local/bin/|$(PREFIX)/bin/|' $(DESTDIR)$(PREFIX)/lib/systemd/system/heapstash*.service
	install -D -m 644 deploy/systemd/heapstash.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/heapstash.conf
	install -D -m 644 deploy/systemd/heapstash.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/heapstash.conf

deb: static ## package it for Debian: bin/heapstash_VERSION_ARCH.deb
	rm -rf bin/deb
	$(MAKE) --no-print-directory stage PROGRAM=$(STATIC) PREFIX=/usr DESTDIR=$(CURDIR)/bin/deb
	deploy/debian/complete bin/deb
	DEB_VERSION=$$(deploy/debian/version '$(VERSION)') ARCH=$$(go env GOARCH) MAINTAINER='$(MAINTAINER)' \
	go run $(NFPM) package --config deploy/debian/nfpm.yaml --packager deb --target bin/

clean: ## remove what was built
	rm -rf bin
