#include "graph/run_unit.hpp"

#include "archive/posix.hpp"
#include "graph/left_files.hpp"
#include "graph/unit_log.hpp"
#include "sandbox/pooled_order.hpp"
#include "sandbox/run_bound.hpp"
#include "workspace/relay.hpp"

#include <slipway/core/tar_reader.hpp>
#include <slipway/core/tar_writer.hpp>

#include <boost/asio/this_coro.hpp>

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <set>
#include <utility>

namespace slipway::core::graph {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t longest_depfile = std::size_t{64} << 20;

// The directories of outputs and of the depfile are there when the command begins.
std::set<std::string> directories_for(const Unit& unit)
{
    std::set<std::string> directories;
    const auto add_above = [&](std::string_view path) {
        for (std::size_t at = path.find('/'); at != std::string_view::npos;
             at = path.find('/', at + 1)) {
            if (at + 1 < path.size()) directories.emplace(path.substr(0, at));
        }
    };
    for (const UnitPath& output : unit.outputs) {
        add_above(output.text);
        if (output.text.ends_with('/')) {
            directories.emplace(output.text.substr(0, output.text.size() - 1));
        }
    }
    if (unit.depfile) add_above(unit.depfile->text);
    return directories;
}

std::shared_ptr<engine::ByteSource> tar_of(const UnitRun& order)
{
    std::vector<PackRoot> roots;
    PackOptions options;
    options.uid = order.owner.uid;
    options.gid = order.owner.gid;
    std::set<std::string> directories = directories_for(*order.unit);
    for (const SentPath& sent : order.sent) {
        if (sent.type == EntryType::directory) {
            directories.insert(sent.path);
        } else if (sent.type == EntryType::symlink) {
            PackExtra extra;
            extra.path = sent.path;
            extra.mode = 0777;
            extra.bytes = sent.link_target;
            extra.type = EntryType::symlink;
            options.extras.push_back(std::move(extra));
        } else {
            roots.push_back({sent.local, sent.path});
        }
    }
    for (const std::string& path : directories) {
        PackExtra extra;
        extra.path = path;
        extra.mode = 0755;
        extra.type = EntryType::directory;
        options.extras.push_back(std::move(extra));
    }
    return pack(std::move(roots), std::move(options));
}

LeasedJob job_of_unit(const UnitRun& order)
{
    LeasedJob job;
    job.argv = order.unit->command;
    job.env = order.env;
    job.cwd = work_directory;
    job.deadline = order.unit->deadline;
    return job;
}

// A job that cannot be run at all, told as a failure of the unit.
void note_not_run(const JobResult& result, const UnitRun& order, UnitRan& ran)
{
    const std::string who = fmt::format("{}: unit {}: ", order.place, order.unit->name);
    if (!result.not_run.empty()) {
        ran.failure = fmt::format(
            "{}running {}: {}", who, posix::printable(order.unit->command.front()), result.not_run
        );
        if (result.exit_code == 127) {
            ran.hint = "the toolchain's image has no such program, or not in its PATH";
        }
    } else if (result.out_of_memory) {
        ran.failure = who + "it ran out of memory and was killed";
        ran.hint = "give it more with `memory`";
    }
}

Task<> fetch_outputs(
    std::shared_ptr<Lease> lease, std::shared_ptr<const UnitRun> order, std::shared_ptr<UnitRan> ran
)
{
    CO_TRY(LeftFiles left, LeftFiles::expect(*order));
    std::vector<TreeItem> all;
    all.emplace_back(TreeItem::Kind::pattern, "**", TreeItem::Need::optional);
    TreeEntries look = [&left](const TreeEntry& entry) {
        left.add(entry);
        return ok();
    };
    std::string place(work_directory);
    CO_CHECK(co_await lease->manifest(place, std::move(all), Digest::none, look));
    ran->failure = left.complaint();
    ran->hint = left.hint();
    if (!ran->failure.empty()) co_return ok();
    if (order->unit->depfile) {
        std::string path = place + "/" + order->unit->depfile->text;
        engine::StringSink into(ran->depfile, longest_depfile);
        const auto read = co_await lease->get_file(path, into);
        if (!read && read.error().code == Errc::not_found) {
            ran->failure = fmt::format(
                "{}: unit {} did not write its depfile {}",
                order->place,
                order->unit->name,
                order->unit->depfile->text
            );
            co_return ok();
        }
        CO_CHECK(read);
    }
    if (order->unit->outputs.empty()) co_return ok();
    std::vector<TreeItem> items;
    for (const UnitPath& output : order->unit->outputs) {
        std::string path = output.text;
        if (path.ends_with('/')) path.pop_back();
        items.emplace_back(TreeItem::Kind::path, std::move(path));
    }
    const auto executor = co_await boost::asio::this_coro::executor;
    const std::function<Task<>(engine::ByteSink&)> write =
        [lease, place, items = std::move(items)](engine::ByteSink& sink) {
            return lease->get(place, items, sink);
        };
    auto tar = written_by(executor, write);
    UnpackOptions options;
    CO_TRY(const Unpacked unpacked, co_await unpack(tar, order->outputs, options));
    static_cast<void>(unpacked);
    co_return ok();
}

Task<> offer_shell(
    std::shared_ptr<Lease> lease, std::shared_ptr<const UnitRun> order, std::shared_ptr<UnitRan> ran
)
{
    const std::function<Task<JobResult>(std::vector<std::string>, bool, JobStreams)> run =
        [lease, order](std::vector<std::string> argv, bool terminal, JobStreams streams) {
            LeasedJob job = job_of_unit(*order);
            job.argv = std::move(argv);
            job.terminal = terminal;
            job.deadline = {};
            return lease->run(std::move(job), std::move(streams));
        };
    UnitEnd end;
    end.unit = order->unit->name;
    end.outcome = UnitOutcome::failed;
    end.exit_code = ran->exit_code;
    end.error = ran->failure;
    end.hint = ran->hint;
    end.log = ran->log;
    co_return co_await order->on_failure(std::move(end), run);
}

Task<> run_in_lease(
    std::shared_ptr<Lease> lease, std::shared_ptr<const UnitRun> order, std::shared_ptr<UnitRan> ran
)
{
    std::string place(work_directory);
    auto tar = tar_of(*order);
    auto sent = co_await lease->put(place, tar);
    CO_CHECK(during(std::move(sent), "sending the inputs of " + order->unit->name));
    UnitLog log;
    UnitLogSink out(log, UnitStream::out);
    UnitLogSink err(log, UnitStream::err);
    JobStreams streams;
    streams.out = &out;
    streams.err = &err;
    LeasedJob job = job_of_unit(*order);
    const auto began = Clock::now();
    auto result = co_await lease->run(std::move(job), streams);
    ran->took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began);
    ran->log = log.bytes();
    if (!result && result.error().code == Errc::timed_out) {
        ran->exit_code = 1;
        ran->failure = fmt::format(
            "{}: unit {} took longer than its deadline of {} s",
            order->place,
            order->unit->name,
            static_cast<double>(order->unit->deadline.count()) / 1'000
        );
    } else {
        CO_CHECK(result);
        ran->exit_code = result->exit_code;
        note_not_run(*result, *order, *ran);
    }
    if (ran->good()) {
        auto fetched = co_await fetch_outputs(lease, order, ran);
        CO_CHECK(during(std::move(fetched), "fetching the outputs of " + order->unit->name));
        if (!ran->good()) ran->exit_code = 1;
    }
    if (!ran->good() && order->on_failure) {
        CO_CHECK(co_await offer_shell(lease, order, ran));
    }
    co_return ok();
}

} // namespace

Task<UnitRan> run_unit(engine::Client client, std::shared_ptr<const UnitRun> order)
{
    SandboxSpec spec = order->spec;
    PoolOptions pool = order->pool;
    CO_TRY(
        const std::shared_ptr<Lease> lease,
        co_await acquire(std::move(client), std::move(spec), std::move(pool))
    );
    const auto ran = std::make_shared<UnitRan>();
    const auto done = co_await run_in_lease(lease, order, ran);
    co_await give_back(lease);
    CO_CHECK(done);
    co_return std::move(*ran);
}

} // namespace slipway::core::graph
