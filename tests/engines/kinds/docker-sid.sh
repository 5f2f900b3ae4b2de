# dockerd of Debian's moving release: what will come. Sourced by ../engines.
# shellcheck shell=bash

suite=sid

engine_check() { docker_check; }
engine_start() { docker_start tls; }
engine_cgroups() { docker_cgroups; }
engine_env() { docker_env tls; }
