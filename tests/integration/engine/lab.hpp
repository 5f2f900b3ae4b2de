#pragma once

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
#include <slipway/engine/services.hpp>
#include <slipway/engine/swarm.hpp>
#include <slipway/engine/system.hpp>
#include <slipway/engine/tasks.hpp>
#include <slipway/engine/volumes.hpp>

#include <doctest/doctest.h>

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

/// Bytes that differ at every place, so that a lost or doubled piece shows.
inline std::string pattern(std::size_t size)
{
    std::string out(size, '\0');
    std::uint32_t state = 12345;
    for (char& c : out) {
        state = state * 1664525U + 1013904223U;
        c = static_cast<char>(state >> 24U);
    }
    return out;
}

/// A client of the engine under test. What it creates carries a label of its own.
class Lab {
public:
    Lab()
        : label_(
            "slipway.test="
            + std::to_string(std::chrono::system_clock::now().time_since_epoch().count())
        ),
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

    std::int64_t exit_code(const std::string& id)
    {
        for (int i = 0;; ++i) {
            const auto info = must(containers.inspect(id));
            if (!info.state.running && info.state.status != "created") return info.state.exit_code;
            REQUIRE(i < 600);
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
    }
    std::int64_t exec_code(const std::string& exec)
    {
        for (int i = 0;; ++i) {
            const auto info = must(execs.inspect(exec));
            if (engine::finished(info, client_.traits())) return info.exit_code.value_or(-1);
            REQUIRE(i < 600);
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
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

    static Task<Output> collect(std::shared_ptr<engine::ByteSource> source, bool framed)
    {
        Output output;
        engine::StringSink out(output.out);
        engine::StringSink err(output.err);
        if (framed) {
            CO_CHECK(co_await engine::demultiplex(*source, out, err));
        } else {
            CO_CHECK(co_await engine::copy(*source, out));
        }
        co_return output;
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
    bool podman() const { return traits().kind == engine::EngineKind::podman; }

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
    std::string label_;
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

} // namespace slipway::test
