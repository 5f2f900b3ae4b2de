# podman of Debian's moving release: what will come. Sourced by ../engines.
# shellcheck shell=bash

suite=sid

engine_check() { podman_check; }
engine_start() { podman_start; }
engine_cgroups() { podman_cgroups; }
engine_env() { podman_env; }
