#!/usr/bin/env python3
"""The report says what the results say, and every trait has its row.

usage: test_report.py PROGRAM TRAITS_HEADER
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
END = "Leaks: nothing is left behind\tpass\t0\n"


def report(**files):
    with tempfile.TemporaryDirectory() as directory:
        for name, text in files.items():
            (pathlib.Path(directory) / f"{name}.tsv").write_text(text)
        done = subprocess.run([HERE / "report", directory], capture_output=True, text=True)
    cells = {}
    for line in done.stdout.splitlines():
        if line.startswith("| "):
            name, *rest = (text.strip() for text in line.strip("|").split("|"))
            cells[name] = rest
    return done, cells


class Report(unittest.TestCase):
    def test_no_results_are_no_success(self):
        done, _ = report()
        self.assertEqual(done.returncode, 1)
        self.assertIn("no results", done.stderr)

    def test_each_cell(self):
        done, cells = report(
            docker="docker 1\nLogs: one\tpass\t0.1\nArchive: two\tfail\t0.1\n" + END,
            podman="podman 2\nLogs: one\tpass\t0.1\tsome_trait: does it otherwise\n" + END,
        )
        docker, podman = cells[""].index("docker"), cells[""].index("podman")
        self.assertEqual(cells["Logs: one"][docker], "pass")
        self.assertEqual(cells["Logs: one"][podman], "differs [1]")
        self.assertEqual(cells["Archive: two"][docker], "FAIL")
        self.assertEqual(cells["Archive: two"][podman], "not run")
        self.assertIn("\n1. some_trait: does it otherwise\n", done.stdout)
        self.assertEqual(done.returncode, 1)

    def test_what_is_not_there_is_neither_passed_nor_failed(self):
        words = "can_fly: has no wings"
        done, cells = report(
            docker="docker 1\nLogs: one\tpass\t0.1\n" + END,
            podman=f"podman 2\nLogs: one\tnot there\t0.1\t{words}\n" + END,
        )
        self.assertEqual(cells["Logs: one"][cells[""].index("podman")], "not there [1]")
        self.assertIn(f"\n1. {words}\n", done.stdout)
        self.assertEqual(done.returncode, 0)

    def test_an_engine_without_results_is_not_run(self):
        done, cells = report(docker="docker 1\nLogs: one\tpass\t0.1\n" + END)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(set(cells["Logs: one"]), {"pass", "not run"})
        self.assertEqual(cells["Logs: one"].count("pass"), 1)
        self.assertIn("- podman-5: not run\n", done.stdout)

    def test_a_run_that_crashed_is_told(self):
        done, _ = report(docker="docker 1\nLogs: one\tpass\t0.1\n")
        self.assertIn("- docker: docker 1; did not come to its end\n", done.stdout)

    def test_a_run_that_the_report_does_not_know_has_a_column(self):
        _, cells = report(**{"docker.full": "docker 1, full sizes\nLogs: one\tpass\t9\n" + END})
        self.assertEqual(cells["Logs: one"][cells[""].index("docker.full")], "pass")

    def test_the_groups_stand_in_the_order_of_the_table(self):
        _, cells = report(docker="docker 1\nTraits: x\tpass\t1\nLogs: one\tpass\t1\n" + END)
        self.assertEqual(list(cells)[1:3], ["Logs: one", "Traits: x"])


class Rows(unittest.TestCase):
    def test_every_trait_has_one_row_and_every_row_is_a_trait(self):
        header = pathlib.Path(TRAITS).read_text()
        body = header[header.index("struct Traits {") : header.index("} // namespace")]
        acted_on = body[body.index("// What the endpoints act on.") :]
        traits = re.findall(r"^\s+(?:bool|PruneTagged|DeviceDrivers|std::chrono::\w+) (\w+)\b", acted_on, re.M)
        self.assertGreater(len(traits), 20)
        # Those of BuildKit take whole builds, and are compared where these are.
        builds = (HERE / "build_buildkit.cpp").read_text()
        of_buildkit = [trait for trait in traits if "buildkit" in trait]
        for trait in of_buildkit:
            self.assertIn(f"&engine::Traits::{trait}", builds)
        self.assertEqual(sorted([*rows_of("Traits"), *of_buildkit]), sorted(traits))

    def test_a_row_returns_early_only_where_the_report_hears_of_it(self):
        found = 0
        for path in sorted(HERE.glob("*.cpp")):
            _, _, rows = path.read_text().partition("TEST_SUITE(")
            for statement in re.findall(r"[^;{}]*\breturn;", rows):
                found += 1
                self.assertRegex(statement, r"^\s*if \(not_there\(", path.name)
            # What doctest itself leaves out would not be in the results.
            self.assertNotRegex(rows, r"doctest::skip|may_fail|should_fail", path.name)
        self.assertGreater(found, 10)

    def test_every_group_is_known_to_the_report(self):
        groups = re.findall(r'TEST_SUITE\("(.*?)"\)', "".join(p.read_text() for p in HERE.glob("*.cpp")))
        known = re.findall(r'^    "(.*)",$', (HERE / "report").read_text(), re.M)
        self.assertEqual(set(groups) | {"Leaks"}, set(known))

    def test_every_engine_of_ctest_is_known_to_the_report(self):
        # The full runs have columns of their own only where there are results.
        lists = (HERE / "CMakeLists.txt").read_text()
        named = re.findall(r"foreach\(engine (.*)\)\n  conformance_test\(\$\{engine\} ", lists)
        ctest = set(" ".join(named).split()) | {"docker-tls", "docker-tls1.2", "docker-26-tcp"}
        known = re.search(r"RUNS = \((.*?)\)", (HERE / "report").read_text(), re.S).group(1)
        self.assertEqual(ctest, set(re.findall(r"[\w.-]+", known.split(".split")[0])))


def rows_of(group):
    listed = subprocess.run(
        [PROGRAM, f"-ts={group}", "--list-test-cases", "--no-colors"],
        capture_output=True, text=True, check=True,
    )
    return [line for line in listed.stdout.splitlines() if not line.startswith(("[", "="))]


if __name__ == "__main__":
    PROGRAM, TRAITS = sys.argv[1:]
    unittest.main(argv=sys.argv[:1])
