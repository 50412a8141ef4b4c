# Everything a developer does with this repository. "make help" lists it.
# The modules come from go.work, so a new one needs nothing here.

GOLANGCI_VERSION    := v2.15.0
GOVULNCHECK_VERSION := v1.9.0
COMPOSE_VERSION     := v2.40.3
CYCLONEDX_VERSION   := v1.9.0
KEDA_VERSION        := v2.20.2

P        ?= 2   # packages tested at once
COUNT    ?= 1   # runs of every test
TIMEOUT  ?= 10m # for the tests of one package
FUZZTIME ?= 30s # for one fuzz target, 5m in make fuzz
CHAOS    ?=     # arguments of make chaos, such as -scenario all; none: 10 seeds on one NATS server, and on three
REPLAY   ?= 5000 # registrations of make replay
BENCH    ?=     # arguments of make bench, such as -quick

MODULES = $(shell go list -m -f '{{.Dir}}')

# What has files of its own in programs that are built for deployments (scripts/build).
DEPLOYED = cmd/createuser services/user-writer

# each runs a command in every module's folder; all of them, even when one fails.
define each
status=0; for module in $(MODULES); do (cd $$module && $(1)) || { echo "failed in $$module"; status=1; }; done; exit $$status
endef

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@awk '/^[A-Z]+ +\?= / { name = $$1; sub(/^[A-Z]+ +\?= /, ""); split($$0, a, /[ \t]*# /); printf "  %-11s %s (now: %s)\n", name "=", a[2], a[1] }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## install what the tests need and this machine lacks
	@scripts/setup

.PHONY: build
build: ## build all binaries into bin/
	@mkdir -p bin
	go build -o bin/ $$(go list -f '{{if eq .Name "main"}}{{.ImportPath}}{{end}}' work | grep -v -e /test/ -e /bench)

.PHONY: run
run: ## run everything in one process on loopback, in development mode
	@mkdir -p bin && go build -o bin/ ./cmd/createuser && exec bin/createuser run

.PHONY: test
test: setup ## run all tests of all modules with the race detector, fuzz each target for FUZZTIME, and count
	@go run ./test/parts/cmd/testall -fuzz=$(strip $(FUZZTIME)) -- -race -count=$(strip $(COUNT)) -p=$(strip $(P)) -timeout=$(strip $(TIMEOUT)) work

.PHONY: chaos
chaos: setup ## break everything under load, and judge what is left (docs/reliability.md)
	@if [ -n "$(strip $(CHAOS))" ]; then go run ./test/chaos $(CHAOS); \
	else go run ./test/chaos -seeds 10 && go run ./test/chaos -seeds 10 -cluster -rate 100; fi

.PHONY: bench
bench: setup ## measure beside Bull, Watermill and a bare chain (docs/performance.md)
ifeq ($(strip $(BENCH)),)
	@go run ./bench -out bench/results
	@go run ./bench -scale 1000000 -out bench/results -doc docs/performance.md
else
	@go run ./bench $(BENCH)
endif

.PHONY: replay
replay: setup ## replay registrations from a Bull queue to npm browsers, killing what is in between
	@DROPIN_REGISTRATIONS=$(strip $(REPLAY)) go test -race -v -count=1 -timeout=60m -run=Replay ./test/dropin

.PHONY: lint
lint: ## check format, go vet and the rules of .golangci.yml
	@unformatted=$$(gofmt -l $(MODULES)); [ -z "$$unformatted" ] || { echo "not formatted (gofmt -w):"; echo "$$unformatted"; exit 1; }
	@go vet work
	@linter=$$(scripts/linter $(GOLANGCI_VERSION)) && $(call each,$$linter run ./...)
	@go vet -tags deployed ./cmd/createuser
	@linter=$$(scripts/linter $(GOLANGCI_VERSION)) && for module in $(DEPLOYED); do (cd $$module && $$linter run --tests=false --build-tags deployed ./...) || exit 1; done

.PHONY: vuln
vuln: ## look for known vulnerabilities in what the modules call
	@scripts/vuln $(GOVULNCHECK_VERSION)

.PHONY: licenses
licenses: ## list the licence of every module in a program; fail on one without
	@scripts/licenses

.PHONY: sbom
sbom: ## write a CycloneDX SBOM of each program into bin/sbom/
	@scripts/sbom $(CYCLONEDX_VERSION)

.PHONY: compose-test
compose-test: ## build all images, bring docker-compose.yml up, and register users through it (root)
	@scripts/compose-test $(COMPOSE_VERSION)

.PHONY: k8s
k8s: ## render deploy/k8s and hold it against the API server's own code
	@scripts/k8s $(KEDA_VERSION)

.PHONY: fuzz
fuzz: FUZZTIME = 5m
fuzz: ## fuzz every target for longer, and keep what breaks one as a seed
	@go run ./test/parts/cmd/testall -fuzz=$(strip $(FUZZTIME))

.PHONY: generate
generate: ## make the generated files anew
	@go generate work

.PHONY: tidy
tidy: ## bring the requirements of all modules in order
	@scripts/tidy

.PHONY: tidy-check
tidy-check: ## the same, and fail if that changes anything
	@scripts/tidy check

.PHONY: gowork-off
gowork-off: ## build every module by itself, and every program as its image has it: under 30 MiB
	@$(call each,GOWORK=off go build -o /dev/null ./...)
	@scripts/sizes

.PHONY: clean
clean: ## remove what make has built
	rm -rf bin
