#include "agent/run_job.hpp"
#include "agent/session.hpp"

#include <algorithm>
#include <utility>

namespace slipway::core {

namespace {

// Keeps the first words of a worker and drops the rest.
class FirstWords final : public engine::ByteSink {
public:
    Task<> write(std::string_view data) override
    {
        constexpr std::size_t most = 4096;
        text_.append(data.substr(0, most - std::min(most, text_.size())));
        co_return ok();
    }
    std::string take()
    {
        while (!text_.empty() && text_.back() == '\n') {
            text_.pop_back();
        }
        std::replace(text_.begin(), text_.end(), '\n', ' '); // an error has one line
        return std::move(text_);
    }

private:
    std::string text_;
};

std::string how_it_ended(const agent::Exit& exit)
{
    const bool killed = exit.how == static_cast<std::uint8_t>(agent::Ending::signaled);
    std::string text = killed ? "the agent's worker was killed by signal "
                              : "the agent's worker ended with exit code ";
    text += std::to_string(exit.code);
    if ((exit.flags & agent::Exit::out_of_memory) != 0) text += ": out of memory";
    return text;
}

agent::Run run_as(AgentIds ids)
{
    agent::Run run;
    run.has_ids = true;
    run.uid = ids.uid;
    run.gid = ids.gid;
    return run;
}

Task<> run_worker(std::shared_ptr<AgentLink> link, agent::Run run, JobIo io)
{
    FirstWords words;
    io.err = &words;
    CO_TRY(const JobEnd end, co_await run_job(link, run, io));
    if (const auto* const failed = std::get_if<agent::Failed>(&end)) {
        co_return fail(Errc::engine, failed->text);
    }
    const auto& exit = std::get<agent::Exit>(end);
    const bool good =
        exit.how == static_cast<std::uint8_t>(agent::Ending::exited) && exit.code == 0;
    if (good) co_return ok();
    std::string text = words.take();
    co_return fail(Errc::engine, text.empty() ? how_it_ended(exit) : std::move(text));
}

Task<> put_tree(
    std::shared_ptr<AgentLink> link, std::string directory, engine::ByteSource& tar, AgentIds ids
)
{
    agent::Run run = run_as(ids);
    run.what = static_cast<std::uint8_t>(agent::What::unpack);
    run.argv.push_back(directory);
    JobIo io;
    io.in = &tar;
    auto done = co_await run_worker(link, std::move(run), std::move(io));
    co_return during(std::move(done), "putting files into " + directory + " of the sandbox");
}

Task<> get_tree(
    std::shared_ptr<AgentLink> link,
    std::string directory,
    std::vector<std::string> paths,
    engine::ByteSink& tar,
    AgentIds ids
)
{
    agent::Run run = run_as(ids);
    run.what = static_cast<std::uint8_t>(agent::What::pack);
    run.argv = std::move(paths);
    run.argv.insert(run.argv.begin(), directory);
    JobIo io;
    io.out = &tar;
    auto done = co_await run_worker(link, std::move(run), std::move(io));
    co_return during(std::move(done), "getting files from " + directory + " of the sandbox");
}

} // namespace

Task<> AgentSession::put(std::string directory, engine::ByteSource& tar, AgentIds ids)
{
    return put_tree(link_, std::move(directory), tar, ids);
}

Task<> AgentSession::get(
    std::string directory, std::vector<std::string> paths, engine::ByteSink& tar, AgentIds ids
)
{
    return get_tree(link_, std::move(directory), std::move(paths), tar, ids);
}

} // namespace slipway::core
