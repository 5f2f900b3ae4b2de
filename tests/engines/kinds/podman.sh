# podman of this machine's packages, root, overlay. Sourced by ../engines.
# shellcheck shell=bash

engine_check() { podman_check; }
engine_start() { podman_start; }
engine_cgroups() { podman_cgroups; }
engine_env() { podman_env; }
