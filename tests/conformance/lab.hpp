#pragma once

#include "conformance/bytes.hpp"
#include "conformance/record.hpp"
#include "conformance/trait_names.hpp"
#include "support/run.hpp"
#include "support/tar.hpp"

#include <slipway/engine/archive.hpp>
#include <slipway/engine/build.hpp>
#include <slipway/engine/child.hpp>
#include <slipway/engine/client.hpp>
#include <slipway/engine/containers.hpp>
#include <slipway/engine/events.hpp>
#include <slipway/engine/exec.hpp>
#include <slipway/engine/frames.hpp>
#include <slipway/engine/images.hpp>
#include <slipway/engine/networks.hpp>
#include <slipway/engine/pause.hpp>
#include <slipway/engine/services.hpp>
#include <slipway/engine/swarm.hpp>
#include <slipway/engine/system.hpp>
#include <slipway/engine/tasks.hpp>
#include <slipway/engine/volumes.hpp>

#include <doctest/doctest.h>

#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace slipway::test {

/// The engine that this run of the program is about; set by main.
engine::Endpoint& engine_under_test();

struct Output {
    std::string out;
    std::string err;
};

inline bool contains(std::string_view text, std::string_view part)
{
    return text.find(part) != std::string_view::npos;
}

/// An image name that no other run uses.
inline std::string unique_image(const std::string& what)
{
    return "slipway-test/" + what + "-" + std::to_string(::getpid());
}
/// A name for a container, volume or network that no other run uses.
inline std::string unique_name(const std::string& what)
{
    return "slipway-test-" + what + "-" + std::to_string(::getpid());
}

