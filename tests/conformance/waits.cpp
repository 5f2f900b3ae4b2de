#include "conformance/lab.hpp"

using namespace slipway;
using namespace slipway::test;
using engine::Change;
using engine::WaitCondition;

namespace {

engine::ContainerSpec ends_with(const Lab& lab, int code, const char* after = "0")
{
    const auto script = "sleep " + std::string(after) + "; exit " + std::to_string(code);
    return lab.spec({"sh", "-c", script});
}

std::int64_t code_of(Lab& lab, engine::Wait& wait)
{
    const auto status = lab.must(wait.result());
    CHECK(status.removal_error.empty());
    return status.code;
}

} // namespace

TEST_SUITE("Lifecycle")
{
    TEST_CASE("wait for not-running: created, running, exited")
    {
        Lab lab;
        const auto id = lab.create(ends_with(lab, 5, "1"));
        auto created = lab.must(lab.containers.wait(id));
        const bool minus_one = differs(
            lab,
            &engine::Traits::wait_for_created_may_give_minus_one,
            "gives -1, and now and then 0, for a container never started"
        );
        const auto never_started = code_of(lab, created);
        CHECK((never_started == 0 || (minus_one && never_started == -1)));
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        auto running = lab.must(lab.containers.wait(id));
        CHECK(code_of(lab, running) == 5);
        auto exited = lab.must(lab.containers.wait(id));
        CHECK(code_of(lab, exited) == 5);
        lab.remove(id);
        CHECK(lab.refused(lab.containers.wait(id)).code == Errc::not_found);
    }

    TEST_CASE("wait for the next exit: created, running, exited")
    {
        Lab lab;
        const auto id = lab.create(ends_with(lab, 6, "1"));
        auto created = lab.must(lab.containers.wait(id, WaitCondition::next_exit));
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        auto running = lab.must(lab.containers.wait(id, WaitCondition::next_exit));
        CHECK(code_of(lab, created) == 6);
        CHECK(code_of(lab, running) == 6);
        auto exited = lab.must(lab.containers.wait(id, WaitCondition::next_exit));
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        CHECK(code_of(lab, exited) == 6);
        lab.remove(id);
    }

    TEST_CASE("wait for the removal: created, running, exited")
    {
        Lab lab;
        const auto removed = [&](const std::string& id) {
            return lab.must(lab.containers.wait(id, WaitCondition::removed));
        };
        auto id = lab.create(ends_with(lab, 7));
        auto created = removed(id);
        lab.remove(id);
        lab.must(created.result()); // it never ran, so its code says nothing

        id = lab.create(ends_with(lab, 7, "600"));
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        auto running = removed(id);
        lab.remove(id);
        lab.must(running.result()); // killed by the removal

        id = lab.create(ends_with(lab, 7));
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        CHECK(lab.exit_code(id) == 7);
        auto exited = removed(id);
        lab.must(lab.containers.remove(id));
        const bool hidden = differs(
            lab, &engine::Traits::auto_remove_hides_exit_code, "gives 0 for what is removed"
        );
        CHECK(lab.must(exited.result()).code == (hidden ? 0 : 7));
    }

    TEST_CASE("wait for a container that removes itself")
    {
        Lab lab;
        auto spec = ends_with(lab, 8, "1");
        spec.host.auto_remove = true;
        const auto id = lab.create(spec);
        auto gone = lab.must(lab.containers.wait(id, WaitCondition::removed));
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        const bool hidden = differs(
            lab, &engine::Traits::auto_remove_hides_exit_code, "gives 0 for what removes itself"
        );
        CHECK(lab.must(gone.result()).code == (hidden ? 0 : 8));
        CHECK(lab.refused(lab.containers.inspect(id)).code == Errc::not_found);
        CHECK(lab.ours().empty());
    }

    TEST_CASE("wait for the exit of a container that removes itself")
    {
        Lab lab;
        auto spec = with_stdin(lab.spec({"sh", "-c", "read go; exit 8"}));
        spec.host.auto_remove = true;
        for (const auto condition : {WaitCondition::not_running, WaitCondition::next_exit}) {
            CAPTURE(static_cast<int>(condition));
            const auto id = lab.create(spec);
            const auto stream = lab.attach(id);
            CHECK(lab.must(lab.containers.start(id)) == Change::done);
            auto wait = lab.must(lab.containers.wait(id, condition));
            lab.must(stream->write("go\n"));
            const auto status = lab.must(wait.result());
            // Podman 4 may have removed it before it looks.
            const bool may_hide = lab.traits().auto_remove_hides_exit_code;
            CHECK((status.code == 8 || (may_hide && status.code == 0)));
            CHECK((status.removal_error.empty() || may_hide));
            lab.await_event(id, "destroy");
        }
        CHECK(lab.ours().empty());
    }

    TEST_CASE("the exit of what ends at once, many times over")
    {
        Lab lab;
        for (int i = 0; i < sized(10, 200); ++i) {
            CAPTURE(i);
            const auto id = lab.create(lab.spec({"sh", "-c", "exit 9"}));
            CHECK(lab.must(lab.containers.start(id)) == Change::done);
            auto wait = lab.must(lab.containers.wait(id));
            CHECK(code_of(lab, wait) == 9);
            lab.remove(id);
        }
    }

    TEST_CASE("a wait that is dropped ends, and the container does not")
    {
        Lab lab;
        const auto id = lab.idle();
        {
            auto wait = lab.must(lab.containers.wait(id));
            wait.close();
            CHECK(lab.refused(wait.result()).code == Errc::cancelled);
        }
        CHECK(lab.must(lab.containers.inspect(id)).state.running);
        lab.remove(id);
    }
}
