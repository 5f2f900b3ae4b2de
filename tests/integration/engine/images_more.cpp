#include "integration/engine/lab.hpp"

#include <unistd.h>

#include <algorithm>

using namespace slipway;
using namespace slipway::test;

namespace {

std::string unique_image(const std::string& what)
{
    return "slipway-test/" + what + "-" + std::to_string(::getpid());
}

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
    for (const auto& [key, value] : lab.labels()) {
        what.changes.push_back("LABEL " + key + "=" + value);
    }
    auto id = lab.must(lab.images.commit(what));
    lab.remove(container);
    return id;
}

void remove_image(Lab& lab, const std::string& image)
{
    engine::RemoveImage force;
    force.force = true;
    CHECK(!lab.must(lab.images.remove(image, force)).empty());
}

std::vector<engine::ImageSummary> our_images(Lab& lab)
{
    engine::ListImages options;
    options.filters = lab.only_ours();
    return lab.must(lab.images.list(options));
}

std::string saved(Lab& lab, const std::vector<std::string>& images)
{
    engine::SaveImages what;
    what.images = images;
    return lab.read(std::shared_ptr<engine::ResponseStream>(lab.must(lab.images.save(what))), false)
        .out;
}

} // namespace

TEST_SUITE("engine.images.more")
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
        remove_image(lab, name);
        CHECK(our_images(lab).empty());

        engine::CommitContainer none;
        none.container = "slipway-no-such-container";
        CHECK(lab.refused(lab.images.commit(none)).code == Errc::not_found);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("a commit holds the container meanwhile, where it can be held")
    {
        Lab lab;
        const auto info = lab.must(lab.system.info());
        engine::CommitContainer what;
        what.container = lab.idle();
        const auto id = run(lab.io, lab.images.commit(what));
        const bool can_pause = !(is_rootless(info) && info.cgroup_version == "1");
        REQUIRE(id.has_value() == can_pause);
        if (id) {
            remove_image(lab, *id);
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
        remove_image(lab, name);
        CHECK(lab.refused(lab.images.inspect(name)).code == Errc::not_found);

        auto stream = lab.must(lab.images.load(engine::text_source(both)));
        const auto names = lab.must(stream.results());
        CHECK(names.size() == 2);
        CHECK(std::ranges::any_of(names, [&](const std::string& loaded) {
            return engine::same_reference(loaded, name);
        }));
        CHECK(engine::bare_id(lab.must(lab.images.inspect(name)).id) == engine::bare_id(id));
        remove_image(lab, name);

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

    TEST_CASE("a push to where there is no registry, and of what is not there")
    {
        Lab lab;
        const auto name = "127.0.0.1:1/" + unique_image("push");
        lab.must(lab.images.tag("busybox:latest", name, "one"));
        const auto push = [&](const std::string& reference) {
            engine::PushImage what;
            what.reference = reference;
            auto stream = run(lab.io, lab.images.push(what));
            return stream ? lab.refused(stream->result()) : std::move(stream).error();
        };
        const Error refused = push(name + ":one");
        CHECK_MESSAGE(refused.code == Errc::engine, describe(refused));
        CHECK(contains(refused.message, "connection refused"));
        const Error absent = push(name + ":two");
        CHECK_MESSAGE(
            (absent.code == Errc::engine || absent.code == Errc::not_found), describe(absent)
        );
        CHECK(!lab.must(lab.images.remove(name + ":one")).empty());
    }

    TEST_CASE("a registry that is not there")
    {
        Lab lab;
        engine::SearchImages what;
        what.term = "127.0.0.1:1/x";
        const Error search = lab.refused(lab.images.search(what));
        CHECK_MESSAGE(
            (search.code == Errc::engine || search.code == Errc::not_found
             || search.code == Errc::invalid_argument), // dockerd 26
            describe(search)
        );
        const Error distribution = lab.refused(lab.images.distribution("127.0.0.1:1/x:y"));
        CHECK_MESSAGE(
            distribution.code
                == (lab.traits().can_inspect_distribution ? Errc::engine : Errc::unsupported),
            describe(distribution)
        );
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
        CHECK(our_images(lab).size() == 1);
        options.named = true;
        if (lab.traits().prune_tagged == engine::PruneTagged::refused) {
            CHECK(lab.refused(lab.images.prune(options)).code == Errc::unsupported);
            remove_image(lab, name);
        } else {
            CHECK(!lab.must(lab.images.prune(options)).removed.empty());
        }
        CHECK(our_images(lab).empty());
        options.named = false;
        CHECK(lab.must(lab.images.prune(options)).removed.empty());
    }

    TEST_CASE("the build cache")
    {
        Lab lab;
        engine::PruneBuildCache options;
        options.filters["until"] = {"87600h"};
        if (lab.traits().can_prune_build_cache) {
            CHECK(lab.must(lab.builds.prune(options)).removed.empty());
            lab.must(lab.builds.cancel("slipway-no-such-build"));
        } else {
            CHECK(lab.refused(lab.builds.prune(options)).code == Errc::unsupported);
            CHECK(lab.refused(lab.builds.cancel("x")).code == Errc::unsupported);
        }
    }
}
