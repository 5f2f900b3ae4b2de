# engines: docker-userns
"""An engine whose containers have user ids of their own: their root is nobody on this machine, so it
may go neither into a directory of the caller's nor to a socket there."""

import json
import os
import stat

from support import Case, main


class MappedIds(Case):
    def setUp(self):
        super().setUp()
        self.top = self.dir / "project"
        self.top.mkdir()
        (self.top / "Cargo.toml").write_text("")  # it is a workspace of its own
        self.addCleanup(self.slipway, "clean")

    def here(self, script, *words):
        return self.slipway(*words, "-v", *self.run_words("sh", "-c", script), cwd=self.top)

    def test_doctor_knows_it(self):
        said = self.assert_ok(self.slipway("doctor")).stdout
        self.assertIn("as root, with user ids mapped", said)
        self.assertIn("reached by attach", said)
        engine = json.loads(self.assert_ok(self.slipway("doctor", "--json")).stdout)
        self.assertIn('"maps_users": true', json.dumps(engine))

    def test_commands_are_warm_and_have_a_copy_with_the_callers_ids(self):
        (self.top / "mine").write_text("text\n")
        (self.top / "mine").chmod(0o600)
        first = self.assert_ok(self.here("id -u; stat -c %u mine; cat mine; echo made > made"))
        self.assertEqual(first.stdout, f"{os.geteuid()}\n{os.geteuid()}\ntext\n")
        self.assertRegex(first.stderr, "new sandbox .*, reached by attach")
        self.assertRegex(first.stderr, f"the workspace is copied: .*does not see {self.top} of this machine")
        self.assertEqual((self.top / "made").read_text(), "made\n")
        status = (self.top / "made").stat()
        self.assertEqual((status.st_uid, stat.S_IMODE(status.st_mode)), (os.geteuid(), 0o644))
        second = self.assert_ok(self.here("cat made; rm mine"))
        self.assertEqual(second.stdout, "made\n")
        self.assertRegex(second.stderr, "warm sandbox .*, reached by attach")
        self.assertFalse((self.top / "mine").exists())

    def test_binding_it_is_an_error(self):
        result = self.here("true", "--files", "bind")
        self.assertEqual(result.returncode, 2)
        self.assertRegex(result.stderr, f"error: .*does not see {self.top} of this machine, or its containers have user ids")
        self.assertRegex(result.stderr, "hint: .*--files bind")


if __name__ == "__main__":
    main()
