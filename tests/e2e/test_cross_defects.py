# engines: docker podman-rootless
# engines with --full: podman
"""Defects of cross's remote mode that slipway does not have, by the numbers that they were listed with.
Those about files are here, those of images and of what an engine has in test_cross_defects_images.py, those
of cargo in test_cross_defects_cargo.py. Many were shown before, by a test that tells the number as well:

 1 a step that fails goes unnoticed        test_faults LostAnswers.test_files_that_do_not_arrive_are_an_error,
                                           test_bad_input Disk.test_a_full_disk_at_copy_out_leaves_no_half_file
 2 cargo's messages are swallowed          cargo test_02, test_cross_build .test_a_failing_build_shows_...
 3 options land behind the user's `--`     cargo test_03, test_cross_build .test_run_passes_arguments_...
 4 dotfiles, and HOME=/root                test_04, test_cross_build .test_a_home_of_root
 5 sub-directories and --target-dir        cargo test_05, test_cross_build .test_a_target_directory_of_ones_own
 6 volumes inside of the project           cargo test_06
 7 links below directories with none       test_07
 8 a first copy that ended half way        test_08, test_workspaces Models.test_killed_at_random_moments
 9 what is there is known to one client    test_09, test_workspaces Volumes.test_what_somebody_did_in_it_is_put_right
10 edits that only a time tells            test_10, test_workspaces Files.test_a_same_second_same_size_edit
11 links that change                       test_11
12 a file for a directory and back         test_workspaces Files.test_a_file_for_a_directory_and_back
13 directories alone                       test_13
14 names that a shell changes, removed     test_14
15 paths in the text of a shell            test_15
16 images without bash, or any shell       images test_16
17 the image has a file in the way         images test_17
18 owners of everything set at each run    test_18, test_warm_users Users.test_files_are_the_users
19 times that a copy loses                 test_workspaces Files.test_everything_that_a_tree_can_have,
                                           test_cross_build .test_the_next_build_compiles_only_what_has_changed
20 containers that stay                    cargo test_20, test_run_fresh LeftBehind, test_warm_kills,
                                           test_run Interrupts.test_termination_and_quitting_end_it_too
21 names that two builds share             test_21, test_cross_build .test_two_builds_at_once
22 work in a signal handler                test_run Interrupts.test_an_impatient_user_leaves_nothing_either,
                                           .test_an_interrupt_while_the_container_is_made_leaves_nothing
23 the wrong temporary file is removed     test_23
24 credentials and ~/.cargo/bin are sent   cargo test_24
25 no terminal, no stdin                   cargo test_25, test_terminal
26 an ENTRYPOINT that is left out          cargo test_26
27 an image whose CMD ends at once         images test_27
28 output that is not UTF-8, or long       test_28, test_warm_jobs Streams.test_one_gib_of_output
29 a failed build brings everything back   cargo test_29, test_29
30 a variable that empties the volume      cargo test_30
31 volumes of one file, and two at once    cargo test_31, test_cross_config
                                           CrossConfig.test_a_second_one_waits_and_has_what_came_meanwhile
32 volumes of others are pruned            images test_32, test_warm Inventory.test_what_is_not_ours_stays
"""

import os
import pathlib
import random
import tempfile
import time

import cross_roads
from support import KIND, kept_volumes, main, removed, wait_for
from test_workspaces import LIST, seen_here


class Trees:
    """What a command sees of a tree is what is here."""

    def assert_same(self, place=None, **extra):
        place = place or self.top
        self.give(place)
        result = self.assert_road(self.here(LIST, cwd=place, **extra))
        self.assertEqual(sorted(result.stdout.splitlines()), seen_here(place))
        return result


