# `make check` is what continuous integration runs first: see .ci/run.

TOOL  := go tool -modfile=tools/go.mod
BUILD := -trimpath -tags netgo,osusergo,sqlite_omit_load_extension -ldflags '-s -w -extldflags=-static'
ifeq ($(shell uname -s),Darwin) # it has no static libc
BUILD := -trimpath -ldflags '-s -w'
endif
TEST  := -race -timeout 10m -skip '^TestTorture' # per package, on two cores; torture runs without the detector

.PHONY: check fmt vet lint test torture build demo screenshots clean

check: fmt vet lint test build

# Fails, naming the files, when something isn't formatted.
fmt:
	@out=$$($(TOOL) gofumpt -l .) && if [ -n "$$out" ]; then \
	  echo "not formatted (run: $(TOOL) gofumpt -w .):"; echo "$$out"; exit 1; fi

vet:
	go vet ./...

lint:
	$(TOOL) golangci-lint run ./...

test:
	go test $(TEST) ./...

# The promises under torture, N times as long as in the tests, with the figures.
N := 1
torture:
	go run ./cmd/torture -n $(N)

# One static binary, which starts on a host that has neither Go nor this libc.
build:
	mkdir -p dist
	CGO_ENABLED=1 go build $(BUILD) -o dist/stepgate ./cmd/stepgate
	dist/stepgate --version

# The pictures of the documentation, from the coloured golden frames.
screenshots:
	go test ./tui -run '^TestPictures$$' -update
	go run ./cmd/screenshots

demo:
	go run ./cmd/stepgate demo

clean:
	rm -rf dist
