# dockerd of Debian 13, which stays at 26.1; also on TCP without TLS. Sourced by ../engines.
# shellcheck shell=bash

suite=trixie

engine_check() { docker_check; }
engine_start() { docker_start tcp; }
engine_cgroups() { docker_cgroups; }
engine_env() { docker_env tcp; }
