#include "conformance/lab.hpp"

#include <algorithm>

using namespace slipway;
using namespace slipway::test;

namespace {

/// An image made of a container, with the lab's label, that the engine can tell from all others.
std::string make_image(Lab& lab, const std::string& repository)
{
    const auto container = lab.create(lab.spec({"true"}));
    engine::CommitContainer what;
    what.container = container;
    what.repository = repository;
    what.tag = repository.empty() ? "" : "one";
    what.comment = "made by a test";
    what.pause = false;
    what.changes = {"ENV MADE=" + container, "CMD [\"sleep\", \"1\"]"};
    for (std::string& line : lab.label_changes()) {
        what.changes.push_back(std::move(line));
    }
    auto id = lab.must(lab.images.commit(what));
    lab.remove(container);
    return id;
}

std::string saved(Lab& lab, const std::vector<std::string>& images)
{
    engine::SaveImages what;
    what.images = images;
    return lab.read(std::shared_ptr<engine::ResponseStream>(lab.must(lab.images.save(what))), false)
        .out;
}

} // namespace

TEST_SUITE("Images")
{
    TEST_CASE("a container becomes an image with a history")
    {
        Lab lab;
        const auto name = unique_image("commit") + ":one";
        const auto id = make_image(lab, unique_image("commit"));
        const auto info = lab.must(lab.images.inspect(name));
        CHECK(engine::bare_id(info.id) == engine::bare_id(id));
        CHECK(info.config.cmd == std::vector<std::string>{"sleep", "1"});
        CHECK(info.config.labels == lab.labels());
        CHECK(std::ranges::any_of(info.config.env, [](const std::string& variable) {
            return variable.starts_with("MADE=");
        }));
        const auto history = lab.must(lab.images.history(name));
        REQUIRE(history.size() == 2);
        CHECK(history.front().created >= history.back().created);
        CHECK(!history.front().comment.empty()); // podman: what the image was made from
        CHECK(lab.refused(lab.images.history("slipway-test/none")).code == Errc::not_found);
        lab.remove_image(name);
        CHECK(lab.our_images().empty());

        engine::CommitContainer none;
        none.container = "slipway-no-such-container";
        CHECK(lab.refused(lab.images.commit(none)).code == Errc::not_found);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("an image and its history for a platform, where they can be asked for")
    {
        Lab lab;
        const auto own = "linux/" + lab.must(lab.system.version()).architecture;
        const auto asked = [&](auto ask, engine::ApiVersion since) {
            if (differs(lab.traits().api < since, "API", "cannot choose a platform there")) {
                CHECK(lab.refused(ask(own)).code == Errc::unsupported);
            } else {
                static_cast<void>(lab.must(ask(own)));
                const auto other = lab.refused(ask("linux/s390x"));
                CHECK_MESSAGE(other.code == Errc::not_found, describe(other));
            }
        };
        asked(
            [&](const std::string& platform) {
                return lab.images.inspect("busybox:latest", platform);
            },
            {1, 49}
        );
        asked(
            [&](const std::string& platform) {
                return lab.images.history("busybox:latest", platform);
            },
            {1, 48}
        );
    }

    TEST_CASE("a commit holds the container meanwhile, where it can be held")
    {
        Lab lab;
        const auto info = lab.must(lab.system.info());
        engine::CommitContainer what;
        what.container = lab.idle();
        const auto id = run(lab.io, lab.images.commit(what));
        const bool cannot = is_rootless(info) && info.cgroup_version == "1";
        REQUIRE(id.has_value() == !differs(cannot, "rootless", "cannot pause with cgroup v1"));
        if (id) {
            lab.remove_image(*id);
        } else {
            CHECK_MESSAGE(id.error().code == Errc::unsupported, describe(id.error()));
        }
        CHECK(lab.must(lab.containers.inspect(what.container)).state.running);
        lab.remove(what.container);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("images out as an archive, and in again under the same ids")
    {
        Lab lab;
        const auto name = unique_image("save") + ":one";
        const auto id = make_image(lab, unique_image("save"));
        const auto one = saved(lab, {name});
        CHECK(contains(one, "manifest.json"));
        const auto both = saved(lab, {name, "busybox:latest"});
        CHECK(both.size() > one.size() / 2);
        lab.remove_image(name);
        CHECK(lab.refused(lab.images.inspect(name)).code == Errc::not_found);

        auto stream = lab.must(lab.images.load(engine::text_source(both)));
        const auto names = lab.must(stream.results());
        CHECK(names.size() == 2);
        CHECK(std::ranges::any_of(names, [&](const std::string& loaded) {
            return engine::same_reference(loaded, name);
        }));
        CHECK(engine::bare_id(lab.must(lab.images.inspect(name)).id) == engine::bare_id(id));
        lab.remove_image(name);

        engine::SaveImages none;
        none.images = {"busybox:latest", "slipway-test/none:latest"};
        CHECK(lab.refused(lab.images.save(none)).code == Errc::not_found);
        none.images = {"slipway-test/none:latest"};
        CHECK(lab.refused(lab.images.save(none)).code == Errc::not_found);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("what is no archive of images does not load")
    {
        Lab lab;
        for (const std::string& bytes : {std::string("garbage"), make_tar({{"x", "y"}})}) {
            auto stream = run(lab.io, lab.images.load(engine::text_source(bytes)));
            const Error error = stream ? lab.refused(stream->results()) : std::move(stream).error();
            CHECK_MESSAGE(error.code == Errc::engine, describe(error));
        }
    }

    TEST_CASE("prune takes what has the label, with a name only where that was asked for")
    {
        Lab lab;
        const auto name = unique_image("prune") + ":one";
        make_image(lab, unique_image("prune"));
        const auto nameless = make_image(lab, "");
        engine::PruneImages options;
        options.filters = lab.only_ours();
        const auto pruned = lab.must(lab.images.prune(options));
        CHECK(std::ranges::any_of(pruned.removed, [&](const engine::RemovedImage& image) {
            return engine::bare_id(image.deleted) == engine::bare_id(nameless);
        }));
        CHECK(lab.our_images().size() == 1);
        options.named = true;
        if (differs(
                lab.traits().prune_tagged == engine::PruneTagged::refused,
                "prune_tagged",
                "removes no images that have a name"
            )) {
            CHECK(lab.refused(lab.images.prune(options)).code == Errc::unsupported);
            lab.remove_image(name);
        } else {
            CHECK(!lab.must(lab.images.prune(options)).removed.empty());
        }
        CHECK(lab.our_images().empty());
        options.named = false;
        CHECK(lab.must(lab.images.prune(options)).removed.empty());
    }

    TEST_CASE("import, inspect, tag, list, remove")
    {
        Lab lab;
        engine::ImportImage options;
        options.repository = unique_image("import");
        options.tag = "one";
        auto progress = lab.must(
            lab.images.import(engine::text_source(make_tar({{"etc-file", "x\n"}})), options)
        );
        const auto id = lab.must(progress.result());
        const auto info = lab.must(lab.images.inspect(id));
        CHECK(info.layers.size() == 1);
        lab.must(lab.images.tag(id, unique_image("import"), "two"));
        const auto two = unique_image("import") + ":two";
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

    TEST_CASE("names: what is a tag, and what is none")
    {
        Lab lab;
        const auto repository = unique_image("tag");
        lab.must(lab.images.tag("busybox:latest", repository, "a.b-c_1"));
        CHECK(!lab.must(lab.images.inspect(repository + ":a.b-c_1")).id.empty());
        lab.must(lab.images.tag("busybox:latest", repository, "a.b-c_1")); // once more is no error
        CHECK(!run(lab.io, lab.images.tag("busybox:latest", "two//slashes", "x")));
        CHECK(!run(lab.io, lab.images.tag("busybox:latest", repository, "bad tag")));
        CHECK(
            lab.refused(lab.images.tag("slipway-test/none", repository, "x")).code
            == Errc::not_found
        );
        // The name goes, the image stays, for it has another.
        const auto removed = lab.must(lab.images.remove(repository + ":a.b-c_1"));
        CHECK(removed.size() == 1);
        CHECK(!lab.must(lab.images.inspect("busybox:latest")).id.empty());
    }

    TEST_CASE("an image that is in use stays")
    {
        Lab lab;
        const auto image = unique_image("used") + ":one";
        make_image(lab, unique_image("used"));
        auto spec = lab.spec({"sleep", "600"});
        spec.image = image;
        const auto id = lab.create(spec);
        CHECK(lab.must(lab.containers.start(id)) == engine::Change::done);
        CHECK(lab.refused(lab.images.remove(image)).code == Errc::conflict);
        lab.remove(id);
        CHECK(!lab.must(lab.images.remove(image)).empty());
        CHECK(lab.our_images().empty());
    }
}