/// Tries until it works: for what happens sooner or later.
template <class Done>
void wait_until(Done done)
{
    const auto last = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!done()) {
        REQUIRE_MESSAGE(std::chrono::steady_clock::now() < last, "it never happened");
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

/// With a stdin that ends when its one client's does.
inline engine::ContainerSpec with_stdin(engine::ContainerSpec spec)
{
    spec.open_stdin = true;
    spec.stdin_once = true;
    spec.attach_stdin = true;
    spec.attach_stdout = true;
    spec.attach_stderr = true;
    return spec;
}

inline engine::ExecSpec exec_spec(std::vector<std::string> cmd)
{
    engine::ExecSpec spec;
    spec.cmd = std::move(cmd);
    return spec;
}

/// A client of the engine under test. What it creates carries a label of its own.
class Lab {
public:
    Lab()
        : label_("slipway.test=" + std::to_string(begun_.time_since_epoch().count())),
          client_(connect()),
          containers(client_.transport()),
          execs(client_.transport()),
          archives(client_.transport()),
          images(client_.transport()),
          builds(client_.transport()),
          volumes(client_.transport()),
          networks(client_.transport()),
          system(client_.transport()),
          events(client_.transport()),
          swarm(client_.transport()),
          services(client_.transport()),
          tasks(client_.transport())
    {
    }
    Lab(const Lab&) = delete;
    Lab& operator=(const Lab&) = delete;
    ~Lab() // NOLINT(bugprone-exception-escape): it ends the test program, as it should
    {
        for (const auto& left : ours()) { // only after a failed case
            static_cast<void>(run(io, containers.discard(left.id)));
        }
        static_cast<void>(run(io, networks.prune(only_ours())));
        static_cast<void>(run(io, volumes.prune(only_ours())));
        engine::RemoveImage force;
        force.force = true;
        for (const auto& left : our_images()) {
            static_cast<void>(run(io, images.remove(left.id, force)));
        }
        for (const auto& made : images_to_remove_) {
            static_cast<void>(run(io, images.remove(made, force)));
        }
    }

    /// The value of a task that must succeed.
    template <class T>
    T must(Task<T> task)
    {
        auto got = run(io, std::move(task));
        REQUIRE_MESSAGE(got.has_value(), describe(got.error()));
        if constexpr (!std::is_void_v<T>) return *std::move(got);
    }
    /// The error of a task that must fail.
    template <class T>
    Error refused(Task<T> task)
    {
        auto got = run(io, std::move(task));
        REQUIRE(!got.has_value());
        return std::move(got).error();
    }

    engine::ContainerSpec spec(std::vector<std::string> cmd) const
    {
        engine::ContainerSpec spec;
        spec.image = "busybox:latest";
        spec.cmd = std::move(cmd);
        spec.labels = labels();
        spec.host.network_mode = "none";
        return spec;
    }
    std::string create(const engine::ContainerSpec& spec)
    {
        return must(containers.create(spec)).id;
    }
    /// A container that sleeps, for execs and files.
    std::string idle()
    {
        auto id = create(spec({"sleep", "600"}));
        CHECK(must(containers.start(id)) == engine::Change::done);
        return id;
    }
    /// What fits only things with the label of this lab.
    engine::Filters only_ours() const { return {{"label", {label_}}}; }
    std::map<std::string, std::string> labels() const
    {
        return {{"slipway.test", label_.substr(label_.find('=') + 1)}};
    }
    /// The same for an image, as lines of a Dockerfile.
    std::vector<std::string> label_changes() const
    {
        std::vector<std::string> changes;
        for (const auto& [key, value] : labels()) {
            changes.push_back("LABEL " + key + "=" + value);
        }
        return changes;
    }
    /// A small image of one file, which has the repository's name in it; its id.
    std::string import(const std::string& repository, const std::string& tag)
    {
        engine::ImportImage options;
        options.repository = repository;
        options.tag = tag;
        options.changes = label_changes();
        const auto tar = make_tar({{"file", repository}});
        return must(must(images.import(engine::text_source(tar), options)).result());
    }
    std::vector<engine::ContainerSummary> ours()
    {
        engine::ListContainers options;
        options.all = true;
        options.filters = only_ours();
        auto got = run(io, containers.list(options));
        return got ? *std::move(got) : std::vector<engine::ContainerSummary>();
    }
    void remove(const std::string& id)
    {
        CHECK(must(containers.discard(id)) == engine::Change::done);
    }

    /// Waits for the end of a container that was started.
    std::int64_t exit_code(const std::string& id)
    {
        auto wait = must(containers.wait(id));
        return must(wait.result()).code;
    }
    /// Waits for the end of an exec that was started. The engines offer nothing else to wait for
    /// its code: dockerd says that it ended before it knows the code, podman the other way round.
    std::int64_t exec_code(const std::string& exec)
    {
        std::int64_t code = -1;
        wait_until([&] {
            const auto info = must(execs.inspect(exec));
            if (!engine::finished(info, client_.traits())) return false;
            code = info.exit_code.value_or(-1);
            return true;
        });
        return code;
    }
    /// Waits until a container's output has the word.
    void hear(const std::string& id, std::string_view word)
    {
        engine::LogOptions follow;
        follow.follow = true;
        const auto log = must(containers.logs(id, follow));
        hear(*log, word);
    }
    /// Reads until the word was there; frames may stand before and behind it.
    void hear(engine::ByteSource& source, std::string_view word)
    {
        std::string all;
        while (!contains(all, word)) {
            std::string piece(4096, ' ');
            const auto got = must(source.read(piece));
            REQUIRE_MESSAGE(got > 0, "the output ended without: ", std::string(word));
            all.append(piece, 0, got);
        }
    }
    /// Reads events of one kind about an object, from the lab's beginning on, until `count` came.
    engine::Event await_event(const std::string& container, const std::string& what, int count = 1)
    {
        engine::WatchEvents options;
        options.since = begun_;
        options.filters = {{"container", {container}}, {"event", {what}}};
        auto stream = must(events.watch(options));
        for (;;) {
            auto event = must(stream.next());
            REQUIRE(event.has_value());
            if (--count == 0) return *std::move(event);
        }
    }

    std::shared_ptr<engine::DuplexStream> attach(const std::string& id)
    {
        engine::AttachOptions options;
        options.in = true;
        return must(containers.attach(id, options));
    }
    /// All that a container wrote.
    Output logs(const std::string& id)
    {
        const engine::LogOptions all;
        return read(must(containers.logs(id, all)));
    }

    /// Writes `input`, half-closes if asked to, and reads to the end at the same time.
    Output talk(std::shared_ptr<engine::DuplexStream> stream, std::string input, bool framed = true)
    {
        return must(converse(std::move(stream), std::move(input), framed));
    }
    Output read(std::shared_ptr<engine::ByteSource> source, bool framed = true)
    {
        return must(collect(std::move(source), framed));
    }

    /// Of a container that ends within some seconds; see Traits::follow_may_lose_the_end.
    Output read_followed(std::shared_ptr<engine::ByteSource> source)
    {
        if (!client_.traits().follow_may_lose_the_end) return read(std::move(source));
        return must(collect_for(std::move(source), std::chrono::seconds(15)));
    }

    static Task<Output> collect(std::shared_ptr<engine::ByteSource> source, bool framed)
    {
        const auto output = std::make_shared<Output>();
        CO_CHECK(co_await collect_into(output, std::move(source), framed));
        co_return *output;
    }
    static Task<> collect_into(
        std::shared_ptr<Output> output, std::shared_ptr<engine::ByteSource> source, bool framed
    )
    {
        engine::StringSink out(output->out);
        engine::StringSink err(output->err);
        if (framed) co_return co_await engine::demultiplex(*source, out, err);
        CO_CHECK(co_await engine::copy(*source, out));
        co_return ok();
    }
    /// What came until it ended, or the time was over.
    static Task<Output>
    collect_for(std::shared_ptr<engine::ByteSource> source, std::chrono::milliseconds time)
    {
        const auto executor = co_await boost::asio::this_coro::executor;
        const auto output = std::make_shared<Output>();
        engine::Child reading(executor, collect_into(output, std::move(source), true));
        const auto until = std::chrono::steady_clock::now() + time;
        while (reading.running() && std::chrono::steady_clock::now() < until) {
            CO_CHECK(co_await engine::pause(std::chrono::milliseconds(10)));
        }
        const bool late = reading.running();
        reading.cancel();
        const auto ended = co_await reading.join();
        if (!ended && !late) co_return fail(ended.error());
        co_return *output;
    }
    static Task<Output>
    converse(std::shared_ptr<engine::DuplexStream> stream, std::string input, bool framed)
    {
        const auto executor = co_await boost::asio::this_coro::executor;
        engine::Child writer(executor, feed(stream, std::move(input)));
        auto output = co_await collect(stream, framed);
        writer.cancel();
        co_await writer.join();
        co_return output;
    }
    static Task<> feed(std::shared_ptr<engine::DuplexStream> stream, std::string input)
    {
        CO_CHECK(co_await stream->write(input));
        co_return co_await stream->shutdown_write();
    }

    const engine::Traits& traits() const { return client_.traits(); }
    engine::Transport& transport() const { return client_.transport(); }

    /// A request as it is, for what the library would hide or put right.
    engine::Response raw(engine::Request request)
    {
        return must(transport().send(std::move(request)));
    }

    /// What an engine makes of input that is wrong in itself.
    Errc wrong_input() const
    {
        const bool failure = traits().wrong_input_is_a_failure;
        return differs(failure, "wrong_input_is_a_failure", "answers 500") ? Errc::engine
                                                                           : Errc::invalid_argument;
    }

    /// Runs a command in a container to its end, which has to be a good one.
    std::string in(const std::string& container, const std::string& script)
    {
        engine::ExecSpec spec;
        spec.cmd = {"sh", "-c", script};
        const auto exec = must(execs.create(container, spec));
        auto output = read(must(execs.start(exec)));
        CHECK_MESSAGE(exec_code(exec) == 0, script, ": ", output.err);
        return std::move(output.out);
    }
    void remove_image(const std::string& image)
    {
        engine::RemoveImage force;
        force.force = true;
        CHECK(!must(images.remove(image, force)).empty());
    }
    /// For an image without our label.
    void remove_at_end(std::string image) { images_to_remove_.push_back(std::move(image)); }
    std::vector<engine::ImageSummary> our_images()
    {
        engine::ListImages options;
        options.filters = only_ours();
        auto got = run(io, images.list(options));
        return got ? *std::move(got) : std::vector<engine::ImageSummary>();
    }

private:
    engine::Client connect()
    {
        auto client = run(io, engine::Client::connect(io.get_executor(), engine_under_test()));
        REQUIRE_MESSAGE(client.has_value(), describe(client.error()));
        return *std::move(client);
    }

public:
    boost::asio::io_context io;

private:
    std::chrono::system_clock::time_point begun_ = std::chrono::system_clock::now();
    std::string label_;
    std::vector<std::string> images_to_remove_;
    engine::Client client_;

public:
    engine::Containers containers;
    engine::Execs execs;
    engine::Archives archives;
    engine::Images images;
    engine::Builds builds;
    engine::Volumes volumes;
    engine::Networks networks;
    engine::System system;
    engine::Events events;
    engine::Swarm swarm;
    engine::Services services;
    engine::Tasks tasks;
};

/// The differences of record.hpp, by the trait that names them.
inline bool differs(const Lab& lab, bool engine::Traits::*trait, std::string_view words)
{
    return differs(lab.traits().*trait, name_of(trait), words);
}
/// The same for an engine that has the trait not: "can_squash".
inline bool lacks(const Lab& lab, bool engine::Traits::*trait, std::string_view words)
{
    return differs(!(lab.traits().*trait), name_of(trait), words);
}
/// `if (not_there(lab, &engine::Traits::can_swarm, "has no swarm")) return;`
inline bool not_there(const Lab& lab, bool engine::Traits::*trait, std::string_view words)
{
    return not_there(!(lab.traits().*trait), name_of(trait), words);
}

} // namespace slipway::test
