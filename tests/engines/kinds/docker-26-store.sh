# dockerd of Debian 13 that keeps its images in containerd's store, as the newest do by default.
# Sourced by ../engines.
# shellcheck shell=bash

suite=trixie

engine_check() { docker_check; }
engine_start() { docker_start tcp containerd-snapshotter; }
engine_cgroups() { docker_cgroups; }
engine_env() { docker_env tcp; }
