# podman of Debian 13, which stays at 5.4. Sourced by ../engines.
# shellcheck shell=bash

suite=trixie

engine_check() { podman_check; }
engine_start() { podman_start; }
engine_cgroups() { podman_cgroups; }
engine_env() { podman_env; }
