#include "conformance/trait_row.hpp"
#include "conformance/witness.hpp"

using namespace slipway;
using namespace slipway::test;
using engine::Traits;

// A build that is given up during a RUN step. The step's process says itself whether it still runs.

namespace {

/// Hears a build until its step runs; the step is the witness.
class BuildInProgress {
public:
    BuildInProgress(Lab& lab, engine::Builder builder) : lab_(&lab)
    {
        spec.builder = builder;
        spec.tags = {unique_image("cancelled") + ":latest"};
        spec.network_mode = "host"; // the engine's, from where it sees this machine
        spec.no_cache = true;
        spec.build_id = unique_name("build");
        // What a step's container has of the image tells it from others.
        std::string dockerfile = "FROM busybox:latest\n";
        for (const auto& line : lab.label_changes()) {
            dockerfile += line + "\n";
        }
        dockerfile += "RUN " + witness.command() + "\n";
        stream = lab.must(
            lab.builds.build(engine::text_source(make_tar({{"Dockerfile", dockerfile}})), spec)
        );
        witness.meet();
        REQUIRE(witness.answers());
    }

    /// No container, no image and no process of it are there.
    void check_nothing_is_left() const
    {
        wait_until([this] { return lab_->ours().empty(); }); // its removal follows the step's end
        CHECK(lab_->refused(lab_->images.inspect(spec.tags[0])).code == Errc::not_found);
    }

    Witness witness;
    engine::BuildSpec spec;
    engine::ProgressStream stream;

private:
    Lab* lab_;
};

} // namespace

TEST_SUITE("Traits")
{
    TEST_CASE("build_survives_disconnect")
    {
        Lab lab;
        if (not_there(gateway_of_engine().empty(), "gateway", "is not known")) return;
        BuildInProgress build(lab, engine::Builder::classic);
        build.stream.close();
        bool lives = false;
        if (lab.traits().build_survives_disconnect) {
            // It has every chance to be stopped: the engine serves other calls meanwhile.
            lives = true;
            for (int i = 0; i < 50 && lives; ++i) {
                lab.must(lab.system.version());
                lives = build.witness.answers();
            }
        } else {
            lives = !build.witness.goes();
            build.check_nothing_is_left();
        }
        check_trait(lab, &Traits::build_survives_disconnect, lives);
    }
}

TEST_SUITE("Build")
{
    TEST_CASE("a build whose connection is closed during RUN makes no image and leaves no container"
    )
    {
        Lab lab;
        if (not_there(gateway_of_engine().empty(), "gateway", "is not known")) return;
        BuildInProgress build(lab, engine::Builder::classic);
        build.stream.close();
        if (differs(lab, &Traits::build_survives_disconnect, "goes on with the step it is at")) {
            CHECK(build.witness.answers());
        } else {
            CHECK(build.witness.goes());
            build.check_nothing_is_left();
        }
    }
}

TEST_SUITE("BuildKit")
{
    TEST_CASE("cancelled by its id during RUN: nothing is left running")
    {
        Lab lab;
        if (not_there(lab, &Traits::can_buildkit, "has no BuildKit")) return;
        if (not_there(gateway_of_engine().empty(), "gateway", "is not known")) return;
        BuildInProgress build(lab, engine::Builder::buildkit);
        lab.must(lab.builds.cancel("slipway-another-" + build.spec.build_id));
        CHECK(build.witness.answers());
        lab.must(lab.builds.cancel(build.spec.build_id));
        const Error error = lab.refused(build.stream.result());
        CHECK_MESSAGE(error.code == Errc::engine, describe(error));
        CHECK_MESSAGE(contains(error.message, "cancel"), describe(error));
        CHECK(build.witness.goes());
        build.check_nothing_is_left();
    }

    TEST_CASE("a connection that is closed during RUN: nothing is left running")
    {
        Lab lab;
        if (not_there(lab, &Traits::can_buildkit, "has no BuildKit")) return;
        if (not_there(gateway_of_engine().empty(), "gateway", "is not known")) return;
        BuildInProgress build(lab, engine::Builder::buildkit);
        build.stream.close();
        CHECK(build.witness.goes());
        build.check_nothing_is_left();
    }
}