class BothRoads(Trees):
    def test_04_dotfiles_in_a_directory_that_the_image_has(self):
        place = self.directory_of_root()
        for name in (".cargo/config.toml", ".only/.dots/.file", "plain/.hidden"):
            (place / name).parent.mkdir(parents=True)
            (place / name).write_text(f"# {name}\n")
        for _ in range(2):
            said = self.assert_same(place, HOME="/root").stdout
            self.assertIn("./.only/.dots/.file", said)
        result = self.here("cat .only/.dots/.file; echo *", cwd=place)
        self.assertEqual(result.stdout, "# .only/.dots/.file\nCargo.toml plain\n")

    def test_15_paths_that_are_text_of_a_shell(self):
        names = ['a "b"'] if KIND == "docker" else []  # podman refuses it, see test_bound
        for name in ("it's", *names, "$(touch hurt)", "`id`", "$HOME ; exit 3", "-rf *", "back\\slash"):
            with self.subTest(name=name):
                place = self.project(self.dir / name)
                below = place / name
                below.mkdir()
                (below / name).write_text(name)
                self.assert_same(place)
                result = self.assert_road(self.here('pwd; cat "./$1"; echo made > "./$1.made"', name, cwd=below))
                self.assertEqual(result.stdout, f"{below}\n{name}")
                self.assertEqual((below / f"{name}.made").read_text(), "made\n")
                self.assertEqual({p.name for p in place.iterdir()} - {".slipway"}, {"Cargo.toml", name})

    def test_18_nothing_is_done_to_files_that_have_not_changed(self):
        (self.top / "sub").mkdir()
        (self.top / "sub/file").write_text("x")
        self.give(self.top)
        look = "for f in . sub sub/file marked/file; do stat -c '%u %g %a %Y %Z %i' $f; done"
        self.assert_road(self.here("mkdir marked; echo x > marked/file; "
                                   "printf 'Signature: 8a477f597d28d172789f06886806bc55' > marked/CACHEDIR.TAG"))
        first = self.assert_road(self.here(look)).stdout
        time.sleep(1.1)  # of whole seconds
        self.assertEqual(self.assert_road(self.here(look)).stdout, first)
        if not self.id:  # else the engine maps it
            self.assertEqual({line.split()[0] for line in first.splitlines()}, {str(os.geteuid())})

    def test_21_builds_whose_names_and_moments_are_alike(self):
        places = [self.project(self.dir / name) for name in ("c1", "c1-suffix", "c1-suffix-2")]
        running = []
        for number in range(2):
            for place in places:
                script = f"echo {number} > made{number}; sleep 0.5; pwd"
                running.append((place, number, self.start(*self.run_words("sh", "-c", script), cwd=place)))
        for place, number, process in running:
            out, err = process.communicate(timeout=120)
            self.assertEqual((process.returncode, out), (0, f"{place}\n"), err)
            self.assertEqual((place / f"made{number}").read_text(), f"{number}\n")

    def test_23_temporary_files_are_none_or_gone(self):
        scratch = self.dir / "scratch"
        scratch.mkdir()
        self.give(scratch)
        # The one that began first ends last.
        script = "echo ready; read line; echo $1 > $1"
        both = [self.start(*self.run_words("sh", "-c", script, "sh", name), TMPDIR=str(scratch))
                for name in ("first", "second")]
        for process in both:
            self.assertEqual(process.stdout.readline(), "ready\n")
        for process in reversed(both):
            _, err = process.communicate("go\n", timeout=60)
            self.assertEqual(process.returncode, 0, err)
        self.assertEqual(list(scratch.iterdir()), [])
        self.assertEqual({p.name: p.read_text() for p in self.top.iterdir() if p.name != ".slipway"},
                         {"Cargo.toml": "", "first": "first\n", "second": "second\n"})

    def test_28_output_that_is_no_text(self):
        every = bytes(range(256)) * 300
        (self.top / "bytes").write_bytes(every + b"\n{\"reason\":\"x\"}\nend")
        self.give(self.top)
        result = self.here("cat bytes; cat bytes >&2", text=False)
        self.assertEqual(result.returncode, 0)
        self.assertEqual(result.stdout, every + b"\n{\"reason\":\"x\"}\nend")
        self.assertIn(result.stdout, result.stderr)

    def test_29_a_path_that_has_itself_in_it(self):
        inner = self.project(pathlib.Path(f"{self.top}{self.top}"))
        self.give(self.top)
        (inner / "file").write_text("inner")
        (self.top / "file").write_text("outer")
        result = self.assert_road(self.here("pwd; cat file; echo made > made", cwd=inner, options=["--workspace", "."]))
        self.assertEqual(result.stdout, f"{inner}\ninner")
        self.assertTrue((inner / "made").exists())
        self.assertFalse((self.top / "made").exists())


class Bound(BothRoads, cross_roads.Bound):
    pass


