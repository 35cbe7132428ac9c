# What a person types. `make demo` and `make test` do everything on a machine that has git, make and a package manager.
PREFIX ?= $(if $(filter 0,$(shell id -u)),/usr/local,$(HOME)/.local)
JOBS ?= $(shell nproc)
# Tests side by side: they wait for other processes half of their time.
BESIDE = $(shell echo $$(( ($(JOBS) * 3 + 1) / 2 )))

.PHONY: help setup packages build build-compiled test test-setup test-compiled demo lint asan tsan fuzz bench install portable clean

help:
	@echo "make demo     install, build, and find a faster kernel for an example problem"
	@echo "make test     install, build, and run every test that needs no GPU"
	@echo "make build    build/kerf"
	@echo "make install  kerf into $(PREFIX) (PREFIX=...)"
	@echo "make portable build/portable: kerf for a machine that has glibc, libstdc++, Python and PyTorch, but not Debian's libraries"
	@echo "make lint     format, include order, clang-tidy"
	@echo "make asan     unit tests under ASan and UBSan;  make tsan  under TSan;  make fuzz  a minute of each fuzzer"
	@echo "make bench    benchmarks"

setup:
	@scripts/setup.sh

# Configure once; ninja does so again by itself when a list of files changes.
build/%/build.ninja: CMakeLists.txt CMakePresets.json cmake/rooms.cmake
	@cmake --preset $* >/dev/null
build/build.ninja: CMakeLists.txt CMakePresets.json cmake/rooms.cmake
	@cmake --preset release >/dev/null

packages:
	@scripts/setup.sh packages

# What is compiled needs no Python: PyTorch is installed meanwhile.
build: packages build/build.ninja
	@echo "build: build/kerf"
	@$(MAKE) --no-print-directory -j 2 setup build-compiled
build-compiled:
	@ninja -C build -j $(JOBS) --quiet kerf kerf-runner

# In a folder of its own, in which sources are compiled several at once: building all there takes less than the tests alone
# would in build/. Which sources go together may change with each of them, so it is configured each time.
test: packages
	@echo "test: building"
	@cmake --preset gate >/dev/null
	@$(MAKE) --no-print-directory -j 2 test-setup test-compiled
	@echo "test: unit and integration (real compilers, real PyTorch), $(BESIDE) side by side, those of speed alone"
	@cd build/gate && ctest -j $(BESIDE) --output-on-failure --no-tests=error
test-setup:
	@scripts/setup.sh tests
test-compiled:
	@ninja -C build/gate -j $(JOBS) --quiet

demo: build
	@build/kerf optimize examples/softmax.py --budget 16candidates,3m --out kerf-demo

lint: packages build/build.ninja
	@scripts/lint.sh

asan tsan: setup
	@$(MAKE) --no-print-directory build/$@/build.ninja
	@ninja -C build/$@ -j $(JOBS) --quiet $$(ls src | sed 's/$$/_test/' | while read t; do ninja -C build/$@ -t query $$t >/dev/null 2>&1 && echo $$t; done)
	@cd build/$@ && ctest -j $(JOBS) -L unit --output-on-failure --no-tests=error

fuzz: setup build/fuzz/build.ninja
	@scripts/fuzz.sh

bench: setup build/build.ninja
	@ninja -C build -j $(JOBS) --quiet search_bench evaluate_bench kerf-runner
	@build/search_bench
	@build/evaluate_bench

install: build
	@cmake --install build --prefix $(PREFIX) >/dev/null
	@if [ ! -x $(PREFIX)/share/kerf/.venv/bin/python ]; then ln -sfn $(CURDIR)/.venv $(PREFIX)/share/kerf/.venv; fi
	@echo "install: $(PREFIX)/bin/kerf"

portable: build
	@rm -rf build/portable
	@cmake --install build --strip --prefix build/portable >/dev/null
	@cmake --install build --component portable --prefix build/portable >/dev/null
	@echo "portable: build/portable ($$(du -sm build/portable | cut -f1) MiB)"

clean:
	@rm -rf build
