# heapstash. `make help` lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build

# The archive is SQLite, compiled from C.
export CGO_ENABLED := 1

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
PREFIX ?= /usr/local
DESTDIR ?=

BINARY := bin/heapstash
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

# What the nested modules require is none of heapstash's business.
MODULES := . e2e e2e/realheapster

.PHONY: help build test e2e demo bench check format vet staticcheck tidy install clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/heapstash; needs Go and a C compiler
	go build -trimpath -ldflags '-X main.version=$(VERSION)' -o $(BINARY) ./cmd/heapstash

test: e2e ## run every test that needs no root and no server, with the race detector
	go test -race ./...

e2e: ## run the tests against the real Heapster, which they build
	go test -C e2e -count=1 ./... # cached results would not know what the tests build

demo: build ## archive a made-up cluster and query it; needs no cluster
	$(BINARY) demo --db-file bin/heapstash-demo.db

bench: ## run the benchmarks, and a whole pass against the real Heapster
	go test -run '^$$' -bench . -benchmem ./...
	cd e2e && go run ./bench

check: format vet staticcheck tidy test demo ## everything that must hold before a change is merged

format: ## fail on files that gofmt would change
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "gofmt would change:"; echo "$$unformatted"; exit 1; }

vet: ## run go vet
	for module in $(MODULES); do go vet -C $$module ./...; done

staticcheck: ## run staticcheck
	for module in $(MODULES); do (cd $$module && go run $(STATICCHECK) ./...); done

tidy: ## fail if go.mod or go.sum is not tidy
	for module in $(MODULES); do go -C $$module mod tidy -diff; done

install: build ## install into PREFIX (default /usr/local), below DESTDIR
	install -D -m 755 $(BINARY) $(DESTDIR)$(PREFIX)/bin/heapstash

clean: ## remove what was built
	rm -rf bin
