#include "conformance/registry.hpp"
#include "conformance/trait_row.hpp"

#include <algorithm>
#include <cstdlib>

using namespace slipway;
using namespace slipway::test;
using engine::Change;
using engine::Request;
using engine::Traits;

// Traits of images, builds and registries.

namespace {

Request build_request(const std::string& key, const std::string& value)
{
    auto request = Request("POST", "/build");
    request.query(key, value);
    request.body(
        engine::text_source(make_tar({{"Dockerfile", "FROM busybox:latest\n"}})),
        "application/x-tar"
    );
    return request;
}

std::vector<engine::Progress> messages(Lab& lab, engine::ProgressStream& stream)
{
    std::vector<engine::Progress> all;
    while (auto message = lab.must(stream.next())) {
        all.push_back(*std::move(message));
    }
    return all;
}

} // namespace

TEST_SUITE("Traits")
{
    TEST_CASE("build_extra_hosts_is_json")
    {
        Lab lab;
        check_trait(
            lab,
            &Traits::build_extra_hosts_is_json,
            is_refused(lab, build_request("extrahosts", "one.example:10.9.8.7"))
        );
    }

    TEST_CASE("build_ulimits_are_text")
    {
        Lab lab;
        check_trait(
            lab,
            &Traits::build_ulimits_are_text,
            is_refused(lab, build_request("ulimits", R"([{"Name":"nofile","Soft":10,"Hard":20}])"))
        );
    }

    TEST_CASE("pull_ends_with_a_layer")
    {
        Lab lab;
        const auto name = pushed_image(lab, "trait-pull") + ":one";
        lab.remove_image(name);
        engine::PullImage what;
        what.reference = name;
        what.auth = credentials();
        auto stream = lab.must(lab.images.pull(what));
        const auto all = messages(lab, stream);
        REQUIRE(!all.empty());
        check_trait(
            lab, &Traits::pull_ends_with_a_layer, !all.back().status.starts_with("Status: ")
        );
        lab.remove_image(name);
    }

    TEST_CASE("prune_tagged")
    {
        Lab lab;
        const auto named = lab.import(unique_image("trait"), "latest");
        const auto nameless = lab.import("", "");
        auto request = Request("POST", "/images/prune");
        request.query("filters", label_filters(lab, R"(,"dangling":["false"])"));
        const auto reply = lab.raw(std::move(request));
        const auto is_left = [&](const std::string& image) {
            return run(lab.io, lab.images.inspect(image)).has_value();
        };
        auto measured = engine::PruneTagged::refused;
        if (reply.status == 200) {
            CHECK(!is_left(named));
            measured =
                is_left(nameless) ? engine::PruneTagged::alone : engine::PruneTagged::with_dangling;
        }
        CHECK(lab.traits().prune_tagged == measured);
        const bool other = measured != engine::PruneTagged::with_dangling;
        differs(other, "prune_tagged", "as its name says");
        for (const auto& image : lab.our_images()) {
            lab.remove_image(image.id);
        }
    }

    TEST_CASE("build_applies_ignore_file")
    {
        Lab lab;
        engine::BuildSpec spec;
        spec.labels = lab.labels();
        spec.tags = {unique_image("trait-ignore")};
        const auto tar = make_tar(
            {{".dockerignore", "secret\n"},
             {"Dockerfile", "FROM busybox:latest\nCOPY . /all/\n"},
             {"secret", "x"}}
        );
        auto progress = lab.must(lab.builds.build(engine::text_source(tar), spec));
        lab.must(progress.result());
        auto use = lab.spec({"ls", "/all"});
        use.image = spec.tags[0];
        const auto id = lab.create(use);
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        CHECK(lab.exit_code(id) == 0);
        check_trait(lab, &Traits::build_applies_ignore_file, !contains(lab.logs(id).out, "secret"));
        lab.remove(id);
        lab.remove_image(use.image);
    }

    TEST_CASE("build_checks_in_stream")
    {
        Lab lab;
        auto request = Request("POST", "/build");
        request.body(
            engine::text_source(make_tar({{"Dockerfile", "FROM busybox:latest\nNONSENSE\n"}})),
            "application/x-tar"
        );
        check_trait(lab, &Traits::build_checks_in_stream, !is_refused(lab, std::move(request)));
    }

    TEST_CASE("can_squash")
    {
        Lab lab;
        auto request = build_request("squash", "1");
        request.query("t", unique_image("trait-squash"));
        auto reply = run(lab.io, lab.transport().open(std::move(request)));
        check_trait(lab, &Traits::can_squash, reply.has_value());
        if (reply) {
            lab.read(std::shared_ptr<engine::ByteSource>(*std::move(reply)), false); // to its end
            lab.remove_image(unique_image("trait-squash"));
        }
    }

    TEST_CASE("can_prune_build_cache")
    {
        Lab lab;
        auto request = Request("POST", "/build/prune");
        request.query("filters", R"({"until":["87600h"]})");
        check_trait(lab, &Traits::can_prune_build_cache, lab.raw(std::move(request)).status == 200);
    }

    TEST_CASE("commit_adds_variables")
    {
        Lab lab;
        engine::CommitContainer what;
        what.container = lab.create(lab.spec({"true"}));
        what.pause = false;
        const auto image = lab.must(lab.images.commit(what));
        const auto env = lab.must(lab.images.inspect(image)).config.env;
        check_trait(
            lab,
            &Traits::commit_adds_variables,
            std::ranges::any_of(env, [](const auto& v) { return v.starts_with("container="); })
        );
        lab.remove_image(image);
        lab.remove(what.container);
    }

    TEST_CASE("import_ignores_tag")
    {
        Lab lab;
        const auto id = lab.import(unique_image("trait-import"), "two");
        const auto tags = lab.must(lab.images.inspect(id)).repo_tags;
        REQUIRE(tags.size() == 1);
        check_trait(lab, &Traits::import_ignores_tag, !tags[0].ends_with(":two"));
        lab.remove_image(id);
    }

    TEST_CASE("can_inspect_distribution")
    {
        Lab lab;
        // Nobody listens there, which only those who ask can tell.
        const auto reply = lab.raw(Request("GET", "/distribution/127.0.0.1:1/x:y/json"));
        check_trait(
            lab, &Traits::can_inspect_distribution, contains(reply.body, "connection refused")
        );
    }

    TEST_CASE("push_digest_is_local")
    {
        Lab lab;
        const auto name = pushed_image(lab, "trait-local") + ":one";
        const auto digests = lab.must(lab.images.inspect(name)).repo_digests;
        REQUIRE(!digests.empty());
        lab.remove_image(name);
        engine::PullImage pull;
        pull.reference = digests.front();
        pull.auth = credentials();
        auto stream = run(lab.io, lab.images.pull(pull));
        const bool pulled = stream && run(lab.io, stream->result());
        check_trait(lab, &Traits::push_digest_is_local, !pulled);
        if (pulled) lab.remove_image(pull.reference);
    }
}
