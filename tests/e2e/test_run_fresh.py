# engines: docker
# engines with --full: podman-rootless
"""slipway run --fresh: what `run` does in a sandbox, in a container of its own."""

import test_run
from support import main


class Files(test_run.Files):
    run_options = ("--fresh",)


class Streams(test_run.Streams):
    run_options = ("--fresh",)


class ExitCodes(test_run.ExitCodes):
    run_options = ("--fresh",)


class Interrupts(test_run.Interrupts):
    run_options = ("--fresh",)


if __name__ == "__main__":
    main()
