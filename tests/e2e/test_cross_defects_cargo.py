# engines: docker podman-rootless
# engines with --full: podman
"""Defects of cross's remote mode that slipway cargo does not have. test_cross_defects.py tells which
number is which; the cargo here is a script."""

import os

import cross_roads
from cross_roads import IMAGE, TARGET, WithCargo
from support import kept_volumes, main
from terminal import Terminal

# What a build leaves behind: a program, and much that nobody wants back.
BUILD = ("out=$CARGO_TARGET_DIR/$CARGO_BUILD_TARGET/debug; mkdir -p $out/deps $out/incremental $out/.fingerprint; "
         "printf 'Signature: 8a477f597d28d172789f06886806bc55' > $CARGO_TARGET_DIR/CACHEDIR.TAG; "
         "echo part > $out/deps/part; echo part > $out/incremental/part; echo part > $out/.fingerprint/part; "
         "echo program > $out/program; ")


class BothRoads(WithCargo):
    def results(self, top):
        return sorted(p.name for p in (top / "target" / TARGET / "debug").iterdir())

    def test_02_messages_are_cargos(self):
        said = '{"reason":"compiler-artifact","of":"the program"}\nplain\n{"reason":1}\n'
        script = (f"printf '%s' '{said}'; echo 'error[E0308]: mismatched types' >&2; exit 101")
        result = self.cargo("build", "--message-format", "short", "--color=never", script=script)
        self.assertEqual(result.returncode, 101)
        self.assertEqual(result.stdout, f"[build][--message-format][short][--color=never]\n{said}")
        self.assertEqual(result.stderr.count("error[E0308]: mismatched types"), 1)

    def test_03_what_follows_two_dashes_is_the_programs(self):
        words = ["run", "--bin", "x", "--", "--target-dir", "mine", "--message-format=json", "--target", "",
                 "a b", "--", "-Z"]
        result = self.assert_road(self.cargo(*words, script="echo $CARGO_TARGET_DIR"))
        self.assertEqual(result.stdout.splitlines()[0], "".join(f"[{word}]" for word in words))
        self.assertTrue(result.stdout.splitlines()[1].startswith(f"{self.top}/target"), result.stdout)
        result = self.assert_road(self.cargo(*words, CROSS_BUILD_STD="true"))
        self.assertEqual(result.stdout, "".join(f"[{word}]" for word in ["run", "-Zbuild-std", *words[1:]]) + "\n")

    def test_05_results_of_a_build_in_a_sub_directory(self):
        below = self.top / "a/b"
        below.mkdir(parents=True)
        self.give(self.top)
        self.assert_road(self.cargo("build", script=BUILD, cwd=below))
        self.assertEqual(self.results(self.top), ["program"])
        self.assertEqual(list(below.iterdir()), [])
        # By an option that is relative, and by a variable that is not.
        self.assert_ok(self.cargo("build", "--target-dir", "../out", script=BUILD, cwd=below))
        self.assertEqual((self.top / "a/out" / TARGET / "debug/program").read_text(), "program\n")
        self.assert_ok(self.cargo("build", script=BUILD, cwd=below, CARGO_TARGET_DIR=str(self.top / "third")))
        self.assertEqual((self.top / "third" / TARGET / "debug/program").read_text(), "program\n")
        self.assertEqual(list(below.iterdir()), [])
        # Elsewhere nothing would come back: that is told before anything is built.
        result = self.cargo("build", "--target-dir", str(self.dir / "beside"), script="echo built")
        self.assert_error(result, 2, f"target directory {self.dir}/beside is not inside", "--target-dir")

    def test_06_a_volume_inside_of_the_project(self):
        (self.top / "sub/deep").mkdir(parents=True)
        (self.top / "sub/deep/file").write_text("data\n")
        self.give(self.top)
        for _ in range(2):
            result = self.assert_road(self.cargo(
                "build", CROSS_BUILD_ENV_VOLUMES="DATA=sub/deep", script="echo $DATA; cat $DATA/file; echo $DATA/*"))
            place = self.top / "sub/deep"
            self.assertEqual(result.stdout.splitlines()[1:], [str(place), "data", f"{place}/file"])
            found = sorted(str(p.relative_to(self.top)) for p in self.top.rglob("*")
                           if p.relative_to(self.top).parts[0] not in (".slipway", "target"))
            self.assertEqual(found, ["Cargo.toml", "sub", "sub/deep", "sub/deep/file"])

    def test_20_a_warning_in_ci_ends_nothing(self):
        os.symlink("Cargo.toml", self.top / "link")
        os.symlink("nowhere", self.top / "dangling")
        (self.top / "Cross.toml").write_text("[build]\nunknown = 1\n")
        self.give(self.top)
        result = self.assert_road(self.cargo("build", script="readlink link", CI="true", GITHUB_ACTIONS="true",
                                             CROSS_NO_WARNINGS="1", CROSS_REMOTE_COPY_REGISTRY="1"))
        self.assertIn("warning: ", result.stderr)
        self.assertEqual(result.stdout.splitlines()[-1], "Cargo.toml")
        # An error after a sandbox was made leaves none in use.
        result = self.cargo("build", script="exec /no/such/program")
        self.assertEqual(result.returncode, 127)
        variables = self.of_script("true", CROSS_CONTAINER_OPTS="--network=no-such-net")
        result = self.call(*self.cargo_words("build"), **variables)
        self.assert_error(result, 1, "no-such-net", ".")
        self.assert_none_in_use()

    def assert_none_in_use(self):
        listed = self.call("ps", "--json")
        self.assertNotIn('"in_use":true', self.assert_ok(listed).stdout.replace(" ", ""))

    def test_24_what_is_in_the_home_directory_stays_there(self):
        home = self.dir / "home"
        for name in ("credentials.toml", "credentials", "bin/secret-tool", "registry/index/secret-index"):
            (home / ".cargo" / name).parent.mkdir(parents=True, exist_ok=True)
            (home / ".cargo" / name).write_text("[registries.x]\ntoken = 'secret-token'\n")
        self.give(home)
        (self.top / "secret-seen").write_text("so the search finds what is there")
        self.give(self.top)
        script = ("find / -path /proc -prune -o -path /sys -prune -o "
                  "\\( -name 'credentials*' -o -name 'secret-*' \\) -print 2>/dev/null; env | grep secret-token; echo end")
        for variables in ({"HOME": str(home)}, {"CARGO_HOME": str(home / ".cargo")}):
            result = self.assert_road(self.cargo(
                "build", script=script, CARGO_REGISTRY_TOKEN="secret-token",
                CARGO_REGISTRIES_X_TOKEN="secret-token", **variables))
            # The script itself has the word in its variable.
            said = [line for line in result.stdout.splitlines() if "grep" not in line]
            self.assertEqual(said, ["[build]", f"{self.top}/secret-seen", "end"])

    def test_25_a_terminal_and_stdin(self):
        (self.dir / "Cargo.toml").write_text("")  # a terminal is in this directory
        result = self.cargo("run", script="cat; test -t 1 || echo none", stdin="piped\n")
        self.assertEqual(self.assert_road(result).stdout, "[run]\npiped\nnone\n")
        if self.id:
            return  # the terminal's program is called by root
        plain = self.environment
        self.environment = lambda **extra: plain(**self.of_script(
            "test -t 0 && test -t 1 && test -t 2 && echo all $TERM; read line; echo \"got $line\"; exit 5"), **extra)
        terminal = Terminal(self, *self.cargo_words("run"))
        terminal.wait_for("all xterm")
        terminal.type("typed\n")
        terminal.wait_for("got typed")
        self.assertEqual(terminal.wait(), 5)

    def test_26_an_entrypoint_of_the_image(self):
        name = "slipway-test/cross-entry:1"
        cross_roads.build_image(
            type(self), name,
            f'FROM {IMAGE}\nCOPY entry /entry\nRUN chmod 755 /entry\nENTRYPOINT ["/entry", "mark"]\n',
            entry='#!/bin/sh\nexport MARK="$1"\nshift\nexec "$@"\n')
        variable = f"CROSS_TARGET_{TARGET.upper().replace('-', '_')}_IMAGE"
        for agent in (None, "0"):
            for word in ("run", "test"):
                result = self.assert_ok(self.cargo(word, script="echo $MARK", **{variable: name}, SLIPWAY_AGENT=agent))
                self.assertEqual(result.stdout, f"[{word}]\nmark\n")

    def test_29_a_failed_build_brings_no_intermediate_files(self):
        result = self.cargo("build", script=BUILD + "exit 101")
        self.assertEqual(result.returncode, 101)
        self.assertEqual(self.results(self.top), ["program"])
        self.assertNotIn("/deps/", result.stderr)
        again = self.cargo("build", script="cat $CARGO_TARGET_DIR/$CARGO_BUILD_TARGET/debug/deps/part; exit 101")
        self.assertEqual(again.stdout, "[build]\npart\n")  # the next one goes on with them

    def test_30_variables_of_remote_mode_empty_nothing(self):
        script = BUILD + "echo x >> $out/deps/count; wc -l < $out/deps/count"
        for number, variables in enumerate((
                {}, {"CROSS_REMOTE_COPY_CACHE": "1"}, {}, {"CROSS_REMOTE_SKIP_BUILD_ARTIFACTS": "1"},
                {"CROSS_REMOTE_COPY_FULL_TARGET_DIR": "1"}, {})):
            result = self.assert_road(self.cargo("build", script=script, **variables))
            self.assertEqual(result.stdout.split()[1:], [str(number + 1)], variables)
            self.assertEqual(self.results(self.top), ["program"])

    def test_31_a_volume_of_one_file_is_refused_before_anything_is_made(self):
        (self.top / "file").write_text("x")
        self.give(self.top)
        variables = self.of_script("echo built", CROSS_BUILD_ENV_VOLUMES="DATA=file")
        result = self.call(*self.cargo_words("build"), **variables)
        self.assert_error(result, 2, "there is no directory file for the volume DATA", "single files cannot be volumes")
        self.assertEqual((self.new_containers(), kept_volumes() - self.kept_before), ([], set()))


class Bound(BothRoads, cross_roads.Bound):
    pass


class Copied(BothRoads, cross_roads.Copied):
    pass


if __name__ == "__main__":
    main()
