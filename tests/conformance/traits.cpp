#include "conformance/lab.hpp"
#include "conformance/tar_entries.hpp"
#include "conformance/trait_row.hpp"
#include "support/temp_directory.hpp"

#include <slipway/engine/frames.hpp>

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstdlib>

using namespace slipway;
using namespace slipway::test;
using engine::Change;
using engine::Request;
using engine::Traits;

// Traits of containers, their streams and files, and of the engine as a whole.

namespace {

std::string whole_stream(Lab& lab, Request request)
{
    return lab
        .read(
            std::shared_ptr<engine::ByteSource>(lab.must(lab.transport().open(std::move(request)))),
            false
        )
        .out;
}

std::string seconds_text(std::chrono::system_clock::time_point time)
{
    const auto count =
        std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
    const auto fraction = std::to_string(1'000'000 + count % 1'000'000).substr(1);
    return std::to_string(count / 1'000'000) + "." + fraction;
}

/// The events of a time that is over, as the engine tells them.
std::string raw_events(Lab& lab, std::chrono::system_clock::time_point since, const std::string& id)
{
    auto request = Request("GET", "/events");
    request.query("since", seconds_text(since));
    request.query("until", seconds_text(std::chrono::system_clock::now()));
    request.query("filters", R"({"container":[")" + id + R"("]})");
    return whole_stream(lab, std::move(request));
}

/// A container that was created with a network and runs, if the engine can.
std::string user_of(Lab& lab, const std::string& network)
{
    auto spec = lab.spec({"sleep", "600"});
    spec.host.network_mode = network;
    auto id = lab.create(spec);
    static_cast<void>(run(lab.io, lab.containers.start(id))); // rootless podman may not be able to
    return id;
}

Result<> put(Lab& lab, const std::string& id, const std::string& path, const std::string& tar)
{
    return run(lab.io, lab.archives.put(id, path, engine::text_source(tar)));
}

std::map<std::string, TarEntry> get(Lab& lab, const std::string& id, const std::string& path)
{
    auto download = lab.must(lab.archives.get(id, path));
    return read_tar(
        lab.read(std::shared_ptr<engine::ResponseStream>(std::move(download.tar)), false).out
    );
}

} // namespace

