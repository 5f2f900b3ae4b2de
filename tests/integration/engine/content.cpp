#include "integration/engine/lab.hpp"

#include <unistd.h>

#include <algorithm>

using namespace slipway;
using namespace slipway::test;

namespace {

// Gives the first half of a text, then fails.
class HalfSource final : public engine::ByteSource {
public:
    explicit HalfSource(const std::string& text)
        : first_(engine::text_source(text.substr(0, text.size() / 2)))
    {
    }
    Task<std::size_t> read(std::span<char> into) override
    {
        CO_TRY(const std::size_t n, co_await first_->read(into));
        if (n == 0) co_return fail(Errc::permission_denied, "cannot read the rest");
        co_return n;
    }

private:
    std::shared_ptr<engine::ByteSource> first_;
};

std::string unique(const std::string& what)
{
    return "slipway-test/" + what + "-" + std::to_string(::getpid());
}

std::shared_ptr<engine::ByteSource> context(const std::string& dockerfile)
{
    return engine::text_source(make_tar({{"Dockerfile", dockerfile}, {"file", "content\n"}}));
}

// Reads a build to its failure, wherever it comes.
Error failure_of(
    Lab& lab, const std::string& dockerfile, std::optional<std::int64_t>* code = nullptr
)
{
    engine::BuildSpec spec;
    spec.tags = {unique("broken") + ":latest"};
    auto started = run(lab.io, lab.builds.build(context(dockerfile), spec));
    if (!started) return std::move(started).error();
    auto error = lab.refused(started->result());
    if (code != nullptr) *code = started->failure_code();
    return error;
}

} // namespace

TEST_SUITE("engine.content")
{
    TEST_CASE("files in, looked at, and out again")
    {
        Lab lab;
        const auto id = lab.idle();
        const auto big = pattern(std::size_t{3} << 20U);
        const auto tar = make_tar({{"hello.txt", "hello\n"}, {"big", big}});
        lab.must(lab.archives.put(id, "/tmp", engine::text_source(tar)));
        const auto stat = lab.must(lab.archives.stat(id, "/tmp/hello.txt"));
        CHECK(stat.name == "hello.txt");
        CHECK(stat.size == 6);
        CHECK(stat.permissions == 0644);
        CHECK(lab.must(lab.archives.stat(id, "/tmp")).type == engine::FileType::directory);

        auto download = lab.must(lab.archives.get(id, "/tmp/big"));
        CHECK(download.stat.size == static_cast<std::int64_t>(big.size()));
        const auto bytes =
            lab.read(std::shared_ptr<engine::ResponseStream>(std::move(download.tar)), false);
        CHECK(bytes.out.find(big) != std::string::npos);

        CHECK(lab.refused(lab.archives.stat(id, "/tmp/none")).code == Errc::not_found);
        CHECK(lab.refused(lab.archives.get(id, "/tmp/none")).code == Errc::not_found);
        lab.remove(id);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("files into a directory that is not there")
    {
        Lab lab;
        const auto id = lab.idle();
        // Large enough that an early refusal meets a body that is still on its way.
        const auto tar = make_tar({{"big", pattern(std::size_t{8} << 20U)}});
        const auto put = run(lab.io, lab.archives.put(id, "/no/such", engine::text_source(tar)));
        CHECK(put.has_value() == lab.traits().put_archive_makes_directories);
        if (!put) CHECK_MESSAGE(put.error().code == Errc::not_found, describe(put.error()));
        lab.remove(id);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("an archive whose source fails is the source's error")
    {
        Lab lab;
        const auto id = lab.idle();
        const auto tar = make_tar({{"big", pattern(std::size_t{4} << 20U)}});
        const auto error =
            lab.refused(lab.archives.put(id, "/tmp", std::make_shared<HalfSource>(tar)));
        CHECK(error.code == Errc::permission_denied);
        CHECK(error.message == "cannot read the rest");
        lab.remove(id);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("images: import, inspect, tag, list, remove")
    {
        Lab lab;
        engine::ImportImage options;
        options.repository = unique("import");
        options.tag = "one";
        auto progress = lab.must(
            lab.images.import(engine::text_source(make_tar({{"etc-file", "x\n"}})), options)
        );
        const auto id = lab.must(progress.result());
        const auto info = lab.must(lab.images.inspect(id));
        CHECK(info.layers.size() == 1);
        lab.must(lab.images.tag(id, unique("import"), "two"));
        const auto two = unique("import") + ":two";
        CHECK(engine::bare_id(lab.must(lab.images.inspect(two)).id) == engine::bare_id(info.id));
        const engine::ListImages all;
        const auto listed = lab.must(lab.images.list(all));
        CHECK(std::ranges::any_of(listed, [&](const auto& image) {
            return engine::has_tag(image, two);
        }));

        engine::RemoveImage force;
        force.force = true;
        CHECK(!lab.must(lab.images.remove(info.id, force)).empty());
        CHECK(lab.refused(lab.images.inspect(two)).code == Errc::not_found);
        CHECK(lab.refused(lab.images.remove(two)).code == Errc::not_found);
    }

    TEST_CASE("a build, and what is in it")
    {
        Lab lab;
        engine::BuildSpec spec;
        const auto tag = unique("built") + ":latest";
        spec.tags = {tag};
        spec.labels["slipway.test"] = "build";
        spec.build_args["GREETING"] = "good day";
        auto progress = lab.must(lab.builds.build(
            context("FROM busybox:latest\nARG GREETING\nCOPY file /file\nRUN echo \"$GREETING\" > "
                    "/made\n"),
            spec
        ));
        const auto id = lab.must(progress.result());
        CHECK(!id.empty());
        CHECK(lab.must(lab.images.inspect(tag)).config.labels.at("slipway.test") == "build");

        auto use = lab.spec({"cat", "/file", "/made"});
        use.image = tag;
        const auto container = lab.create(use);
        CHECK(lab.must(lab.containers.start(container)) == engine::Change::done);
        CHECK(lab.exit_code(container) == 0);
        const engine::LogOptions logs;
        const auto output = lab.read(lab.must(lab.containers.logs(container, logs)));
        CHECK(output.out == "content\ngood day\n");
        lab.remove(container);
        engine::RemoveImage force;
        force.force = true;
        CHECK(!lab.must(lab.images.remove(tag, force)).empty());
        CHECK(lab.ours().empty());
    }

    TEST_CASE("a build that fails")
    {
        Lab lab;
        std::optional<std::int64_t> code;
        const auto failing = failure_of(lab, "FROM busybox:latest\nRUN exit 42\n", &code);
        CHECK_MESSAGE(failing.code == Errc::engine, describe(failing));
        CHECK(contains(failing.message, "42"));
        if (!lab.podman()) CHECK(code == 42);
        const auto syntax = failure_of(lab, "FROM busybox:latest\nNONSENSE here\n");
        CHECK_MESSAGE(
            (syntax.code == Errc::invalid_argument || syntax.code == Errc::engine), describe(syntax)
        );
        const auto tag = unique("broken") + ":latest";
        CHECK(lab.refused(lab.images.inspect(tag)).code == Errc::not_found);
    }

    TEST_CASE("a pull from where there is no registry")
    {
        Lab lab;
        engine::PullImage what;
        what.reference = "127.0.0.1:1/slipway-test/none:latest";
        auto progress = run(lab.io, lab.images.pull(what));
        const Error error =
            progress ? lab.refused(progress->result()) : std::move(progress).error();
        CHECK_MESSAGE(
            (error.code == Errc::engine || error.code == Errc::not_found), describe(error)
        );
    }
}