class Copied(BothRoads, cross_roads.Copied):
    def test_07_links_before_directories_that_have_none(self):
        for name in ("a/deep/er", "b/plain", "c"):
            (self.top / name).mkdir(parents=True)
        for link, to in (("a/deep/er/link", "../../../c"), ("a/first", "/etc"), ("a/last", "nowhere")):
            os.symlink(to, self.top / link)
        (self.top / "b/plain/file").write_text("x")
        self.assert_same()
        os.symlink("file", self.top / "b/plain/late")
        self.assert_same()

    def test_08_a_first_copy_that_ended_half_way(self):
        seed = random.randrange(1 << 30)
        dice = random.Random(seed)
        halves = 0
        with self.subTest(seed=seed):
            for turn in range(6):
                place = self.project(self.dir / f"p{turn}")
                for number in range(100):
                    (place / f"d{number % 10}").mkdir(exist_ok=True)
                    (place / f"d{number % 10}/f{number}").write_bytes(os.urandom(5000))
                (place / "large").write_bytes(os.urandom(20_000_000))
                before = kept_volumes()
                process = self.start(*self.run_words("true"), cwd=place)
                wait_for(lambda known=before, client=process: kept_volumes() - known or client.poll() is not None)
                time.sleep(dice.random() * 0.08 * turn)  # the moment is what is tested
                halves += process.poll() is None
                process.kill()
                process.wait()
                self.assert_same(place)
            self.assertGreater(halves, 0)

    def test_09_another_client_and_another_volume(self):
        (self.top / "kept").write_text("kept")
        path = self.top / "file"
        path.write_text("one")
        self.assert_same()
        then = path.stat().st_mtime_ns
        path.write_text("two")  # what one client wrote down of it is still true
        os.utime(path, ns=(then, then))
        elsewhere = {"XDG_RUNTIME_DIR": tempfile.mkdtemp(dir=self.runtime),
                     "XDG_CACHE_HOME": tempfile.mkdtemp(dir=self.cache)}
        self.assert_same(**elsewhere)
        self.call("clean", **elsewhere)
        self.clean()
        for volume in kept_volumes() - self.kept_before:
            wait_for(lambda name=volume: removed(name))
        self.assert_same()

    def test_10_what_no_time_tells(self):
        path = self.top / "tool"
        path.write_text("#!/bin/sh\necho ran\n")
        old = self.top / "old"
        old.write_text("of 1960")
        os.utime(old, (-3e8, -3e8))
        (self.top / "copy").write_text("one")
        os.utime(self.top / "copy", ns=(10**18, 10**18))
        self.assert_same()
        path.chmod(0o755)
        (self.top / "new").write_text("two")
        os.utime(self.top / "new", ns=(10**18, 10**18))
        os.replace(self.top / "new", self.top / "copy")  # as cp -p and mv
        self.assert_same()
        self.assertEqual(self.assert_ok(self.here("./tool; cat copy old")).stdout, "ran\ntwoof 1960")
        self.assertEqual(old.stat().st_mtime, -3e8)

    def test_11_links_that_change(self):
        (self.top / "dir").mkdir()
        (self.top / "dir/inside").write_text("x")
        (self.top / "file").write_text("x")
        (self.top / "link").write_text("a file first")
        self.assert_same()
        for to in ("file", "dir", "nowhere", "../outside", "/etc", "link", "dir/inside"):
            (self.top / "link").unlink()
            os.symlink(to, self.top / "link")
            self.assert_same()
            self.assertEqual(os.readlink(self.top / "link"), to)
        (self.top / "link").unlink()
        (self.top / "link").write_text("a file again")
        self.assert_same()
        self.assertEqual((self.top / "dir/inside").read_text(), "x")

    def test_13_directories_alone(self):
        self.assert_same()
        (self.top / "empty/er").mkdir(parents=True)
        (self.top / "closed").mkdir()
        (self.top / "closed").chmod(0o700)
        self.assert_same()
        (self.top / "empty/er").rmdir()
        (self.top / "closed").chmod(0o751)
        self.assert_same()
        self.assert_ok(self.here("rmdir empty closed; mkdir -p new/deep; chmod 711 new"))
        self.assertEqual([line for line in seen_here(self.top) if "new" in line], ["d ./new 711", "d ./new/deep 755"])
        self.assertFalse((self.top / "empty").exists() or (self.top / "closed").exists())

    def test_14_names_that_a_shell_changes_are_removed(self):
        names = ["back\\slash", "\\n", " before", "after ", "tab\t", "new\nline", "-rf", "*", "$HOME", "'", '"']
        for name in names:
            (self.top / name).write_text(name)
            (self.top / f"kept {name}").write_text(name)
        self.assertEqual(self.assert_ok(self.here("set -- *; echo $#")).stdout, f"{2 * len(names) + 1}\n")
        for name in names:
            (self.top / name).unlink()
        script = 'for f in "$@"; do [ ! -e "./$f" ] || echo "still: $f"; [ -e "./kept $f" ] || echo "gone: $f"; done'
        result = self.assert_ok(self.here(script, *names))
        self.assertEqual(result.stdout, "")


if __name__ == "__main__":
    main()
