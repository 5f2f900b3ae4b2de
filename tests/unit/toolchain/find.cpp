#include "made_rustup.hpp"

#include <doctest/doctest.h>

#include <utility>

using namespace slipway;
using namespace slipway::core;
using slipway::test::MadeRustup;

namespace fs = std::filesystem;

namespace {

const std::string triple = MadeRustup::host;

void check_refused(const Result<HostToolchain>& found, Errc code, const std::string& message)
{
    REQUIRE_FALSE(found.has_value());
    CAPTURE(found.error().message);
    CHECK(found.error().code == code);
    CHECK(found.error().message.find(message) != std::string::npos);
    CHECK_FALSE(found.error().hint.empty());
}

} // namespace

TEST_SUITE("core.toolchain.find")
{
    TEST_CASE("a name is for the host, or is a whole one")
    {
        MadeRustup rustup;
        const fs::path stable = rustup.add("stable-" + triple, {triple});
        rustup.add("1.85-" + triple, {triple});
        rustup.add("mine", {triple});
        MadeRustup::write(
            rustup.home() / "toolchains/mine/lib/rustlib/components", "cargo-x\nrustc-" + triple
        );
        const auto found = rustup.find("stable");
        REQUIRE(found.has_value());
        CHECK(found->name == "stable-" + triple);
        CHECK(found->from == stable);
        CHECK(found->sysroot == stable);
        CHECK(found->host == triple);
        CHECK(rustup.find("stable-" + triple)->from == stable);
        CHECK(rustup.find("1.85")->name == "1.85-" + triple);
        CHECK(rustup.find("mine")->host == triple);
        rustup.settings("default_host_triple = 'aarch64-unknown-linux-gnu'\n");
        check_refused(rustup.find("stable"), Errc::not_found, "no toolchain stable in ");
        CHECK(rustup.find("stable-" + triple).has_value());
    }

    TEST_CASE("for the triple that an image asks for")
    {
        MadeRustup rustup;
        const std::string musl = "x86_64-unknown-linux-musl";
        rustup.add("stable-" + triple, {triple});
        rustup.add("stable-" + musl, {musl, triple});
        rustup.settings("default_toolchain = 'stable-" + triple + "'\n");
        rustup.question.host = musl;
        rustup.question.host_place = "Cross.toml:3:4";
        CHECK(rustup.find("stable")->name == "stable-" + musl);
        CHECK(rustup.find("host")->name == "stable-" + musl);
        CHECK(rustup.find("stable-" + musl)->host == musl);
        check_refused(
            rustup.find("stable-" + triple),
            Errc::invalid_argument,
            "runs on " + triple + ", and image.toolchain at Cross.toml:3:4 asks for " + musl
        );
        rustup.question.host = "aarch64-unknown-linux-gnu";
        const auto missing = rustup.find("stable");
        check_refused(missing, Errc::not_found, "no toolchain stable in ");
        CHECK(
            missing.error().hint.find(
                "`rustup toolchain add stable-aarch64-unknown-linux-gnu --profile minimal "
                "--force-non-host`"
            )
            != std::string::npos
        );
    }

    TEST_CASE("RUSTUP_HOME is another home, also a relative one")
    {
        MadeRustup rustup;
        rustup.add("stable-" + triple, {triple});
        fs::rename(rustup.home(), rustup.top() / "other");
        check_refused(rustup.find("stable"), Errc::not_found, "stable");
        for (const std::string& home :
             {(rustup.top() / "other").string(), std::string("../../other")}) {
            rustup.question.environment["RUSTUP_HOME"] = home;
            CHECK(rustup.find("stable").has_value());
        }
        rustup.question.environment["RUSTUP_HOME"] = "";
        CHECK_FALSE(rustup.find("stable").has_value());
    }

    TEST_CASE("what is missing is told with what is there, and how to get it")
    {
        const MadeRustup rustup;
        check_refused(rustup.find(), Errc::not_found, "no toolchain of rustup's");
        CHECK(rustup.find("beta").error().hint.find("there is none yet") != std::string::npos);
        rustup.add("stable-" + triple, {triple});
        rustup.add("old-" + triple, {triple});
        CHECK(
            rustup.find("beta").error().hint
            == "`rustup toolchain add beta` installs it; there are: old-" + triple + ", stable-"
                   + triple
        );
        check_refused(rustup.find(), Errc::not_found, "no default toolchain");
    }

    TEST_CASE("names that none can have")
    {
        MadeRustup rustup;
        rustup.question.is_name = true;
        rustup.add("stable-" + triple, {triple});
        for (const char* const name :
             {"", ".", "..", "a/b", "../stable", "/etc", "-x", "a b", "a\nb", "a\\b"}) {
            CAPTURE(name);
            check_refused(rustup.find(name), Errc::invalid_argument, "no name of a toolchain");
        }
        check_refused(rustup.find("host"), Errc::not_found, "no toolchain host in");
    }

    TEST_CASE("the host's: variable, override, file, default, the nearest first")
    {
        MadeRustup rustup;
        for (const char* const name : {"one", "two", "three", "four"}) {
            rustup.add(std::string(name) + "-" + triple, {triple});
        }
        const auto chosen = [&] { return rustup.find()->name.substr(0, 3); };
        rustup.settings("default_toolchain = 'one'\n");
        CHECK(chosen() == "one");
        MadeRustup::write(rustup.top() / "a/rust-toolchain", "two\n");
        CHECK(chosen() == "two");
        const std::string override = "default_toolchain = 'one'\n[overrides]\n";
        rustup.settings(override + "'" + rustup.top().string() + "' = 'three'\n");
        CHECK(chosen() == "two");
        rustup.settings(override + "'" + (rustup.top() / "a").string() + "' = 'three'\n");
        CHECK(chosen() == "thr");
        MadeRustup::write(
            rustup.project() / "rust-toolchain.toml",
            "[toolchain]\nchannel = 'four'\ntargets = ['x']\n"
        );
        CHECK(chosen() == "fou");
        rustup.question.environment["RUSTUP_TOOLCHAIN"] = "one";
        CHECK(chosen() == "one");
    }

    TEST_CASE("a file in its forms")
    {
        const MadeRustup rustup;
        rustup.settings("default_toolchain = 'one'\n");
        rustup.add("one-" + triple, {triple});
        rustup.add("two-" + triple, {triple});
        MadeRustup::make(rustup.top() / "built-" / triple, {triple});
        fs::rename(rustup.top() / "built-" / triple, rustup.top() / ("built-" + triple));
        const fs::path plain = rustup.project() / "rust-toolchain";
        const fs::path with_ending = rustup.project() / "rust-toolchain.toml";
        const std::string built = "../../built-" + triple;
        for (const auto& [text, name] : std::vector<std::pair<std::string, std::string>>{
                 {"two", "two"},
                 {"\n  two \r\n\n", "two"},
                 {"[toolchain]\nchannel = 'two'", "two"},
                 {"[toolchain]\ncomponents = ['rustfmt']\n", "one"},
                 {"[toolchain]\npath = '" + built + "'\n", (rustup.top() / "built").string()}}) {
            const std::string& shown = text;
            CAPTURE(shown);
            MadeRustup::write(plain, text);
            const auto found = rustup.find();
            REQUIRE(found.has_value());
            CHECK(found->name == name + "-" + triple);
        }
        MadeRustup::write(plain, "two");
        MadeRustup::write(with_ending, "[toolchain]\nchannel = 'one'\n");
        CHECK(rustup.find()->name == "two-" + triple); // as rustup does
        fs::remove(plain);
        CHECK(rustup.find()->name == "one-" + triple);
    }

    TEST_CASE("a file that rustup would refuse, with its place")
    {
        const MadeRustup rustup;
        rustup.settings("default_toolchain = 'one'\n");
        rustup.add("one-" + triple, {triple});
        const fs::path file = rustup.project() / "rust-toolchain.toml";
        for (const auto& [text, message] : std::vector<std::pair<std::string, std::string>>{
                 {"", ": it is empty"},
                 {"one\n", ":1:"},
                 {"[toolchain\nchannel = 'one'", ":1:"},
                 {"channel = 'one'", ": it has no table [toolchain]"},
                 {"[toolchain]\nchannel = 3", ":2:11: toolchain.channel is no text"},
                 {"[toolchain]\nchannel = ''", ":2:11: toolchain.channel is no text"},
                 {"[toolchain]\nchannel = '../x'", "'../x' is no name"},
                 {"[toolchain]\nchannel = 'one'\npath = '/x'", "exclude each other"}}) {
            const std::string& shown = text;
            CAPTURE(shown);
            MadeRustup::write(file, text);
            check_refused(rustup.find(), Errc::invalid_argument, file.string());
            CHECK(rustup.find().error().message.find(message) != std::string::npos);
        }
        fs::remove(file);
        MadeRustup::write(rustup.project() / "rust-toolchain", "../../x\n");
        check_refused(rustup.find(), Errc::invalid_argument, "'../../x' is no name");
        fs::remove(rustup.project() / "rust-toolchain");
        rustup.settings("default_toolchain = \n");
        check_refused(rustup.find(), Errc::invalid_argument, "settings.toml:1:");
    }

    TEST_CASE("links: followed, dangling, to a file")
    {
        const MadeRustup rustup;
        const fs::path built = rustup.top() / "stage1";
        MadeRustup::make(built, {triple});
        MadeRustup::write(built / "lib/rustlib/components", "rustc-" + triple + "\n");
        fs::create_directories(rustup.home() / "toolchains");
        const fs::path link = rustup.home() / "toolchains/linked";
        fs::create_directory_symlink("../../stage1", link);
        CHECK(rustup.find("linked")->sysroot == built);
        fs::remove(link);
        fs::create_directory_symlink("/no/where", link);
        check_refused(
            rustup.find("linked"), Errc::not_found, "link to /no/where, which is no directory"
        );
        fs::remove(link);
        fs::create_symlink(built / "bin/rustc", link);
        check_refused(rustup.find("linked"), Errc::not_found, "no directory");
        fs::remove(link);
        fs::create_symlink("linked", link);
        check_refused(rustup.find("linked"), Errc::not_found, "no directory");
        fs::remove(link);
        MadeRustup::write(link, "");
        check_refused(rustup.find("linked"), Errc::not_found, "no directory");
    }

    TEST_CASE("what a toolchain lacks")
    {
        MadeRustup rustup;
        const fs::path made = rustup.add("one-" + triple, {triple, "b-t-c"});
        rustup.question.target = "b-t-c";
        CHECK(rustup.find("one").has_value());
        rustup.question.target = "d-e-f";
        auto found = rustup.find("one");
        check_refused(found, Errc::not_found, "lacks a standard library for d-e-f");
        CHECK(
            found.error().hint
            == "`rustup target add d-e-f --toolchain one-" + triple + "` installs it"
        );
        rustup.question.builds_std = true;
        check_refused(rustup.find("one"), Errc::not_found, "lacks the source");
        MadeRustup::write(made / "lib/rustlib/src/rust/library/std/lib.rs", "");
        CHECK(rustup.find("one")->with_source);
        fs::remove_all(made / "lib/rustlib" / triple);
        rustup.question.builds_std = false;
        check_refused(rustup.find("one"), Errc::not_found, "which platform");
        fs::remove(made / "bin/cargo");
        check_refused(rustup.find("one"), Errc::not_found, "no bin/cargo");
        fs::create_symlink("/bin/sh", made / "bin/cargo");
        check_refused(rustup.find("one"), Errc::invalid_argument, "bin/cargo is a link to /");
        fs::remove(made / "bin/cargo");
        fs::create_symlink("rustc", made / "bin/cargo");
        rustup.question.target = "b-t-c";
        MadeRustup::make(made, {triple});
        CHECK(rustup.find("one").has_value());
    }

    TEST_CASE("the platform by the compiler, where nothing else tells")
    {
        const MadeRustup rustup;
        const std::string musl = "x86_64-unknown-linux-musl";
        const fs::path made = rustup.add("linked", {triple, musl, "aarch64-unknown-linux-gnu"});
        check_refused(rustup.find("linked"), Errc::not_found, "which platform");
        std::string program = "\x7f"
                              "ELF";
        program.resize(18);
        program += std::string("\x3e\0", 2);
        MadeRustup::write(made / "bin/rustc", program);
        CHECK(rustup.find("linked")->host == triple);
        MadeRustup::write(made / "bin/rustc", program + "/lib/ld-musl-x86_64.so.1");
        CHECK(rustup.find("linked")->host == musl);
        MadeRustup::write(made / "bin/rustc", program.substr(0, 10));
        check_refused(rustup.find("linked"), Errc::not_found, "which platform");
    }

    TEST_CASE("a directory by its path")
    {
        const MadeRustup rustup;
        const fs::path made = rustup.top() / ("x-" + triple);
        MadeRustup::make(made, {triple});
        CHECK(rustup.find(made.string())->from == made);
        CHECK(rustup.find("../../x-" + triple)->from == made);
        check_refused(rustup.find("./none"), Errc::not_found, "no directory");
        check_refused(rustup.find((made / "bin/rustc").string()), Errc::not_found, "no directory");
        check_refused(rustup.find("/usr/share"), Errc::not_found, "/usr/share has no bin/rustc");
    }

    TEST_CASE("images of which platform it runs in")
    {
        HostToolchain toolchain;
        const auto runs = [&](const std::string& host, const std::string& architecture) {
            toolchain.host = host;
            return check_toolchain_runs(toolchain, "linux", architecture).has_value();
        };
        CHECK(runs(triple, "amd64"));
        CHECK(runs("aarch64-unknown-linux-musl", "arm64"));
        CHECK(runs("armv7-unknown-linux-gnueabihf", "arm"));
        CHECK(runs("s390x-unknown-linux-gnu", "s390x"));
        CHECK_FALSE(runs(triple, "arm64"));
        CHECK_FALSE(runs("aarch64-apple-darwin", "arm64"));
        CHECK_FALSE(check_toolchain_runs(toolchain, "windows", "arm64").has_value());
    }
}