TEST_SUITE("Traits")
{
    TEST_CASE("reports_exit_code_before_exec_ends")
    {
        Lab lab;
        const auto id = lab.idle();
        const auto spec = exec_spec({"sh", "-c", "echo begun; sleep 600"});
        const auto exec = lab.must(lab.execs.create(id, spec));
        const auto stream = lab.must(lab.execs.start(exec));
        std::string begun(16, ' ');
        CHECK(lab.must(stream->read(begun)) > 0);
        const auto info = lab.must(lab.execs.inspect(exec));
        CHECK(info.running);
        check_trait(lab, &Traits::reports_exit_code_before_exec_ends, info.exit_code.has_value());
        stream->close();
        lab.remove(id);
    }

    TEST_CASE("events_have_libpod_names")
    {
        Lab lab;
        const auto since = std::chrono::system_clock::now();
        const auto id = lab.create(lab.spec({"true"}));
        lab.remove(id);
        auto request = Request("GET", "/events");
        request.query("since", seconds_text(since));
        request.query("filters", R"({"container":[")" + id + R"("]})");
        const auto stream = lab.must(lab.transport().open(std::move(request)));
        std::string all;
        while (!contains(all, R"("destroy")") && !contains(all, R"("remove")")) {
            std::array<char, 4096> piece{};
            const auto count = lab.must(stream->read(piece));
            REQUIRE(count > 0);
            all.append(piece.data(), count);
        }
        check_trait(lab, &Traits::events_have_libpod_names, contains(all, R"("remove")"));
    }

    TEST_CASE("past_events_need_an_open_end")
    {
        Lab lab;
        const auto since = std::chrono::system_clock::now();
        const auto id = lab.create(lab.spec({"true"}));
        lab.remove(id);
        // Events are lost by a race: often, but not always.
        bool lost = false;
        for (int i = 0; i < 50 && !lost; ++i) {
            lost = !contains(raw_events(lab, since, id), R"("create")");
        }
        check_trait(lab, &Traits::past_events_need_an_open_end, lost);
    }

    TEST_CASE("volume_filters_are_alternatives")
    {
        Lab lab;
        engine::VolumeSpec spec;
        spec.labels = lab.labels();
        spec.name = unique_name("one");
        lab.must(lab.volumes.create(spec));
        spec.name = unique_name("two");
        lab.must(lab.volumes.create(spec));
        auto request = Request("GET", "/volumes");
        request.query("filters", label_filters(lab, R"(,"name":[")" + unique_name("one") + "\"]"));
        const auto body = lab.raw(std::move(request)).body;
        CHECK(contains(body, unique_name("one")));
        const bool has_other = contains(body, unique_name("two"));
        check_trait(lab, &Traits::volume_filters_are_alternatives, has_other);
        CHECK(lab.must(lab.volumes.prune(lab.only_ours())).removed.size() == 2);
    }

    TEST_CASE("volume_prune_spares_named")
    {
        Lab lab;
        engine::VolumeSpec spec;
        spec.name = unique_name("trait");
        spec.labels = lab.labels();
        lab.must(lab.volumes.create(spec));
        auto request = Request("POST", "/volumes/prune");
        request.query("filters", label_filters(lab));
        CHECK(lab.raw(std::move(request)).status == 200);
        const auto left = lab.must(lab.volumes.list(lab.only_ours()));
        check_trait(lab, &Traits::volume_prune_spares_named, !left.empty());
        lab.must(lab.volumes.prune(lab.only_ours()));
    }

    TEST_CASE("network_remove_by_id_ignores_use")
    {
        Lab lab;
        engine::NetworkSpec spec;
        spec.name = unique_name("trait");
        spec.labels = lab.labels();
        const auto network = lab.must(lab.networks.create(spec)).id;
        const auto id = user_of(lab, spec.name);
        const auto status = lab.raw(Request("DELETE", "/networks/" + network)).status;
        check_trait(lab, &Traits::network_remove_by_id_ignores_use, status < 300);
        static_cast<void>(run(lab.io, lab.containers.discard(id))); // the network may have taken it
        lab.must(lab.networks.prune(lab.only_ours()));
    }

    TEST_CASE("forced_removal_stops_first")
    {
        Lab lab;
        engine::VolumeSpec volume;
        volume.name = unique_name("trait");
        volume.labels = lab.labels();
        lab.must(lab.volumes.create(volume));
        auto spec = lab.spec(
            {"sh",
             "-c",
             "trap 'touch /data/asked; exit' TERM; echo ready; while :; do sleep 0.1; done"}
        );
        engine::Mount mount;
        mount.type = "volume";
        mount.source = volume.name;
        mount.target = "/data";
        spec.host.mounts = {mount};
        const auto id = lab.create(spec);
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        lab.hear(id, "ready");
        auto request = Request("DELETE", "/containers/" + id);
        request.query("force", "1");
        CHECK(lab.raw(std::move(request)).status < 300);
        spec.cmd = {"ls", "/data"};
        const auto reader = lab.create(spec);
        CHECK(lab.must(lab.containers.start(reader)) == Change::done);
        CHECK(lab.exit_code(reader) == 0);
        check_trait(
            lab, &Traits::forced_removal_stops_first, contains(lab.logs(reader).out, "asked")
        );
        lab.remove(reader);
        lab.must(lab.volumes.remove(volume.name));
    }

    TEST_CASE("idle_limit")
    {
        // No more than half a minute even in full: longer than podman's, which is 2 s.
        Lab lab;
        const auto limit = lab.traits().idle_limit;
        CHECK(limit > std::chrono::seconds(1));
        engine::Endpoint endpoint = engine_under_test();
        const bool by_tcp = endpoint.socket_path.empty();
        if (not_there(by_tcp, "TCP", "is tried by the socket of another run")) return;
        const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address = {};
        address.sun_family = AF_UNIX;
        endpoint.socket_path.copy(address.sun_path, sizeof address.sun_path - 1);
        REQUIRE(
            ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0
        );
        const std::string ping = "GET /_ping HTTP/1.1\r\nHost: engine\r\n\r\n";
        for (int i = 0; i < 2; ++i) {
            REQUIRE(::send(socket, ping.data(), ping.size(), MSG_NOSIGNAL) > 0);
            std::string reply(4096, '\0');
            const auto got = ::recv(socket, reply.data(), reply.size(), 0);
            REQUIRE(got > 0);
            CHECK(reply.starts_with("HTTP/1.1 200"));
            if (i == 0) {
                std::this_thread::sleep_for(sized(
                    std::min<std::chrono::milliseconds>(limit, std::chrono::seconds(2)), limit
                ));
            }
        }
        ::close(socket);
    }

    TEST_CASE("ignores_api_version")
    {
        Lab lab;
        auto request = Request("GET", "/v9.99/version");
        request.unversioned();
        check_trait(lab, &Traits::ignores_api_version, lab.raw(std::move(request)).status == 200);
    }

    TEST_CASE("wrong_input_is_a_failure")
    {
        Lab lab;
        auto request = Request("POST", "/containers/prune");
        request.query("filters", R"({"slipway-nonsense":["x"]})");
        const auto status = lab.raw(std::move(request)).status;
        check_trait(lab, &Traits::wrong_input_is_a_failure, status == 500);
    }

    TEST_CASE("can_update_containers")
    {
        Lab lab;
        const auto id = lab.idle();
        auto request = Request("POST", "/containers/" + id + "/update");
        request.json(R"({"RestartPolicy":{"Name":"no"}})");
        check_trait(lab, &Traits::can_update_containers, lab.raw(std::move(request)).status == 200);
        lab.remove(id);
    }

    TEST_CASE("auto_remove_hides_exit_code")
    {
        Lab lab;
        auto spec = lab.spec({"sh", "-c", "sleep 1; exit 5"});
        spec.host.auto_remove = true;
        const auto id = lab.create(spec);
        auto gone = lab.must(lab.containers.wait(id, engine::WaitCondition::removed));
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        check_trait(lab, &Traits::auto_remove_hides_exit_code, lab.must(gone.result()).code != 5);
    }

    TEST_CASE("wait_for_created_may_give_minus_one")
    {
        Lab lab;
        const auto id = lab.create(lab.spec({"true"}));
        bool minus_one = false;
        for (int i = 0; i < 20 && !minus_one; ++i) {
            auto wait = lab.must(lab.containers.wait(id));
            minus_one = lab.must(wait.result()).code == -1;
        }
        check_trait(lab, &Traits::wait_for_created_may_give_minus_one, minus_one);
        lab.remove(id);
    }

    TEST_CASE("missing_bind_source_is_created")
    {
        Lab lab;
        const TempDirectory directory;
        // An engine without root is another user, and may be the one to make it.
        std::filesystem::permissions(directory.path(), std::filesystem::perms::all);
        auto spec = lab.spec({"true"});
        engine::Mount mount;
        mount.source = (directory.path() / "missing").string();
        mount.target = "/x";
        spec.host.mounts.push_back(mount);
        const auto made = run(lab.io, lab.containers.create(spec));
        check_trait(lab, &Traits::missing_bind_source_is_created, made.has_value());
        if (made) {
            lab.remove(made->id);
        } else {
            CHECK(made.error().code == Errc::invalid_argument);
        }
        CHECK(lab.ours().empty());
    }

    TEST_CASE("missing_exec_command_is_126")
    {
        Lab lab;
        const auto id = lab.idle();
        const auto spec = exec_spec({"slipway-no-such-command"});
        const auto exec = lab.must(lab.execs.create(id, spec));
        auto started = run(lab.io, lab.execs.start(exec));
        if (started) static_cast<void>(run(lab.io, Lab::collect(*std::move(started), true)));
        check_trait(lab, &Traits::missing_exec_command_is_126, lab.exec_code(exec) == 126);
        lab.remove(id);
    }

    TEST_CASE("second_exec_start_is_output")
    {
        Lab lab;
        const auto id = lab.idle();
        const auto spec = exec_spec({"true"});
        const auto exec = lab.must(lab.execs.create(id, spec));
        CHECK(lab.read(lab.must(lab.execs.start(exec))).err.empty());
        CHECK(lab.exec_code(exec) == 0);
        const auto again = run(lab.io, lab.execs.start(exec));
        check_trait(lab, &Traits::second_exec_start_is_output, again.has_value());
        lab.remove(id);
    }

    TEST_CASE("half_close_keeps_output")
    {
        Lab lab;
        auto spec = with_stdin(lab.spec({"sh", "-c", "read line; sleep 1; echo $line"}));
        spec.stdin_once = false;
        const auto id = lab.create(spec);
        const auto stream = lab.attach(id);
        CHECK(lab.must(lab.containers.start(id)) == Change::done);
        lab.must(stream->write("line\n"));
        lab.must(stream->shutdown_write());
        check_trait(lab, &Traits::half_close_keeps_output, lab.read(stream).out == "line\n");
        lab.remove(id);
    }

    TEST_CASE("stdin_ends_with_client")
    {
        Lab lab;
        auto spec = with_stdin(lab.spec({"sh", "-c", "read a; echo got; read b; echo \"$a $b\""}));
        spec.stdin_once = false;
        const auto id = lab.create(spec);
        {
            const auto first = lab.attach(id);
            CHECK(lab.must(lab.containers.start(id)) == Change::done);
            lab.must(first->write("one\n"));
            // What two clients write may come in another order.
            std::string said;
            std::array<char, 64> buffer{};
            while (!contains(said, "got")) {
                const auto n = lab.must(first->read(buffer));
                REQUIRE(n > 0);
                said.append(buffer.data(), n);
            }
        }
        if (lab.traits().stdin_ends_with_client) {
            static_cast<void>(lab.must(lab.containers.wait(id))); // nobody else has to come
            check_trait(lab, &Traits::stdin_ends_with_client, true);
        } else {
            engine::AttachOptions attach;
            attach.in = true;
            const auto second = lab.must(lab.containers.attach(id, attach));
            lab.must(second->write("two\n"));
            static_cast<void>(lab.must(lab.containers.wait(id)));
            wait_until([&] { return contains(lab.logs(id).out, "one two"); }
            ); // the log comes later
            check_trait(lab, &Traits::stdin_ends_with_client, false);
        }
        lab.remove(id);
    }

    TEST_CASE("put_archive_makes_directories")
    {
        Lab lab;
        const auto id = lab.idle();
        const auto done = put(lab, id, "/no/such", make_tar({{"x", "y"}}));
        check_trait(lab, &Traits::put_archive_makes_directories, done.has_value());
        lab.remove(id);
    }

    TEST_CASE("put_archive_clamps_parents")
    {
        Lab lab;
        const auto id = lab.idle();
        const auto done = put(lab, id, "/tmp", make_tar({{"../outside", "x"}}));
        check_trait(lab, &Traits::put_archive_clamps_parents, done.has_value());
        lab.remove(id);
    }

    TEST_CASE("put_archive_takes_zstd")
    {
        Lab lab;
        const auto id = lab.idle();
        TarEntry entry;
        entry.path = "packed";
        entry.content = "x";
        const auto done = put(lab, id, "/tmp", write_tar({entry}, Packing::zstd));
        const bool there = run(lab.io, lab.archives.stat(id, "/tmp/packed")).has_value();
        CHECK(done.has_value() == there);
        check_trait(lab, &Traits::put_archive_takes_zstd, there);
        lab.remove(id);
    }

    TEST_CASE("get_archive_loses_owners")
    {
        Lab lab;
        const auto id = lab.idle();
        TarEntry entry;
        entry.path = "theirs";
        entry.uid = 12;
        REQUIRE(put(lab, id, "/tmp", write_tar({entry})));
        check_trait(
            lab,
            &Traits::get_archive_loses_owners,
            get(lab, id, "/tmp/theirs").at("theirs").uid != 12
        );
        lab.remove(id);
    }

    TEST_CASE("info_id_changes")
    {
        Lab lab;
        const auto one = lab.must(lab.system.info()).id;
        CHECK(!one.empty());
        check_trait(lab, &Traits::info_id_changes, lab.must(lab.system.info()).id != one);
    }

    TEST_CASE("can_swarm")
    {
        Lab lab;
        const auto status = lab.raw(Request("GET", "/services")).status;
        CHECK((status == 503 || status == 404)); // no manager, or no such thing
        check_trait(lab, &Traits::can_swarm, status == 503);
    }
}
